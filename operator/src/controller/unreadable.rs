//! Tells an object that it cannot be read.

use fleetscore_crds::{Condition, Phase};
use jiff::Timestamp;
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::events::EventType;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PassError, Story, Tools, event};
use crate::api::{FIELD_MANAGER, code_of};
use crate::stored::{Stored, Unreadable, Versioned};

/// The reason in the conditions and the event.
pub const UNREADABLE: &str = "Unreadable";

/// Writes the conditions of an object that cannot be read, and an event, unless they say so already. What else its status holds stays.
///
/// # Errors
///
/// What the API server answers, but for an object that has changed or gone.
pub async fn tell<K>(tools: &Tools, object: &Unreadable, now: Timestamp) -> Result<(), PassError>
where
    K: Versioned + Resource<Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + Sync,
{
    let meta = &object.metadata;
    let (Some(name), Some(namespace)) = (&meta.name, &meta.namespace) else {
        return Ok(());
    };
    let Some(conditions) = conditions(object, now) else {
        return Ok(());
    };
    let patch = json!({
        "metadata": {"resourceVersion": meta.resource_version},
        "status": {"conditions": conditions},
    });
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let api: Api<Stored<K>> = Api::namespaced(tools.client.clone(), namespace);
    match api.patch_status(name, &params, &Patch::Merge(patch)).await {
        Ok(_) => {}
        Err(error) if matches!(code_of(&error), Some(404 | 409)) => return Ok(()),
        Err(error) => return Err(PassError::Status(error)),
    }
    let stored: Stored<K> = Stored(Err(Box::new(object.clone())));
    let event = event(EventType::Warning, UNREADABLE, &object.message);
    tools.tell(&stored, [event]).await;
    Ok(())
}

/// The conditions with the fault in them; none where they have it already, or where the run has ended. Those of other types may be of
/// another version's form and stay as they are.
fn conditions(object: &Unreadable, now: Timestamp) -> Option<Vec<Value>> {
    if object.phase().is_some_and(Phase::is_end) {
        return None;
    }
    let story = Story {
        reason: UNREADABLE,
        message: &object.message,
        generation: object.metadata.generation.unwrap_or(0),
        now,
    };
    let old = object.status["conditions"].as_array();
    let mut conditions = old.cloned().unwrap_or_default();
    let mut changed = false;
    for (kind, holds) in [("Ready", false), ("Reconciling", false), ("Stalled", true)] {
        let found = conditions.iter_mut().find(|found| found["type"] == kind);
        let old = found
            .as_deref()
            .and_then(|found| Condition::deserialize(found).ok());
        let new = json!(story.condition(kind, holds, old.as_ref()));
        changed |= found.as_deref() != Some(&new);
        match found {
            Some(old) => *old = new,
            None => conditions.push(new),
        }
    }
    changed.then_some(conditions)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::controller::Shared;
    use crate::metrics::Metrics;
    use crate::testing::server;
    use fleetscore_crds::ScoringRun;

    fn object(status: &Value) -> Box<Unreadable> {
        let stored = json!({
            "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun",
            "metadata": {"name": "pumps", "namespace": "plant", "uid": "u", "resourceVersion": "7", "generation": 2},
            "spec": {"ttlSecondsAfterFinished": 5_000_000_000_u64}, "status": status,
        });
        let stored: Stored<ScoringRun> = serde_json::from_value(stored).unwrap();
        stored.0.unwrap_err()
    }

    async fn told(status: Value, answers: usize) -> Vec<crate::testing::Asked> {
        let answer = || (200, json!({"metadata": {"name": "pumps"}}));
        let (client, server) = server((0..answers).map(|_| answer()));
        let tools = Tools::new(Shared {
            client,
            metrics: Arc::new(Metrics::new()),
            health: Arc::default(),
            rush: Arc::default(),
            traces: crate::traces::RunTraces::default(),
        });
        let now = "2026-01-01T00:00:00.5Z".parse().unwrap();
        tell::<ScoringRun>(&tools, &object(&status), now)
            .await
            .unwrap();
        server.asked()
    }

    #[tokio::test]
    async fn the_object_says_so_once_with_field_and_value() {
        let planned = json!({"type": "Planned", "status": "True", "reason": "Planned", "message": "", "lastTransitionTime": "2025-01-01T00:00:00Z"});
        let asked = told(json!({"phase": "Scoring", "conditions": [planned]}), 2).await;
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert_eq!(asked[0].media, "application/merge-patch+json");
        assert_eq!(asked[0].body["metadata"]["resourceVersion"], "7");
        let conditions = &asked[0].body["status"]["conditions"];
        assert_eq!(conditions[0], planned);
        let message = conditions[1]["message"].as_str().unwrap();
        assert!(
            message.contains("spec.ttlSecondsAfterFinished: 5000000000 is too large"),
            "{message}"
        );
        assert_eq!(conditions[3]["type"], "Stalled");
        assert_eq!(conditions[3]["status"], "True");
        assert_eq!(conditions[3]["lastTransitionTime"], "2026-01-01T00:00:00Z");
        assert_eq!(asked[1].body["reason"], UNREADABLE);
        assert_eq!(asked[1].body["regarding"]["kind"], "ScoringRun");

        let again = told(json!({"phase": "Scoring", "conditions": conditions}), 0).await;
        assert!(again.is_empty(), "{again:?}");
    }

    #[tokio::test]
    async fn a_run_that_has_ended_is_left_alone() {
        assert!(told(json!({"phase": "Succeeded"}), 0).await.is_empty());
    }
}
