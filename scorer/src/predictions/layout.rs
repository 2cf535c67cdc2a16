use std::collections::HashSet;

/// Name of the column with the decision function's value.
pub const SCORE: &str = "Score";
/// Name of the column with the prediction: 1 anomaly, 0 normal.
pub const PREDICTION: &str = "Prediction";

/// The columns of a sensor's predictions before the score.
///
/// Names are unique: `Score` and `Prediction` are always the computed ones. An input column whose name is taken, be it by one of
/// these or by an earlier column, gets `_input` appended.
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
}

impl PredictionLayout {
    /// A layout with these names, made unique.
    pub fn new(
        time: &str,
        keys: &[(String, String)],
        features: &[String],
        label: Option<&str>,
    ) -> Self {
        let mut names = Names {
            taken: HashSet::from([SCORE.to_owned(), PREDICTION.to_owned()]),
        };
        Self {
            time: names.claim(time),
            keys: keys
                .iter()
                .map(|(name, value)| (names.claim(name), value.clone()))
                .collect(),
            features: features.iter().map(|name| names.claim(name)).collect(),
            label: label.map(|name| names.claim(name)),
        }
    }

    /// All names in order, `Score` and `Prediction` included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter().map(|(name, _)| name);
        let input = std::iter::once(&self.time)
            .chain(keys)
            .chain(&self.features)
            .chain(&self.label);
        input.map(String::as_str).chain([SCORE, PREDICTION])
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
        let layout = PredictionLayout::new("TS", &keys, &features, Some("Score"));
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
}
