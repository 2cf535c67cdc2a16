//! Folders of MLflow that are replaced while they are read.

use std::time::Duration;

use bytes::Bytes;
use fleetscore_crds::SensorKey;
use serde_json::json;

use super::{manifest, step_of, storage};
use crate::steps::model_reader::ModelReader;
use fleetscore_storage::{ObjectUrl, Storage};

const DESCRIPTION: &str =
    include_str!("../../../tests/fixtures/mlflow/signature_mlflow3172/MLmodel");
const MODEL: &[u8] =
    include_bytes!("../../../tests/fixtures/mlflow/signature_mlflow3172/model.pkl");

async fn put(storage: &Storage, description: &str) {
    for (name, bytes) in [
        ("model.pkl", Bytes::from_static(MODEL)),
        ("MLmodel", Bytes::from(description.to_owned())),
    ] {
        let url = ObjectUrl::parse(&format!("memory:///models/a/{name}"));
        storage.put(&url.unwrap(), bytes).await.unwrap();
    }
}

/// Every request takes a second: the second description comes while the file is read.
#[tokio::test(start_paused = true)]
async fn a_folder_that_is_replaced_meanwhile_is_read_again() {
    let storage = storage().await;
    put(&storage, DESCRIPTION).await;
    let mut manifest = manifest("1");
    manifest["spec"]["model"]["location"] = json!("memory:///models/{sensor}/MLmodel");
    manifest["spec"]["input"]["columns"]["features"] = json!(["flow", "pressure"]);
    let context = step_of(manifest, &storage, None);
    let reader = ModelReader::new(&context, 64 << 20);
    let key = SensorKey::from_iter([("sensor".to_owned(), "a".to_owned())]);
    let read = reader.read("memory:///models/a/MLmodel", &key);
    let replace = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        put(&storage, &DESCRIPTION.replace("temperature", "flow")).await;
    };
    let (read, ()) = tokio::join!(read, replace);
    let model = read.unwrap().model;
    assert_eq!(model.origin.feature_names.unwrap(), ["flow", "pressure"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_replaced_again_and_again_fails_its_sensor() {
    let storage = storage().await;
    put(&storage, DESCRIPTION).await;
    let mut manifest = manifest("1");
    manifest["spec"]["model"]["location"] = json!("memory:///models/{sensor}/MLmodel");
    let context = step_of(manifest, &storage, None);
    let reader = ModelReader::new(&context, 64 << 20);
    let key = SensorKey::from_iter([("sensor".to_owned(), "a".to_owned())]);
    let replace = async {
        for round in 0.. {
            put(&storage, &format!("{DESCRIPTION}# {round}\n")).await;
        }
    };
    tokio::select! {
        read = reader.read("memory:///models/a/MLmodel", &key) => {
            let failure = read.unwrap_err();
            assert!(failure.message.contains("replaced again and again"), "{}", failure.message);
        }
        () = replace => {}
    }
}
