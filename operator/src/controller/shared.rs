use std::sync::Arc;

use kube::Client;

use crate::health::Health;
use crate::metrics::Metrics;
use crate::rush::Rush;
use crate::traces::RunTraces;

/// What all controllers of a process share. A clone shares it, too.
#[derive(Clone)]
pub struct Shared {
    /// The client of the API server.
    pub client: Client,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What the probes are told.
    pub health: Arc<Health>,
    /// Who goes first when many schedules tick at once.
    pub rush: Arc<Rush>,
    /// Where the traces of runs go.
    pub traces: RunTraces,
}
