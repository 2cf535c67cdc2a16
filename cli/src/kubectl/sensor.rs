//! Sensors as the command line names them.

use fleetscore_crds::SensorKey;

/// One key of a sensor: `device=3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    name: String,
    value: String,
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| format!("{text:?} is not a key and its value, such as device=3"))?;
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// Whether a sensor has all the wanted keys.
pub fn is_meant(wanted: &[Wanted], sensor: &SensorKey) -> bool {
    let has = |wanted: &Wanted| sensor.get(&wanted.name) == Some(wanted.value.as_str());
    wanted.iter().all(has)
}

/// The sensor whose keys these are all.
pub fn key(wanted: &[Wanted]) -> SensorKey {
    let keys = wanted
        .iter()
        .map(|key| (key.name.as_str(), key.value.as_str()));
    keys.collect()
}

/// The same in words.
pub fn words(wanted: &[Wanted]) -> String {
    key(wanted).to_string()
}
