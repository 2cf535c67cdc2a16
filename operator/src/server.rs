//! What the operator serves: `/livez`, `/readyz` and `/metrics`.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::metrics::Metrics;

/// Serves until `stop`.
///
/// # Errors
///
/// A connection that cannot be accepted.
pub async fn serve(
    listener: TcpListener,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, routes(health, metrics))
        .with_graceful_shutdown(stop)
        .await
}

type Told = (Arc<Health>, Arc<Metrics>);

fn routes(health: Arc<Health>, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route(
            "/livez",
            get(async |State((health, _)): State<Told>| answer(health.is_live())),
        )
        .route(
            "/readyz",
            get(async |State((health, _)): State<Told>| answer(health.is_ready())),
        )
        .route("/metrics", get(text))
        .with_state((health, metrics))
}

async fn text(State((_, metrics)): State<Told>) -> ([(&'static str, &'static str); 1], String) {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([("content-type", kind)], metrics.encode())
}

fn answer(good: bool) -> (StatusCode, &'static str) {
    if good {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ok\n")
    }
}
