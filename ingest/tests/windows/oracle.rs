//! The rules, written down naively: every reading with its verdict, and rows from the list of all of them.

use std::collections::{BTreeMap, BTreeSet};

use fleetscore_ingest::{Counts, Reason, Verdict};

use crate::history::{Event, SECOND, Sent};
use crate::manifest::Shape;

/// A row: segment, time, key, and the bits of its numbers.
pub type Row = (i64, i64, Vec<u8>, Vec<Option<u64>>);

/// All that happened.
pub struct Oracle {
    shape: Shape,
    newest: Option<i64>,
    pub watermark: Option<i64>,
    /// Accepted readings in the order of the log, each with the watermark that it met.
    accepted: Vec<(Sent, Option<i64>)>,
    pub segments: BTreeMap<i64, Counts>,
    pub apart: Counts,
}

fn grid(time: i64, length: i64) -> i64 {
    let mut start = time / length * length;
    if start > time {
        start -= length;
    }
    start
}

impl Oracle {
    pub fn new(shape: &Shape) -> Self {
        Self {
            shape: shape.clone(),
            newest: None,
            watermark: None,
            accepted: Vec::new(),
            segments: BTreeMap::new(),
            apart: Counts::default(),
        }
    }

    fn segment(&self) -> i64 {
        self.shape.segment * SECOND
    }

    /// Starts and ends of the windows that hold a time and are written. Without windows: the segment.
    fn windows(&self, time: i64) -> Vec<(i64, i64)> {
        let Some((size, hop)) = self.shape.window else {
            let start = grid(time, self.segment());
            let is_written = time >= self.shape.start;
            return is_written
                .then_some((start, start + self.segment()))
                .into_iter()
                .collect();
        };
        let (size, hop) = (size * SECOND, hop * SECOND);
        let mut all = Vec::new();
        let mut start = grid(time, hop);
        while start + size > time {
            if start >= self.shape.start {
                all.push((start, start + size));
            }
            start -= hop;
        }
        all
    }

    pub fn happens(&mut self, event: &Event) -> Option<Verdict> {
        match event {
            Event::Reading(sent) => return Some(self.judge(sent)),
            Event::Idle(now) => {
                self.rise(now - (self.shape.idle + self.shape.tolerance) * SECOND);
            }
            Event::CloseAll => {
                if let Some(newest) = self.newest {
                    let end = grid(newest, self.segment()) + self.segment();
                    let (size, hop) = self.shape.window.unwrap_or((0, 0));
                    self.rise(end + (size - hop) * SECOND);
                }
            }
            Event::Checkpoint(_) | Event::Crash => (),
        }
        None
    }

    fn rise(&mut self, to: i64) {
        if self.watermark.is_none_or(|watermark| watermark < to) {
            self.watermark = Some(to);
        }
    }

    fn has_passed(&self, end: i64) -> bool {
        self.watermark.is_some_and(|watermark| watermark >= end)
    }

    fn judge(&mut self, sent: &Sent) -> Verdict {
        let shape = self.shape.clone();
        if sent.time > sent.arrival + shape.early * SECOND {
            self.apart.add(Verdict::Early);
            return Verdict::Early;
        }
        if sent.time < sent.arrival - shape.max_age * SECOND {
            self.apart.add(Verdict::TooOld);
            return Verdict::TooOld;
        }
        let windows = self.windows(sent.time);
        if windows.is_empty() {
            self.apart.add(Verdict::BeforeStart);
            return Verdict::BeforeStart;
        }
        let verdict = if windows.iter().all(|(_, end)| self.has_passed(*end)) {
            Verdict::Late
        } else {
            let newest = self
                .newest
                .map_or(sent.time, |newest| newest.max(sent.time));
            self.newest = Some(newest);
            self.rise(newest - shape.tolerance * SECOND);
            let is_same = |(other, _): &(Sent, _)| (other.key, other.time) == (sent.key, sent.time);
            if !sent.is_selected {
                Verdict::Filtered
            } else if sent.values.is_none() {
                Verdict::Invalid(Reason::NotFinite)
            } else if shape.drop_same_time && self.accepted.iter().any(is_same) {
                Verdict::Duplicate
            } else {
                self.accepted.push((sent.clone(), self.watermark));
                Verdict::Accepted
            }
        };
        let segment = grid(sent.time, self.segment());
        if self.is_closed(segment) {
            self.apart.add(verdict);
        } else {
            self.segments.entry(segment).or_default().add(verdict);
        }
        verdict
    }

    /// Whether all windows that begin in a segment are closed.
    pub fn is_closed(&self, segment: i64) -> bool {
        let Some((size, hop)) = self.shape.window else {
            return self.has_passed(segment + self.segment());
        };
        let mut start = segment;
        while start < segment + self.segment() {
            if !self.has_passed(start + size * SECOND) {
                return false;
            }
            start += hop * SECOND;
        }
        true
    }

    /// The complete rows: of windows by time and key; without windows of each segment in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        let mut groups: BTreeMap<(i64, Vec<u8>), Vec<&Sent>> = BTreeMap::new();
        let mut plain = Vec::new();
        for (sent, met) in &self.accepted {
            if self.shape.window.is_none() {
                let values = sent.values.unwrap().map(|value| Some(value.to_bits()));
                let segment = grid(sent.time, self.segment());
                plain.push((segment, sent.time, sent.packed(), values.to_vec()));
                continue;
            }
            for (start, end) in self.windows(sent.time) {
                let was_open = met.is_none_or(|met| met < end);
                if was_open && self.has_passed(end) {
                    groups.entry((start, sent.packed())).or_default().push(sent);
                }
            }
        }
        plain.sort_by_key(|(segment, ..)| *segment);
        let row = |((start, key), readings): ((i64, Vec<u8>), Vec<&Sent>)| {
            let numbers = [0, 1]
                .into_iter()
                .flat_map(|feature| self.numbers(&readings, feature));
            let bits = numbers.map(|number| number.map(f64::to_bits)).collect();
            (grid(start, self.segment()), start, key, bits)
        };
        plain
            .into_iter()
            .chain(groups.into_iter().map(row))
            .collect()
    }

    /// In the order of the manifest's functions.
    fn numbers(&self, readings: &[&Sent], feature: usize) -> Vec<Option<f64>> {
        let (_, hop) = self.shape.window.unwrap();
        let value = |sent: &&&Sent| sent.values.unwrap()[feature];
        let count = readings.len() as f64;
        let hop_of = |sent: &&Sent| grid(sent.time, hop * SECOND);
        let hops: BTreeSet<i64> = readings.iter().map(hop_of).collect();
        let of_hop = |hop: i64| {
            let of_it = readings.iter().filter(move |sent| hop_of(sent) == hop);
            of_it
                .map(|sent| sent.values.unwrap()[feature])
                .collect::<Vec<_>>()
        };
        let sums = hops
            .iter()
            .map(|hop| of_hop(*hop).into_iter().reduce(|a, b| a + b).unwrap());
        let sum = sums.reduce(|a, b| a + b).unwrap();
        let least = |a: f64, b: f64| if b < a { b } else { a };
        let most = |a: f64, b: f64| if b > a { b } else { a };
        let in_hops = || hops.iter().flat_map(|hop| of_hop(*hop));
        let min = in_hops().reduce(least).unwrap();
        let max = in_hops().reduce(most).unwrap();
        let variance = self.variance(&hops.iter().map(|hop| of_hop(*hop)).collect::<Vec<_>>());
        let first_time = readings.iter().map(|sent| sent.time).min().unwrap();
        let last_time = readings.iter().map(|sent| sent.time).max().unwrap();
        let first = readings.iter().find(|sent| sent.time == first_time);
        let last = readings.iter().rfind(|sent| sent.time == last_time);
        vec![
            Some(sum / count),
            Some(count),
            Some(sum),
            Some(min),
            Some(max),
            Some(max - min),
            variance.map(f64::sqrt),
            variance,
            first.as_ref().map(value),
            last.as_ref().map(value),
        ]
    }

    /// One after the other as Welford does, hops as Chan does; and never far from the definition.
    #[allow(clippy::unused_self)]
    fn variance(&self, hops: &[Vec<f64>]) -> Option<f64> {
        let mut all: Option<(f64, f64, f64)> = None;
        for values in hops {
            let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
            for (index, &value) in values.iter().enumerate() {
                let before = mean;
                n += 1.0;
                mean = if index == 0 {
                    value
                } else {
                    before + (value - before) / n
                };
                squares = if index == 0 {
                    0.0
                } else {
                    squares + (value - before) * (value - mean)
                };
            }
            all = Some(all.map_or((n, mean, squares), |(n0, mean0, squares0)| {
                let distance = mean - mean0;
                let share = n / (n0 + n);
                let between = distance * distance * n0 * share;
                (
                    n0 + n,
                    mean0 + distance * share,
                    squares0 + (squares + between),
                )
            }));
        }
        let (n, _, squares) = all?;
        let variance = (n > 1.0).then(|| squares / (n - 1.0))?;
        let values = hops.concat();
        let mean = values.iter().sum::<f64>() / n;
        let exact = values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / (n - 1.0);
        let scale = values
            .iter()
            .fold(0.0, |most: f64, value| most.max(value.abs()));
        if scale < 1e6 {
            assert!(
                (variance - exact).abs() <= 1e-12 * scale * scale,
                "{variance} {exact}"
            );
        }
        Some(variance)
    }
}
