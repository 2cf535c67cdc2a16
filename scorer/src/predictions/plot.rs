use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use super::writer::is_anomaly;

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
    values: Box<[f64]>,
    score: f64,
}

/// Thins out rows as they come, in bounded memory.
///
/// Rows are collected in buckets of the same number of successive rows. Of a bucket those rows stay that hold the smallest or
/// largest value of a feature or of the score, so that no peak is lost. When there are twice as many buckets as wanted, each
/// two neighbours become one. The most anomalous rows stay in any case, up to a bound.
pub(super) struct Thinning {
    features: usize,
    limit: usize,
    buckets: Vec<Vec<Point>>,
    /// Rows of a full bucket, and of the last one.
    width: u64,
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
            features,
            limit: buckets.max(1),
            buckets: Vec::new(),
            width: 1,
            filled: 1,
            worst: BinaryHeap::new(),
            worst_limit: anomalies,
            rows: 0,
            anomalies: 0,
        }
    }

    /// Adds the next row.
    pub fn push(&mut self, time: i64, values: &[f64], score: f64) {
        let point = Point {
            row: self.rows,
            time,
            values: values.into(),
            score,
        };
        self.rows += 1;
        if is_anomaly(score) {
            self.anomalies += 1;
            self.keep_worst(&point);
        }
        if self.filled == self.width {
            if self.buckets.len() == 2 * self.limit {
                self.halve();
            }
            self.buckets.push(Vec::new());
            self.filled = 0;
        }
        self.filled += 1;
        let features = self.features;
        if let Some(bucket) = self.buckets.last_mut() {
            bucket.push(point);
            // Thinned out now and then rather than at every row.
            if bucket.len() > 8 * (features + 1) {
                keep_extremes(bucket, features);
            }
        }
    }

    /// The rows that are left.
    pub fn finish(mut self) -> PlotSeries {
        let features = self.features;
        self.buckets
            .iter_mut()
            .for_each(|bucket| keep_extremes(bucket, features));
        let points = self
            .buckets
            .into_iter()
            .flatten()
            .chain(self.worst.into_iter().map(|worst| worst.0));
        let points: BTreeMap<(i64, u64), Point> = points
            .map(|point| ((point.time, point.row), point))
            .collect();
        let mut series = PlotSeries {
            values: vec![Vec::new(); features],
            ..PlotSeries::default()
        };
        for point in points.into_values() {
            series.times.push(point.time);
            series
                .values
                .iter_mut()
                .zip(&point.values)
                .for_each(|(column, value)| column.push(*value));
            series.scores.push(point.score);
            series.predictions.push(is_anomaly(point.score));
        }
        (series.rows, series.anomalies) = (self.rows, self.anomalies);
        series
    }

    fn keep_worst(&mut self, point: &Point) {
        let full = self.worst.len() >= self.worst_limit;
        if full
            && self
                .worst
                .peek()
                .is_none_or(|best| best.0.score <= point.score)
        {
            return;
        }
        self.worst.push(Worst(point.clone()));
        if full {
            self.worst.pop();
        }
    }

    /// Joins each two neighbouring buckets.
    fn halve(&mut self) {
        let mut joined: Vec<Vec<Point>> = Vec::with_capacity(2 * self.limit);
        for (position, mut bucket) in std::mem::take(&mut self.buckets).into_iter().enumerate() {
            match joined.last_mut() {
                Some(last) if position % 2 == 1 => {
                    last.append(&mut bucket);
                    keep_extremes(last, self.features);
                }
                _ => joined.push(bucket),
            }
        }
        self.buckets = joined;
        self.width *= 2;
        self.filled = self.width;
    }
}

/// Keeps the rows with the smallest and largest value of each feature and of the score, in their order.
fn keep_extremes(bucket: &mut Vec<Point>, features: usize) {
    let mut keep = vec![false; bucket.len()];
    for column in 0..=features {
        let value = |point: &Point| {
            point
                .values
                .get(column)
                .filter(|_| column < features)
                .copied()
                .unwrap_or(point.score)
        };
        let by_value = |left: &(usize, &Point), right: &(usize, &Point)| {
            value(left.1).total_cmp(&value(right.1))
        };
        let extremes = [
            bucket.iter().enumerate().min_by(by_value),
            bucket.iter().enumerate().max_by(by_value),
        ];
        for (position, _) in extremes.into_iter().flatten() {
            if let Some(keep) = keep.get_mut(position) {
                *keep = true;
            }
        }
    }
    let mut keep = keep.into_iter();
    bucket.retain(|_| keep.next().unwrap_or(false));
}

/// Orders rows by score; the earlier of two alike is the lesser.
struct Worst(Point);

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .score
            .total_cmp(&other.0.score)
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
