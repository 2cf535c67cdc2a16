use hashbrown::HashTable;

use super::column::{push, small};
use super::seen::Seen;
use super::{Partials, Rules};

/// What came in one hop: a row for each sensor. A window is made of the panes that it covers.
pub(super) struct Pane {
    /// The sensor of each row, in the order in which they came.
    pub sensors: Vec<u32>,
    /// The rows.
    pub partials: Partials,
    /// The times that came, where duplicates are left out.
    pub seen: Seen,
    /// Sensors and their rows.
    rows: HashTable<(u32, u32)>,
}

impl Pane {
    /// No rows yet.
    pub fn new(rules: &Rules) -> Self {
        Self {
            sensors: Vec::new(),
            partials: rules.partials(),
            seen: Seen::default(),
            rows: HashTable::new(),
        }
    }

    /// The pane of these rows; none if a sensor has two.
    pub fn restore(sensors: Vec<u32>, partials: Partials, seen: Seen) -> Option<Self> {
        let mut pane = Self {
            sensors: Vec::with_capacity(sensors.len()),
            partials,
            seen,
            rows: HashTable::with_capacity(sensors.len()),
        };
        for sensor in sensors {
            if pane.find(sensor).is_some() {
                return None;
            }
            pane.insert(sensor);
        }
        Some(pane)
    }

    /// Adds a reading to its sensor's row.
    pub fn add(&mut self, sensor: u32, time: i64, values: &[f64]) {
        if let Some(row) = self.find(sensor) {
            self.partials.add(row, time, values);
        } else {
            self.insert(sensor);
            self.partials.push(time, values);
        }
    }

    /// Adds the rows of a later pane.
    pub fn merge(&mut self, later: &Self) {
        for (row, &sensor) in later.sensors.iter().enumerate() {
            if let Some(into) = self.find(sensor) {
                self.partials.merge_row(into, &later.partials, row);
            } else {
                self.insert(sensor);
                self.partials.push_row(&later.partials, row);
            }
        }
    }

    fn find(&self, sensor: u32) -> Option<usize> {
        let found = self.rows.find(hash(sensor), |row| row.0 == sensor)?;
        Some(found.1 as usize)
    }

    fn insert(&mut self, sensor: u32) {
        let row = small(self.sensors.len());
        push(&mut self.sensors, sensor);
        let hash_of = |row: &(u32, u32)| hash(row.0);
        self.rows
            .insert_unique(hash(sensor), (sensor, row), hash_of);
    }
}

/// Sensors have numbers without gaps, so an odd factor spreads them evenly. It is 2^64 divided by the golden ratio.
fn hash(sensor: u32) -> u64 {
    u64::from(sensor).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
