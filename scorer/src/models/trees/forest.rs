use std::sync::Arc;

use super::number::Number;
use super::{Ensemble, check_trees};
use crate::models::{Labels, shares};

/// Readings that are scored at a time.
const ROWS: usize = 256;

/// The mean of what trees give: a random forest, extra trees, or one decision tree.
///
/// Every operation is scikit-learn's, in its order, so that values and shares are the same to the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    /// How it was grown.
    pub kind: ForestKind,
    /// The trees; a leaf gives a value, or the share of each class.
    pub trees: Ensemble,
    /// Number of features of a reading.
    pub features: usize,
    /// The classes; none of a regressor.
    pub labels: Option<Arc<Labels>>,
}

/// How the trees of a forest are grown. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ForestKind {
    /// `RandomForestClassifier` and `RandomForestRegressor`.
    Random = 0,
    /// `ExtraTreesClassifier` and `ExtraTreesRegressor`.
    Extra = 1,
    /// `DecisionTreeClassifier` and `DecisionTreeRegressor`.
    Tree = 2,
    /// `ExtraTreeClassifier` and `ExtraTreeRegressor`.
    ExtraTree = 3,
}

impl ForestKind {
    /// All of them, by their numbers.
    pub const ALL: [Self; 4] = [Self::Random, Self::Extra, Self::Tree, Self::ExtraTree];

    /// Whether it is a single tree.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Tree | Self::ExtraTree)
    }
}

impl Forest {
    /// Checks the parts and puts them together.
    ///
    /// Errors when there is no tree, or several of a kind that is one, a tree looks at a feature that no reading has or gives
    /// another number of shares than there are classes, or a number is not finite.
    pub fn new(
        kind: ForestKind,
        trees: Ensemble,
        features: usize,
        labels: Option<Arc<Labels>>,
    ) -> Result<Self, String> {
        check_trees(&trees, features)?;
        if kind.is_single() && trees.count() != 1 {
            return Err(format!("it is one tree, and there are {}", trees.count()));
        }
        if let Some(labels) = &labels {
            labels.check()?;
        }
        let classes = labels.as_ref().map_or(1, |labels| labels.len());
        if trees.width() != classes {
            return Err(format!(
                "its leaves give {} numbers, and there are {classes} classes",
                trees.width()
            ));
        }
        Ok(Self {
            kind,
            trees,
            features,
            labels,
        })
    }

    /// scikit-learn's name of it.
    pub fn name(&self) -> &'static str {
        match (self.kind, &self.labels) {
            (ForestKind::Random, Some(_)) => "RandomForestClassifier",
            (ForestKind::Random, None) => "RandomForestRegressor",
            (ForestKind::Extra, Some(_)) => "ExtraTreesClassifier",
            (ForestKind::Extra, None) => "ExtraTreesRegressor",
            (ForestKind::Tree, Some(_)) => "DecisionTreeClassifier",
            (ForestKind::Tree, None) => "DecisionTreeRegressor",
            (ForestKind::ExtraTree, Some(_)) => "ExtraTreeClassifier",
            (ForestKind::ExtraTree, None) => "ExtraTreeRegressor",
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
        let (width, count) = (self.trees.width(), self.trees.count() as f64);
        let (mut readings, mut sums) = (Vec::new(), Vec::new());
        let mut classes = classes.iter_mut();
        let blocks = rows.chunks(ROWS * self.features);
        for (rows, scores) in blocks.zip(scores.chunks_mut(ROWS)) {
            readings.clear();
            readings.extend(rows.iter().copied().map(f32::of));
            sums.clear();
            // A single tree's value is no sum, and -0 added to it changes nothing.
            let nothing = if self.kind.is_single() { -0.0 } else { 0.0 };
            sums.resize(scores.len() * width, nothing);
            self.trees.add_sums(&readings, &mut sums);
            sums.iter_mut().for_each(|sum| *sum /= count);
            for (shares, score) in sums.chunks_exact(width).zip(scores.iter_mut()) {
                let class = shares::first_largest(shares);
                *score = match (&self.labels, shares) {
                    (None, [value, ..]) | (Some(_), [_, value]) => *value,
                    _ => shares.get(class).copied().unwrap_or(f64::NAN),
                };
                if let Some(place) = classes.next() {
                    *place = shares::position(class);
                }
            }
            shares::no_score_of_nan(rows, self.features, scores);
        }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        self.trees.bytes() + self.labels.as_ref().map_or(0, |labels| labels.bytes())
    }
}
