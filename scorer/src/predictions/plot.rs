use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::writer::is_anomaly;
use crate::readings::SensorRows;

/// A sensor's predictions, thinned out for a plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlotSeries {
    /// m times in nanoseconds since 1970, ascending.
    pub times: Vec<i64>,
    /// For each feature its m values.
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

/// A row of predictions.
#[derive(Clone, Debug)]
struct Point {
    row: u64,
    time: i64,
    /// The features' values and the score.
    values: Box<[f64]>,
}

impl Point {
    fn score(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }
}

/// Successive rows in one piece of memory: a row takes `width` values, its features' and the score.
#[derive(Clone, Debug, Default)]
struct Bucket {
    rows: Vec<(u64, i64)>,
    values: Vec<f64>,
    /// The smallest and largest value of each column.
    extremes: Vec<(f64, f64)>,
}

impl Bucket {
    /// Adds a row, unless other rows hold the extremes of all its columns.
    fn push(&mut self, row: u64, time: i64, values: &[f64]) {
        let mut kept = self.rows.is_empty();
        if kept {
            self.extremes = values.iter().map(|value| (*value, *value)).collect();
        }
        for ((least, most), value) in self.extremes.iter_mut().zip(values) {
            if value.total_cmp(least).is_lt() {
                (*least, kept) = (*value, true);
            }
            if value.total_cmp(most).is_ge() {
                (*most, kept) = (*value, true);
            }
        }
        if kept {
            self.rows.push((row, time));
            self.values.extend_from_slice(values);
        }
    }

    fn append(&mut self, mut next: Self) {
        self.rows.append(&mut next.rows);
        self.values.append(&mut next.values);
        for ((least, most), (lower, upper)) in self.extremes.iter_mut().zip(next.extremes) {
            if lower.total_cmp(least).is_lt() {
                *least = lower;
            }
            if upper.total_cmp(most).is_ge() {
                *most = upper;
            }
        }
    }

    /// Keeps the rows with the smallest and largest value of each column, in their order.
    fn keep_extremes(&mut self, width: usize) {
        if self.rows.len() <= 2 {
            return;
        }
        let value = |row: usize, column: usize| {
            let value = self.values.get(row * width + column);
            value.copied().unwrap_or(f64::NAN)
        };
        let mut kept: Vec<usize> = Vec::with_capacity(2 * width);
        for column in 0..width {
            let (mut least, mut most) = (0, 0);
            for row in 1..self.rows.len() {
                if value(row, column).total_cmp(&value(least, column)).is_lt() {
                    least = row;
                }
                if value(row, column).total_cmp(&value(most, column)).is_ge() {
                    most = row;
                }
            }
            kept.extend([least, most]);
        }
        kept.sort_unstable();
        kept.dedup();
        for (to, from) in kept.iter().copied().enumerate() {
            self.rows.copy_within(from..=from, to);
            self.values
                .copy_within(from * width..(from + 1) * width, to * width);
        }
        self.rows.truncate(kept.len());
        self.values.truncate(kept.len() * width);
    }
}

/// Thins out rows as they come, in bounded memory.
///
/// Rows are collected in buckets of the same number of successive rows. Of a bucket those rows stay that hold the smallest or
/// largest value of a feature or of the score, so that no peak is lost. When there are twice as many buckets as wanted, each
/// two neighbours become one. The most anomalous rows stay in any case, up to a bound.
#[derive(Debug)]
pub struct Thinning {
    /// Values of a row: its features' and the score.
    width: usize,
    limit: usize,
    buckets: Vec<Bucket>,
    /// Rows of a full bucket, and of the last one.
    full: u64,
    filled: u64,
    worst: BinaryHeap<Worst>,
    worst_limit: usize,
    rows: u64,
    anomalies: u64,
}

impl Thinning {
    /// Thins out to the extremes of at most `2 * buckets` buckets and the `anomalies` most anomalous rows.
    pub fn new(features: usize, buckets: usize, anomalies: usize) -> Self {
        Self {
            width: features + 1,
            limit: buckets.max(1),
            buckets: Vec::new(),
            full: 1,
            filled: 1,
            worst: BinaryHeap::new(),
            worst_limit: anomalies,
            rows: 0,
            anomalies: 0,
        }
    }

    /// Adds rows with their n scores.
    pub fn add(&mut self, rows: &SensorRows, scores: &[f64]) {
        let features = self.width - 1;
        let mut values = Vec::with_capacity(self.width);
        for (row, (time, score)) in rows.times.nanos.iter().zip(scores).enumerate() {
            let of_row = rows.features.get(row * features..(row + 1) * features);
            values.clear();
            values.extend_from_slice(of_row.unwrap_or_default());
            values.push(*score);
            self.push(*time, &values);
        }
    }

    /// Adds the next row: its features' values and the score.
    pub fn push(&mut self, time: i64, values: &[f64]) {
        let row = self.rows;
        self.rows += 1;
        let score = values.last().copied().unwrap_or(f64::NAN);
        if is_anomaly(score) {
            self.anomalies += 1;
            self.keep_worst(row, time, values, score);
        }
        if self.filled == self.full {
            if self.buckets.len() == 2 * self.limit {
                self.halve();
            }
            self.buckets.push(Bucket::default());
            self.filled = 0;
        }
        self.filled += 1;
        let width = self.width;
        if let Some(bucket) = self.buckets.last_mut() {
            bucket.push(row, time, values);
            // Thinned out now and then rather than at every row.
            if bucket.rows.len() > 32 * width {
                bucket.keep_extremes(width);
            }
        }
    }

    /// The rows that are left.
    pub fn finish(mut self) -> PlotSeries {
        let width = self.width;
        self.buckets
            .iter_mut()
            .for_each(|bucket| bucket.keep_extremes(width));
        let mut all = Bucket::default();
        self.buckets
            .into_iter()
            .for_each(|bucket| all.append(bucket));
        for Worst(point) in self.worst {
            all.rows.push((point.row, point.time));
            all.values.extend_from_slice(&point.values);
        }
        let mut order: Vec<_> = all
            .rows
            .iter()
            .zip(all.values.chunks_exact(width))
            .collect();
        order.sort_unstable_by_key(|((row, time), _)| (*time, *row));
        order.dedup_by_key(|(row, _)| **row);
        let column = || Vec::with_capacity(order.len());
        let mut series = PlotSeries {
            times: order.iter().map(|((_, time), _)| *time).collect(),
            values: (1..width).map(|_| column()).collect(),
            scores: column(),
            ..PlotSeries::default()
        };
        for (_, values) in order {
            let columns = series.values.iter_mut().chain([&mut series.scores]);
            columns
                .zip(values)
                .for_each(|(column, value)| column.push(*value));
        }
        series.predictions = series
            .scores
            .iter()
            .map(|score| is_anomaly(*score))
            .collect();
        (series.rows, series.anomalies) = (self.rows, self.anomalies);
        series
    }

    fn keep_worst(&mut self, row: u64, time: i64, values: &[f64], score: f64) {
        let full = self.worst.len() >= self.worst_limit;
        if full && self.worst.peek().is_none_or(|best| best.0.score() <= score) {
            return;
        }
        let values = values.into();
        self.worst.push(Worst(Point { row, time, values }));
        if full {
            self.worst.pop();
        }
    }

    /// Joins each two neighbouring buckets.
    fn halve(&mut self) {
        let mut joined: Vec<Bucket> = Vec::with_capacity(2 * self.limit);
        for (position, bucket) in std::mem::take(&mut self.buckets).into_iter().enumerate() {
            match joined.last_mut() {
                Some(last) if position % 2 == 1 => {
                    last.append(bucket);
                    last.keep_extremes(self.width);
                }
                _ => joined.push(bucket),
            }
        }
        self.buckets = joined;
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
            .score()
            .total_cmp(&other.0.score())
            .then(self.0.row.cmp(&other.0.row))
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
