use hashbrown::HashMap;

use super::Partials;
use super::column::small;
use super::sensors::Sensors;

/// Complete rows of one segment, for one part. Stored once: they are taken from the partition's state, so the part and that state belong
/// to the same commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The segment's start, in nanoseconds since 1970.
    pub segment: i64,
    /// A row's time: its window's start; without windows, its reading's time.
    pub times: Vec<i64>,
    /// The sensors of the rows, each once.
    pub keys: Keys,
    /// A row's sensor, by its place in `keys`.
    pub sensors: Vec<u32>,
    /// What the rows hold. Without windows a row is one reading, and its sum is its value.
    pub partials: Partials,
}

impl Rows {
    pub(super) fn new(
        segment: i64,
        times: Vec<i64>,
        numbers: &[u32],
        partials: Partials,
        sensors: &Sensors,
    ) -> Self {
        let mut keys = Keys::default();
        let mut places = HashMap::<u32, u32, foldhash::fast::RandomState>::default();
        let mut place = |&number: &u32| {
            *places.entry(number).or_insert_with(|| {
                keys.push(sensors.get(number).unwrap_or_default());
                small(keys.len() - 1)
            })
        };
        let sensors = numbers.iter().map(&mut place).collect();
        Self {
            segment,
            times,
            keys,
            sensors,
            partials,
        }
    }

    /// How many rows there are. They are in the order in which they became rows; without windows, of the log.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// A row's packed key, as [`crate::Reading::key`].
    pub fn key(&self, row: usize) -> &[u8] {
        self.keys.get(self.sensors[row] as usize)
    }
}

/// Packed keys, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One of them.
    pub fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// Adds one.
    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }
}
