use fleetscore_crds::AggregateFunction;

use super::column::push;

/// The partial aggregates of one feature.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeaturePartials {
    /// The sum, added up in the order of arrival.
    pub sum: Option<Vec<f64>>,
    /// The mean, kept as Welford does: <https://doi.org/10.1080/00401706.1962.10490022>.
    pub mean: Option<Vec<f64>>,
    /// The sum of squared distances from the mean.
    pub m2: Option<Vec<f64>>,
    /// The smallest.
    pub min: Option<Vec<f64>>,
    /// The largest.
    pub max: Option<Vec<f64>>,
    /// The value at `first_time`; of several, that which came first.
    pub first: Option<Vec<f64>>,
    /// The value at `last_time`; of several, that which came last.
    pub last: Option<Vec<f64>>,
}

impl FeaturePartials {
    /// The empty columns that these functions need.
    pub fn new(functions: impl IntoIterator<Item = AggregateFunction>) -> Self {
        let mut new = Self::default();
        for function in functions {
            match function {
                AggregateFunction::Count => (),
                AggregateFunction::Avg | AggregateFunction::Sum => new.sum = Some(Vec::new()),
                AggregateFunction::Min => new.min = Some(Vec::new()),
                AggregateFunction::Max => new.max = Some(Vec::new()),
                AggregateFunction::Range => {
                    new.min = Some(Vec::new());
                    new.max = Some(Vec::new());
                }
                AggregateFunction::StdDev | AggregateFunction::Var => {
                    new.mean = Some(Vec::new());
                    new.m2 = Some(Vec::new());
                }
                AggregateFunction::First => new.first = Some(Vec::new()),
                AggregateFunction::Last => new.last = Some(Vec::new()),
            }
        }
        new
    }

    /// Its columns with their names, always in the same order; none: it is not kept.
    pub fn columns(&self) -> [(&'static str, Option<&Vec<f64>>); 7] {
        [
            ("sum", self.sum.as_ref()),
            ("mean", self.mean.as_ref()),
            ("m2", self.m2.as_ref()),
            ("min", self.min.as_ref()),
            ("max", self.max.as_ref()),
            ("first", self.first.as_ref()),
            ("last", self.last.as_ref()),
        ]
    }

    /// Its columns in the order of [`FeaturePartials::columns`].
    pub fn columns_mut(&mut self) -> [Option<&mut Vec<f64>>; 7] {
        [
            self.sum.as_mut(),
            self.mean.as_mut(),
            self.m2.as_mut(),
            self.min.as_mut(),
            self.max.as_mut(),
            self.first.as_mut(),
            self.last.as_mut(),
        ]
    }

    pub(super) fn push(&mut self, value: f64) {
        let Self {
            sum,
            mean,
            m2,
            min,
            max,
            first,
            last,
        } = self;
        for column in [sum, mean, min, max, first, last].into_iter().flatten() {
            push(column, value);
        }
        if let Some(m2) = m2 {
            push(m2, 0.0);
        }
    }

    pub(super) fn add(
        &mut self,
        row: usize,
        count: u64,
        value: f64,
        is_first: bool,
        is_last: bool,
    ) {
        if let Some(sum) = &mut self.sum {
            sum[row] += value;
        }
        if let (Some(mean), Some(m2)) = (&mut self.mean, &mut self.m2) {
            let distance = value - mean[row];
            mean[row] += distance / count as f64;
            m2[row] += distance * (value - mean[row]);
        }
        self.take_extremes(row, value, value);
        self.take_ends(row, is_first.then_some(value), is_last.then_some(value));
    }

    /// As Chan, Golub and others do: <https://doi.org/10.1007/978-3-642-51461-6_3>.
    pub(super) fn merge(
        &mut self,
        into: usize,
        from: &Self,
        row: usize,
        counts: (u64, u64),
        is_first: bool,
        is_last: bool,
    ) {
        if let (Some(sum), Some(its)) = (&mut self.sum, &from.sum) {
            sum[into] += its[row];
        }
        if let (Some(mean), Some(m2)) = (&mut self.mean, &mut self.m2)
            && let (Some(its_mean), Some(its_m2)) = (&from.mean, &from.m2)
        {
            let (ours, its) = (counts.0 as f64, counts.1 as f64);
            let distance = its_mean[row] - mean[into];
            let share = its / (ours + its);
            mean[into] += distance * share;
            m2[into] += its_m2[row] + distance * distance * ours * share;
        }
        let at = |column: &Option<Vec<f64>>| column.as_ref().map(|column| column[row]);
        let (min, max) = (at(&from.min), at(&from.max));
        self.take_extremes(into, min.unwrap_or_default(), max.unwrap_or_default());
        let first = at(&from.first).filter(|_| is_first);
        let last = at(&from.last).filter(|_| is_last);
        self.take_ends(into, first, last);
    }

    fn take_extremes(&mut self, row: usize, smallest: f64, largest: f64) {
        if let Some(min) = &mut self.min
            && smallest < min[row]
        {
            min[row] = smallest;
        }
        if let Some(max) = &mut self.max
            && largest > max[row]
        {
            max[row] = largest;
        }
    }

    fn take_ends(&mut self, row: usize, first: Option<f64>, last: Option<f64>) {
        if let (Some(column), Some(first)) = (&mut self.first, first) {
            column[row] = first;
        }
        if let (Some(column), Some(last)) = (&mut self.last, last) {
            column[row] = last;
        }
    }
}
