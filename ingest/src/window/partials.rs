use fleetscore_crds::AggregateFunction;

use super::FeaturePartials;
use super::column::push;

/// Partial aggregates of rows, in columns: only those that the stream's aggregates need. Every column has a number for each row.
///
/// Two partial aggregates of the same row become one by [`Partials::merge_row`], and numbers by [`Partials::value`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partials {
    /// How many readings a row is made of; at least one.
    pub count: Vec<u64>,
    /// The earliest time of a row's readings, in nanoseconds since 1970; there if any feature has `first`.
    pub first_time: Option<Vec<i64>>,
    /// The latest time; there if any feature has `last`.
    pub last_time: Option<Vec<i64>>,
    /// The columns of each feature, in the order of `event.columns.features`.
    pub features: Vec<FeaturePartials>,
}

impl Partials {
    /// No rows yet.
    pub fn new(features: Vec<FeaturePartials>) -> Self {
        let any = |has: fn(&FeaturePartials) -> bool| features.iter().any(has).then(Vec::new);
        Self {
            count: Vec::new(),
            first_time: any(|feature| feature.first.is_some()),
            last_time: any(|feature| feature.last.is_some()),
            features,
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.count.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.count.is_empty()
    }

    /// Whether the columns are those of `other`, and each has a number for each row.
    pub fn has_columns_of(&self, other: &Self) -> bool {
        let rows = self.len();
        let times = |ours: Option<&Vec<i64>>, its: Option<&Vec<i64>>| {
            ours.is_some() == its.is_some() && ours.is_none_or(|times| times.len() == rows)
        };
        let numbers = |(ours, its): (&FeaturePartials, &FeaturePartials)| {
            let mut pairs = ours.columns().into_iter().zip(its.columns());
            pairs.all(|((_, ours), (_, its))| {
                ours.is_some() == its.is_some() && ours.is_none_or(|column| column.len() == rows)
            })
        };
        times(self.first_time.as_ref(), other.first_time.as_ref())
            && times(self.last_time.as_ref(), other.last_time.as_ref())
            && self.features.len() == other.features.len()
            && self.features.iter().zip(&other.features).all(numbers)
    }

    /// How many columns there are.
    pub(super) fn columns(&self) -> usize {
        let times = [&self.first_time, &self.last_time];
        let numbers = self.features.iter().flat_map(FeaturePartials::columns);
        1 + times.into_iter().flatten().count() + numbers.filter_map(|(_, column)| column).count()
    }

    /// Adds a row of one reading. There is a value for each feature.
    pub fn push(&mut self, time: i64, values: &[f64]) {
        push(&mut self.count, 1);
        for (feature, &value) in self.features.iter_mut().zip(values) {
            feature.push(value);
        }
        for times in [&mut self.first_time, &mut self.last_time]
            .into_iter()
            .flatten()
        {
            push(times, time);
        }
    }

    /// Adds a reading to a row. There is a value for each feature.
    pub fn add(&mut self, row: usize, time: i64, values: &[f64]) {
        self.count[row] += 1;
        let count = self.count[row];
        let is_first = earlier(self.first_time.as_mut(), row, time);
        let is_last = later(self.last_time.as_mut(), row, time);
        for (feature, &value) in self.features.iter_mut().zip(values) {
            feature.add(row, count, value, is_first, is_last);
        }
    }

    /// Adds a row as it is in `from`, which has the same columns.
    pub fn push_row(&mut self, from: &Self, row: usize) {
        push(&mut self.count, from.count[row]);
        for (times, its) in [
            (&mut self.first_time, &from.first_time),
            (&mut self.last_time, &from.last_time),
        ] {
            if let (Some(times), Some(its)) = (times, its) {
                push(times, its[row]);
            }
        }
        for (feature, its) in self.features.iter_mut().zip(&from.features) {
            for (column, (_, its)) in feature.columns_mut().into_iter().zip(its.columns()) {
                if let (Some(column), Some(its)) = (column, its) {
                    push(column, its[row]);
                }
            }
        }
    }

    /// Merges a row of `from`, which has the same columns, into row `into` of this. What is in this comes before what is in `from`: in the
    /// log, or as the lower partition.
    pub fn merge_row(&mut self, into: usize, from: &Self, row: usize) {
        let counts = (self.count[into], from.count[row]);
        let its_first = from.first_time.as_ref().map_or(0, |times| times[row]);
        let its_last = from.last_time.as_ref().map_or(0, |times| times[row]);
        let is_first = earlier(self.first_time.as_mut(), into, its_first);
        let is_last = later(self.last_time.as_mut(), into, its_last);
        self.count[into] = counts.0 + counts.1;
        for (feature, its) in self.features.iter_mut().zip(&from.features) {
            feature.merge(into, its, row, counts, is_first, is_last);
        }
    }

    /// A row's number. None: there is none (`StdDev` and `Var` of one reading), or its columns are not kept. Sums of huge values may be
    /// infinite, and their variances no number, as the arithmetic of 64 bits has it.
    pub fn value(&self, row: usize, feature: usize, function: AggregateFunction) -> Option<f64> {
        let count = self.count[row];
        let feature = &self.features[feature];
        let at = |column: &Option<Vec<f64>>| column.as_ref().map(|column| column[row]);
        let variance = || {
            let m2 = at(&feature.m2)?;
            (count > 1).then(|| m2 / (count - 1) as f64)
        };
        match function {
            AggregateFunction::Avg => Some(at(&feature.sum)? / count as f64),
            AggregateFunction::Count => Some(count as f64),
            AggregateFunction::Sum => at(&feature.sum),
            AggregateFunction::Min => at(&feature.min),
            AggregateFunction::Max => at(&feature.max),
            AggregateFunction::Range => Some(at(&feature.max)? - at(&feature.min)?),
            AggregateFunction::StdDev => variance().map(f64::sqrt),
            AggregateFunction::Var => variance(),
            AggregateFunction::First => at(&feature.first),
            AggregateFunction::Last => at(&feature.last),
        }
    }

    /// Adds the rows of `from`, which has the same columns, from `start` to before `end`.
    pub(super) fn append(&mut self, from: &Self, start: usize, end: usize) {
        self.count.extend_from_slice(&from.count[start..end]);
        for (times, its) in [
            (&mut self.first_time, &from.first_time),
            (&mut self.last_time, &from.last_time),
        ] {
            if let (Some(times), Some(its)) = (times, its) {
                times.extend_from_slice(&its[start..end]);
            }
        }
        for (feature, its) in self.features.iter_mut().zip(&from.features) {
            for (column, (_, its)) in feature.columns_mut().into_iter().zip(its.columns()) {
                if let (Some(column), Some(its)) = (column, its) {
                    column.extend_from_slice(&its[start..end]);
                }
            }
        }
    }

    /// Drops the first rows.
    pub(super) fn drop_first(&mut self, rows: usize) {
        self.count.drain(..rows);
        for times in [&mut self.first_time, &mut self.last_time]
            .into_iter()
            .flatten()
        {
            times.drain(..rows);
        }
        for feature in &mut self.features {
            for column in feature.columns_mut().into_iter().flatten() {
                column.drain(..rows);
            }
        }
    }
}

/// Whether `time` is before the row's; then it is the row's.
fn earlier(times: Option<&mut Vec<i64>>, row: usize, time: i64) -> bool {
    let Some(times) = times else { return false };
    let is_earlier = time < times[row];
    if is_earlier {
        times[row] = time;
    }
    is_earlier
}

/// Whether `time` is the row's or after it; then it is the row's.
fn later(times: Option<&mut Vec<i64>>, row: usize, time: i64) -> bool {
    let Some(times) = times else { return false };
    let is_later = time >= times[row];
    if is_later {
        times[row] = time;
    }
    is_later
}
