//! scikit-learn's `KMeans` and `MiniBatchKMeans`: how far a reading lies from the nearest centre.

use super::check::check_finite;
use super::shares;

/// Centres of groups of readings. What is measured is the distance to the nearest one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Centres {
    /// Which class of scikit-learn's it was.
    pub kind: CentresKind,
    /// Number of features d of a reading.
    pub features: usize,
    /// k rows of d numbers (`cluster_centers_`).
    pub centres: Vec<f64>,
}

/// Classes that find centres. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // The names are scikit-learn's.
pub enum CentresKind {
    KMeans = 0,
    MiniBatchKMeans = 1,
}

impl CentresKind {
    /// Both, by their numbers.
    pub const ALL: [Self; 2] = [Self::KMeans, Self::MiniBatchKMeans];

    /// scikit-learn's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KMeans => "KMeans",
            Self::MiniBatchKMeans => "MiniBatchKMeans",
        }
    }
}

impl Centres {
    /// Centres at most: a class is two bytes.
    const MOST: usize = 1 << 16;

    /// Checks the parts and puts them together.
    ///
    /// Errors when there are no centres or too many, they do not have as many numbers each as there are features, or one is not finite.
    pub fn new(kind: CentresKind, features: usize, centres: Vec<f64>) -> Result<Self, String> {
        let numbers = centres.len();
        if features == 0 || numbers == 0 || !numbers.is_multiple_of(features) {
            return Err(format!(
                "{numbers} numbers make no centres of {features} features"
            ));
        }
        if numbers / features > Self::MOST {
            return Err(format!("it has more than {} centres", Self::MOST));
        }
        check_finite("centres", &centres)?;
        Ok(Self {
            kind,
            features,
            centres,
        })
    }

    /// The number of centres.
    pub fn count(&self) -> usize {
        self.centres.len() / self.features
    }

    /// Writes the distance of each of n rows, row-major, to the nearest centre; where there is room for classes, that centre, and the
    /// distance with the other sign, so that lower is worse.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64], classes: &mut [u16]) {
        assert_eq!(rows.len(), scores.len() * self.features, "a score a row");
        let mut classes = classes.iter_mut();
        for (row, score) in rows.chunks_exact(self.features).zip(scores) {
            let (nearest, distance) = self.nearest(row);
            match classes.next() {
                None => *score = distance,
                Some(class) => {
                    *class = shares::position(nearest);
                    *score = -distance;
                }
            }
        }
    }

    /// The first of the nearest centres, and how far it is.
    fn nearest(&self, row: &[f64]) -> (usize, f64) {
        let mut nearest = (0, f64::INFINITY);
        for (at, centre) in self.centres.chunks_exact(self.features).enumerate() {
            let terms = row.iter().zip(centre).map(|(x, c)| (x - c) * (x - c));
            let squared: f64 = terms.sum();
            if squared.is_nan() {
                return (at, f64::NAN);
            }
            if squared < nearest.1 {
                nearest = (at, squared);
            }
        }
        (nearest.0, nearest.1.sqrt())
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        size_of_val(self.centres.as_slice())
    }
}
