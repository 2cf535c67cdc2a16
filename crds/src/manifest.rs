use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ReadingStreamSpec, SCHEDULE_LABEL, ScoringRunSpec, ScoringScheduleSpec, Violation,
    validate_object, without_nulls,
};

/// The envelope of any Kubernetes object of this API, as a manifest file holds it.
///
/// `S` is the spec; a manifest of unknown kind is read as `Manifest<serde_json::Value>` first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest<S = ScoringRunSpec> {
    /// `scoring.fleetscore.io/v1alpha1`.
    pub api_version: String,
    /// Which resource this is.
    pub kind: Kind,
    /// Name, labels and the like.
    pub metadata: ManifestMetadata,
    /// What is asked for.
    pub spec: S,
}

/// A spec, which knows the kind of its object.
pub trait Spec: Serialize + DeserializeOwned {
    /// The kind of the object around the spec.
    const KIND: Kind;
}

impl Spec for ScoringRunSpec {
    const KIND: Kind = Kind::ScoringRun;
}

impl Spec for ScoringScheduleSpec {
    const KIND: Kind = Kind::ScoringSchedule;
}

impl Spec for ReadingStreamSpec {
    const KIND: Kind = Kind::ReadingStream;
}

impl<S: Spec> Manifest<S> {
    /// The manifest in `json`, checked against every rule of the API.
    ///
    /// # Errors
    ///
    /// Text that is not JSON, and everything that the API does not allow.
    pub fn from_json(json: &[u8]) -> Result<Self, ManifestError> {
        Self::from_value(serde_json::from_slice(json)?)
    }

    /// The manifest in a JSON value, checked against every rule of the API.
    ///
    /// # Errors
    ///
    /// Everything that the API does not allow.
    pub fn from_value(value: Value) -> Result<Self, ManifestError> {
        let violations = validate_object(S::KIND, &value);
        if violations.is_empty() {
            Ok(serde_json::from_value(without_nulls(value))?)
        } else {
            Err(ManifestError::Invalid(violations))
        }
    }

    /// The manifest as JSON, which [`Manifest::from_json`] reads.
    ///
    /// # Errors
    ///
    /// None for the types of this crate.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is not JSON, or not the JSON of a manifest.
    #[error("the manifest is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The manifest breaks rules of the API.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Violation>),
}

/// The resources of this API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// One execution.
    ScoringRun,
    /// Executions on a schedule.
    ScoringSchedule,
    /// Readings from a hub's events.
    ReadingStream,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ScoringRun, Self::ScoringSchedule, Self::ReadingStream];
}

/// The part of an object's metadata that a manifest may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestMetadata {
    /// The object's name; fills `{run}`.
    pub name: String,
    /// The object's namespace; fills `{namespace}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What the API server calls this object alone, for as long as it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// How often the spec has changed, counted by the API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl ManifestMetadata {
    /// The schedule that this run came from; fills `{schedule}`.
    pub fn schedule(&self) -> Option<&str> {
        self.labels.get(SCHEDULE_LABEL).map(String::as_str)
    }
}
