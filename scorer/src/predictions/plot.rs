use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

use crate::models::Verdicts;

/// A sensor's predictions, thinned out for a plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlotSeries {
    /// m times in nanoseconds since 1970, ascending.
    pub times: Vec<i64>,
    /// For each feature that was kept its m values.
    pub values: Vec<Vec<f64>>,
    /// m scores.
    pub scores: Vec<f64>,
    /// m predictions (true: anomaly).
    pub predictions: Vec<bool>,
    /// Rows that the predictions have.
    pub rows: u64,
    /// Anomalies among them.
    pub anomalies: u64,
}

/// What tells a row from others, and its prediction.
#[derive(Clone, Copy, Debug)]
struct Row {
    position: u64,
    time: i64,
    is_anomaly: bool,
}

/// A row of predictions.
#[derive(Clone, Debug)]
struct Point {
    row: Row,
    features: Box<[f64]>,
    score: f64,
}

/// Rows in one piece of memory: a row takes `width` values, those of the kept features and the score.
#[derive(Debug)]
struct Table {
    width: usize,
    rows: Vec<Row>,
    values: Vec<f64>,
}

impl Table {
    fn push(&mut self, row: Row, features: &[f64], score: f64) {
        self.rows.push(row);
        self.values.extend_from_slice(features);
        self.values.push(score);
    }

    fn values(&self, place: usize) -> &[f64] {
        let values = self
            .values
            .get(place * self.width..(place + 1) * self.width);
        values.unwrap_or_default()
    }

    fn set(&mut self, place: usize, row: Row, features: &[f64], score: f64) {
        let start = place * self.width;
        let kept = self.values.get_mut(start..start + self.width);
        if let (Some(kept_row), Some([kept @ .., kept_score])) = (self.rows.get_mut(place), kept) {
            *kept_row = row;
            kept.copy_from_slice(features);
            *kept_score = score;
        }
    }

    fn copy(&mut self, from: usize, to: usize) {
        let width = self.width;
        self.rows.copy_within(from..=from, to);
        self.values
            .copy_within(from * width..(from + 1) * width, to * width);
    }

    fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.values.truncate(rows * self.width);
    }
}

/// Rows that are added.
struct Added<'a> {
    /// Position of the first.
    first: u64,
    /// Features of a row, and those of them that are kept.
    width: usize,
    kept: usize,
    times: &'a [i64],
    features: &'a [f64],
    verdicts: &'a Verdicts,
}

impl Added<'_> {
    /// A row with its kept features and score.
    fn get(&self, row: usize) -> (Row, &[f64], f64) {
        let start = row * self.width;
        let time = self.times.get(row).copied().unwrap_or_default();
        let features = self.features.get(start..start + self.kept);
        let score = self.verdicts.scores().get(row).copied();
        let is_anomaly = self.verdicts.anomalies().get(row).copied();
        let row = Row {
            position: self.first + row as u64,
            time,
            is_anomaly: is_anomaly.unwrap_or_default(),
        };
        (row, features.unwrap_or_default(), score.unwrap_or(f64::NAN))
    }
}

/// Which of a column's `values` take the places of the smallest and the largest one that are kept: the first of the smallest where it
/// is smaller, the last of the largest where it is no smaller.
fn extremes<'v>(
    values: impl Iterator<Item = &'v f64> + Clone,
    kept: (f64, f64),
) -> (Option<usize>, Option<usize>) {
    let ranks = values.map(|value| rank(*value));
    let (least, most) = ranks
        .clone()
        .fold((i64::MAX, i64::MIN), |(least, most), rank| {
            (least.min(rank), most.max(rank))
        });
    let place = |rank| ranks.clone().enumerate().filter(move |(_, it)| *it == rank);
    let first = || place(least).next();
    let last = || place(most).last();
    let smaller = if least < rank(kept.0) { first() } else { None };
    let larger = if most >= rank(kept.1) { last() } else { None };
    (smaller.map(|it| it.0), larger.map(|it| it.0))
}

/// A whole number that is to others what `value` is to theirs, by [`f64::total_cmp`]. Whole numbers are faster to compare.
fn rank(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// Whether a later row's `value` takes the place of the row with `kept`, which is the one for the smallest value or for the largest.
fn replaces(value: f64, kept: f64, smallest: bool) -> bool {
    if smallest {
        rank(value) < rank(kept)
    } else {
        rank(value) >= rank(kept)
    }
}

/// Thins out rows as they come, in bounded memory.
///
/// Rows are collected in buckets of the same number of successive rows. Of a bucket those rows stay that hold the smallest or
/// largest value of a feature or of the score, so that no peak is lost. When there are twice as many buckets as wanted, each
/// two neighbours become one. The most anomalous rows stay in any case, up to a bound.
#[derive(Debug)]
pub struct Thinning {
    limit: usize,
    /// The rows of the buckets. Each bucket has two places a column: for the row with the smallest value and for the one with the
    /// largest, so a row may be in several.
    extremes: Table,
    /// Rows of a full bucket, and of the last one.
    full: u64,
    filled: u64,
    worst: BinaryHeap<Worst>,
    worst_limit: usize,
    rows: u64,
    anomalies: u64,
}

impl Thinning {
    /// Thins out to the extremes of at most `2 * buckets` buckets and the `anomalies` most anomalous rows. The first `features` of
    /// a row count and are kept: memory grows with their square.
    pub fn new(features: usize, buckets: usize, anomalies: usize) -> Self {
        Self {
            limit: buckets.max(1),
            extremes: Table {
                width: features + 1,
                rows: Vec::new(),
                values: Vec::new(),
            },
            full: 1,
            filled: 1,
            worst: BinaryHeap::new(),
            worst_limit: anomalies,
            rows: 0,
            anomalies: 0,
        }
    }

    /// Adds n rows: their times, their features, row-major and at least as many as are kept, and their verdicts.
    pub fn add(&mut self, times: &[i64], features: &[f64], verdicts: &Verdicts) {
        let rows = Added {
            first: self.rows,
            width: features.len() / verdicts.len().max(1),
            kept: self.extremes.width - 1,
            times,
            features,
            verdicts,
        };
        let mut start = 0;
        while start < verdicts.len() {
            if self.filled == self.full {
                self.begin_bucket(&rows, start);
                start += 1;
                continue;
            }
            let room = usize::try_from(self.full - self.filled).unwrap_or(usize::MAX);
            let end = verdicts.len().min(start.saturating_add(room));
            self.take_extremes(&rows, start..end);
            self.filled += (end - start) as u64;
            start = end;
        }
        for (row, (score, is_anomaly)) in verdicts.iter().enumerate() {
            if is_anomaly {
                self.anomalies += 1;
                self.keep_worst(&rows, row, score);
            }
        }
        self.rows += verdicts.len() as u64;
    }

    /// Begins a bucket with `row`, which has all places.
    fn begin_bucket(&mut self, rows: &Added<'_>, row: usize) {
        let places = 2 * self.extremes.width;
        if self.extremes.rows.len() == 2 * self.limit * places {
            self.halve();
        }
        let (at, features, score) = rows.get(row);
        (0..places).for_each(|_| self.extremes.push(at, features, score));
        self.filled = 1;
    }

    /// Gives those of `some` successive rows a place in the last bucket that have greater extremes than its rows.
    fn take_extremes(&mut self, rows: &Added<'_>, some: Range<usize>) {
        let first = self.extremes.rows.len() - 2 * self.extremes.width;
        for column in 0..self.extremes.width {
            let place = first + 2 * column;
            let kept = |place| self.extremes.values(place).get(column).copied();
            let (Some(least), Some(most)) = (kept(place), kept(place + 1)) else {
                continue;
            };
            let (smaller, larger) = if column < rows.kept {
                let from = some.start * rows.width + column;
                let values = rows.features.get(from..).unwrap_or_default();
                let values = values.iter().step_by(rows.width).take(some.len());
                extremes(values, (least, most))
            } else {
                let scores = rows.verdicts.scores().get(some.clone()).unwrap_or_default();
                extremes(scores.iter(), (least, most))
            };
            for (found, place) in [(smaller, place), (larger, place + 1)] {
                if let Some(row) = found {
                    let (at, features, score) = rows.get(some.start + row);
                    self.extremes.set(place, at, features, score);
                }
            }
        }
    }

    /// The rows that are left.
    pub fn finish(self) -> PlotSeries {
        let mut all = self.extremes;
        for Worst(point) in self.worst {
            all.push(point.row, &point.features, point.score);
        }
        let places = all.rows.iter().zip(0_usize..);
        let mut order: Vec<_> = places
            .map(|(row, place)| (row.time, row.position, place))
            .collect();
        order.sort_unstable();
        order.dedup_by_key(|(_, position, _)| *position);
        let column = || Vec::with_capacity(order.len());
        let mut series = PlotSeries {
            times: order.iter().map(|(time, ..)| *time).collect(),
            values: (1..all.width).map(|_| column()).collect(),
            scores: column(),
            ..PlotSeries::default()
        };
        for (.., place) in order {
            let columns = series.values.iter_mut().chain([&mut series.scores]);
            columns
                .zip(all.values(place))
                .for_each(|(column, value)| column.push(*value));
            let is_anomaly = all.rows.get(place).map(|row| row.is_anomaly);
            series.predictions.push(is_anomaly.unwrap_or_default());
        }
        (series.rows, series.anomalies) = (self.rows, self.anomalies);
        series
    }

    fn keep_worst(&mut self, rows: &Added<'_>, row: usize, score: f64) {
        let full = self.worst.len() >= self.worst_limit;
        if full && self.worst.peek().is_none_or(|best| best.0.score <= score) {
            return;
        }
        let (row, features, _) = rows.get(row);
        self.worst.push(Worst(Point {
            row,
            features: features.into(),
            score,
        }));
        if full {
            self.worst.pop();
        }
    }

    /// Joins each two neighbouring buckets.
    fn halve(&mut self) {
        let places = 2 * self.extremes.width;
        let joined = self.extremes.rows.len() / 2;
        for to in 0..joined {
            let (bucket, offset) = (to / places, to % places);
            let earlier = 2 * bucket * places + offset;
            let later = earlier + places;
            let value = |place| self.extremes.values(place).get(offset / 2).copied();
            let replaced = match (value(later), value(earlier)) {
                (Some(value), Some(kept)) => replaces(value, kept, offset % 2 == 0),
                _ => false,
            };
            self.extremes
                .copy(if replaced { later } else { earlier }, to);
        }
        self.extremes.truncate(joined);
        self.full *= 2;
        self.filled = self.full;
    }
}

/// Orders rows by score; the earlier of two alike is the lesser.
#[derive(Debug)]
struct Worst(Point);

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .score
            .total_cmp(&other.0.score)
            .then(self.0.row.position.cmp(&other.0.row.position))
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Worst {}
