//! Models and data from outside the repository, where they are present.

use std::path::PathBuf;

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::read;

use crate::expected::Expected;
use crate::fixtures::file_name;

fn shared(part: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned();
    let folder = PathBuf::from(std::env::var("FLEETSCORE_SHARED").unwrap_or(beside))
        .join("data")
        .join(part);
    if !folder.is_dir() {
        println!("skipped: {} absent", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn every_reading_of_the_2018_reference_gets_its_label() {
    let Some(folder) = shared("batchai") else {
        return;
    };
    let mut models = 0;
    for entry in std::fs::read_dir(folder.join("models")).unwrap() {
        let path = entry.unwrap().path();
        let file = file_name(&path);
        let model = read(&std::fs::read(&path).unwrap(), ModelFormat::Auto).unwrap();
        assert_eq!(
            model.origin.producer.as_deref(),
            Some("scikit-learn 0.19.2")
        );
        let expected = folder
            .join("expected")
            .join(format!("{}.csv", file.replace("model", "preds")));
        Expected::read(&expected, 3).assert_scores(&model, &file);
        models += 1;
    }
    assert_eq!(models, 10);
}

#[test]
fn every_format_of_the_zoo_gets_its_labels() {
    let Some(folder) = shared("models-zoo") else {
        return;
    };
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let file = file_name(&path);
        let (name, extension) = file.split_once('.').unwrap();
        let model = read(&std::fs::read(&path).unwrap(), ModelFormat::Auto);
        match (name, extension) {
            (_, "expected.csv") => {}
            ("unsupported_isolationforest", _) => {
                // Its scaler was never fitted.
                let error = model.unwrap_err().to_string();
                assert!(error.contains("StandardScaler"), "{error}");
                assert!(error.contains("saved before it was fitted"), "{error}");
            }
            _ => {
                let expected = Expected::read(&folder.join(format!("{name}.expected.csv")), 0);
                expected.assert_scores(
                    &model.unwrap_or_else(|error| panic!("{file}: {error}")),
                    &file,
                );
            }
        }
    }
}
