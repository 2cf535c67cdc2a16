use std::sync::Arc;

use super::number::Number;
use super::{Ensemble, check_trees};
use crate::models::{Labels, shares};

/// Readings that are scored at a time.
const ROWS: usize = 256;

/// Boosted trees: what the trees give is added to a start, one sum a class where there are more than two.
///
/// The sums are scikit-learn's to the last bit; shares of classes, and values beyond an exponential, to some roundings.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosted {
    /// The trees of each sum; a leaf gives what is added.
    pub trees: Grown,
    /// Number of features of a reading.
    pub features: usize,
    /// Where each sum starts.
    pub start: Vec<f64>,
    /// What becomes of the sums.
    pub link: Link,
    /// The classes; none of a regressor.
    pub labels: Option<Arc<Labels>>,
}

/// Trees by what they compare.
#[derive(Clone, Debug, PartialEq)]
pub enum Grown {
    /// Readings in single precision: `GradientBoostingRegressor` and `GradientBoostingClassifier`.
    Single(Vec<Ensemble<f32>>),
    /// Readings in double precision: `HistGradientBoostingRegressor` and `HistGradientBoostingClassifier`.
    Double(Vec<Ensemble<f64>>),
}

/// What becomes of the sums. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Link {
    /// The sum is the value.
    Identity = 0,
    /// The value is e to the sum.
    Exponential = 1,
    /// Of two classes, the second where the sum is at least 0.
    FromZero = 2,
    /// Of two classes, the second where the sum is above 0.
    AboveZero = 3,
    /// Of two classes, the second where its share is the larger.
    LargerShare = 4,
    /// As [`Link::FromZero`], with shares of twice the sum.
    FromZeroTwice = 5,
    /// As [`Link::LargerShare`], with shares of twice the sum.
    LargerShareTwice = 6,
    /// Of several classes the first of the largest sums.
    LargestSum = 7,
    /// Of several classes the first of the largest shares.
    LargestShare = 8,
}

impl Link {
    /// All of them, by their numbers.
    pub const ALL: [Self; 9] = [
        Self::Identity,
        Self::Exponential,
        Self::FromZero,
        Self::AboveZero,
        Self::LargerShare,
        Self::FromZeroTwice,
        Self::LargerShareTwice,
        Self::LargestSum,
        Self::LargestShare,
    ];

    /// Sums that are needed for so many classes; nothing where they do not go together.
    fn sums(self, classes: Option<usize>) -> Option<usize> {
        match (self, classes) {
            (Self::Identity | Self::Exponential, None) => Some(1),
            (Self::LargestSum | Self::LargestShare, Some(classes)) if classes > 2 => Some(classes),
            (Self::Identity | Self::Exponential | Self::LargestSum | Self::LargestShare, _) => None,
            (_, Some(2)) => Some(1),
            (_, _) => None,
        }
    }

    /// The value or share, and the class, that sums become.
    fn judge(self, sums: &mut [f64]) -> (f64, usize) {
        let sum = sums.first().copied().unwrap_or(f64::NAN);
        let share = |factor: f64| shares::logistic(factor * sum);
        let larger = |share: f64| (share, usize::from(share > 1.0 - share));
        match self {
            Self::Identity => (sum, 0),
            Self::Exponential => (sum.exp(), 0),
            Self::FromZero => (share(1.0), usize::from(sum >= 0.0)),
            Self::AboveZero => (share(1.0), usize::from(sum > 0.0)),
            Self::FromZeroTwice => (share(2.0), usize::from(sum >= 0.0)),
            Self::LargerShare => larger(share(1.0)),
            Self::LargerShareTwice => larger(share(2.0)),
            Self::LargestSum | Self::LargestShare => {
                let by_sum = shares::first_largest(sums);
                shares::softmax(sums);
                let class = match self {
                    Self::LargestSum => by_sum,
                    _ => shares::first_largest(sums),
                };
                (sums.get(class).copied().unwrap_or(f64::NAN), class)
            }
        }
    }
}

impl Grown {
    /// Sums that they make.
    pub fn sums(&self) -> usize {
        match self {
            Self::Single(trees) => trees.len(),
            Self::Double(trees) => trees.len(),
        }
    }

    /// Number of trees of all sums.
    pub fn count(&self) -> usize {
        match self {
            Self::Single(trees) => trees.iter().map(Ensemble::count).sum(),
            Self::Double(trees) => trees.iter().map(Ensemble::count).sum(),
        }
    }

    /// Number of nodes of all trees.
    pub fn nodes(&self) -> usize {
        match self {
            Self::Single(trees) => trees.iter().map(Ensemble::nodes).sum(),
            Self::Double(trees) => trees.iter().map(Ensemble::nodes).sum(),
        }
    }

    /// Steps on the longest path of any tree.
    pub fn depth(&self) -> u32 {
        let depth = match self {
            Self::Single(trees) => trees.iter().map(Ensemble::depth).max(),
            Self::Double(trees) => trees.iter().map(Ensemble::depth).max(),
        };
        depth.unwrap_or(0)
    }
}

impl Boosted {
    /// Checks the parts and puts them together.
    ///
    /// Errors when there is no tree, a tree looks at a feature that no reading has, the sums are not those of the link and the
    /// classes, or a number is not finite.
    pub fn new(
        trees: Grown,
        features: usize,
        start: Vec<f64>,
        link: Link,
        labels: Option<Arc<Labels>>,
    ) -> Result<Self, String> {
        match &trees {
            Grown::Single(trees) => trees.iter().try_for_each(|it| check_trees(it, features))?,
            Grown::Double(trees) => trees.iter().try_for_each(|it| check_trees(it, features))?,
        }
        if let Some(labels) = &labels {
            labels.check()?;
        }
        let sums = link.sums(labels.as_ref().map(|labels| labels.len()));
        if sums != Some(trees.sums()) || start.len() != trees.sums() {
            return Err(format!(
                "it makes {} sums from {} starts, which are not those of its classes",
                trees.sums(),
                start.len()
            ));
        }
        if !start.iter().all(|start| start.is_finite()) {
            return Err("where its sums start is not finite".into());
        }
        Ok(Self {
            trees,
            features,
            start,
            link,
            labels,
        })
    }

    /// scikit-learn's name of it.
    pub fn name(&self) -> &'static str {
        match (&self.trees, &self.labels) {
            (Grown::Single(_), Some(_)) => "GradientBoostingClassifier",
            (Grown::Single(_), None) => "GradientBoostingRegressor",
            (Grown::Double(_), Some(_)) => "HistGradientBoostingClassifier",
            (Grown::Double(_), None) => "HistGradientBoostingRegressor",
        }
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
        let (mut of_rows, mut of_row) = (Vec::new(), Vec::new());
        let blocks = rows.chunks(ROWS * self.features);
        for (rows, scores) in blocks.zip(scores.chunks_mut(ROWS)) {
            let count = scores.len();
            self.sums(rows, count, &mut of_rows);
            for (row, score) in scores.iter_mut().enumerate() {
                of_row.clear();
                of_row.extend(of_rows.iter().skip(row).step_by(count));
                let (value, class) = self.link.judge(&mut of_row);
                *score = value;
                if let Some(place) = classes.next() {
                    *place = shares::position(class);
                }
            }
            shares::no_score_of_nan(rows, self.features, scores);
        }
    }

    /// The sums of some rows: those of all rows for the first, then those for the next one.
    pub fn sums(&self, rows: &[f64], count: usize, sums: &mut Vec<f64>) {
        sums.clear();
        for start in &self.start {
            sums.resize(sums.len() + count, *start);
        }
        let each = sums.chunks_exact_mut(count.max(1));
        match &self.trees {
            Grown::Single(trees) => {
                let readings: Vec<f32> = rows.iter().copied().map(f32::of).collect();
                each.zip(trees)
                    .for_each(|(sums, trees)| trees.add_sums(&readings, sums));
            }
            Grown::Double(trees) => {
                each.zip(trees)
                    .for_each(|(sums, trees)| trees.add_sums(rows, sums));
            }
        }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        let trees: usize = match &self.trees {
            Grown::Single(trees) => trees.iter().map(|it| it.bytes() + size_of_val(it)).sum(),
            Grown::Double(trees) => trees.iter().map(|it| it.bytes() + size_of_val(it)).sum(),
        };
        let labels = self.labels.as_ref().map_or(0, |labels| labels.bytes());
        trees + labels + size_of_val(self.start.as_slice())
    }
}
