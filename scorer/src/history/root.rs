use fleetscore_crds::Window;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::location::Template;
use crate::outputs;
use fleetscore_storage::ObjectUrl;

/// The root of an output location: the folder up to the last `/` before its first placeholder other than `{schedule}`. The records of all
/// runs of the same root lie together in its `_runs/`.
///
/// None where there is no such folder: the container itself is a placeholder, `{schedule}` has no value, or it is no location at all.
pub fn root(location: &str, schedule: Option<&str>) -> Option<ObjectUrl> {
    let root = Template::parse(location).ok()?.root(schedule).ok()?;
    // Nobody's runs belong into the root of a file system.
    if root == "file:///" {
        return None;
    }
    ObjectUrl::parse(&root).ok()
}

/// Path of a run's record below its [`root`]: the day is that of the window's end, without a window that of the run's `start`, in UTC.
pub fn record_path(
    namespace: Option<&str>,
    run: &str,
    window: Option<Window>,
    start: Timestamp,
) -> String {
    let day = window
        .map_or(start, |window| window.end)
        .to_zoned(TimeZone::UTC)
        .date();
    let (folder, (year, month, day)) = (outputs::RUNS_FOLDER, (day.year(), day.month(), day.day()));
    let namespace = namespace.map_or(String::new(), |namespace| format!("{namespace}."));
    format!("{folder}{year:04}/{month:02}/{day:02}/{namespace}{run}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_ends_before_what_differs_between_runs() {
        for (location, schedule, expected) in [
            ("az://predictions/{run}/", None, Some("az://predictions/")),
            (
                "az://p/pumps/{window.start:%Y/%m/%d/%H}/",
                None,
                Some("az://p/pumps/"),
            ),
            (
                "az://p/{schedule}/{window.end}/",
                Some("pumps"),
                Some("az://p/pumps/"),
            ),
            ("az://p/{schedule}-{run}/x/", Some("pumps"), Some("az://p/")),
            ("az://p/{namespace}/{run}/", None, Some("az://p/")),
            ("az://p/all", None, Some("az://p/all/")),
            ("az://p/{{x}}/{run}/", None, Some("az://p/{x}/")),
            ("file:///data/out/{run}/", None, Some("file:///data/out/")),
            ("file:///{run}/", None, None),
            ("az://{run}/", None, None),
            ("az://{namespace}-x/a/", None, None),
            ("az://p/{schedule}/", None, None),
            ("az://p/{run", None, None),
        ] {
            let found = root(location, schedule).map(|url| url.to_string());
            assert_eq!(found.as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn a_record_lies_on_the_day_of_the_windows_end() {
        let start = "2026-11-28T16:00:00Z".parse().unwrap();
        let window = Window {
            start: "2018-08-28T23:00:00Z".parse().unwrap(),
            end: "2018-08-29T00:00:00Z".parse().unwrap(),
        };
        let path = record_path(Some("plant-a"), "pumps-1", Some(window), start);
        assert_eq!(path, "_runs/2018/08/29/plant-a.pumps-1.json");
        let path = record_path(None, "pumps", None, start);
        assert_eq!(path, "_runs/2026/11/28/pumps.json");
    }
}
