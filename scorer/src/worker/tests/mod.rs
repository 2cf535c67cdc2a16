#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ahead;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use fleetscore_crds::{FailureReason, ModelSpec, SensorKey, StorageSpec};
use fleetscore_readings::{SensorRows, Times};
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::loaded::Loaded;
use super::session::{Session, Trouble};
use super::staged::Staged;
use super::visit::Request;
use crate::models::Verdicts;

fn frame(mut head: Value, payload: &[u8]) -> Vec<u8> {
    head["bytes"] = json!(payload.len());
    let head = head.to_string();
    let length = u32::try_from(head.len()).unwrap().to_le_bytes();
    [&length, head.as_bytes(), payload].concat()
}

/// Scores and labels of two readings.
fn payload(scores: [f64; 2], labels: [i32; 2]) -> Vec<u8> {
    let scores = scores.iter().flat_map(|score| score.to_le_bytes());
    scores
        .chain(labels.iter().flat_map(|label| label.to_le_bytes()))
        .collect()
}

/// What a worker says that scores two readings.
fn dialogue() -> [Vec<u8>; 3] {
    [
        frame(
            json!({"type": "hello", "protocol": 1, "python": "3.11.2", "convention": "Module"}),
            b"",
        ),
        frame(json!({"type": "loaded", "id": 1, "model": "predict"}), b""),
        frame(
            json!({"type": "scored", "id": 1, "rows": 2}),
            &payload([0.5, -1.0], [0, 1]),
        ),
    ]
}

/// What a worker is asked with: a model's file, and fields of a run's `spec.model`.
struct Asking {
    folder: TempDir,
    spec: ModelSpec,
    model: Staged,
    sensor: SensorKey,
    features: [String; 1],
}

impl Asking {
    async fn new(mut fields: Value) -> Self {
        fields["location"] = json!("file:///model");
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("model");
        std::fs::write(&file, "x").unwrap();
        let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
        let url = ObjectUrl::parse(&format!("file://{}", file.display())).unwrap();
        let staged = Staged::copy(&storage, &url, folder.path().join("staged")).await;
        Self {
            folder,
            spec: serde_json::from_value(fields).unwrap(),
            model: staged.unwrap(),
            sensor: SensorKey::default(),
            features: ["Value".to_owned()],
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Where the worker is to be asked. It exists from now on.
    fn listener(&self) -> UnixListener {
        UnixListener::bind(self.socket()).unwrap()
    }

    fn request(&self) -> Request<'_> {
        Request {
            sensor: &self.sensor,
            model: &self.model,
            features: &self.features,
            time: "Time",
            spec: &self.spec,
        }
    }
}

/// So many readings, from this value on.
fn readings(first: f64, count: usize) -> SensorRows {
    let steps = || (0..count).map(|step| step as f64);
    SensorRows {
        times: Times {
            nanos: (0..).take(count).collect(),
            text: None,
        },
        features: steps().map(|step| first + step).collect(),
        ..SensorRows::default()
    }
}

/// Scores two readings with a worker that says these bytes, whatever it is asked, and then ends.
async fn scored(said: Vec<u8>) -> Result<Verdicts, Trouble> {
    scored_as(said, json!({})).await
}

/// The same for a run with these fields of `spec.model`.
async fn scored_as(said: Vec<u8>, fields: Value) -> Result<Verdicts, Trouble> {
    let asking = Asking::new(fields).await;
    let listener = asking.listener();
    let worker = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Whoever has heard enough ends the connection.
        let _ = stream.write_all(&said).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let (request, rows) = (asking.request(), readings(1.0, 2));
    let work = async {
        let mut session = Session::start(&asking.socket(), "1".to_owned()).await?;
        let told = session.load(&request).await?;
        let id = told.id;
        let loaded = Loaded::new(&asking.spec, told).map_err(Trouble::Told)?;
        let mut verdicts = Verdicts::default();
        let scored = session
            .score(id, &request, &loaded.meaning, &rows, None, &mut verdicts)
            .await;
        assert!(scored.is_ok() || verdicts.is_empty());
        scored.map(|()| verdicts)
    };
    let ended = tokio::time::timeout(Duration::from_mins(1), work).await;
    worker.abort();
    ended.expect("it hangs")
}

#[tokio::test]
async fn verdicts_come_back() {
    let verdicts = scored(dialogue().concat()).await.unwrap();
    assert_eq!(
        verdicts.iter().collect::<Vec<_>>(),
        [(0.5, false), (-1.0, true)]
    );
}

/// A process that is killed in the middle of any frame has scored nothing.
#[tokio::test]
async fn a_connection_that_ends_anywhere_scores_nothing() {
    let said = dialogue().concat();
    for length in 0..said.len() {
        let outcome = scored(said[..length].to_vec()).await;
        let Err(Trouble::Gone(error)) = outcome else {
            panic!("{length} of {} bytes: {outcome:?}", said.len());
        };
        assert_ne!(
            error.kind(),
            io::ErrorKind::InvalidData,
            "{length}: {error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_scores_nothing() {
    let [hello, loaded, _] = dialogue();
    let head =
        |bytes: u64| json!({"type": "scored", "id": 1, "rows": 2, "bytes": bytes}).to_string();
    let raw = |head: String| {
        let length = u32::try_from(head.len()).unwrap().to_le_bytes();
        [&length, head.as_bytes()].concat()
    };
    let of = |id: u64, rows: u64| {
        frame(
            json!({"type": "scored", "id": id, "rows": rows}),
            &payload([0.5, 1.0], [0, 0]),
        )
    };
    let with = |scores, labels| {
        frame(
            json!({"type": "scored", "id": 1, "rows": 2}),
            &payload(scores, labels),
        )
    };
    for answer in [
        of(2, 2),
        of(1, 1),
        raw(head(u64::MAX)),
        raw(head(23)),
        raw(head(25)),
        raw("{}".to_owned()),
        raw("[1]".to_owned()),
        u32::MAX.to_le_bytes().to_vec(),
        with([f64::NAN, 0.0], [0, 0]),
        with([0.0, f64::INFINITY], [0, 0]),
        with([0.0, 0.0], [0, 2]),
        with([0.0, 0.0], [-1, 0]),
        hello.clone(),
        frame(
            json!({"type": "error", "reason": "ModelFailed", "message": "x"}),
            b"more",
        ),
    ] {
        let outcome = scored([&hello, &loaded, &answer].map(Vec::as_slice).concat()).await;
        let Err(Trouble::Gone(error)) = outcome else {
            panic!("{:?}: {outcome:?}", String::from_utf8_lossy(&answer));
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
}

/// The answers of a worker whose model has these classes, and gives the readings those with these numbers.
fn of_classes(classes: &Value, labels: [i32; 2]) -> Vec<u8> {
    let [hello, ..] = dialogue();
    let loaded = json!({"type": "loaded", "id": 1, "model": "predict", "classes": classes});
    let scored = json!({"type": "scored", "id": 1, "rows": 2});
    let scored = frame(scored, &payload([0.5, 0.25], labels));
    [hello, frame(loaded, b""), scored].concat()
}

#[tokio::test]
async fn classes_come_back() {
    for (classes, fields, anomalies) in [
        (json!([0, 1]), json!({}), [true, false]),
        (json!([-1, 1]), json!({"output": "Class"}), [false, true]),
        (json!([1, 2]), json!({}), [false, false]),
        (json!(["0", "1"]), json!({}), [false, false]),
        (
            json!(["ok", "worn"]),
            json!({"anomalyClasses": ["worn"]}),
            [true, false],
        ),
        (
            json!([0, 1]),
            json!({"anomalyClasses": ["0", "1"]}),
            [true, true],
        ),
    ] {
        let said = of_classes(&classes, [1, 0]);
        let verdicts = scored_as(said, fields).await.unwrap();
        assert_eq!(verdicts.classes(), [1, 0], "{classes}");
        assert_eq!(verdicts.scores(), [0.5, 0.25], "{classes}");
        assert_eq!(verdicts.anomalies(), anomalies, "{classes}");
    }
}

/// Classes, the numbers that two readings get, fields of the run's model, and why that scores nothing.
fn unusable_classes() -> Vec<(Value, [i32; 2], Value, &'static str)> {
    let many: Vec<i64> = (0..65_537).collect();
    vec![
        (
            json!(["ok", "worn"]),
            [0, 2],
            json!({}),
            "a label that is not from 0 to 1",
        ),
        (
            json!(["ok", "worn"]),
            [-1, 0],
            json!({}),
            "a label that is not from 0 to 1",
        ),
        (
            json!([3]),
            [0, 1],
            json!({}),
            "a label that is not from 0 to 0",
        ),
        (json!([]), [0, 0], json!({}), "it has no classes"),
        (
            json!([0, 0]),
            [0, 0],
            json!({}),
            "two of its classes have the same label",
        ),
        (json!(many), [0, 0], json!({}), "it has 65537 classes"),
        (
            json!(["x".repeat(257)]),
            [0, 0],
            json!({}),
            "a label has 257 bytes",
        ),
        (
            json!(["ok", 1]),
            [0, 0],
            json!({}),
            "all whole numbers or all texts",
        ),
        (
            json!([true, false]),
            [0, 0],
            json!({}),
            "all whole numbers or all texts",
        ),
        (
            json!([0.5, 1]),
            [0, 0],
            json!({}),
            "all whole numbers or all texts",
        ),
        (
            json!([u64::MAX]),
            [0, 0],
            json!({}),
            "all whole numbers or all texts",
        ),
        (
            json!([0, 1]),
            [0, 0],
            json!({"output": "Anomaly"}),
            "output is Anomaly, and the model is a predict, whose output is Class",
        ),
        (
            json!([0, 1]),
            [0, 0],
            json!({"output": "Value"}),
            "output is Value, and the model is a predict, whose output is Class",
        ),
        (
            json!([0, 1]),
            [0, 0],
            json!({"residual": {"target": "T", "threshold": 1}}),
            "whose output is Class",
        ),
        (
            json!([0, 1]),
            [0, 0],
            json!({"anomalyClasses": ["2"]}),
            "`2`, which is no label of the model: its labels are `0`, `1`",
        ),
        (
            json!(null),
            [0, 0],
            json!({"output": "Class"}),
            "output is Class, and predict tells no classes",
        ),
        (
            json!(null),
            [0, 0],
            json!({"anomalyClasses": ["1"]}),
            "anomalyClasses names labels, and predict tells no classes",
        ),
    ]
}

/// Whatever a worker says of classes, no reading gets one that is not the model's.
#[tokio::test]
async fn classes_that_cannot_be_used_score_nothing() {
    for (classes, labels, fields, told) in unusable_classes() {
        let outcome = scored_as(of_classes(&classes, labels), fields.clone()).await;
        let message = match outcome {
            Err(Trouble::Told(failure)) => failure.message,
            Err(Trouble::Gone(error)) if error.kind() == io::ErrorKind::InvalidData => {
                error.to_string()
            }
            other => panic!("{fields}: {other:?}"),
        };
        assert!(message.contains(told), "{message} for {told}");
    }
}

/// An exception is told, and no worker says that the fault is the scorer's.
#[tokio::test]
async fn what_went_wrong_is_told() {
    let [hello, loaded, _] = dialogue();
    for (said, reason) in [
        ("ModelFailed", FailureReason::ModelFailed),
        ("ModelMismatch", FailureReason::ModelMismatch),
        ("AccessDenied", FailureReason::ModelFailed),
    ] {
        let error = frame(
            json!({"type": "error", "reason": said, "message": "ValueError: x"}),
            b"",
        );
        for before in [vec![], loaded.clone()] {
            let outcome = scored([&hello, &before, &error].map(Vec::as_slice).concat()).await;
            let Err(Trouble::Told(failure)) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(
                (failure.reason, failure.message.as_str()),
                (reason, "ValueError: x")
            );
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_of_a_worker_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200), greeted in 0..3_usize, length in 0..300_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let before = dialogue().into_iter().take(greeted).flatten();
        let said = before.chain(length.to_le_bytes()).chain(bytes).collect();
        prop_assert!(runtime.block_on(scored(said)).is_err());
    }
}
