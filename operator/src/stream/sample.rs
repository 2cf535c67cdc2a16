use fleetscore_crds::{ConditionStatus, ReadingStream, ReadingStreamStatus};
use kube::ResourceExt;

use super::events::ready;
use super::story::SUSPENDED;

/// What the metrics tell of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether all of it is read; none: it is not to be.
    pub up: Option<bool>,
    /// What it has come to.
    pub status: ReadingStreamStatus,
}

impl Sample {
    /// The sample of a stream.
    pub fn of(stream: &ReadingStream) -> Self {
        let status = stream.status.clone().unwrap_or_default();
        let mut conditions = status.conditions.iter();
        let is_up =
            conditions.any(|found| found.kind == "Ready" && found.status == ConditionStatus::True);
        let rests = ready(&status).is_some_and(|(reason, _)| reason == SUSPENDED);
        Self {
            namespace: stream.namespace().unwrap_or_default(),
            name: stream.name_any(),
            up: (!rests).then_some(is_up),
            status,
        }
    }
}
