use std::collections::BTreeMap;

use fleetscore_crds::{
    Condition, ConditionStatus, Kind, Phase, ReadingStream, ReadingStreamSpec, ReadingStreamStatus,
    SCHEDULE_LABEL, ScoringRun, ScoringRunSpec, ScoringRunStatus, ScoringSchedule,
    ScoringScheduleSpec, ScoringScheduleStatus, Spec, misfits, take_unknown,
};
use jiff::Timestamp;
use kube::core::ObjectMeta;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::request::Seen;

/// An object of this API as the cluster holds it, whichever version wrote it: what cannot be read of it hides nothing else.
#[derive(Clone, Debug)]
pub struct Object<S, T> {
    /// Name, labels, times.
    pub metadata: ObjectMeta,
    /// What is asked for, without fields that this program does not know; or why it cannot be read.
    pub spec: Result<S, String>,
    /// What it has come to; or why it cannot be read.
    pub status: Result<T, String>,
}

/// A run.
pub type Run = Object<ScoringRunSpec, ScoringRunStatus>;
/// A schedule.
pub type Schedule = Object<ScoringScheduleSpec, ScoringScheduleStatus>;
/// A stream.
pub type Stream = Object<ReadingStreamSpec, ReadingStreamStatus>;

impl Seen for Run {
    type Kind = ScoringRun;
}

impl Seen for Schedule {
    type Kind = ScoringSchedule;
}

impl Seen for Stream {
    type Kind = ReadingStream;
}

impl<'de, S: Spec, T: DeserializeOwned + Default> Deserialize<'de> for Object<S, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        take_unknown(S::KIND, &mut object);
        let metadata = ObjectMeta::deserialize(&object["metadata"]).map_err(D::Error::custom)?;
        let spec = S::deserialize(&object["spec"]).map_err(|error| told(S::KIND, &object, &error));
        let status = match &object["status"] {
            Value::Null => Ok(T::default()),
            status => T::deserialize(status).map_err(|error| format!("status: {error}")),
        };
        Ok(Self {
            metadata,
            spec,
            status,
        })
    }
}

fn told(kind: Kind, object: &Value, error: &serde_json::Error) -> String {
    let found = misfits(kind, object);
    found
        .first()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

impl<S, T> Object<S, T> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Its UID.
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        value(self.metadata.labels.as_ref(), name)
    }

    /// The value of an annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        value(self.metadata.annotations.as_ref(), name)
    }

    /// When it was created.
    pub fn created(&self) -> Option<Timestamp> {
        self.metadata.creation_timestamp.as_ref().map(|time| time.0)
    }

    /// Whether it is being deleted.
    pub fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }
}

fn value<'a>(map: Option<&'a BTreeMap<String, String>>, name: &str) -> Option<&'a str> {
    map?.get(name).map(String::as_str)
}

impl Run {
    /// Where it stands; none where its status cannot be read.
    pub fn phase(&self) -> Option<Phase> {
        self.status.as_ref().ok().map(|status| status.phase)
    }

    /// The schedule that it came from.
    pub fn schedule(&self) -> Option<&str> {
        self.label(SCHEDULE_LABEL)
    }
}

/// The condition of this type.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// Whether the condition of this type holds.
pub fn holds(conditions: &[Condition], kind: &str) -> bool {
    condition(conditions, kind).is_some_and(|found| found.status == ConditionStatus::True)
}
