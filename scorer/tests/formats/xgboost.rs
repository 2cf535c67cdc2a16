//! The models of XGBoost of `scripts/fixtures/make_boosters.py`.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Estimator, Model, ModelError, Verdicts, read};
use proptest::prelude::*;

use crate::boosters::{Said, files};
use crate::expected::fixture;

fn refused(file: &str) -> ModelError {
    let bytes = std::fs::read(fixture("boosters/refused").join(file)).unwrap();
    read(&bytes, ModelFormat::Auto).unwrap_err()
}

fn sums(model: &Model, rows: &[f64]) -> Vec<f64> {
    match &model.estimator {
        Estimator::XgBoost(boosted) => boosted.sums(rows).into_iter().map(f64::from).collect(),
        other => panic!("{}", other.name()),
    }
}

/// Rows on thresholds and an ulp below them among those; stopped early, of several classes, with trees abreast, pruned.
#[test]
fn every_model_sums_as_in_xgboost_to_the_last_bit() {
    let files = files("xgb");
    assert!(files.len() > 40, "only {}", files.len());
    for (name, bytes) in files {
        let model =
            read(&bytes, ModelFormat::Auto).unwrap_or_else(|error| panic!("{name}: {error}"));
        let said = Said::of(&name);
        if !name.starts_with("piped") {
            said.assert_sums(&sums(&model, &said.rows), &name);
        }
        said.assert_same(&model, 1e-6, &name);
    }
}

#[test]
fn knows_names_and_version() {
    let file = |name: &str| std::fs::read(fixture("boosters").join(name)).unwrap();
    let model = read(&file("named_xgb320.ubj"), ModelFormat::Auto).unwrap();
    assert_eq!(model.origin.format, ModelFormat::Xgboost);
    assert_eq!(model.origin.producer.unwrap(), "XGBoost 3.2.0");
    let names = model.origin.feature_names.unwrap();
    assert_eq!(names, ["temperature", "pressure", "flow"]);
    let pretty: serde_json::Value = serde_json::from_slice(&file("two_xgb214.json")).unwrap();
    let pretty = serde_json::to_string_pretty(&pretty).unwrap();
    let model = read(pretty.as_bytes(), ModelFormat::Auto).unwrap();
    assert_eq!(model.origin.producer.unwrap(), "XGBoost 2.1.4");
}

#[test]
fn other_models_are_refused_by_name() {
    for (file, parts) in [
        ("dart.json", &["booster `dart`", "booster='gbtree'"][..]),
        ("linear.json", &["booster `gblinear`", "booster='gbtree'"]),
        ("rank.json", &["objective `rank:ndcg`", "binary:logistic"]),
        (
            "categories.ubj",
            &["splits by categories", "enable_categorical"],
        ),
        (
            "missing.pkl",
            &["XGBRegressor", "`missing`", "missing=numpy.nan"],
        ),
    ] {
        let message = refused(file).to_string();
        for part in parts {
            assert!(message.contains(part), "{file}: {message}");
        }
    }
    let message = read(b"binf\0\0\0\x3f", ModelFormat::Auto)
        .unwrap_err()
        .to_string();
    assert!(message.contains("save_model('model.json')"), "{message}");
}

/// Trees that are none, and numbers that lie.
#[test]
fn damaged_trees_are_refused() {
    let text = std::fs::read_to_string(fixture("boosters/value_xgb320.json")).unwrap();
    let change = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        change(&mut document["learner"]);
        read(document.to_string().as_bytes(), ModelFormat::Auto)
            .unwrap_err()
            .to_string()
    };
    let tree =
        |learner: &mut serde_json::Value, list: &str, at: usize, value: serde_json::Value| {
            learner["gradient_booster"]["model"]["trees"][0][list][at] = value;
        };
    for (part, error) in [
        (
            "on two paths",
            change(&|it| tree(it, "right_children", 0, 1.into())),
        ),
        (
            "on two paths",
            change(&|it| tree(it, "left_children", 1, 0.into())),
        ),
        (
            "has node 10000 behind",
            change(&|it| tree(it, "left_children", 0, 10_000.into())),
        ),
        (
            "has node -7 behind",
            change(&|it| tree(it, "right_children", 0, (-7).into())),
        ),
        (
            "of feature 3, which is not there",
            change(&|it| tree(it, "split_indices", 0, 3.into())),
        ),
        (
            "`num_feature`",
            change(&|it| it["learner_model_param"]["num_feature"] = "-1".into()),
        ),
        (
            "2 numbers for 1 sums",
            change(&|it| it["learner_model_param"]["base_score"] = "[1,2]".into()),
        ),
        (
            "base_score",
            change(&|it| it["learner_model_param"]["base_score"] = "x".into()),
        ),
        (
            "65536 classes",
            change(&|it| {
                it["objective"]["name"] = "multi:softprob".into();
                it["learner_model_param"]["num_class"] = "4000000000".into();
            }),
        ),
        (
            "is added to the sum 9",
            change(&|it| it["gradient_booster"]["model"]["tree_info"][0] = 9.into()),
        ),
        (
            "not as many trees",
            change(&|it| it["gradient_booster"]["model"]["tree_info"] = serde_json::json!([0])),
        ),
        (
            "best iteration",
            change(&|it| it["attributes"]["best_iteration"] = "400".into()),
        ),
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// Lengths that the file does not have must be refused at once, and lists within lists must end.
#[test]
fn lengths_are_not_believed() {
    let start = b"{L\0\0\0\0\0\0\0\x07learner";
    for rest in [
        &b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
        b"{L\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"SL\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[$Z#L\0\0\0\xff\xff\xff\xff\xff",
        b"{#L\xff\xff\xff\xff\xff\xff\xff\xff",
        &b"[".repeat(1_000_000),
    ] {
        let bytes = [start, rest].concat();
        assert!(read(&bytes, ModelFormat::Auto).is_err());
        let inside = [b"{i\x01x".as_slice(), rest].concat();
        assert!(read(&inside, ModelFormat::Xgboost).is_err());
    }
}

proptest! {
    #[test]
    fn damaged_files_are_harmless(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let files = files("xgb");
        let (_, mut bytes) = files[file.index(files.len())].clone();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes.insert(at, byte),
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes[at] = byte,
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for format in [ModelFormat::Auto, ModelFormat::Xgboost] {
            if let Ok(model) = read(&bytes, format) {
                let mut verdicts = Verdicts::default();
                model.score(&vec![0.5; model.features], &mut verdicts);
                prop_assert_eq!(verdicts.len(), 1);
            }
        }
    }
}
