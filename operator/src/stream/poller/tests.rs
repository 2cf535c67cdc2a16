use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::stream::testing::{pod, process, start};

/// What a pod at an address of the loopback device answers; its port.
async fn serve(address: &str, routes: Router) -> u16 {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    port
}

async fn ask(address: &str, routes: Router) -> Picture {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let port = serve(address, routes).await;
    let mut pod = pod("a");
    pod.ip = Some(address.to_owned());
    let mut starting = pod.clone();
    (starting.name, starting.ready) = ("starting".to_owned(), false);
    let poller = Poller::new(port).unwrap();
    poller.ask("plant/pumps", &[pod, starting], start()).await
}

fn why(picture: &Picture) -> &str {
    assert_eq!(picture.silent.len(), 1);
    &picture.silent["a"].why
}

#[tokio::test]
async fn a_pod_says_how_it_does() {
    for address in ["127.0.0.1", "::1"] {
        let routes =
            Router::new().route("/status", get(async || json!(process([1, 2])).to_string()));
        let picture = ask(address, routes).await;
        assert_eq!(picture.silent.len(), 0, "{picture:?}");
        assert_eq!((picture.owned.len(), picture.total), (2, Some(4)));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told() {
    let with = |answer: fn() -> axum::response::Response| {
        Router::new().route("/status", get(move || async move { answer() }))
    };
    let picture = ask("127.0.0.1", with(|| "{\"owned\": 7}".into_response())).await;
    assert!(
        why(&picture).contains("/status cannot be read: "),
        "{picture:?}"
    );
    let picture = ask(
        "127.0.0.1",
        with(|| Redirect::temporary("/other").into_response()),
    )
    .await;
    assert_eq!(why(&picture), "/status answers 307 Temporary Redirect");
    let picture = ask("127.0.0.1", Router::new()).await;
    assert_eq!(why(&picture), "/status answers 404 Not Found");
    let endless = || Body::from(vec![b' '; ProcessStatus::MAX_BYTES + 1]).into_response();
    let picture = ask("127.0.0.1", with(endless)).await;
    assert_eq!(why(&picture), "its answer has more than 1048576 bytes");
}

#[tokio::test]
async fn a_pod_that_does_not_answer_keeps_nobody_waiting() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let poller = Poller::new(port).unwrap();
    let mut nowhere = pod("b");
    nowhere.ip = None;
    let picture = poller
        .ask("plant/pumps", &[pod("a"), nowhere], start())
        .await;
    assert_eq!(picture.silent["a"].why, "no answer within 2 s");
    assert_eq!(picture.silent["b"].why, "\"\" is no address");
    drop(silent);
    let picture = poller.ask("plant/pumps", &[pod("a")], start()).await;
    assert!(why(&picture).contains("refused"), "{picture:?}");
}
