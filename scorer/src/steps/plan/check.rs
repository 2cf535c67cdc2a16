//! What the list of sensors alone shows to be wrong: duplicates, missing keys, colliding outputs.

use std::collections::HashMap;

use super::PlanEntry;
use super::sources::Candidate;
use crate::ledger::{Failure, FailureReason};
use crate::outputs;
use crate::run::Run;

/// The plan's entries, sorted by key; a sensor that cannot be scored carries the reason.
pub fn check(run: &Run, mut candidates: Vec<Candidate>) -> Vec<PlanEntry> {
    candidates.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.model.cmp(&b.model)));
    let required = run.required_keys();
    let mut entries: Vec<PlanEntry> = Vec::with_capacity(candidates.len());
    let mut previous: Option<Candidate> = None;
    // Each is freed as its entry is made: those of a large fleet take much memory.
    for candidate in candidates {
        let twin = previous.as_ref().filter(|other| other.key == candidate.key);
        entries.push(entry(run, &candidate, &required, twin));
        previous = Some(candidate);
    }
    mark_collisions(run, &mut entries);
    entries
}

fn entry(
    run: &Run,
    candidate: &Candidate,
    required: &[&str],
    twin: Option<&Candidate>,
) -> PlanEntry {
    let missing = required
        .iter()
        .find(|name| candidate.key.get(name).is_none());
    let error = match (missing, twin) {
        (Some(name), _) => Some(failure(
            FailureReason::KeyMissing,
            format!(
                "{} has no value for the key `{name}`, which the spec's locations or key columns use; add it",
                candidate.place
            ),
        )),
        (None, Some(other)) => Some(failure(
            FailureReason::DuplicateSensor,
            format!(
                "{} names the same sensor as {}; remove one",
                candidate.place, other.place
            ),
        )),
        (None, None) => None,
    };
    let model = candidate
        .model
        .clone()
        .or_else(|| run.model.expand(&candidate.key).ok());
    PlanEntry {
        key: candidate.key.clone(),
        model,
        error,
    }
}

fn failure(reason: FailureReason, message: String) -> Failure {
    Failure { reason, message }
}

/// Sensors with the same output path all fail: none of them may silently win.
fn mark_collisions(run: &Run, entries: &mut [PlanEntry]) {
    let mut first_at: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    for at in 0..entries.len() {
        if entries[at].error.is_some() {
            continue;
        }
        let Ok(path) = run.file.expand(&entries[at].key) else {
            continue;
        };
        if outputs::is_reserved(&path) {
            let message = format!(
                "its predictions would be `{path}`, which belongs to the run itself; change spec.output.file"
            );
            entries[at].error = Some(failure(FailureReason::OutputCollision, message));
        } else if let Some(&first) = first_at.get(&path) {
            let message = |other: &PlanEntry| {
                let key = &other.key;
                format!(
                    "its predictions would be `{path}`, the same as those of {key}; add the keys that differ to spec.output.file"
                )
            };
            let (mine, its) = (message(&entries[first]), message(&entries[at]));
            entries[at].error = Some(failure(FailureReason::OutputCollision, mine));
            entries[first]
                .error
                .get_or_insert_with(|| failure(FailureReason::OutputCollision, its));
        } else {
            first_at.insert(path, at);
        }
    }
}
