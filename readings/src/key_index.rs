use std::collections::HashMap;
use std::sync::Arc;

use fleetscore_crds::SensorKey;
use foldhash::fast::RandomState;

use super::absent::Strangers;
use super::{ReadingsError, Result};

/// A sensor's value of a key.
#[derive(Clone, Debug)]
pub(crate) struct KeyValue {
    /// The value.
    pub text: String,
    /// The number that is written like this: none for `01`.
    pub number: Option<i64>,
}

impl KeyValue {
    fn new(text: &str) -> Self {
        let number = text.parse().ok();
        let is_written_so = |number: &i64| itoa::Buffer::new().format(*number) == text;
        Self {
            text: text.to_owned(),
            number: number.filter(is_written_so),
        }
    }
}

/// Finds the sensor that a row belongs to from the text of its key columns.
///
/// Texts are compared exactly, byte by byte: `01` is not `1`, and spaces count.
#[derive(Clone, Debug)]
pub struct KeyIndex {
    /// The sensors' values, one list a sensor, in the order of the key columns.
    values: Vec<Vec<KeyValue>>,
    /// The same of all sensors joined (see [`push_value`]), and where those of each end: they lie next to each other in memory.
    joined: Vec<u8>,
    ends: Vec<usize>,
    /// The joined values (see [`push_value`]) to the sensor's position. A fast hash: rows add nothing to it, so they cannot make it
    /// slow.
    sensors: HashMap<Box<[u8]>, u32, RandomState>,
    /// How many keys are matched.
    width: usize,
    /// Where the keys of rows that belong to no sensor are noted, if anybody asks for them.
    strangers: Option<Arc<Strangers>>,
}

impl KeyIndex {
    /// An index of `sensors` by their values of the keys `names`; a sensor is known by its position in `sensors`.
    ///
    /// Errors: a sensor lacks a key, or two sensors have the same values.
    pub fn new(sensors: &[SensorKey], names: &[String]) -> Result<Self> {
        let mut index = Self::of_width(names.len(), sensors.len());
        for sensor in sensors {
            let values = names
                .iter()
                .map(|name| value_of(sensor, name))
                .collect::<Result<Vec<_>>>()?;
            if let Some(first) = index.add(values) {
                return Err(duplicate(sensors, first, sensor));
            }
        }
        Ok(index)
    }

    /// An index of no sensor yet, with room for so many.
    fn of_width(width: usize, sensors: usize) -> Self {
        Self {
            values: Vec::with_capacity(sensors),
            joined: Vec::new(),
            ends: Vec::with_capacity(sensors),
            sensors: HashMap::with_capacity_and_hasher(sensors, RandomState::default()),
            width,
            strangers: None,
        }
    }

    /// Adds a sensor; returns the one that has the same values, if there is one.
    fn add(&mut self, values: Vec<KeyValue>) -> Option<u32> {
        let start = self.joined.len();
        for value in &values {
            push_value(&mut self.joined, value.text.as_bytes());
        }
        let joined = self.joined.get(start..).unwrap_or_default().into();
        let position = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(values);
        self.ends.push(self.joined.len());
        self.sensors.insert(joined, position)
    }

    /// An index of one sensor that every row belongs to.
    pub fn single() -> Self {
        let mut index = Self::of_width(0, 1);
        index.add(Vec::new());
        index
    }

    /// An index of some of the sensors, by their positions, that notes the keys of all other rows.
    pub(super) fn some(&self, sensors: &[u32], strangers: Arc<Strangers>) -> Self {
        let mut index = Self::of_width(self.width, sensors.len());
        index.strangers = Some(strangers);
        let values = sensors
            .iter()
            .filter_map(|sensor| self.values.get(*sensor as usize).cloned());
        for values in values {
            index.add(values);
        }
        index
    }

    /// Whether rows of all keys are to be seen.
    pub(crate) fn sees_all(&self) -> bool {
        self.strangers.is_some()
    }

    /// Number of sensors.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no sensor.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of keys that are matched.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The values of each sensor in the order of the keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[KeyValue]> {
        self.values.iter().map(Vec::as_slice)
    }

    /// The joined values of a sensor.
    fn joined(&self, sensor: u32) -> Option<&[u8]> {
        let sensor = sensor as usize;
        let before = sensor.checked_sub(1).and_then(|one| self.ends.get(one));
        let start = before.copied().unwrap_or_default();
        self.joined.get(start..*self.ends.get(sensor)?)
    }

    /// The sensor with the values that [`push_value`] joined.
    fn find_joined(&self, joined: &[u8]) -> Option<u32> {
        self.sensors.get(joined).copied()
    }

    /// The sensor with these values, in the order of the keys.
    pub fn find<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Option<u32> {
        let mut joined = Vec::new();
        for value in values {
            push_value(&mut joined, value.as_bytes());
        }
        self.find_joined(&joined)
    }
}

/// Finds the sensors of successive rows.
///
/// Readings mostly come in turns, the same sensors in the same order again and again, or a sensor's all at once. So the sensor that
/// followed the last one's before is tried first, which takes no more than comparing its values.
#[derive(Clone, Debug)]
pub(super) struct Lookup<'a> {
    index: &'a KeyIndex,
    /// For each sensor, and at the end for none, the one whose row came after one of its.
    next: Vec<u32>,
    /// The last row's sensor; the number of sensors before the first row.
    last: usize,
    /// The joined values of the current row.
    joined: Vec<u8>,
    /// The joined values of the last row that belongs to no sensor.
    unknown: Vec<u8>,
}

impl<'a> Lookup<'a> {
    pub fn new(index: &'a KeyIndex) -> Self {
        Self {
            index,
            next: vec![0; index.len() + 1],
            last: index.len(),
            joined: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// The sensor of a row: `has` says whether the row has certain values, and `push` appends its own with [`push_value`], or
    /// says that it has none.
    pub fn find(
        &mut self,
        has: impl FnOnce(&[KeyValue]) -> bool,
        push: impl FnOnce(&mut Vec<u8>) -> bool,
    ) -> Option<u32> {
        let guess = self.guess();
        let values = self.index.values.get(guess as usize);
        if values.is_some_and(|values| has(values)) {
            self.last = guess as usize;
            return Some(guess);
        }
        self.joined.clear();
        push(&mut self.joined).then(|| self.find_joined()).flatten()
    }

    /// The sensor of a row that has these values.
    pub fn find_text<'v>(&mut self, values: impl Iterator<Item = &'v [u8]> + Clone) -> Option<u32> {
        let guess = self.guess();
        let joined = self.index.joined(guess);
        if joined.is_some_and(|joined| pushed_values(joined).eq(values.clone())) {
            self.last = guess as usize;
            return Some(guess);
        }
        self.joined.clear();
        values.for_each(|value| push_value(&mut self.joined, value));
        self.find_joined()
    }

    /// The sensor that is likely to come now.
    fn guess(&self) -> u32 {
        self.next.get(self.last).copied().unwrap_or_default()
    }

    /// The sensor with the values that are joined.
    fn find_joined(&mut self) -> Option<u32> {
        if self.joined == self.unknown {
            return None;
        }
        let Some(sensor) = self.index.find_joined(&self.joined) else {
            if let Some(strangers) = &self.index.strangers {
                strangers.note(&self.joined);
            }
            std::mem::swap(&mut self.joined, &mut self.unknown);
            return None;
        };
        if let Some(next) = self.next.get_mut(self.last) {
            *next = sensor;
        }
        self.last = sensor as usize;
        Some(sensor)
    }
}

/// Appends `value` to the joined values of a row. The length comes first, so that no two lists of values join alike.
pub(super) fn push_value(joined: &mut Vec<u8>, value: &[u8]) {
    // Longer values differ in the bytes that follow.
    joined.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
    if value.len() >= usize::from(u8::MAX) {
        joined.extend_from_slice(&value.len().to_le_bytes());
    }
    joined.extend_from_slice(value);
}

/// The values that [`push_value`] joined.
pub(super) fn pushed_values(joined: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = joined;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first()?;
        let (length, after) = if *length == u8::MAX {
            let (length, after) = after.split_first_chunk()?;
            (usize::from_le_bytes(*length), after)
        } else {
            (usize::from(*length), after)
        };
        let (value, after) = after.split_at_checked(length)?;
        rest = after;
        Some(value)
    })
}

fn value_of(sensor: &SensorKey, name: &str) -> Result<KeyValue> {
    let missing = || ReadingsError::KeyMissing {
        sensor: sensor.to_string(),
        key: name.to_owned(),
    };
    sensor.get(name).map(KeyValue::new).ok_or_else(missing)
}

fn duplicate(sensors: &[SensorKey], first: u32, second: &SensorKey) -> ReadingsError {
    let first = sensors
        .get(first as usize)
        .map(ToString::to_string)
        .unwrap_or_default();
    ReadingsError::DuplicateSensor {
        first,
        second: second.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["device".to_owned(), "tag".to_owned()]
    }

    fn sensor(device: &str, tag: &str) -> SensorKey {
        SensorKey::from_iter([("device", device), ("tag", tag)])
    }

    #[test]
    fn finds_by_exact_text_of_all_keys() {
        let index = KeyIndex::new(
            &[sensor("1", "2"), sensor("12", ""), sensor("1", "02")],
            &names(),
        )
        .unwrap();
        assert_eq!(index.find(["1", "2"]), Some(0));
        assert_eq!(index.find(["12", ""]), Some(1));
        assert_eq!(index.find(["1", "02"]), Some(2));
        for other in [["1", " 2"], ["", "12"], ["2", "1"], ["1", "2 "]] {
            assert_eq!(index.find(other), None, "{other:?}");
        }
    }

    #[test]
    fn rows_are_found_in_any_order() {
        let sensors: Vec<SensorKey> = (0..5).map(|tag| sensor("1", &tag.to_string())).collect();
        let index = KeyIndex::new(&sensors, &names()).unwrap();
        let (mut lookup, mut texts) = (Lookup::new(&index), Lookup::new(&index));
        // In turns, one at a time, backwards, with strangers between.
        for tag in [
            0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 4, 4, 9, 9, 4, 3, 2, 9, 8, 1, 0, 9, 0, 1, 3, 3, 2,
        ] {
            let row = ["1".to_owned(), tag.to_string()];
            let found = lookup.find(
                |values| values.iter().map(|value| &value.text).eq(&row),
                |joined| {
                    row.iter()
                        .for_each(|value| push_value(joined, value.as_bytes()));
                    true
                },
            );
            assert_eq!(found, (tag < 5).then_some(tag), "{tag}");
            let found = texts.find_text(row.iter().map(String::as_bytes));
            assert_eq!(found, (tag < 5).then_some(tag), "{tag}");
        }
        assert_eq!(lookup.find(|_| false, |_| false), None);
        let none = KeyIndex::new(&[], &names()).unwrap();
        assert_eq!(Lookup::new(&none).find(|_| true, |_| true), None);
        assert_eq!(Lookup::new(&none).find_text(std::iter::empty()), None);
        let single = KeyIndex::single();
        assert_eq!(
            Lookup::new(&single).find(<[_]>::is_empty, |_| true),
            Some(0)
        );
        assert_eq!(Lookup::new(&single).find_text(std::iter::empty()), Some(0));
    }

    #[test]
    fn a_value_is_a_number_only_as_numbers_are_written() {
        for number in [0, 7, -12, i64::MIN, i64::MAX] {
            assert_eq!(KeyValue::new(&number.to_string()).number, Some(number));
        }
        for text in [
            "",
            "01",
            "+1",
            "-0",
            "1.0",
            " 1",
            "9223372036854775808",
            "x",
        ] {
            assert_eq!(KeyValue::new(text).number, None, "{text:?}");
        }
    }

    #[test]
    fn long_values_do_not_collide() {
        let (long, longer) = ("x".repeat(255), "x".repeat(511));
        let mut joined = Vec::new();
        let values = ["", long.as_str(), "1", longer.as_str()].map(str::as_bytes);
        values
            .iter()
            .for_each(|value| push_value(&mut joined, value));
        assert!(pushed_values(&joined).eq(values));
        let index =
            KeyIndex::new(&[sensor(&long, &longer), sensor(&longer, &long)], &names()).unwrap();
        assert_eq!(index.find([long.as_str(), longer.as_str()]), Some(0));
        assert_eq!(index.find([longer.as_str(), long.as_str()]), Some(1));
    }

    #[test]
    fn refuses_what_cannot_be_told_apart() {
        let twice = KeyIndex::new(
            &[sensor("1", "1"), sensor("1", "2")],
            &["device".to_owned()],
        )
        .unwrap_err();
        assert!(
            matches!(twice, ReadingsError::DuplicateSensor { .. }),
            "{twice}"
        );
        let missing =
            KeyIndex::new(&[SensorKey::from_iter([("device", "1")])], &names()).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "sensor device=1 has no key \"tag\", which input.columns.keys matches by column"
        );
    }

    #[test]
    fn without_keys_every_row_is_the_only_sensors() {
        assert_eq!(KeyIndex::single().find([]), Some(0));
        assert_eq!(
            KeyIndex::new(&[sensor("1", "1")], &[]).unwrap().find([]),
            Some(0)
        );
    }
}
