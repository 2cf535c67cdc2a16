//! What XGBoost and LightGBM say of rows.

use fleetscore_scorer::models::{Model, Verdicts};

use crate::expected::fixture;

/// Every model's file of a program, by name, with its bytes.
pub fn files(program: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(fixture("boosters")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.retain(|path| {
        name(path).contains(&format!("_{program}"))
            && path.extension().is_some_and(|end| end != "csv")
    });
    let file = |path: std::path::PathBuf| (name(&path), std::fs::read(&path).unwrap());
    paths.into_iter().map(file).collect()
}

/// What a model's program says of rows.
pub struct Said {
    /// The rows' inputs, row-major.
    pub rows: Vec<f64>,
    /// The sums of all rows for the first class, then for the next.
    sums: Vec<f64>,
    scores: Vec<f64>,
    labels: Vec<String>,
}

impl Said {
    /// Of the model in a file.
    pub fn of(file: &str) -> Self {
        Self::within("boosters", file)
    }

    /// Of the model in a file of a folder of fixtures.
    pub fn within(folder: &str, file: &str) -> Self {
        let (name, _) = file.split_once('.').unwrap();
        let path = fixture(folder).join(format!("{name}.expected.csv"));
        let mut reader = csv::Reader::from_path(path).unwrap();
        let header = reader.headers().unwrap().clone();
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert!(records.len() > 30, "{name} has few rows");
        let columns = |start: &str| {
            let columns = (0..header.len()).filter(|at| {
                let digits = header[*at].strip_prefix(start);
                digits.is_some_and(|digits| digits.chars().all(|digit| digit.is_ascii_digit()))
            });
            columns.collect::<Vec<_>>()
        };
        let (features, sums) = (columns("x"), columns("sum"));
        let number = |row: &csv::StringRecord, at: usize| row[at].parse::<f64>().unwrap();
        let last = header.len() - 1;
        Self {
            rows: records
                .iter()
                .flat_map(|row| features.iter().map(|at| number(row, *at)))
                .collect(),
            sums: sums
                .iter()
                .flat_map(|at| records.iter().map(|row| number(row, *at)))
                .collect(),
            scores: records.iter().map(|row| number(row, last - 1)).collect(),
            labels: records.iter().map(|row| row[last].to_owned()).collect(),
        }
    }

    /// Asserts sums to the last bit.
    pub fn assert_sums(&self, sums: &[f64], name: &str) {
        assert_eq!(sums.len(), self.sums.len(), "{name}");
        for (at, (ours, theirs)) in sums.iter().zip(&self.sums).enumerate() {
            assert_eq!(
                ours.to_bits(),
                theirs.to_bits(),
                "{name} sum {at}: {ours}, expected {theirs}"
            );
        }
    }

    /// Asserts labels, and scores to a share of their size.
    pub fn assert_same(&self, model: &Model, share: f64, name: &str) {
        self.assert_close(model, (share, 0.0), name);
    }

    /// Asserts labels, and scores to a share of their size, or of a least size.
    pub fn assert_close(&self, model: &Model, (share, least): (f64, f64), name: &str) {
        let mut verdicts = Verdicts::default();
        model.score(&self.rows, &mut verdicts);
        assert_eq!(verdicts.len(), self.scores.len(), "{name}");
        for (row, (ours, theirs)) in verdicts.scores().iter().zip(&self.scores).enumerate() {
            let near = (ours - theirs).abs() <= share * theirs.abs().max(least);
            assert!(near, "{name} row {row}: {ours}, expected {theirs}");
        }
        let labels = model.meaning.labels();
        let classes = verdicts.classes().iter().map(|class| usize::from(*class));
        let ours: Vec<String> = match labels {
            Some(labels) => classes
                .map(|class| labels.text(class).into_owned())
                .collect(),
            None => vec![String::new(); verdicts.len()],
        };
        assert_eq!(ours, self.labels, "{name}");
    }
}
