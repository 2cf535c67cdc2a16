use std::sync::Arc;

use super::Split;
use crate::models::Labels;

/// Readings that are scored at a time.
const ROWS: usize = 256;
/// Readings that are no farther from 0 are 0 to LightGBM: `kZeroThreshold` in its `meta.h`, the number of single precision next to
/// 1e-35.
const ZERO: f64 = 1.000_000_018_002_509_5e-35;

/// Trees of LightGBM: what they give is added up, one sum a class where there are more than two.
///
/// Every operation is LightGBM's, in its order, so that the sums are the same to the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct LightGbm {
    /// The trees, in the order in which they are added, those of the sums in turn.
    trees: Vec<Vec<Split>>,
    /// Number of sums.
    count: usize,
    /// Number of features of a reading.
    pub features: usize,
    /// What each sum is divided by, if anything.
    divisor: Option<f64>,
    /// What becomes of the sums.
    pub link: LightLink,
    /// The classes; none of a regressor.
    pub labels: Option<Arc<Labels>>,
    /// Names of the features, where it was fitted with some.
    pub names: Option<Vec<String>>,
}

/// What becomes of the sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LightLink {
    /// The sum is the value.
    Identity,
    /// The value is e to the sum.
    Exponential,
    /// Of two classes, the second where its share is the larger: the logistic function of the sum times this slope.
    Share(f64),
    /// Of several classes the first of the largest shares.
    LargestShare,
    /// Of several classes the first of the largest of the logistic functions of each sum times this slope.
    LargestOfEach(f64),
}

impl LightLink {
    /// The value or share, and the class, that the sums of a reading become.
    fn judge(self, sums: &mut [f64]) -> (f64, usize) {
        let sum = sums.first().copied().unwrap_or(f64::NAN);
        let logistic = |slope: f64, sum: f64| 1.0 / (1.0 + (-slope * sum).exp());
        match self {
            Self::Identity => return (sum, 0),
            Self::Exponential => return (sum.exp(), 0),
            Self::Share(slope) => {
                let share = logistic(slope, sum);
                return (share, usize::from(share > 1.0 - share));
            }
            Self::LargestShare => shares(sums),
            Self::LargestOfEach(slope) => {
                for sum in sums.iter_mut() {
                    *sum = logistic(slope, *sum);
                }
            }
        }
        let mut largest = (f64::NAN, 0);
        for (at, &share) in sums.iter().enumerate() {
            if at == 0 || share > largest.0 {
                largest = (share, at);
            }
        }
        largest
    }
}

/// Shares of sums, in LightGBM's operations (`Softmax` in `utils/common.h`).
fn shares(sums: &mut [f64]) {
    let largest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut all = 0.0;
    for sum in sums.iter_mut() {
        *sum = (*sum - largest).exp();
        all += *sum;
    }
    sums.iter_mut().for_each(|sum| *sum /= all);
}

impl LightGbm {
    /// A model without trees, of so many features and sums. [`Self::add`] adds them.
    pub fn new(
        features: usize,
        count: usize,
        link: LightLink,
        labels: Option<Arc<Labels>>,
    ) -> Self {
        Self {
            trees: Vec::new(),
            count: count.max(1),
            features,
            divisor: None,
            link,
            labels,
            names: None,
        }
    }

    /// Adds the next tree, whose first node is the root.
    ///
    /// Errors when the nodes make no tree, or a number is not finite: so every walk ends.
    pub fn add(&mut self, splits: Vec<Split>) -> Result<(), String> {
        if splits.is_empty() {
            return Err("has no nodes".into());
        }
        for (at, split) in splits.iter().enumerate() {
            let Some(children) = split.children else {
                if !split.value.is_finite() {
                    return Err("gives what is not finite".into());
                }
                continue;
            };
            if !children
                .iter()
                .all(|child| (at + 1..splits.len()).contains(&(*child as usize)))
            {
                return Err(format!(
                    "has a node behind node {at}, of {}, which makes no tree",
                    splits.len()
                ));
            }
            if split.feature as usize >= self.features {
                let feature = split.feature;
                return Err(format!(
                    "has a node {at} of feature {feature}, which is not there"
                ));
            }
            if split.threshold.is_nan() {
                return Err(format!("has the threshold NaN at node {at}"));
            }
        }
        self.trees.push(splits);
        Ok(())
    }

    /// Divides the sums by the number of iterations, as random forests of LightGBM do.
    pub fn average(&mut self, iterations: usize) {
        self.divisor = Some(iterations as f64);
    }

    /// LightGBM's name of it.
    pub fn name(&self) -> &'static str {
        match self.labels {
            Some(_) => "LGBMClassifier",
            None => "LGBMRegressor",
        }
    }

    /// Number of trees.
    pub fn count(&self) -> usize {
        self.trees.len()
    }

    /// Number of nodes of all trees.
    pub fn nodes(&self) -> usize {
        self.trees.iter().map(Vec::len).sum()
    }

    /// The sums of some rows: those of all rows for the first, then those for the next one.
    pub fn sums(&self, rows: &[f64]) -> Vec<f64> {
        let rows = rows.chunks_exact(self.features);
        let count = rows.len();
        let mut sums = vec![0.0; count * self.count];
        for (at, tree) in self.trees.iter().enumerate() {
            let start = at % self.count * count;
            let sums = sums.iter_mut().skip(start);
            for (row, sum) in rows.clone().zip(sums) {
                *sum += leaf(tree, row);
            }
        }
        sums
    }

    /// Writes the value of each of n rows, row-major; of a classifier the share of its second class, or of the label where there are
    /// more than two, and the class. NaN where a number of the row is.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64], classes: &mut [u16]) {
        assert_eq!(rows.len(), scores.len() * self.features, "a score a row");
        let mut classes = classes.iter_mut();
        let mut of_row = Vec::new();
        let blocks = rows.chunks(ROWS * self.features);
        for (rows, scores) in blocks.zip(scores.chunks_mut(ROWS)) {
            let count = scores.len();
            let mut sums = self.sums(rows);
            if let Some(divisor) = self.divisor {
                sums.iter_mut().for_each(|sum| *sum /= divisor);
            }
            let places = rows.chunks_exact(self.features).zip(scores);
            for (at, (row, score)) in places.enumerate() {
                of_row.clear();
                of_row.extend(sums.iter().skip(at).step_by(count));
                let (value, class) = self.link.judge(&mut of_row);
                let is_number = !row.iter().any(|number| number.is_nan());
                *score = if is_number { value } else { f64::NAN };
                if let Some(place) = classes.next() {
                    // No classifier has more classes, see `Labels::check`.
                    *place = u16::try_from(class).unwrap_or(u16::MAX);
                }
            }
        }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        let trees = self
            .trees
            .iter()
            .map(|tree| tree.capacity() * size_of::<Split>());
        let names = self.names.iter().flatten();
        let names = names.map(|name| name.capacity() + size_of::<String>());
        let labels = self.labels.as_ref().map_or(0, |labels| labels.bytes());
        trees.sum::<usize>() + size_of_val(self.trees.as_slice()) + names.sum::<usize>() + labels
    }
}

/// What the leaf of a row gives.
fn leaf(tree: &[Split], row: &[f64]) -> f64 {
    let mut at = 0;
    loop {
        let split = &tree[at];
        let Some([first, second]) = split.children else {
            return split.value;
        };
        let reading = row[split.feature as usize];
        let reading = if reading.abs() <= ZERO { 0.0 } else { reading };
        let goes_left = reading <= split.threshold;
        at = if goes_left { first } else { second } as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_to_nothing_is_nothing() {
        let leaf_of = |value| Split {
            children: None,
            feature: 0,
            threshold: 0.0,
            value,
        };
        let root = Split {
            children: Some([1, 2]),
            threshold: -ZERO,
            ..leaf_of(0.0)
        };
        let tree = [root, leaf_of(1.0), leaf_of(2.0)];
        assert_eq!(ZERO, f64::from(1e-35_f32));
        for (reading, expected) in [
            (-ZERO.next_up(), 1.0),
            (-ZERO, 2.0),
            (0.0, 2.0),
            (ZERO, 2.0),
        ] {
            assert_eq!(leaf(&tree, &[reading]), expected, "{reading:e}");
        }
    }
}
