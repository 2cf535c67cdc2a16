//! What processes that serve say on standard error.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use serde_json::json;

use crate::tools::{NAMESPACE, Person, RUN, RUNS, ended};

/// A storage that refuses everybody, and repeats what it was asked.
async fn refusing() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = |uri: Uri| async move {
        let text = format!(
            "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>{uri}</Message></Error>"
        );
        (StatusCode::FORBIDDEN, text)
    };
    let routes = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

/// The address of a storage that is not there.
fn absent() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Ends a process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process says until it has said `words`.
async fn said(mut command: Command, words: &'static str) -> String {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut process = Running(command.spawn().unwrap());
    let lines = BufReader::new(process.0.stderr.take().unwrap()).lines();
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        for line in lines {
            text += &(line.unwrap() + "\n");
            if text.contains(words) {
                break;
            }
        }
        text
    });
    let text = tokio::time::timeout(Duration::from_mins(2), reading).await;
    let text = text
        .unwrap_or_else(|_| panic!("{words} was never said"))
        .unwrap();
    assert!(text.contains(words), "{words}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_tells_errors_of_storage_and_no_secret() {
    let person = Person::new().await;
    for (endpoint, words) in [
        (refusing().await, "is denied (403"),
        (absent(), "a request to storage failed"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
        command
            .args(["dashboard", "az://predictions/", "--port", "0"])
            .args(["--account", "plantstore", "--endpoint", &endpoint])
            .env("AZURE_STORAGE_SAS_TOKEN", "sv=2024-11-04&sp=rl&sig=hunter2")
            .env("XDG_CACHE_HOME", person.folder.path());
        let text = said(command, words).await;
        assert!(text.contains(" WARN "), "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains("sig="),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_in_a_cluster_tells_them_as_json() {
    let person = Person::new().await;
    let endpoint = refusing().await;
    let mut run = ended("Succeeded", 0);
    run["spec"]["storage"]["azure"]["endpoint"] = json!(endpoint);
    person.api.create(RUNS, NAMESPACE, RUN, run);
    let config = std::fs::read_to_string(person.kubeconfig()).unwrap();
    let config = config.replace("\"user\":{}", "\"user\":{\"token\":\"hunter3\"}");
    assert!(config.contains("hunter3"));
    std::fs::write(person.kubeconfig(), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command
        .args([
            "dashboard-server",
            "--listen",
            "127.0.0.1:0",
            "--host",
            "fleet.example",
            "--no-auth",
        ])
        .args([
            "--accounts",
            "plantstore",
            "--auth",
            "anonymous",
            "--endpoint",
            &endpoint,
        ])
        .arg("--kubeconfig")
        .arg(person.kubeconfig());
    let text = said(command, "is denied (403").await;
    let line = text.lines().last().unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "WARN", "{text}");
    assert!(!text.contains("hunter3"), "{text}");
}
