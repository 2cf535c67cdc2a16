use super::Meaning;

/// What a model says of readings, a column each: the score, and whether the reading is an anomaly; of some kinds of models more.
///
/// Whoever writes or counts predictions takes all from here: which scores are anomalies is the model's to say, see
/// [`super::Meaning`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    scores: Vec<f64>,
    anomalies: Vec<bool>,
    /// What the target is expected to be; empty where there is none.
    expected: Vec<f64>,
    /// Positions among the labels; empty where there are none.
    classes: Vec<u16>,
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

    /// A score each; lower is worse. Of a value, the value itself; of a class, how sure it is.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Whether each is an anomaly.
    pub fn anomalies(&self) -> &[bool] {
        &self.anomalies
    }

    /// What the target of each is expected to be; empty where the model's score is no residual.
    pub fn expected(&self) -> &[f64] {
        &self.expected
    }

    /// The class of each, as its position among the labels; empty where the model is no classifier.
    pub fn classes(&self) -> &[u16] {
        &self.classes
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
        self.expected.clear();
        self.classes.clear();
    }

    /// Adds one of a detector or a regressor.
    pub fn push(&mut self, score: f64, is_anomaly: bool) {
        self.scores.push(score);
        self.anomalies.push(is_anomaly);
    }

    /// Adds one of a classifier.
    pub fn push_class(&mut self, score: f64, class: u16, is_anomaly: bool) {
        self.push(score, is_anomaly);
        self.classes.push(class);
    }

    /// Adds one of a regressor whose target is known.
    pub fn push_residual(&mut self, expected: f64, target: f64, threshold: f64) {
        let score = threshold - (target - expected).abs();
        self.push(score, score < 0.0);
        self.expected.push(expected);
    }

    /// Leaves out those whose score is not finite.
    pub fn retain_finite(&mut self) {
        keep(&self.scores, &mut self.anomalies);
        keep(&self.scores, &mut self.expected);
        keep(&self.scores, &mut self.classes);
        self.scores.retain(|score| score.is_finite());
    }

    /// Adds `count` readings: `decide` writes their scores and, of a classifier, their classes; `meaning` says what they mean.
    pub(super) fn add(
        &mut self,
        count: usize,
        meaning: &Meaning,
        decide: impl FnOnce(&mut [f64], &mut [u16]),
    ) {
        let before = self.scores.len();
        self.scores.resize(before + count, 0.0);
        let new = self.scores.get_mut(before..).unwrap_or_default();
        let Meaning::Class { anomalies, .. } = meaning else {
            decide(new, &mut []);
            meaning.shift(new);
            let judged = new.iter().map(|score| meaning.is_anomaly(*score));
            return self.anomalies.extend(judged);
        };
        self.classes.resize(before + count, 0);
        let classes = self.classes.get_mut(before..).unwrap_or_default();
        decide(new, classes);
        let is_anomaly = |class: &u16| anomalies.get(usize::from(*class)) == Some(&true);
        self.anomalies.extend(classes.iter().map(is_anomaly));
    }
}

/// Leaves out of a column, where it is there at all, what has no finite score.
fn keep<T>(scores: &[f64], column: &mut Vec<T>) {
    let mut finite = scores.iter().map(|score| score.is_finite());
    column.retain(|_| finite.next().unwrap_or(false));
}

impl FromIterator<(f64, bool)> for Verdicts {
    fn from_iter<I: IntoIterator<Item = (f64, bool)>>(verdicts: I) -> Self {
        let mut all = Self::default();
        for (score, is_anomaly) in verdicts {
            all.push(score, is_anomaly);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_residual_is_an_anomaly_beyond_the_threshold() {
        let mut verdicts = Verdicts::default();
        verdicts.push_residual(10.0, 12.0, 2.0);
        verdicts.push_residual(10.0, 7.5, 2.0);
        verdicts.push_residual(f64::INFINITY, 7.5, 2.0);
        assert_eq!(verdicts.scores(), [0.0, -0.5, f64::NEG_INFINITY]);
        assert_eq!(verdicts.anomalies(), [false, true, true]);
        verdicts.retain_finite();
        assert_eq!(verdicts.expected(), [10.0, 10.0]);
        assert_eq!((verdicts.len(), verdicts.anomalies().len()), (2, 2));
    }

    #[test]
    fn what_has_no_finite_score_leaves_every_column() {
        let mut verdicts = Verdicts::default();
        verdicts.push_class(0.5, 2, true);
        verdicts.push_class(f64::NAN, 7, true);
        verdicts.push_class(0.25, 1, false);
        verdicts.retain_finite();
        assert_eq!(verdicts.classes(), [2, 1]);
        assert_eq!(verdicts.anomalies(), [true, false]);
    }
}
