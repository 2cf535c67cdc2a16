/// What an estimator's numbers say of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// A decision function with its border at 0: what lies below is an anomaly.
    Anomaly {
        /// Whether a score of exactly 0 is an anomaly, too: so with a one-class SVM, not so with an isolation forest.
        at_zero: bool,
    },
}

impl Meaning {
    /// Whether a score means an anomaly. What is no number is one where 0 is.
    #[inline]
    pub fn is_anomaly(self, score: f64) -> bool {
        match self {
            Self::Anomaly { at_zero: true } => {
                let normal = score > 0.0;
                !normal
            }
            Self::Anomaly { at_zero: false } => score < 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_is_on_one_side() {
        for at_zero in [true, false] {
            let meaning = Meaning::Anomaly { at_zero };
            assert!(meaning.is_anomaly(-5e-324));
            assert!(!meaning.is_anomaly(5e-324));
            assert_eq!(meaning.is_anomaly(0.0), at_zero);
            assert_eq!(meaning.is_anomaly(-0.0), at_zero);
            assert_eq!(meaning.is_anomaly(f64::NAN), at_zero);
        }
    }
}
