//! Files of models with what scikit-learn says of them, and what no change of such a file may do.
#![allow(dead_code, reason = "every test program uses a part")]

pub mod damage;

use std::path::{Path, PathBuf};

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Model, Verdicts, read};

/// A folder of `tests/fixtures`, by its name: models, and beside each of them a CSV file of what scikit-learn says.
pub struct Fixtures(pub &'static str);

impl Fixtures {
    pub fn folder(&self) -> PathBuf {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        all.join(self.0)
    }

    /// Every model's file name and bytes, in order of name.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.folder()).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension != "csv"));
        paths.sort();
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let file = |path: PathBuf| (name(&path), std::fs::read(&path).unwrap());
        paths.into_iter().map(file).collect()
    }

    /// The bytes of one file.
    pub fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder().join(name)).unwrap()
    }

    pub fn load(&self, name: &str) -> Model {
        read(&self.file(name), ModelFormat::Auto).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The lines of what scikit-learn says of the model in a file.
    pub fn expected(&self, file: &str) -> Vec<csv::StringRecord> {
        let (name, _) = file.split_once('.').unwrap();
        let path = self.folder().join(format!("{name}.expected.csv"));
        let records = csv::Reader::from_path(path).unwrap().into_records();
        records.map(|record| record.unwrap()).collect()
    }
}

/// What a model says of rows.
pub fn said(model: &Model, rows: &[f64]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    model.score(rows, &mut verdicts);
    verdicts
}

/// The same, of each row by itself: it must be the same.
pub fn said_alone(model: &Model, rows: &[f64]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for row in rows.chunks(model.features) {
        model.score(row, &mut verdicts);
    }
    verdicts
}
