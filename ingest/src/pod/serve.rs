use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use fleetscore_crds::contract::stream_pod;
use fleetscore_ingest::work::Watch;
use tokio::net::TcpListener;

use super::metrics;

/// A loop that has shown no sign of life for so long is stuck.
const STUCK: Duration = Duration::from_mins(1);

/// What is served of a pod.
#[derive(Clone)]
pub struct View {
    /// Its work.
    pub watch: Watch,
    /// The stream's namespace and name.
    pub stream: String,
}

/// Listens on `address`; without one on the pods' port of all addresses, of both families where there are both.
pub async fn listen(address: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, stream_pod::PORT));
    if address.is_none()
        && let Ok(listener) = TcpListener::bind(all).await
    {
        return Ok(listener);
    }
    // A machine may have no IPv6.
    let all = SocketAddr::from((Ipv4Addr::UNSPECIFIED, stream_pod::PORT));
    let address = address.unwrap_or(all);
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("--listen {address}"))
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, view: View) {
    if let Err(error) = axum::serve(listener, routes(view)).await {
        tracing::error!("nothing is served any more: {error}");
    }
}

fn routes(view: View) -> Router {
    Router::new()
        .route(stream_pod::HEALTH, get(health))
        .route(stream_pod::READY, get(ready))
        .route(stream_pod::STATUS, get(status))
        .route(stream_pod::METRICS, get(text))
        .with_state(view)
}

/// Whether every loop of the process is alive.
async fn health(State(view): State<View>) -> (StatusCode, String) {
    let silent = view.watch.silent_for();
    if silent < STUCK {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        let answer = format!("a loop has stood still for {} s\n", silent.as_secs());
        (StatusCode::SERVICE_UNAVAILABLE, answer)
    }
}

/// Whether the process has reached storage and hub, since it began.
async fn ready(State(view): State<View>) -> (StatusCode, String) {
    let state = view.watch.state();
    if state.partitions.is_some() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let why = state.trouble.map_or_else(
        || "storage and hub did not answer yet".to_owned(),
        |trouble| trouble.message,
    );
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
}

async fn status(State(view): State<View>) -> axum::response::Response {
    let status = view.watch.state().status(&view.stream);
    match serde_json::to_string(&status) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn text(State(view): State<View>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = metrics::encode(&view.watch.state(), &view.stream);
    ([(header::CONTENT_TYPE, kind)], text)
}
