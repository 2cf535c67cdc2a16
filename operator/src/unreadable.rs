//! Tells an object that it cannot be read.

use fleetscore_crds::Phase;
use jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Client, Resource};
use serde_json::{Value, json};

use crate::api::{FIELD_MANAGER, status_of};
use crate::stored::{Stored, Unreadable, Versioned};
use crate::words::{cut, whole_second};

/// The reason in the conditions and the event.
pub const UNREADABLE: &str = "Unreadable";
/// Bytes of JSON that a condition's message may take.
const MESSAGE_BYTES: usize = 1000;
/// Longest note of an event, in characters; Kubernetes takes 1 kB.
const NOTE_CHARS: usize = 250;

/// Writes the conditions of an object that cannot be read, and an event, unless they say so already. What else its status holds stays.
///
/// # Errors
///
/// What the API server answers, but for an object that has changed or gone.
pub async fn tell<K>(
    client: &Client,
    recorder: &Recorder,
    object: &Unreadable,
    now: Timestamp,
) -> Result<(), kube::Error>
where
    K: Versioned + Resource<Scope = NamespaceResourceScope> + Clone + std::fmt::Debug,
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
    let api: Api<Stored<K>> = Api::namespaced(client.clone(), namespace);
    match api.patch_status(name, &params, &Patch::Merge(patch)).await {
        Ok(_) => {}
        Err(error) if status_of(&error).is_some_and(|status| [404, 409].contains(&status.code)) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    let event = Event {
        type_: EventType::Warning,
        reason: UNREADABLE.to_owned(),
        note: Some(object.message.chars().take(NOTE_CHARS).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    let stored: Stored<K> = Stored(Err(Box::new(object.clone())));
    if let Err(error) = recorder.publish(&event, &stored.object_ref(&())).await {
        tracing::warn!("the event {UNREADABLE} cannot be written: {error}");
    }
    Ok(())
}

/// The conditions with the fault in them; none where they have it already, or where the run has ended.
fn conditions(object: &Unreadable, now: Timestamp) -> Option<Vec<Value>> {
    if object.phase().is_some_and(Phase::is_end) {
        return None;
    }
    let message = cut(&object.message, MESSAGE_BYTES);
    let old = object.status["conditions"].as_array();
    let mut conditions = old.cloned().unwrap_or_default();
    let mut changed = false;
    for (kind, status, message) in [
        ("Ready", "False", message.as_str()),
        ("Reconciling", "False", ""),
        ("Stalled", "True", message.as_str()),
    ] {
        let found = conditions.iter().position(|found| found["type"] == kind);
        let mut new = json!({
            "type": kind, "status": status, "reason": UNREADABLE, "message": message,
            "lastTransitionTime": whole_second(now), "observedGeneration": object.metadata.generation,
        });
        if let Some(old) = found.map(|at| &mut conditions[at]) {
            if old["status"] == status {
                new["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            changed |= *old != new;
            *old = new;
        } else {
            changed = true;
            conditions.push(new);
        }
    }
    changed.then_some(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let recorder = Recorder::new(client.clone(), "fleetscore-operator".into());
        let now = "2026-01-01T00:00:00.5Z".parse().unwrap();
        tell::<ScoringRun>(&client, &recorder, &object(&status), now)
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
