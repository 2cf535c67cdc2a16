use std::collections::HashSet;

use crate::models::Kind;

/// Name of the column with the decision function's value.
pub const SCORE: &str = "Score";
/// Name of the column with the prediction: 1 anomaly, 0 normal; of a classifier the label, of a regressor the value.
pub const PREDICTION: &str = "Prediction";
/// Name of the column with what the target is expected to be.
pub const EXPECTED: &str = "Expected";
/// Name of the column that says of a classifier's predictions which are anomalies.
pub const ANOMALY: &str = "Anomaly";

/// Names of the columns that are computed, in their order.
pub fn computed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Anomaly => &[SCORE, PREDICTION],
        Kind::Residual => &[EXPECTED, SCORE, PREDICTION],
        Kind::Class => &[SCORE, PREDICTION, ANOMALY],
        Kind::Value => &[PREDICTION],
    }
}

/// The columns of a sensor's predictions.
///
/// Names are unique: those of [`computed`] are always the computed ones, and so are `Score` and `Prediction`. An input column whose
/// name is taken, be it by one of these or by an earlier column, gets `_input` appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictionLayout {
    /// The time.
    pub time: String,
    /// Name and value of each key.
    pub keys: Vec<(String, String)>,
    /// The features.
    pub features: Vec<String>,
    /// The label, where readings have one.
    pub label: Option<String>,
    /// What comes behind them.
    pub kind: Kind,
}

impl PredictionLayout {
    /// A layout with these names, made unique.
    pub fn new(
        time: &str,
        keys: &[(String, String)],
        features: &[String],
        label: Option<&str>,
        kind: Kind,
    ) -> Self {
        let taken = [SCORE, PREDICTION].iter().chain(computed(kind));
        let mut names = Names {
            taken: taken.map(|name| (*name).to_owned()).collect(),
        };
        Self {
            time: names.claim(time),
            keys: keys
                .iter()
                .map(|(name, value)| (names.claim(name), value.clone()))
                .collect(),
            features: features.iter().map(|name| names.claim(name)).collect(),
            label: label.map(|name| names.claim(name)),
            kind,
        }
    }

    /// All names in order, the computed ones included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter().map(|(name, _)| name);
        let input = std::iter::once(&self.time)
            .chain(keys)
            .chain(&self.features)
            .chain(&self.label);
        let computed = computed(self.kind).iter().copied();
        input.map(String::as_str).chain(computed)
    }
}

struct Names {
    taken: HashSet<String>,
}

impl Names {
    fn claim(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        while !self.taken.insert(unique.clone()) {
            unique.push_str("_input");
        }
        unique
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_computed_ones_are_kept() {
        let keys = [("Score".to_owned(), "1".to_owned())];
        let features = ["Value".to_owned(), "TS".to_owned(), "Prediction".to_owned()];
        let layout = PredictionLayout::new("TS", &keys, &features, Some("Score"), Kind::Anomaly);
        let names: Vec<&str> = layout.names().collect();
        let expected = [
            "TS",
            "Score_input",
            "Value",
            "TS_input",
            "Prediction_input",
            "Score_input_input",
            "Score",
            "Prediction",
        ];
        assert_eq!(names, expected);
    }

    /// A column of the readings keeps a name that no column of its kind has.
    #[test]
    fn every_kind_has_columns_of_its_own() {
        let features = ["Expected".to_owned(), "Anomaly".to_owned()];
        let names = |kind| {
            let layout = PredictionLayout::new("TS", &[], &features, None, kind);
            layout.names().collect::<Vec<_>>().join(",")
        };
        assert_eq!(names(Kind::Anomaly), "TS,Expected,Anomaly,Score,Prediction");
        assert_eq!(
            names(Kind::Residual),
            "TS,Expected_input,Anomaly,Expected,Score,Prediction"
        );
        assert_eq!(
            names(Kind::Class),
            "TS,Expected,Anomaly_input,Score,Prediction,Anomaly"
        );
        assert_eq!(names(Kind::Value), "TS,Expected,Anomaly,Prediction");
    }
}
