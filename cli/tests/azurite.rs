//! A whole run on the real Blob service's emulator, with the same results as on local files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use common::{Plant, assert_success, failures};
use fleetscore_crds::StorageSpec;
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use futures::TryStreamExt;

/// Azurite's URL, or none where the tests run without it.
fn endpoint() -> Option<String> {
    let endpoint = std::env::var("FLEETSCORE_AZURITE_ENDPOINT").ok();
    if endpoint.is_none() {
        println!(
            "skipped: FLEETSCORE_AZURITE_ENDPOINT is absent; run scripts/with-azurite.sh cargo test"
        );
    }
    endpoint
}

/// A container that no other test uses.
fn container(name: &str) -> String {
    let container = format!("{name}-{}", std::process::id());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/azurite.sh");
    assert_success(
        &Command::new(script)
            .args(["container", &container])
            .output()
            .unwrap(),
    );
    container
}

fn storage(endpoint: &str) -> Storage {
    let spec = format!(
        r#"{{"azure": {{"account": "devstoreaccount1", "endpoint": "{endpoint}", "auth": "Emulator"}}}}"#
    );
    let spec: StorageSpec = serde_json::from_str(&spec).unwrap();
    Storage::new(&spec, StorageOptions::default()).unwrap()
}

/// Puts every file of a folder below a prefix.
async fn upload(storage: &Storage, folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let url = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            storage
                .put(
                    &ObjectUrl::parse(&url).unwrap(),
                    Bytes::from(fs::read(path).unwrap()),
                )
                .await
                .unwrap();
        }
    }
}

async fn predictions(storage: &Storage, prefix: &str) -> BTreeMap<String, String> {
    let prefix = ObjectUrl::parse(prefix).unwrap();
    let objects: Vec<_> = storage.list(&prefix).try_collect().await.unwrap();
    let mut files = BTreeMap::new();
    for object in objects {
        let name = object.url.relative_to(&prefix).unwrap().to_owned();
        if name.starts_with("preds_") || name == "_SUCCESS" {
            let bytes = storage.get(&object.url, 1 << 24).await.unwrap();
            files.insert(name, String::from_utf8(bytes.to_vec()).unwrap());
        }
    }
    files
}

fn manifest(endpoint: &str, container: &str) -> String {
    format!(
        "apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {{name: blob}}
spec:
  model: {{location: \"az://{container}/models/model_{{device}}_{{tag}}.fsm\"}}
  input:
    location: az://{container}/data/readings.csv
    columns: {{time: TS, keys: {{device: Device, tag: Tag}}, features: [Value], label: Label}}
  output: {{location: \"az://{container}/{{run}}/\", file: \"preds_{{device}}_{{tag}}.csv\"}}
  storage: {{azure: {{account: devstoreaccount1, endpoint: \"{endpoint}\", auth: Emulator}}}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_blob_storage_equals_one_on_files() {
    let Some(endpoint) = endpoint() else { return };
    let plant = Plant::new(6);
    assert_eq!(plant.run(&[]).0, 0);
    let local = plant.outputs();
    let container = container("whole");
    let storage = storage(&endpoint);
    upload(
        &storage,
        &plant.path("models"),
        &format!("az://{container}/models/"),
    )
    .await;
    let readings = Bytes::from(plant.read("readings.csv"));
    storage
        .put(
            &ObjectUrl::parse(&format!("az://{container}/data/readings.csv")).unwrap(),
            readings,
        )
        .await
        .unwrap();
    plant.write("run.yaml", manifest(&endpoint, &container));
    let (code, report) = plant.run(&[]);
    assert_eq!(code, 0, "{report}");
    let blobs = predictions(&storage, &format!("az://{container}/blob/")).await;
    let expected: BTreeMap<_, _> = local
        .into_iter()
        .filter(|(name, _)| blobs.contains_key(name))
        .collect();
    assert_eq!(
        blobs.len(),
        7,
        "six predictions and _SUCCESS: {:?}",
        blobs.keys()
    );
    assert_eq!(blobs, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_credentials_name_the_place_and_no_secret() {
    let Some(endpoint) = endpoint() else { return };
    let plant = Plant::new(2);
    let container = container("denied");
    let text = manifest(&endpoint, &container)
        .replace("az://", "file:///nowhere/")
        .replace(&format!("file:///nowhere/{container}/models/"), "models/")
        .replace(
            &format!("file:///nowhere/{container}/{{run}}/"),
            "predictions/",
        )
        .replace("file:///nowhere/", "az://")
        .replace("auth: Emulator", "auth: Secret, secretRef: {name: key}");
    plant.write("run.yaml", text);
    let wrong = "d3Jvbmcga2V5IHdyb25nIGtleSB3cm9uZyBrZXk=";
    let output = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .args(["run", "-f", "run.yaml", "--json", "--quiet"])
        .env("AZURE_STORAGE_ACCOUNT_KEY", wrong)
        .current_dir(plant.path(""))
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", common::text(&output.stderr)));
    let found = failures(&report);
    let (count, message) = &found["AccessDenied"];
    assert_eq!((output.status.code(), *count), (Some(1), 2), "{message}");
    assert!(
        message.contains(&format!("az://{container}/data/readings.csv")),
        "{message}"
    );
    for text in [
        common::text(&output.stdout),
        common::text(&output.stderr),
        plant.read("predictions/_run/report.html"),
    ] {
        assert!(!text.contains(wrong), "the key is printed");
    }
}
