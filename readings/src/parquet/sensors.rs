use super::column::Keys;
use crate::KeyIndex;
use crate::key_index::{KeyValue, Lookup};

/// Stands for no sensor.
pub(super) const NONE: u32 = u32::MAX;

/// Finds the sensors of the rows of batches.
///
/// As [`Lookup`] does, it tries the sensor first that came after the last one before. Where all keys are whole numbers, as they
/// mostly are, this takes no more than comparing them, column by column.
pub(super) struct Sensors<'a> {
    lookup: Lookup<'a>,
    /// For each key the number that it is for each sensor; none where it is none.
    numbers: Vec<Vec<Option<i64>>>,
    /// For each sensor, and at the end for none, the one whose row came after one of its.
    next: Vec<u32>,
    /// The last row's sensor.
    last: usize,
}

impl<'a> Sensors<'a> {
    pub fn new(index: &'a KeyIndex) -> Self {
        let numbers = |key: usize| {
            let number = |values: &[KeyValue]| values.get(key).and_then(|value| value.number);
            index.values().map(number).collect()
        };
        Self {
            lookup: Lookup::new(index),
            numbers: (0..index.width()).map(numbers).collect(),
            next: vec![0; index.len() + 1],
            last: index.len(),
        }
    }

    /// The sensor of each of `rows` rows with these keys, or [`NONE`].
    pub fn find(&mut self, keys: &[Keys], rows: usize, found: &mut Vec<u32>) {
        found.clear();
        if keys.is_empty() {
            let only = self.lookup.find(|_| true, |_| true);
            found.resize(rows, only.unwrap_or(NONE));
            return;
        }
        let numbers: Option<Vec<&[i64]>> = keys.iter().map(Keys::numbers).collect();
        match numbers {
            Some(numbers) => self.find_numbers(keys, &numbers, rows, found),
            None => found.extend((0..rows).map(|row| self.look_up(keys, row))),
        }
    }

    fn find_numbers(
        &mut self,
        keys: &[Keys],
        numbers: &[&[i64]],
        rows: usize,
        found: &mut Vec<u32>,
    ) {
        found.extend((0..rows).map(|row| {
            let guess = self.next.get(self.last).copied().unwrap_or_default();
            let place = guess as usize;
            let mut pairs = numbers.iter().zip(&self.numbers);
            let is_it = pairs.all(|(numbers, wanted)| {
                wanted.get(place).copied().flatten() == numbers.get(row).copied()
            });
            if is_it {
                self.last = place;
                return guess;
            }
            let sensor = self.look_up(keys, row);
            if sensor != NONE {
                if let Some(next) = self.next.get_mut(self.last) {
                    *next = sensor;
                }
                self.last = sensor as usize;
            }
            sensor
        }));
    }

    fn look_up(&mut self, keys: &[Keys], row: usize) -> u32 {
        let sensor = self.lookup.find(
            |values| {
                keys.iter()
                    .zip(values)
                    .all(|(keys, value)| keys.has(row, value))
            },
            |joined| keys.iter().all(|keys| keys.push(row, joined)),
        );
        sensor.unwrap_or(NONE)
    }
}
