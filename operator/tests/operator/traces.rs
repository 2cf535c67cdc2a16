//! Traces go to the collector that is named, and nowhere else.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, Uri};
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, status::StatusCode};
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;

use super::api::Api;
use super::job_controller::JobController;
use super::program::Program;
use super::run::scoring_run;

const RUNS: &str = "scoring.fleetscore.io/v1alpha1/scoringruns";

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

/// Runs an operator with these variables until a run has ended, and ends it. Gives the run.
async fn operate(args: &[&str], variables: &[(&str, &str)], phase: &str) -> serde_json::Value {
    let api = Api::new();
    api.create(RUNS, "plant", "pumps", scoring_run(&json!({})));
    let url = api.listen("operator").await;
    let args = [&["--no-leader-election"][..], args].concat();
    let mut operator = Program::start(&url, "operator-1", &args, variables);
    let mut cluster = JobController::new(&api, 3);
    cluster.totals["phase"] = json!(phase);
    cluster
        .play(|api| {
            let run = api.get(RUNS, "plant", "pumps").unwrap();
            run["status"]["phase"] == phase
        })
        .await;
    // A pass that has begun is finished, and what is left of the traces is sent.
    operator.terminate();
    assert!(operator.ended().await.success());
    api.get(RUNS, "plant", "pumps").unwrap()
}

/// What the collector was sent, as the protocol has it.
fn received(sent: &Sent) -> Vec<ResourceSpans> {
    let sent = sent.lock().unwrap();
    assert!(sent.iter().all(|(line, _)| line == "POST /v1/traces"));
    let requests = sent
        .iter()
        .map(|(_, body)| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
    requests
        .flat_map(|request| request.resource_spans)
        .collect()
}

fn spans(received: &[ResourceSpans]) -> Vec<Span> {
    let scopes = received.iter().flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| scope.spans.clone()).collect()
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    let value = found.and_then(|attribute| attribute.value.clone()?.value);
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?}"),
    }
}

/// The run's UID as bytes.
fn trace_id(run: &serde_json::Value) -> Vec<u8> {
    let uid = run["metadata"]["uid"].as_str().unwrap().replace('-', "");
    u128::from_str_radix(&uid, 16)
        .unwrap()
        .to_be_bytes()
        .to_vec()
}

fn nanoseconds(time: &serde_json::Value) -> u64 {
    let time: Timestamp = time.as_str().unwrap().parse().unwrap();
    u64::try_from(time.as_nanosecond()).unwrap()
}

#[tokio::test]
async fn a_run_that_has_ended_is_one_trace_under_its_uid() {
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        let (url, sent) = collector().await;
        let endpoint = match variable {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => url,
            _ => format!("{url}/v1/traces"),
        };
        let run = operate(&[], &[(variable, &endpoint)], "Succeeded").await;
        let received = received(&sent);
        for resource in &received {
            let attributes = &resource.resource.as_ref().unwrap().attributes;
            assert_eq!(text(attributes, "service.namespace"), "fleetscore");
            assert_eq!(text(attributes, "service.name"), "fleetscore-operator");
            assert_eq!(text(attributes, "service.instance.id"), "operator-1");
        }
        let spans = spans(&received);
        let mut names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["collect", "plan", "score", "score"], "{variable}");
        let root = spans
            .iter()
            .find(|span| span.parent_span_id.is_empty())
            .unwrap();
        assert_eq!(root.trace_id, trace_id(&run));
        assert_eq!(root.kind, SpanKind::Consumer as i32);
        assert_eq!(root.status.as_ref().unwrap().code, StatusCode::Ok as i32);
        let status = &run["status"];
        assert_eq!(root.start_time_unix_nano, nanoseconds(&status["startTime"]));
        assert_eq!(
            root.end_time_unix_nano,
            nanoseconds(&status["completionTime"])
        );
        for (key, expected) in [
            ("k8s.namespace.name", "plant"),
            ("fleetscore.run", "pumps"),
            ("fleetscore.phase", "Succeeded"),
            ("fleetscore.sensors", "3"),
            ("fleetscore.rows", "180"),
            ("fleetscore.anomalies", "7"),
            (
                "fleetscore.report",
                "az://predictions/pumps/_run/report.html",
            ),
        ] {
            assert_eq!(text(&root.attributes, key), expected);
        }
        let events: Vec<_> = root
            .events
            .iter()
            .map(|event| event.name.as_str())
            .collect();
        assert_eq!(events.first(), Some(&"Planning"));
        assert_eq!(events.last(), Some(&"Succeeded"));
        let steps = spans.iter().filter(|span| !span.parent_span_id.is_empty());
        for step in steps {
            assert_eq!(step.trace_id, root.trace_id);
            assert_eq!(step.parent_span_id, root.span_id);
            assert_eq!(step.kind, SpanKind::Internal as i32);
        }
    }
}

#[tokio::test]
async fn a_failed_run_is_an_error_and_passes_are_traced_where_that_is_asked_for() {
    let (url, sent) = collector().await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    let run = operate(&["--trace-passes"], &variables, "Failed").await;
    let spans = spans(&received(&sent));
    let id = trace_id(&run);
    let (run, passes): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.trace_id == id);
    assert!(passes.iter().any(|span| span.name == "pass"));
    let root = run
        .iter()
        .find(|span| span.parent_span_id.is_empty())
        .unwrap();
    assert_eq!(root.status.as_ref().unwrap().code, StatusCode::Error as i32);
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
        operate(&["--trace-passes"], &variables, "Succeeded").await;
        assert!(sent.lock().unwrap().is_empty());
    }
}
