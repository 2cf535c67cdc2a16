//! Support vector machines that tell classes apart or give values: scikit-learn's `SVC`, `NuSVC`, `SVR` and `NuSVR`.

use std::sync::Arc;

use super::check::check_finite;
use super::{Kernel, Labels, shares};

/// Support vectors, and what libsvm makes of the kernel between each and a reading, with its operations in its order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Vectors {
    /// Which it is.
    pub kind: VectorsKind,
    /// The kernel K.
    pub kernel: Kernel,
    /// Number of features d of a reading.
    pub features: usize,
    /// n rows of d numbers, class after class (`support_vectors_`).
    pub support_vectors: Vec<f64>,
    /// How many of them each class has (`n_support_`); none where there are no classes.
    pub counts: Vec<usize>,
    /// n numbers for each class but one, or n (`_dual_coef_`).
    pub coefficients: Vec<f64>,
    /// A number for each pair of classes, in the order (0, 1), (0, 2), ..., or one (`_intercept_`).
    pub intercepts: Vec<f64>,
    /// Whether the class of several is that of the largest number, and not the first with the most votes (`break_ties`).
    pub breaks_ties: bool,
    /// The classes; none of others.
    pub labels: Option<Arc<Labels>>,
}

/// Classes of scikit-learn. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // The names are scikit-learn's.
pub enum VectorsKind {
    Svc = 0,
    NuSvc = 1,
    Svr = 2,
    NuSvr = 3,
}

impl VectorsKind {
    /// All of them, by their numbers.
    pub const ALL: [Self; 4] = [Self::Svc, Self::NuSvc, Self::Svr, Self::NuSvr];

    /// scikit-learn's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svc => "SVC",
            Self::NuSvc => "NuSVC",
            Self::Svr => "SVR",
            Self::NuSvr => "NuSVR",
        }
    }

    /// Whether it tells classes apart.
    pub fn classifies(self) -> bool {
        matches!(self, Self::Svc | Self::NuSvc)
    }
}

/// The numbers of such a model; see [`Vectors`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorNumbers {
    /// n rows of d numbers.
    pub support_vectors: Vec<f64>,
    /// How many each class has.
    pub counts: Vec<usize>,
    /// n for each class but one.
    pub coefficients: Vec<f64>,
    /// One for each pair of classes.
    pub intercepts: Vec<f64>,
}

impl Vectors {
    /// Checks the parts and puts them together.
    ///
    /// Errors when a shape differs from the others, a number is not finite, or gamma is negative.
    pub fn new(
        (kind, breaks_ties): (VectorsKind, bool),
        kernel: Kernel,
        features: usize,
        numbers: VectorNumbers,
        labels: Option<Arc<Labels>>,
    ) -> Result<Self, String> {
        if labels.is_some() != kind.classifies() {
            return Err("only a classifier has classes, and each one has".into());
        }
        if let Some(labels) = &labels {
            labels.check()?;
        }
        let machine = Self {
            kind,
            kernel,
            features,
            support_vectors: numbers.support_vectors,
            counts: numbers.counts,
            coefficients: numbers.coefficients,
            intercepts: numbers.intercepts,
            breaks_ties,
            labels,
        };
        machine.check_shapes()?;
        machine.check_numbers()?;
        Ok(machine)
    }

    fn check_shapes(&self) -> Result<(), String> {
        let classes = self.labels.as_ref().map(|labels| labels.len());
        let (rows, pairs) = match classes {
            None => (1, 1),
            Some(1) => return Err("it has a single class".into()),
            Some(classes) => (classes - 1, classes * (classes - 1) / 2),
        };
        let vectors = self.coefficients.len() / rows;
        let mut counted = self.counts.iter();
        let counted = counted.try_fold(0_usize, |sum, count| sum.checked_add(*count));
        let counts_fit = match classes {
            None => self.counts.is_empty(),
            Some(classes) => self.counts.len() == classes && counted == Some(vectors),
        };
        if self.features == 0
            || !counts_fit
            || rows * vectors != self.coefficients.len()
            || vectors.checked_mul(self.features) != Some(self.support_vectors.len())
            || self.intercepts.len() != pairs
        {
            return Err(format!(
                "{} numbers in its support vectors of {} features, {} coefficients, {} intercepts and {:?} vectors a class do not fit",
                self.support_vectors.len(),
                self.features,
                self.coefficients.len(),
                self.intercepts.len(),
                counted
            ));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), String> {
        let (gamma, coef0, _) = self.kernel.parameters();
        if gamma < 0.0 {
            return Err(format!("gamma {gamma} is negative"));
        }
        check_finite("gamma", &[gamma])?;
        check_finite("coef0", &[coef0])?;
        check_finite("support vectors", &self.support_vectors)?;
        check_finite("coefficients", &self.coefficients)?;
        check_finite("intercepts", &self.intercepts)
    }

    /// The number n of support vectors.
    pub fn count(&self) -> usize {
        self.support_vectors.len() / self.features
    }

    /// Writes the value of each of n rows, row-major; of a classifier the decision function of the second class, or of the label where
    /// there are more than two, and the class.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64], classes: &mut [u16]) {
        assert_eq!(rows.len(), scores.len() * self.features, "a score a row");
        let mut classes = classes.iter_mut();
        let (mut kernels, mut pairs) = (Vec::with_capacity(self.count()), Vec::new());
        for (row, score) in rows.chunks_exact(self.features).zip(scores.iter_mut()) {
            kernels.clear();
            let vectors = self.support_vectors.chunks_exact(self.features);
            kernels.extend(vectors.map(|vector| self.kernel.evaluate(row, vector)));
            if self.labels.is_none() {
                let intercept = self.intercepts.first().copied().unwrap_or(f64::NAN);
                *score = dot(0.0, &self.coefficients, &kernels) + intercept;
                continue;
            }
            pairs.clear();
            self.compare(&kernels, &mut pairs);
            let (value, class) = self.judge(&pairs);
            *score = value;
            if let Some(place) = classes.next() {
                *place = shares::position(class);
            }
        }
        shares::no_score_of_nan(rows, self.features, scores);
    }

    /// Appends a number for each pair of classes, above 0 where the first of them is the likelier one.
    fn compare(&self, kernels: &[f64], pairs: &mut Vec<f64>) {
        let mut intercepts = self.intercepts.iter();
        let mut begin = 0;
        for (first, &count) in self.counts.iter().enumerate() {
            let mut other_begin = begin + count;
            for (second, &other_count) in self.counts.iter().enumerate().skip(first + 1) {
                let of_first = self.of_row(second - 1, begin, count);
                let of_second = self.of_row(first, other_begin, other_count);
                let sum = dot(0.0, of_first, part(kernels, begin, count));
                let sum = dot(sum, of_second, part(kernels, other_begin, other_count));
                pairs.push(sum + intercepts.next().copied().unwrap_or(f64::NAN));
                other_begin += other_count;
            }
            begin += count;
        }
    }

    /// Some of the coefficients of one row.
    fn of_row(&self, row: usize, begin: usize, count: usize) -> &[f64] {
        part(&self.coefficients, row * self.count() + begin, count)
    }

    /// The score and the class of a reading, from the numbers of the pairs.
    fn judge(&self, pairs: &[f64]) -> (f64, usize) {
        if let &[first] = pairs {
            let is_first = first > 0.0;
            return (-first, usize::from(!is_first));
        }
        let classes = self.counts.len();
        let (mut votes, mut sums) = (vec![0_u32; classes], vec![0.0; classes]);
        // scikit-learn gives the vote of a tie to the first of a pair, libsvm to the second.
        let mut ours = vec![0.0; classes];
        let mut pairs = pairs.iter();
        for first in 0..classes {
            for second in first + 1..classes {
                let number = pairs.next().copied().unwrap_or(f64::NAN);
                votes[if number > 0.0 { first } else { second }] += 1;
                ours[if number < 0.0 { second } else { first }] += 1.0;
                sums[first] += number;
                sums[second] -= number;
            }
        }
        for (number, sum) in ours.iter_mut().zip(&sums) {
            *number += sum / (3.0 * (f64::abs(*sum) + 1.0));
        }
        let class = if self.breaks_ties {
            shares::first_largest(&ours)
        } else {
            let most = votes.iter().copied().max().unwrap_or_default();
            votes
                .iter()
                .position(|votes| *votes == most)
                .unwrap_or_default()
        };
        (ours.get(class).copied().unwrap_or(f64::NAN), class)
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        let numbers = self.support_vectors.len() + self.coefficients.len() + self.intercepts.len();
        numbers * size_of::<f64>()
            + size_of_val(self.counts.as_slice())
            + self.labels.as_ref().map_or(0, |labels| labels.bytes())
    }
}

/// `sum` and the products, one after the other.
fn dot(sum: f64, a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(sum, |sum, (x, y)| sum + x * y)
}

fn part(numbers: &[f64], begin: usize, count: usize) -> &[f64] {
    numbers.get(begin..begin + count).unwrap_or_default()
}
