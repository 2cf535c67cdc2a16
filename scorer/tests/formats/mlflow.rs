//! The folders of `scripts/fixtures/make_mlflow.py`.

use std::fmt::Write as _;

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Allowance, MlflowFolder, Model, ModelError, read};

use crate::boosters::Said;
use crate::expected::{Expected, fixture, names};

fn description(name: &str) -> Vec<u8> {
    std::fs::read(fixture("mlflow").join(name).join("MLmodel")).unwrap()
}

/// Reads the model's file of one folder as another's description, or its own, tells of it.
fn read_as(description: &[u8], name: &str) -> Result<Model, ModelError> {
    let folder = MlflowFolder::parse(description)?;
    let file = fixture("mlflow").join(name).join(folder.file());
    folder.read(&std::fs::read(file).unwrap(), None, Allowance::default())
}

fn load(name: &str) -> Model {
    read_as(&description(name), name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_folder_scores_as_in_scikit_learn_to_the_last_bit() {
    let names = names("mlflow", ".expected.csv");
    assert!(names.len() > 12, "only {names:?}");
    for name in names {
        let model = load(&name);
        assert_eq!(model.origin.format, ModelFormat::Mlflow);
        Expected::of("mlflow", &name).assert_same(&model, &name);
        let features = model.origin.feature_names;
        if name.starts_with("signature") || name.starts_with("skops") {
            assert_eq!(features.unwrap(), ["temperature", "pressure"], "{name}");
        } else {
            assert_eq!(features, None, "{name}");
        }
    }
}

/// The folders of `scripts/fixtures/make_mlflow_boosters.py`: JSON, UBJSON, LightGBM's text, and a pickle of its wrapper.
#[test]
fn models_of_xgboost_and_lightgbm_are_read_from_their_own_flavours() {
    let names = names("mlflow_boosters", ".expected.csv");
    assert!(names.len() > 5, "only {names:?}");
    for name in names {
        let path = fixture("mlflow_boosters").join(&name);
        let description = std::fs::read(path.join("MLmodel")).unwrap();
        let folder = MlflowFolder::parse(&description).unwrap();
        let bytes = std::fs::read(path.join(folder.file())).unwrap();
        let model = folder
            .read(&bytes, None, Allowance::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(model.origin.format, ModelFormat::Mlflow);
        Said::within("mlflow_boosters", &format!("{name}.csv")).assert_same(&model, 1e-6, &name);
        let signed = name.starts_with("xgb_classifier") || name.starts_with("lgb_booster");
        let named = model
            .origin
            .feature_names
            .is_some_and(|names| names == ["temperature", "pressure"]);
        assert_eq!(named, signed, "{name}");
    }
}

/// The file is what the flavour says, or is refused.
#[test]
fn a_file_of_another_flavour_is_refused() {
    let folder = |flavour: &str| {
        let text = format!("flavors: {{{flavour}: {{data: model.bin, xgb_version: 3.1.0}}}}");
        MlflowFolder::parse(text.as_bytes()).unwrap()
    };
    let file = |name: &str| std::fs::read(fixture("boosters").join(name)).unwrap();
    let read = |flavour: &str, bytes: &[u8]| {
        let read = folder(flavour).read(bytes, None, Allowance::default());
        read.unwrap_err().to_string()
    };
    let message = read("xgboost", b"binf\0\0\0\0");
    assert!(message.contains("XGBoost's old binary"), "{message}");
    let message = read("xgboost", &file("two_lgb470.txt"));
    assert!(message.contains("unknown model format"), "{message}");
    let message = read("xgboost", &file("named_xgb320.ubj"));
    let told = "MLmodel tells of XGBoost 3.1.0, and XGBoost 3.2.0 wrote";
    assert!(message.contains(told), "{message}");
    let message = read("lightgbm", &file("named_xgb320.ubj"));
    assert!(message.contains("malformed pickle"), "{message}");
    let error = MlflowFolder::parse(b"flavors: {lightgbm: {}}").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its flavour lightgbm has no `data`"),
        "{error}"
    );
    let error = MlflowFolder::parse(b"flavors: {xgboost: {data: ../model.ubj}}").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not the path of a file in its folder"),
        "{error}"
    );
}

/// The names that the model was fitted with count more than those of the signature.
#[test]
fn the_models_own_names_win() {
    let named = fixture("models/names_rbf_d3_sk191.p5.pkl");
    let description = "flavors: {sklearn: {pickled_model: m.pkl}}\nsignature: {inputs: '[{\"type\": \"double\", \"name\": \"a\"}]'}";
    let folder = MlflowFolder::parse(description.as_bytes()).unwrap();
    let bytes = std::fs::read(named).unwrap();
    let model = folder.read(&bytes, None, Allowance::default()).unwrap();
    let names = model.origin.feature_names.unwrap();
    assert_eq!(names, ["pressure", "flow rate", "temp. °C"]);
}

#[test]
fn a_file_of_another_model_is_refused() {
    for (description_of, file_of, part) in [
        (
            "signature_mlflow2225",
            "signature_mlflow3172",
            "MLmodel tells of scikit-learn 1.6.1, and scikit-learn 1.9.1 wrote `model.pkl`",
        ),
        (
            "skops_mlflow3172",
            "skops_mlflow3172",
            "the signature of MLmodel has 1 inputs, and the model 2 features",
        ),
    ] {
        let text = String::from_utf8(description(description_of)).unwrap();
        let text = text.replace(
            "{\"type\": \"double\", \"name\": \"temperature\", \"required\": true}, {\"type\":\n    ",
            if part.contains("signature of") { "{\"type\":\n    " } else { "{\"type\": \"double\", \"name\": \"temperature\"}, {\"type\":\n    " },
        );
        let error = read_as(text.as_bytes(), file_of).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_folder_of_another_flavour_is_refused_by_name() {
    let error = MlflowFolder::parse(&description("own_mlflow3172")).unwrap_err();
    let message = error.to_string();
    for part in ["`python_function` alone", "mlflow.sklearn.log_model"] {
        assert!(message.contains(part), "{message}");
    }
    let bytes = description("signature_mlflow3172");
    for (format, part) in [
        (ModelFormat::Auto, "let spec.model.location end in /MLmodel"),
        (ModelFormat::Mlflow, "means a folder"),
    ] {
        let message = read(&bytes, format).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_path_that_leaves_the_folder_is_refused() {
    for path in [
        "../other/model.pkl",
        "data/../../model.pkl",
        "/etc/passwd",
        "az://models/other.pkl",
        "https://example.com/model.pkl",
        "..\\model.pkl",
        "c:/model.pkl",
        "a//b",
        "./model.pkl",
        "folder/",
        "",
        "model.pkl?sig=1",
        "a\\u0000b",
    ] {
        let text = format!(
            "flavors: {{sklearn: {{pickled_model: \"{}\"}}}}",
            path.replace("..\\", "..\\\\")
        );
        let error = MlflowFolder::parse(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("not the path of a file in its folder"),
            "{path}: {error}"
        );
    }
    let inside = MlflowFolder::parse(b"flavors: {sklearn: {pickled_model: data/model 1.pkl}}");
    assert_eq!(inside.unwrap().file(), "data/model 1.pkl");
}

#[test]
fn damaged_descriptions_are_refused() {
    for (text, part) in [
        ("", "no flavours"),
        ("flavors: [", "malformed MLmodel file"),
        ("flavors: {}", "no flavours"),
        ("mlflow_version: 3.1.0", "no flavours"),
        ("flavors: {sklearn: {}}", "no `pickled_model`"),
        (
            "flavors: {sklearn: {pickled_model: a}}\nsignature: {inputs: '[{'}",
            "the `inputs` of its signature",
        ),
        (
            "flavors: {sklearn: {pickled_model: a}, sklearn: {pickled_model: b}}",
            "malformed MLmodel file",
        ),
    ] {
        let error = MlflowFolder::parse(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let long = vec![b' '; MlflowFolder::DESCRIPTION_BYTES + 1];
    assert!(matches!(
        MlflowFolder::parse(&long),
        Err(ModelError::TooLarge { .. })
    ));
    // Aliases of aliases, a billion strings were they written out.
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    bomb.push_str("flavors: {sklearn: {pickled_model: a, sklearn_version: *a9}}\n");
    assert!(MlflowFolder::parse(bomb.as_bytes()).is_err());
    let deep = format!("flavors: {}", "[".repeat(100_000));
    assert!(MlflowFolder::parse(deep.as_bytes()).is_err());
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn are_harmless(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..6), cut in any::<bool>()) {
            let mut text = description("signature_mlflow3172");
            let at = at.index(text.len());
            let end = if cut { text.len() } else { at };
            text.splice(at..end, bytes);
            let _ = MlflowFolder::parse(&text);
        }
    }
}
