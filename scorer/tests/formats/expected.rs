use std::path::{Path, PathBuf};

use fleetscore_scorer::models::{Model, Verdicts};

/// A path below the fixtures.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(path)
}

/// The entries of a folder of fixtures that end so, without that, in order.
pub fn names(folder: &str, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(fixture(folder)).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.unwrap().file_name();
        Some(name.to_str().unwrap().strip_suffix(end)?.to_owned())
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

/// What a model's own program says of rows.
pub struct Expected {
    /// The rows' inputs, row-major.
    pub rows: Vec<f64>,
    verdicts: Vec<(f64, bool)>,
}

impl Expected {
    /// Of `FOLDER/NAME.expected.csv`: inputs, score, prediction.
    pub fn of(folder: &str, name: &str) -> Self {
        let path = fixture(folder).join(format!("{name}.expected.csv"));
        let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
        for record in csv::Reader::from_path(path).unwrap().into_records() {
            let record = record.unwrap();
            let score = record.len() - 2;
            let number = |column: usize| record[column].parse::<f64>().unwrap();
            rows.extend((0..score).map(number));
            verdicts.push((number(score), &record[score + 1] == "1"));
        }
        assert!(verdicts.len() > 30, "{name} has few rows");
        let anomalies = verdicts.iter().filter(|verdict| verdict.1).count();
        assert!(
            anomalies > 0 && anomalies < verdicts.len(),
            "{name} says one thing"
        );
        Self { rows, verdicts }
    }

    /// Asserts scores to the last bit, and predictions.
    pub fn assert_same(&self, model: &Model, name: &str) {
        let mut ours = Verdicts::default();
        model.score(&self.rows, &mut ours);
        assert_eq!(ours.len(), self.verdicts.len(), "{name}");
        for (row, (ours, theirs)) in ours.iter().zip(&self.verdicts).enumerate() {
            assert_eq!(
                (ours.0.to_bits(), ours.1),
                (theirs.0.to_bits(), theirs.1),
                "{name} row {row}: {ours:?}, expected {theirs:?}"
            );
        }
    }

    /// Asserts scores to 1e-12 of their size or of 1, and predictions.
    pub fn assert_close(&self, model: &Model, name: &str) {
        let mut ours = Verdicts::default();
        model.score(&self.rows, &mut ours);
        assert_eq!(ours.len(), self.verdicts.len(), "{name}");
        for (row, (ours, theirs)) in ours.iter().zip(&self.verdicts).enumerate() {
            let near = (ours.0 - theirs.0).abs() <= 1e-12 * theirs.0.abs().max(1.0);
            assert!(
                near && ours.1 == theirs.1,
                "{name} row {row}: {ours:?}, expected {theirs:?}"
            );
        }
    }

    /// Rows with a score of exactly 0.
    pub fn ties(&self) -> usize {
        let scores = self.verdicts.iter().map(|verdict| verdict.0);
        scores.filter(|score| *score == 0.0).count()
    }
}
