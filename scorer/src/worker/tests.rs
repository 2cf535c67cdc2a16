#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;
use std::time::Duration;

use fleetscore_crds::{FailureReason, SensorKey, StorageSpec};
use fleetscore_readings::{SensorRows, Times};
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::Staged;
use super::session::{Session, Trouble};
use super::visit::Request;
use crate::models::{Meaning, Verdicts};

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

/// Scores two readings with a worker that says these bytes, whatever it is asked, and then ends.
async fn scored(said: Vec<u8>) -> Result<Verdicts, Trouble> {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let worker = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Whoever has heard enough ends the connection.
        let _ = stream.write_all(&said).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let file = folder.path().join("model");
    std::fs::write(&file, "x").unwrap();
    let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
    let url = ObjectUrl::parse(&format!("file://{}", file.display())).unwrap();
    let model = Staged::copy(&storage, &url, folder.path().join("staged"))
        .await
        .unwrap();
    let rows = SensorRows {
        times: Times {
            nanos: vec![0, 1],
            text: None,
        },
        features: vec![1.0, 2.0],
        ..SensorRows::default()
    };
    let request = Request {
        sensor: &SensorKey::default(),
        model: &model,
        features: &["Value".to_owned()],
        time: "Time",
        meaning: &Meaning::Anomaly { at_zero: false },
    };
    let work = async {
        let mut session = Session::start(&socket, "1".to_owned()).await?;
        let id = session.load(&request).await?.id;
        let mut verdicts = Verdicts::default();
        let scored = session.score(id, &request, &rows, &mut verdicts).await;
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
