use std::fmt::Write;

use fleetscore_crds::SensorKey;

/// A path with placeholders for a sensor's keys, `models/model_{device}_{tag}.fsm`; `{{` and `}}` are literal braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelPath(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Key(String),
}

impl ModelPath {
    /// Parses `template`; every one of `keys` must be in it and nothing else, or sensors would share a path.
    pub(super) fn parse<'a>(
        template: &str,
        keys: impl Iterator<Item = &'a String>,
    ) -> Result<Self, String> {
        let mut missing: Vec<&String> = keys.collect();
        let known = missing.clone();
        let parts = split(template)?;
        for part in &parts {
            if let Part::Key(name) = part {
                if !known.contains(&name) {
                    return Err(format!(
                        "`{template}`: {{{name}}} is not a key of the columns"
                    ));
                }
                missing.retain(|key| *key != name);
            }
        }
        match missing.first() {
            Some(key) => Err(format!(
                "`{template}` lacks {{{key}}}, so sensors would overwrite each other's models"
            )),
            None => Ok(Self(parts)),
        }
    }

    /// The path of `sensor`'s model. A value is percent-encoded where it would change the folder.
    pub(super) fn of(&self, sensor: &SensorKey) -> String {
        let mut path = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Key(name) => encode(sensor.get(name).unwrap_or_default(), &mut path),
            }
        }
        path
    }
}

fn split(template: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
        } else if brace == "{" {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| format!("`{template}`: `{{` without `}}`"))?;
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::Key(name.to_owned()));
            rest = after;
        } else {
            return Err(format!(
                "`{template}`: `}}` without `{{`; write `}}}}` for a brace"
            ));
        }
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    Ok(parts)
}

/// Appends `value` with what separates folders, escapes or is invisible percent-encoded, and `.` and `..` wholly.
fn encode(value: &str, path: &mut String) {
    let dots = value == "." || value == "..";
    for letter in value.chars() {
        if dots || letter.is_ascii_control() || matches!(letter, '/' | '\\' | '%' | '?' | '#') {
            // Writing into a string only appends to memory.
            let _ = write!(path, "%{:02X}", u32::from(letter));
        } else {
            path.push(letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(template: &str, device: &str) -> Result<String, String> {
        let key: SensorKey = [("device", device)].into_iter().collect();
        ModelPath::parse(template, key.0.keys()).map(|path| path.of(&key))
    }

    #[test]
    fn keys_fill_their_places() {
        assert_eq!(
            path("m/{device}/{{x}}_{device}.fsm", "7").as_deref(),
            Ok("m/7/{x}_7.fsm")
        );
    }

    #[test]
    fn no_value_leaves_its_folder() {
        assert_eq!(path("m/{device}", "../x").as_deref(), Ok("m/..%2Fx"));
        assert_eq!(path("m/{device}/y", "..").as_deref(), Ok("m/%2E%2E/y"));
        assert_ne!(path("m/{device}", "a/b"), path("m/{device}", "a%2Fb"));
    }

    #[test]
    fn wrong_templates_are_refused() {
        for template in [
            "m",
            "m/{tag}_{device}",
            "m/{device",
            "m/device}",
            "m/{{device}}",
        ] {
            assert!(path(template, "7").is_err(), "{template}");
        }
    }
}
