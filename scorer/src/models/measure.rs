/// What a detector without a border of its own says of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How likely it is: the logarithm of a density.
    Likelihood,
    /// How far it lies from what is usual.
    Distance,
    /// How badly it is given back.
    Error,
}

impl Measure {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Likelihood => "likelihood",
            Self::Distance => "distance",
            Self::Error => "error",
        }
    }

    /// How a score comes of it, in words.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Likelihood => "Score = likelihood - threshold",
            Self::Distance => "Score = threshold - distance",
            Self::Error => "Score = threshold - error",
        }
    }

    /// The score, whose border is at 0: what lies below is an anomaly.
    pub fn score(self, measured: f64, threshold: f64) -> f64 {
        match self {
            Self::Likelihood => measured - threshold,
            Self::Distance | Self::Error => threshold - measured,
        }
    }
}
