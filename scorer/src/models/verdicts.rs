/// What a model says of readings, a column each: the score, and whether the reading is an anomaly.
///
/// Whoever writes or counts predictions takes both from here: which scores are anomalies is the model's to say, see
/// [`super::Meaning`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    scores: Vec<f64>,
    anomalies: Vec<bool>,
}

impl Verdicts {
    /// The number of readings.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// A score each; lower is worse.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Whether each is an anomaly.
    pub fn anomalies(&self) -> &[bool] {
        &self.anomalies
    }

    /// Score, and whether it is an anomaly, of each.
    pub fn iter(&self) -> impl Iterator<Item = (f64, bool)> + '_ {
        let scores = self.scores.iter().copied();
        scores.zip(self.anomalies.iter().copied())
    }

    /// Forgets all, and keeps the room for them.
    pub fn clear(&mut self) {
        self.scores.clear();
        self.anomalies.clear();
    }

    /// Adds one.
    pub fn push(&mut self, score: f64, is_anomaly: bool) {
        self.scores.push(score);
        self.anomalies.push(is_anomaly);
    }

    /// Leaves out those whose score is not finite.
    pub fn retain_finite(&mut self) {
        let mut finite = self.scores.iter().map(|score| score.is_finite());
        self.anomalies.retain(|_| finite.next().unwrap_or(false));
        self.scores.retain(|score| score.is_finite());
    }

    /// Adds `count` readings: `decide` writes their scores, `is_anomaly` says what each means.
    pub(super) fn add(
        &mut self,
        count: usize,
        decide: impl FnOnce(&mut [f64]),
        is_anomaly: impl Fn(f64) -> bool,
    ) {
        let before = self.scores.len();
        self.scores.resize(before + count, 0.0);
        let new = self.scores.get_mut(before..).unwrap_or_default();
        decide(new);
        self.anomalies
            .extend(new.iter().map(|score| is_anomaly(*score)));
    }
}

impl FromIterator<(f64, bool)> for Verdicts {
    fn from_iter<I: IntoIterator<Item = (f64, bool)>>(verdicts: I) -> Self {
        let (scores, anomalies) = verdicts.into_iter().unzip();
        Self { scores, anomalies }
    }
}
