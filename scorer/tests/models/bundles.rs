//! Scalers in files of their own, and what to take of a dict or tuple.

use fleetscore_crds::{ModelBundle, ModelFormat};
use fleetscore_scorer::models::{
    Allowance, Model, ModelError, NamedList, Names, Transform, Verdicts, read, read_bundle,
    read_preparation,
};

use crate::fixtures::folder;

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap()
}

fn load(file: &str) -> Model {
    read(&bytes(file), ModelFormat::Auto).unwrap()
}

/// Reads a file of which the bundle names model, scaler and list of names.
fn taken(file: &str, keys: [Option<&str>; 3]) -> Result<Model, ModelError> {
    let [model, scaler, features] = keys.map(|key| key.map(str::to_owned));
    let bundle = ModelBundle {
        model,
        scaler,
        features,
    };
    let allowance = Allowance::default();
    read_bundle(&bytes(file), ModelFormat::Auto, Some(&bundle), allowance)
}

fn scores(model: &Model, rows: &[f64]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    model.score(rows, &mut verdicts);
    verdicts
}

#[test]
fn a_scaler_in_a_file_of_its_own_comes_first() {
    let read_scaler = |file| read_preparation(&bytes(file), Allowance::default());
    let before = read_scaler("refused/scaler_only.pkl").unwrap();
    let [Transform::Scale(scaler)] = before.transforms.as_slice() else {
        panic!("{before:?}")
    };
    let bare = load("bare_rbf_d3_sk191.p5.pkl");
    let row = [21.0, 38.5, 63.0];
    let mut scaled = [0.0; 3];
    scaler.apply(&row, &mut scaled);
    let model = bare.clone().behind(before.clone()).unwrap();
    assert_eq!(scores(&model, &row), scores(&bare, &scaled));
    assert!(load("bare_rbf_d1_sk191.p5.pkl").behind(before).is_err());
    let error = read_scaler("bare_rbf_d3_sk191.p5.pkl").unwrap_err();
    assert!(error.to_string().contains("is no transformer"), "{error}");
}

#[test]
fn a_bundle_gives_what_is_named() {
    let tuple = "bundle_rbf_d3_sk191.tuple.pkl";
    let named = taken(tuple, [Some("1"), Some("2"), None]).unwrap();
    assert_eq!(named, load(tuple));
    let models = "refused/bundle_models.pkl";
    let model = taken(models, [Some("1_2"), None, None]).unwrap();
    assert_eq!(model.origin.parts.unwrap().taken, ["`1_2` (OneClassSVM)"]);
    // What is named as the model is no transformer before it, too.
    let model = taken("refused/bundle_pca.pkl", [Some("pca"), None, None]).unwrap();
    assert_eq!(model.origin.parts.as_ref().unwrap().taken, ["`pca` (PCA)"]);
    assert_eq!(model.transforms, []);
    let dict = "bundle_rbf_d3_sk191.dict.pkl";
    let model = taken(dict, [None, None, Some("feature_columns")]).unwrap();
    assert_eq!(model, load(dict));
    for (file, keys, part) in [
        (
            models,
            [Some("1_3"), None, None],
            "has no `1_3`, which spec.model.bundle.model names",
        ),
        (models, [None; 3], "spec.model.bundle.model"),
        (
            dict,
            [None, None, Some("note")],
            "`note`, which spec.model.bundle.features names",
        ),
        (
            "bare_rbf_d3_sk191.p5.pkl",
            [Some("a"), None, None],
            "leave it out",
        ),
        (
            "bare_rbf_d3_sk191.libsvm",
            [Some("a"), None, None],
            "leave it out",
        ),
    ] {
        let error = taken(file, keys).unwrap_err().to_string();
        assert!(error.contains(part), "{file}: {error}");
    }
}

/// A list that may be the names of the features settles nothing, but another order than the run's is not passed over.
#[test]
fn a_list_under_another_name_is_compared() {
    let columns = |names: [&str; 3]| names.map(str::to_owned);
    let same = columns(["pressure", "flow rate", "temp. °C"]);
    let turned = columns(["flow rate", "pressure", "temp. °C"]);
    let others = columns(["flow rate", "pressure", "speed"]);
    for file in ["sensors.pkl", "sensors.joblib"] {
        let file = format!("bundle_rbf_d3_sk191.{file}");
        let model = load(&file);
        assert_eq!(model.origin.feature_names, None, "{file}");
        let lists = &model.origin.parts.as_ref().unwrap().lists;
        let [list] = lists.as_slice() else {
            panic!("{file}: {lists:?}")
        };
        assert_eq!(
            (list.key.as_str(), &list.texts[..]),
            ("`sensors`", &same[..])
        );
        assert_eq!(Names::of(&model, &same), Names::AsListed);
        assert_eq!(Names::of(&model, &others), Names::AsListed);
        let listed = Names::ListedOtherwise(list.clone());
        assert_eq!(Names::of(&model, &turned), listed, "{file}");
        let model = taken(&file, [None, None, Some("sensors")]).unwrap();
        let reordered = Names::Reordered(vec![1, 0, 2]);
        assert_eq!(Names::of(&model, &turned), reordered, "{file}");
    }
}

/// So is one that has other names among them, or lies within a dict.
#[test]
fn a_list_of_more_than_the_columns_is_compared() {
    let columns = |names: [&str; 3]| names.map(str::to_owned);
    let same = columns(["pressure", "flow rate", "temp. °C"]);
    let turned = columns(["flow rate", "pressure", "temp. °C"]);
    for (file, key, texts, within) in [
        ("frame.pkl", "`columns`", 5, false),
        ("metadata.joblib", "`features` in `metadata`", 3, true),
    ] {
        let model = load(&format!("bundle_rbf_d3_sk191.{file}"));
        assert_eq!(Names::of(&model, &same), Names::AsListed, "{file}");
        let Names::ListedOtherwise(list) = Names::of(&model, &turned) else {
            panic!("{file}: {:?}", Names::of(&model, &turned))
        };
        let found = (&*list.key, list.texts.len(), list.within);
        assert_eq!(found, (key, texts, within));
        // The columns of a frame count no more where another list has just those that are read.
        let mut model = model;
        let lists = &mut model.origin.parts.as_mut().unwrap().lists;
        lists.push(NamedList {
            key: "`run`".to_owned(),
            texts: turned.to_vec(),
            within: false,
        });
        let counts = matches!(Names::of(&model, &turned), Names::ListedOtherwise(_));
        assert_eq!(counts, texts == 3, "{file}");
    }
}

/// Numbers by name are positions where the key says so; elsewhere nothing is put in another order by them.
#[test]
fn numbers_by_name_under_another_key_are_compared() {
    let model = load("bundle_rbf_d3_sk191.groups.pkl");
    assert_eq!(model.origin.feature_names, None);
    let columns = ["pressure", "flow rate", "temp. °C"].map(str::to_owned);
    let Names::ListedOtherwise(list) = Names::of(&model, &columns) else {
        panic!("{:?}", Names::of(&model, &columns))
    };
    assert_eq!(list.key, "`feature_groups`");
}
