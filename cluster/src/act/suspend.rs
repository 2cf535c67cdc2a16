use fleetscore_crds::Phase;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Git, git};
use crate::Run;

/// What is to be done so that an object is suspended, or goes on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suspension {
    /// Whether it is to be suspended.
    pub suspend: bool,
    /// Whether that is asked for already.
    pub already: bool,
    /// Who will undo it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// What to merge into the object.
    #[serde(skip)]
    pub patch: Value,
}

/// How `object` is suspended, or goes on. None for a run that has ended.
pub fn suspension(object: &Value, run: Option<&Run>, suspend: bool) -> Option<Suspension> {
    if run.and_then(Run::phase).is_some_and(Phase::is_end) {
        return None;
    }
    Some(Suspension {
        suspend,
        already: object["spec"]["suspend"].as_bool().unwrap_or(false) == suspend,
        git: git(object),
        patch: json!({"spec": {"suspend": suspend}}),
    })
}
