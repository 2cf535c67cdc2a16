use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::column::{push, small};

/// The sensors that are known, by number: each packed key once. A number that is free again is used again.
#[derive(Default)]
pub(super) struct Sensors {
    bytes: Vec<u8>,
    places: Vec<Place>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: RandomState,
}

/// Where a key's bytes are.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
}

impl Place {
    const FREE: Self = Self { start: 1, end: 0 };

    fn is_free(self) -> bool {
        self.start > self.end
    }
}

impl Sensors {
    /// How many sensors are known.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// All numbers are below this one.
    pub fn numbers(&self) -> usize {
        self.places.len()
    }

    /// How many bytes the keys and their lengths take.
    pub fn room(&self) -> usize {
        self.bytes.len() + 4 * self.places.len()
    }

    /// The key of a number; none: it is free, or there is no such.
    pub fn get(&self, sensor: u32) -> Option<&[u8]> {
        let place = self.places.get(sensor as usize)?;
        self.bytes.get(place.start..place.end)
    }

    /// The number of a key.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        let is_it = |&sensor: &u32| self.get(sensor) == Some(key);
        self.index.find(hash, is_it).copied()
    }

    /// Gives a number to a key that has none.
    pub fn insert(&mut self, key: &[u8]) -> u32 {
        let Some(sensor) = self.free.pop() else {
            return self.append(key);
        };
        self.place(sensor, key);
        sensor
    }

    /// Gives the next number to a key that has none, even if others are free.
    pub fn append(&mut self, key: &[u8]) -> u32 {
        let sensor = small(self.places.len());
        push(&mut self.places, Place::FREE);
        self.place(sensor, key);
        sensor
    }

    /// Leaves a number free.
    pub fn insert_free(&mut self) {
        self.free.push(small(self.places.len()));
        self.places.push(Place::FREE);
    }

    /// Forgets the sensors whose numbers are not in use.
    pub fn keep(&mut self, is_used: &[bool]) {
        let mut bytes = Vec::new();
        for (sensor, place) in self.places.iter_mut().enumerate() {
            if place.is_free() {
                continue;
            }
            if !is_used[sensor] {
                *place = Place::FREE;
                self.free.push(small(sensor));
                continue;
            }
            let start = bytes.len();
            bytes.extend_from_slice(&self.bytes[place.start..place.end]);
            *place = Place {
                start,
                end: bytes.len(),
            };
        }
        self.bytes = bytes;
        self.index.retain(|sensor| is_used[*sensor as usize]);
    }

    fn place(&mut self, sensor: u32, key: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let end = self.bytes.len();
        self.places[sensor as usize] = Place { start, end };
        let (bytes, places, hasher) = (&self.bytes, &self.places, &self.hasher);
        let hash = |&sensor: &u32| {
            let place = places[sensor as usize];
            hasher.hash_one(&bytes[place.start..place.end])
        };
        self.index.insert_unique(hasher.hash_one(key), sensor, hash);
    }
}
