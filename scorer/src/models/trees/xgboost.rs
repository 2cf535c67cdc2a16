use std::sync::Arc;

use super::{Ensemble, Split};
use crate::models::Labels;

/// Readings that are scored at a time.
const ROWS: usize = 256;
/// Steps on any path; XGBoost's trees are 6 deep where nobody says otherwise.
const DEEPEST: u32 = 100_000;

/// Trees of XGBoost: what they give is added to a start, one sum a class where there are more than two.
///
/// Every operation is XGBoost's, in its order and in single precision, so that the sums are the same to the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct XgBoost {
    /// The trees, in the order in which they are added, each with the sum that it is added to. They are apart from each other, as
    /// the sum is rounded behind each.
    trees: Vec<(usize, Ensemble)>,
    /// Number of features of a reading.
    pub features: usize,
    /// Where each sum starts.
    start: Vec<f32>,
    /// What becomes of the sums.
    pub link: XgLink,
    /// The classes; none of a regressor.
    pub labels: Option<Arc<Labels>>,
    /// Names of the features, where it was fitted with some.
    pub names: Option<Vec<String>>,
}

/// What becomes of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XgLink {
    /// The sum is the value.
    Identity,
    /// The value is the logistic function of the sum.
    Logistic,
    /// The value is e to the sum.
    Exponential,
    /// Of two classes, the second where its share is above a half.
    Share,
    /// Of several classes the first of the largest shares.
    LargestShare,
    /// Of several classes the first of the largest sums.
    LargestSum,
}

impl XgLink {
    /// Whether it tells classes apart.
    pub fn tells_classes(self) -> bool {
        matches!(self, Self::Share | Self::LargestShare | Self::LargestSum)
    }

    /// The value or share, and the class, that the sums of a reading become.
    fn judge(self, sums: &mut [f32]) -> (f32, usize) {
        let sum = sums.first().copied().unwrap_or(f32::NAN);
        match self {
            Self::Identity => (sum, 0),
            Self::Logistic => (logistic(sum), 0),
            Self::Exponential => (sum.exp(), 0),
            Self::Share => {
                let share = logistic(sum);
                (share, usize::from(share > 0.5))
            }
            Self::LargestShare => {
                shares(sums);
                largest(sums)
            }
            Self::LargestSum => {
                let (_, class) = largest(sums);
                shares(sums);
                (sums.get(class).copied().unwrap_or(f32::NAN), class)
            }
        }
    }
}

impl XgBoost {
    /// A model without trees, whose sums start there.
    ///
    /// Errors when a start is not finite, there are no features, or the starts are not those of the link and the classes.
    pub fn new(
        features: usize,
        start: Vec<f32>,
        link: XgLink,
        labels: Option<Arc<Labels>>,
    ) -> Result<Self, String> {
        if features == 0 {
            return Err("its readings have no features".into());
        }
        if !start.iter().all(|start| start.is_finite()) {
            return Err("where its sums start is not finite".into());
        }
        if let Some(labels) = &labels {
            labels.check()?;
        }
        let sums = match (link, &labels) {
            (XgLink::Share, Some(labels)) if labels.len() == 2 => 1,
            (XgLink::LargestShare | XgLink::LargestSum, Some(labels)) => labels.len(),
            (XgLink::Identity | XgLink::Logistic | XgLink::Exponential, None) => 1,
            _ => return Err("its objective and its classes do not go together".into()),
        };
        if start.len() != sums {
            let starts = start.len();
            return Err(format!("it starts {sums} sums from {starts} numbers"));
        }
        Ok(Self {
            trees: Vec::new(),
            features,
            start,
            link,
            labels,
            names: None,
        })
    }

    /// Adds a tree to the sum `sum`. A reading goes to the first child when its feature is **below** the threshold.
    ///
    /// Errors when the nodes make no tree, a number is not finite, or there is no such sum.
    pub fn add(&mut self, sum: usize, splits: &[Split]) -> Result<(), String> {
        if sum >= self.start.len() {
            let sums = self.start.len();
            return Err(format!("is added to the sum {sum}, and there are {sums}"));
        }
        let below: Vec<Split> = splits.iter().map(below).collect();
        let mut tree = Ensemble::default();
        let features = self.features;
        tree.add(&below, |feature| {
            ((feature as usize) < features).then_some(feature)
        })?;
        if !tree.values_are_finite() {
            return Err("gives what is not finite".into());
        }
        if tree.depth() > DEEPEST {
            return Err(format!("is more than {DEEPEST} steps deep"));
        }
        self.trees.push((sum, tree));
        Ok(())
    }

    /// XGBoost's name of it.
    pub fn name(&self) -> &'static str {
        match self.labels {
            Some(_) => "XGBClassifier",
            None => "XGBRegressor",
        }
    }

    /// Number of trees.
    pub fn count(&self) -> usize {
        self.trees.len()
    }

    /// Number of nodes of all trees.
    pub fn nodes(&self) -> usize {
        self.trees.iter().map(|(_, tree)| tree.nodes()).sum()
    }

    /// Steps on the longest path of any tree.
    pub fn depth(&self) -> u32 {
        let depths = self.trees.iter().map(|(_, tree)| tree.depth());
        depths.max().unwrap_or(0)
    }

    /// The sums of some rows: those of all rows for the first, then those for the next one.
    pub fn sums(&self, rows: &[f64]) -> Vec<f32> {
        let readings: Vec<f32> = rows.iter().copied().map(single).collect();
        let count = readings.len() / self.features;
        let starts = self.start.iter();
        let mut sums: Vec<f32> = starts.flat_map(|start| vec![*start; count]).collect();
        let mut leaves = vec![0.0; count];
        for (sum, tree) in &self.trees {
            leaves.fill(0.0);
            tree.add_sums(&readings, &mut leaves);
            let sums = sums.get_mut(sum * count..(sum + 1) * count);
            for (sum, leaf) in sums.unwrap_or_default().iter_mut().zip(&leaves) {
                *sum += single(*leaf);
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
            let sums = self.sums(rows);
            let places = rows.chunks_exact(self.features).zip(scores);
            for (at, (row, score)) in places.enumerate() {
                of_row.clear();
                of_row.extend(sums.iter().skip(at).step_by(count));
                let (value, class) = self.link.judge(&mut of_row);
                let is_number = !row.iter().any(|number| number.is_nan());
                *score = if is_number { value.into() } else { f64::NAN };
                if let Some(place) = classes.next() {
                    // No classifier has more classes, see `Labels::check`.
                    *place = u16::try_from(class).unwrap_or(u16::MAX);
                }
            }
        }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        let trees = self.trees.iter().map(|(_, tree)| tree.bytes());
        let labels = self.labels.as_ref().map_or(0, |labels| labels.bytes());
        let names = self.names.iter().flatten();
        let names = names.map(|name| name.capacity() + size_of::<String>());
        trees.sum::<usize>() + size_of_val(self.trees.as_slice()) + labels + names.sum::<usize>()
    }
}

/// The same split, for a tree that sends what is at most the threshold to the first child.
fn below(split: &Split) -> Split {
    let threshold = single(split.threshold).next_down();
    Split {
        threshold: threshold.into(),
        ..*split
    }
}

/// The logistic function in XGBoost's operations (`common/math.h`).
fn logistic(sum: f32) -> f32 {
    let power = (-sum).min(88.7).exp();
    1.0 / (power + 1.0 + 1e-16)
}

/// Shares of sums, in XGBoost's operations (`Softmax` in the same file).
fn shares(sums: &mut [f32]) {
    let largest = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut all = 0.0_f64;
    for sum in sums.iter_mut() {
        *sum = (*sum - largest).exp();
        all += f64::from(*sum);
    }
    let all = single(all);
    for sum in sums {
        *sum /= all;
    }
}

/// The first of the largest numbers and its position.
fn largest(numbers: &[f32]) -> (f32, usize) {
    let mut largest = (f32::NAN, 0);
    for (at, &number) in numbers.iter().enumerate() {
        if at == 0 || number > largest.0 {
            largest = (number, at);
        }
    }
    largest
}

#[allow(clippy::cast_possible_truncation)] // It is rounded, as XGBoost does.
fn single(number: f64) -> f32 {
    number as f32
}
