//! Readings that are sent before the verdicts of the last ones have come.

use std::time::Duration;

use fleetscore_readings::SensorRows;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::super::loaded::Loaded;
use super::super::session::{Session, Trouble};
use super::{Asking, dialogue, frame, readings};
use crate::models::Verdicts;

/// The first score of each call, or why there is none.
type Outcome = Result<f64, String>;

/// A request: what it is, and the first of the readings in it.
async fn asked(stream: &mut UnixStream) -> (String, f64) {
    let mut head = vec![0; stream.read_u32_le().await.unwrap() as usize];
    stream.read_exact(&mut head).await.unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    let mut payload = vec![0; usize::try_from(head["bytes"].as_u64().unwrap()).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    // Times are as long as the readings behind them.
    let reading = payload.get(payload.len() / 2..).unwrap().first_chunk();
    let reading = reading.copied().map_or(f64::NAN, f64::from_le_bytes);
    (head["type"].as_str().unwrap().to_owned(), reading)
}

async fn say(stream: &mut UnixStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
}

/// The answer that gives so many readings one score.
fn answer(rows: usize, score: f64) -> Vec<u8> {
    let scores = [score].repeat(rows);
    let mut payload: Vec<u8> = scores.iter().flat_map(|it| it.to_le_bytes()).collect();
    payload.resize(12 * rows, 0);
    frame(json!({"type": "scored", "id": 1, "rows": rows}), &payload)
}

/// Scores these calls up to the first that fails, each with the next one ahead, and forgets the model. The worker does this once it has
/// loaded the model.
async fn score<W>(calls: &[SensorRows], worker: impl FnOnce(UnixStream) -> W) -> Vec<Outcome>
where
    W: Future<Output = ()>,
{
    let asking = Asking::new(json!({})).await;
    let listener = asking.listener();
    let answers = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (kind, answer) in ["hello", "load"].into_iter().zip(dialogue()) {
            assert_eq!(asked(&mut stream).await.0, kind);
            say(&mut stream, &answer).await;
        }
        worker(stream).await;
    };
    let request = asking.request();
    let asks = async {
        let mut session = Session::start(&asking.socket(), "1".to_owned())
            .await
            .unwrap();
        let told = session.load(&request).await.unwrap();
        let id = told.id;
        let meaning = Loaded::new(&asking.spec, told).unwrap().meaning;
        let mut outcomes = Vec::new();
        for (at, rows) in calls.iter().enumerate() {
            let mut verdicts = Verdicts::default();
            let next = calls.get(at + 1);
            let scored = session.score(id, &request, &meaning, rows, next, &mut verdicts);
            match scored.await {
                Ok(()) => outcomes.push(Ok(verdicts.scores()[0])),
                Err(Trouble::Told(failure)) => {
                    outcomes.push(Err(failure.message));
                    break;
                }
                Err(Trouble::Gone(error)) => panic!("{error}"),
            }
        }
        session.unload(id).await.unwrap();
        outcomes
    };
    let both = async { tokio::join!(asks, answers).0 };
    let ended = tokio::time::timeout(Duration::from_mins(1), both).await;
    ended.expect("it hangs")
}

fn unloaded() -> Vec<u8> {
    frame(json!({"type": "unloaded", "id": 1}), b"")
}

/// A worker that has the next readings before it answers the last ones: each call gets its own verdicts.
#[tokio::test]
async fn the_next_readings_are_there_before_the_answer() {
    let calls = [readings(10.0, 2), readings(20.0, 3), readings(30.0, 1)];
    let outcomes = score(&calls, async |mut stream| {
        let mut reading = asked(&mut stream).await.1;
        for rows in [2, 3] {
            let next = asked(&mut stream).await.1;
            say(&mut stream, &answer(rows, -reading)).await;
            reading = next;
        }
        say(&mut stream, &answer(1, -reading)).await;
        assert_eq!(asked(&mut stream).await.0, "unload");
        say(&mut stream, &unloaded()).await;
    });
    assert_eq!(outcomes.await, [Ok(-10.0), Ok(-20.0), Ok(-30.0)]);
}

/// Requests and answers that are larger than what a socket holds, of a worker that reads nothing before its answer is taken.
#[tokio::test]
async fn neither_side_waits_for_the_other_to_read() {
    const ROWS: usize = 1 << 18;
    let calls = [
        readings(1.0, ROWS),
        readings(2.0, ROWS),
        readings(3.0, ROWS),
    ];
    let outcomes = score(&calls, async |mut stream| {
        for _ in 0..3 {
            let (kind, reading) = asked(&mut stream).await;
            assert_eq!(kind, "score");
            say(&mut stream, &answer(ROWS, reading)).await;
        }
        assert_eq!(asked(&mut stream).await.0, "unload");
        say(&mut stream, &unloaded()).await;
    });
    assert_eq!(outcomes.await, [Ok(1.0), Ok(2.0), Ok(3.0)]);
}

/// What comes for readings that were sent ahead of a failure is nobody's, and the process can go on.
#[tokio::test]
async fn answers_behind_a_failure_are_passed_over() {
    let failed = frame(
        json!({"type": "error", "reason": "ModelFailed", "message": "ValueError: x"}),
        b"",
    );
    for behind in [answer(2, 0.5), failed.clone()] {
        let calls = [readings(10.0, 2), readings(20.0, 2), readings(30.0, 2)];
        let outcomes = score(&calls, async |mut stream| {
            for answer in [&failed, &behind] {
                assert_eq!(asked(&mut stream).await.0, "score");
                say(&mut stream, answer).await;
            }
            assert_eq!(asked(&mut stream).await.0, "unload");
            say(&mut stream, &unloaded()).await;
        });
        assert_eq!(outcomes.await, [Err("ValueError: x".to_owned())]);
    }
}
