//! What the operator serves: `/livez`, `/readyz` and `/metrics`.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::Metrics;
use crate::run::Runs;
use crate::schedule::Schedules;

/// A controller that has shown no sign of life for so long is stuck.
const STUCK: Duration = Duration::from_mins(1);

/// What the probes ask about.
#[derive(Default)]
pub struct Health {
    reachable: AtomicBool,
    synced: AtomicBool,
    working: Mutex<Option<Instant>>,
    runs: Mutex<Vec<Runs>>,
    schedules: Mutex<Vec<Schedules>>,
}

impl Health {
    /// Whether the API server answers.
    pub fn reaches(&self, reachable: bool) {
        self.reachable.store(reachable, Ordering::Relaxed);
    }

    /// Work begins, with these runs and schedules in sight. Until they are listed, the operator is not ready.
    pub fn begins(&self, runs: Vec<Runs>, schedules: Vec<Schedules>) {
        self.beat();
        *self.runs.lock().unwrap_or_else(PoisonError::into_inner) = runs;
        *self
            .schedules
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = schedules;
    }

    /// Everything is listed.
    pub fn has_synced(&self) {
        self.synced.store(true, Ordering::Relaxed);
    }

    /// The controllers are alive.
    pub fn beat(&self) {
        *self.working.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// A replica that waits for the lease is as alive as one that works.
    fn is_live(&self) -> bool {
        let working = *self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.is_none_or(|beat| beat.elapsed() < STUCK)
    }

    fn is_ready(&self) -> bool {
        let idle = self
            .working
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none();
        self.reachable.load(Ordering::Relaxed) && (idle || self.synced.load(Ordering::Relaxed))
    }

    fn phases(&self) -> Vec<String> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().flat_map(Runs::phases).collect()
    }

    fn states(&self) -> Vec<&'static str> {
        let schedules = self
            .schedules
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        schedules.iter().flat_map(Schedules::states).collect()
    }
}

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

type Shared = (Arc<Health>, Arc<Metrics>);

fn routes(health: Arc<Health>, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route(
            "/livez",
            get(async |State((health, _)): State<Shared>| answer(health.is_live())),
        )
        .route(
            "/readyz",
            get(async |State((health, _)): State<Shared>| answer(health.is_ready())),
        )
        .route("/metrics", get(text))
        .with_state((health, metrics))
}

async fn text(
    State((health, metrics)): State<Shared>,
) -> ([(&'static str, &'static str); 1], String) {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    metrics.schedules(&health.states());
    ([("content-type", kind)], metrics.encode(&health.phases()))
}

fn answer(good: bool) -> (StatusCode, &'static str) {
    if good {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ok\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_ready_when_it_reaches_the_api_and_has_listed() {
        let health = Health::default();
        assert!(health.is_live() && !health.is_ready());
        health.reaches(true);
        assert!(health.is_ready());
        health.begins(Vec::new(), Vec::new());
        assert!(health.is_live() && !health.is_ready());
        health.has_synced();
        assert!(health.is_ready());
        health.reaches(false);
        assert!(!health.is_ready());
    }
}
