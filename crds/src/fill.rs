use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Window;

/// What fills the placeholders that are the same for all of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunNames<'a> {
    /// The run's name.
    pub run: &'a str,
    /// Its namespace.
    pub namespace: Option<&'a str>,
    /// The schedule that it came from.
    pub schedule: Option<&'a str>,
    /// Its window.
    pub window: Option<Window>,
}

/// A location that is the same for all sensors of a run, with its placeholders filled. None where one of them has no value.
///
/// Names of objects hold nothing that would have to be encoded.
pub fn fill(location: &str, names: RunNames<'_>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = location;
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            filled.push_str(brace);
            rest = after;
            continue;
        }
        let (inside, after) = after.split_once('}').filter(|_| brace == "{")?;
        filled.push_str(&value(inside, names)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

fn value(placeholder: &str, names: RunNames<'_>) -> Option<String> {
    let (name, format) = match placeholder.split_once(':') {
        Some((name, format)) => (name, Some(format)),
        None => (placeholder, None),
    };
    match (name, format) {
        ("run", None) => Some(names.run.to_owned()),
        ("namespace", None) => names.namespace.map(str::to_owned),
        ("schedule", None) => names.schedule.map(str::to_owned),
        ("window.start", format) => time(names.window?.start, format),
        ("window.end", format) => time(names.window?.end, format),
        _ => None,
    }
}

fn time(instant: Timestamp, format: Option<&str>) -> Option<String> {
    match format {
        Some(format) => jiff::fmt::strtime::format(format, &instant.to_zoned(TimeZone::UTC)).ok(),
        None => Some(instant.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_placeholders_of_a_run_are_filled() {
        let names = RunNames {
            run: "pumps-1",
            namespace: Some("plant"),
            schedule: Some("pumps"),
            window: Some(Window {
                start: "2018-08-28T23:00:00Z".parse().unwrap(),
                end: "2018-08-29T00:00:00Z".parse().unwrap(),
            }),
        };
        for (location, expected) in [
            ("az://p/", Some("az://p/")),
            (
                "az://p/{namespace}/{schedule}/{run}/",
                Some("az://p/plant/pumps/pumps-1/"),
            ),
            (
                "az://p/{window.start:%Y/%m/%d/%H}/{window.end}/",
                Some("az://p/2018/08/28/23/2018-08-29T00:00:00Z/"),
            ),
            ("az://p/{{run}}/", Some("az://p/{run}/")),
            ("az://p/{device}/", None),
            ("az://p/{run", None),
            ("az://p/run}/", None),
            ("az://p/{run:%Y}/", None),
        ] {
            assert_eq!(fill(location, names).as_deref(), expected, "{location}");
        }
        let bare = RunNames {
            run: "pumps",
            ..RunNames::default()
        };
        for location in ["{schedule}", "{namespace}", "{window.start:%Y}"] {
            assert_eq!(fill(location, bare), None, "{location}");
        }
    }
}
