use std::fmt;

use fleetscore_crds::Window;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Process;

/// What tells one execution of a run from all others. Plan, ledgers and report carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunIdentity {
    /// The UID of the run's object; a random one for a run without a cluster.
    pub uid: String,
    /// The generation of its spec; absent without a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// The readings that it scores; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// The run that has claimed a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The run's name.
    pub name: String,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Which execution.
    pub run: RunIdentity,
    /// When the process that claimed the place began.
    pub since: Timestamp,
    /// The process that does all of the run's work; absent for pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// The earlier run whose failed sensors it scores again there; absent for a run that scores all of its sensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<String>,
}

impl Owner {
    /// Whoever has made a claim that this version cannot read.
    pub(super) fn unknown() -> Self {
        Self {
            name: "?".to_owned(),
            namespace: None,
            run: RunIdentity {
                uid: String::new(),
                generation: None,
                window: None,
            },
            since: Timestamp::UNIX_EPOCH,
            process: None,
            retries: None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "run `{}`", self.name)?;
        if let Some(namespace) = &self.namespace {
            write!(out, " in namespace {namespace}")?;
        }
        match &self.process {
            Some(process) => write!(out, " ({process}")?,
            None => write!(out, " (UID {}", self.run.uid)?,
        }
        write!(out, ", begun at {})", self.since)
    }
}
