//! The models of LightGBM of `scripts/fixtures/make_boosters.py`.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Estimator, Model, Verdicts, read};
use proptest::prelude::*;

use crate::boosters::{Said, files};
use crate::expected::fixture;

fn sums(model: &Model, rows: &[f64]) -> Vec<f64> {
    match &model.estimator {
        Estimator::LightGbm(boosted) => boosted.sums(rows),
        other => panic!("{}", other.name()),
    }
}

/// Rows on thresholds and beside them among those; stopped early, of several classes, with texts as labels, averaged.
#[test]
fn every_model_sums_as_in_lightgbm_to_the_last_bit() {
    let files = files("lgb");
    assert!(files.len() > 20, "only {}", files.len());
    for (name, bytes) in files {
        let model =
            read(&bytes, ModelFormat::Auto).unwrap_or_else(|error| panic!("{name}: {error}"));
        let said = Said::of(&name);
        if !name.starts_with("piped") {
            said.assert_sums(&sums(&model, &said.rows), &name);
        }
        said.assert_same(&model, 1e-13, &name);
    }
}

#[test]
fn knows_names() {
    let file = |name: &str| std::fs::read(fixture("boosters").join(name)).unwrap();
    let model = read(&file("named_lgb470.txt"), ModelFormat::Auto).unwrap();
    assert_eq!(model.origin.format, ModelFormat::Lightgbm);
    let names = model.origin.feature_names.unwrap();
    assert_eq!(names, ["temperature", "pressure", "flow"]);
    let model = read(&file("two_lgb430.txt"), ModelFormat::Auto).unwrap();
    assert_eq!(model.origin.feature_names, None);
}

#[test]
fn other_models_are_refused_by_name() {
    for (file, parts) in [
        (
            "lgb_categories.txt",
            &["splits by categories", "categorical_feature"][..],
        ),
        ("lgb_linear.txt", &["linear trees", "linear_tree"]),
        ("lgb_rank.txt", &["objective `lambdarank`", "regression_l1"]),
    ] {
        let bytes = std::fs::read(fixture("boosters/refused").join(file)).unwrap();
        let message = read(&bytes, ModelFormat::Auto).unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{file}: {message}");
        }
    }
}

#[test]
fn damaged_texts_are_refused() {
    let text = std::fs::read_to_string(fixture("boosters/value_lgb470.txt")).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        read(changed.as_bytes(), ModelFormat::Auto)
            .unwrap_err()
            .to_string()
    };
    // The first number of a list becomes another.
    let first = |name: &str, number: &str| {
        let start = text.find(&format!("\n{name}=")).unwrap() + name.len() + 2;
        let end = start + text[start..].find([' ', '\n']).unwrap();
        changed(
            &text[start - name.len() - 1..end],
            &format!("{name}={number}"),
        )
    };
    for (part, error) in [
        // A node that is its own child, and one that is not there.
        ("makes no tree", first("left_child", "0")),
        ("makes no tree", first("right_child", "-400")),
        ("no positions", first("right_child", "-9223372036854775808")),
        ("what is no number", first("leaf_value", "x")),
        ("not finite", first("leaf_value", "inf")),
        ("threshold NaN", first("threshold", "nan")),
        ("does not hold 5 numbers", first("threshold", "1 2")),
        ("`num_leaves`", first("num_leaves", "-1")),
        ("exceeds the limit", first("num_leaves", "900000000")),
        ("zero_as_missing", first("decision_type", "6")),
        (
            "is not there",
            changed("max_feature_idx=2", "max_feature_idx=0"),
        ),
        (
            "reg_sqrt",
            changed("objective=regression", "objective=regression sqrt"),
        ),
        (
            "sums, which are not",
            changed("num_tree_per_iteration=1", "num_tree_per_iteration=2"),
        ),
        ("it is cut off", changed("Tree=7", "Other=7")),
        (
            "no `max_feature_idx`",
            changed("max_feature_idx", "feature"),
        ),
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // Cut between trees.
    let cut = &text[..text.find("Tree=5").unwrap()];
    let error = read(cut.as_bytes(), ModelFormat::Auto).unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
}

proptest! {
    #[test]
    fn damaged_files_are_harmless(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let files = files("lgb");
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
        for format in [ModelFormat::Auto, ModelFormat::Lightgbm] {
            if let Ok(model) = read(&bytes, format) {
                let mut verdicts = Verdicts::default();
                model.score(&vec![0.5; model.features], &mut verdicts);
                prop_assert_eq!(verdicts.len(), 1);
            }
        }
    }
}
