use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::column::push;

/// The sensors and times that came.
#[derive(Default)]
pub(super) struct Seen {
    /// The sensors.
    pub sensors: Vec<u32>,
    /// The time of each.
    pub times: Vec<i64>,
    index: HashTable<usize>,
    hasher: RandomState,
}

impl Seen {
    /// Whether this one is new; then it is among them from now on.
    pub fn insert(&mut self, sensor: u32, time: i64) -> bool {
        let hash = self.hasher.hash_one((sensor, time));
        let is_it = |&place: &usize| (self.sensors[place], self.times[place]) == (sensor, time);
        if self.index.find(hash, is_it).is_some() {
            return false;
        }
        let place = self.times.len();
        push(&mut self.sensors, sensor);
        push(&mut self.times, time);
        let hash_of = |&place: &usize| {
            let entry = (self.sensors[place], self.times[place]);
            self.hasher.hash_one(entry)
        };
        self.index.insert_unique(hash, place, hash_of);
        true
    }
}
