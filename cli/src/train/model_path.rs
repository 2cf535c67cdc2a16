use fleetscore_crds::SensorKey;
use fleetscore_scorer::location::Template;

/// A path with placeholders for a sensor's keys alone: `models/model_{device}_{tag}.fsm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelPath(Template);

impl ModelPath {
    /// Parses `template`; every one of `keys` must be in it and nothing else, or sensors would share a path.
    pub(super) fn parse<'a>(
        template: &str,
        keys: impl Iterator<Item = &'a String>,
    ) -> Result<Self, String> {
        let known: Vec<&str> = keys.map(String::as_str).collect();
        let path = Template::parse(template).map_err(|error| error.to_string())?;
        let used = path.keys();
        if let Some(name) = used.iter().find(|name| !known.contains(name)) {
            return Err(format!(
                "`{template}`: {{{name}}} is not a key of the columns"
            ));
        }
        if let Some(key) = known.iter().find(|key| !used.contains(key)) {
            return Err(format!(
                "`{template}` lacks {{{key}}}, so sensors would overwrite each other's models"
            ));
        }
        // {run}, {schedule} and {window...} have no meaning here, and so no value.
        let some: SensorKey = known.iter().map(|key| (*key, "some")).collect();
        path.expand(&some)
            .map_err(|_| format!("`{template}` may hold no other placeholder than the keys"))?;
        Ok(Self(path))
    }

    /// The path of `sensor`'s model; empty for a sensor without the keys that [`ModelPath::parse`] was told.
    pub(super) fn of(&self, sensor: &SensorKey) -> String {
        self.0.expand(sensor).unwrap_or_default()
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
            "m/{device}/{run}",
        ] {
            assert!(path(template, "7").is_err(), "{template}");
        }
    }
}
