//! Traces go to the collector that is named, and nowhere else.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, Uri};
use serde_json::json;
use tokio::net::TcpListener;

use super::api::Api;
use super::program::Program;
use super::run::scoring_run;
use super::{until, until_true};

type Sent = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector, and what it was sent.
async fn collector() -> (String, Sent) {
    let sent = Sent::default();
    let routes = Router::new().fallback(take).with_state(sent.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, sent)
}

async fn take(State(sent): State<Sent>, method: Method, uri: Uri, body: Bytes) {
    sent.lock()
        .unwrap()
        .push((format!("{method} {uri}"), body.to_vec()));
}

/// Runs an operator with these variables until it has begun a run, and ends it.
async fn operate(variables: &[(&str, &str)]) {
    let api = Api::new();
    api.create(
        "scoring.fleetscore.io/v1alpha1/scoringruns",
        "plant",
        "pumps",
        scoring_run(&json!({})),
    );
    let url = api.listen("operator").await;
    let mut operator = Program::start(&url, "operator", &["--no-leader-election"], variables);
    until("plan", || api.get("batch/v1/jobs", "plant", "pumps-plan")).await;
    // The pass has ended once its event is told.
    until_true("event", || {
        api.asked()
            .iter()
            .any(|asked| asked.resource == "events.k8s.io/v1/events")
    })
    .await;
    operator.terminate();
    assert!(operator.ended().await.success());
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes
        .windows(words.len())
        .any(|window| window == words.as_bytes())
}

#[tokio::test]
async fn a_pass_is_sent_to_the_collector_that_is_named() {
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        let (url, sent) = collector().await;
        let endpoint = match variable {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => url,
            _ => format!("{url}/v1/traces"),
        };
        operate(&[(variable, &endpoint)]).await;
        let sent = sent.lock().unwrap();
        assert!(
            sent.iter().all(|(line, _)| line == "POST /v1/traces"),
            "{variable}"
        );
        // Names are text in the protocol's bytes.
        for words in [
            "service.name",
            "fleetscore-operator",
            "pass",
            "plant",
            "pumps",
        ] {
            assert!(
                sent.iter().any(|(_, body)| holds(body, words)),
                "{variable}: {words}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_where_no_collector_is_named() {
    let (url, sent) = collector().await;
    // Whatever would go elsewhere comes by here. A variable that is there but empty names no collector.
    for endpoint in [None, Some(("OTEL_EXPORTER_OTLP_ENDPOINT", ""))] {
        let variables: Vec<_> = endpoint
            .into_iter()
            .chain([("ALL_PROXY", url.as_str())])
            .collect();
        operate(&variables).await;
        assert!(sent.lock().unwrap().is_empty());
    }
}
