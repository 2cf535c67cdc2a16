//! Linear models: weighted sums of the features.

use std::sync::Arc;

use super::check::check_finite;
use super::{Labels, shares};

/// A linear model: weighted sums of the features, one of them, or one a class where there are more than two.
///
/// The terms are added up in the features' order. scikit-learn leaves the order to a library for matrices, so sums may differ by some
/// roundings.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Which it is.
    pub kind: LinearKind,
    /// Number of features of a reading.
    pub features: usize,
    /// Weights of the features, sum by sum.
    pub weights: Vec<f64>,
    /// What is added to each sum at the end.
    pub intercepts: Vec<f64>,
    /// What becomes of the sums of a classifier.
    pub shares: Shares,
    /// The classes; none of others.
    pub labels: Option<Arc<Labels>>,
}

/// Linear models of scikit-learn. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // The names are scikit-learn's.
pub enum LinearKind {
    LinearRegression = 0,
    Ridge = 1,
    Lasso = 2,
    ElasticNet = 3,
    HuberRegressor = 4,
    SgdRegressor = 5,
    LogisticRegression = 6,
    LinearSvc = 7,
    SgdClassifier = 8,
    SgdOneClassSvm = 9,
    RidgeCv = 10,
    RidgeClassifier = 11,
    BayesianRidge = 12,
    LassoCv = 13,
    ElasticNetCv = 14,
    LogisticRegressionCv = 15,
    LinearSvr = 16,
}

impl LinearKind {
    /// All of them, by their numbers.
    pub const ALL: [Self; 17] = [
        Self::LinearRegression,
        Self::Ridge,
        Self::Lasso,
        Self::ElasticNet,
        Self::HuberRegressor,
        Self::SgdRegressor,
        Self::LogisticRegression,
        Self::LinearSvc,
        Self::SgdClassifier,
        Self::SgdOneClassSvm,
        Self::RidgeCv,
        Self::RidgeClassifier,
        Self::BayesianRidge,
        Self::LassoCv,
        Self::ElasticNetCv,
        Self::LogisticRegressionCv,
        Self::LinearSvr,
    ];

    /// scikit-learn's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinearRegression => "LinearRegression",
            Self::Ridge => "Ridge",
            Self::Lasso => "Lasso",
            Self::ElasticNet => "ElasticNet",
            Self::HuberRegressor => "HuberRegressor",
            Self::SgdRegressor => "SGDRegressor",
            Self::LogisticRegression => "LogisticRegression",
            Self::LinearSvc => "LinearSVC",
            Self::SgdClassifier => "SGDClassifier",
            Self::SgdOneClassSvm => "SGDOneClassSVM",
            Self::RidgeCv => "RidgeCV",
            Self::RidgeClassifier => "RidgeClassifier",
            Self::BayesianRidge => "BayesianRidge",
            Self::LassoCv => "LassoCV",
            Self::ElasticNetCv => "ElasticNetCV",
            Self::LogisticRegressionCv => "LogisticRegressionCV",
            Self::LinearSvr => "LinearSVR",
        }
    }

    /// Whether it tells classes apart.
    pub fn classifies(self) -> bool {
        matches!(
            self,
            Self::LogisticRegression
                | Self::LogisticRegressionCv
                | Self::LinearSvc
                | Self::SgdClassifier
                | Self::RidgeClassifier
        )
    }
}

/// What becomes of the sums of a classifier. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Shares {
    /// Nothing: the score is the sum.
    None = 0,
    /// A share of each sum for itself; of several classes divided by their sum.
    Each = 1,
    /// Shares of all sums together.
    Together = 2,
}

impl Shares {
    /// All of them, by their numbers.
    pub const ALL: [Self; 3] = [Self::None, Self::Each, Self::Together];
}

impl Linear {
    /// Checks the parts and puts them together.
    ///
    /// Errors when there are not as many weights and intercepts as the features and classes ask for, or a number is not finite.
    pub fn new(
        kind: LinearKind,
        features: usize,
        weights: Vec<f64>,
        intercepts: Vec<f64>,
        shares: Shares,
        labels: Option<Arc<Labels>>,
    ) -> Result<Self, String> {
        if let Some(labels) = &labels {
            labels.check()?;
        }
        let sums = match labels.as_ref().map(|labels| labels.len()) {
            _ if labels.is_some() != kind.classifies() => {
                return Err("only a classifier has classes, and each one has".into());
            }
            None | Some(2) => 1,
            Some(1) => return Err("it has a single class".into()),
            Some(classes) => classes,
        };
        if features == 0
            || sums.checked_mul(features) != Some(weights.len())
            || intercepts.len() != sums
        {
            return Err(format!(
                "it has {} weights and {} intercepts for {sums} sums of {features} features",
                weights.len(),
                intercepts.len()
            ));
        }
        check_finite("weights", &weights)?;
        check_finite("intercepts", &intercepts)?;
        Ok(Self {
            kind,
            features,
            weights,
            intercepts,
            shares,
            labels,
        })
    }

    /// Writes the sum of each of n rows, row-major; of a classifier the share of its second class, or of the label where there are
    /// more than two, else the sum of that class, and the class.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64], classes: &mut [u16]) {
        assert_eq!(rows.len(), scores.len() * self.features, "a score a row");
        let mut classes = classes.iter_mut();
        let mut sums = Vec::with_capacity(self.intercepts.len());
        for (row, score) in rows.chunks_exact(self.features).zip(scores) {
            sums.clear();
            let weights = self.weights.chunks_exact(self.features);
            sums.extend(weights.zip(&self.intercepts).map(|(weights, intercept)| {
                let terms = row.iter().zip(weights).map(|(x, weight)| x * weight);
                terms.sum::<f64>() + intercept
            }));
            let (value, class) = self.judge(&mut sums);
            *score = value;
            if let Some(place) = classes.next() {
                *place = shares::position(class);
            }
        }
    }

    fn judge(&self, sums: &mut [f64]) -> (f64, usize) {
        if let &mut [sum] = sums {
            let score = match self.shares {
                Shares::None => sum,
                Shares::Each => shares::logistic(sum),
                // The sum of the first class is taken for the second's negative.
                Shares::Together => shares::logistic(2.0 * sum),
            };
            return (score, usize::from(sum > 0.0));
        }
        let class = shares::first_largest(sums);
        match self.shares {
            Shares::None => {}
            Shares::Each => {
                sums.iter_mut()
                    .for_each(|sum| *sum = shares::logistic(*sum));
                shares::normalise(sums);
            }
            Shares::Together => shares::softmax(sums),
        }
        (sums.get(class).copied().unwrap_or(f64::NAN), class)
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        size_of_val(self.weights.as_slice())
            + size_of_val(self.intercepts.as_slice())
            + self.labels.as_ref().map_or(0, |labels| labels.bytes())
    }
}
