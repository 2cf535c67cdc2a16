//! What the list of sensors alone shows to be wrong: duplicates, missing keys, colliding outputs.

use std::collections::{HashMap, HashSet};

use fleetscore_crds::{Failure, FailureReason, SensorKey};

use super::PlanEntry;
use super::sources::Candidate;
use crate::ledger::{Warning, WarningReason};
use crate::outputs;
use crate::run::Run;
use crate::steps::retried;
use fleetscore_storage::StoreKind;

/// The plan's entries, sorted by key; a sensor that cannot be scored carries the reason.
pub fn check(run: &Run, mut candidates: Vec<Candidate>) -> Vec<PlanEntry> {
    candidates.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.model.cmp(&b.model)));
    let required = run.required_keys();
    let mut entries: Vec<PlanEntry> = Vec::with_capacity(candidates.len());
    let mut place = String::new();
    // Each is freed as its entry is made: those of a large fleet take much memory.
    for candidate in candidates {
        let twin = entries.last().filter(|other| other.key == candidate.key);
        let twin = twin.map(|_| place.as_str());
        let error = error_of(&candidate, &required, twin);
        let warning = candidate
            .other
            .as_ref()
            .map(|other| ambiguous(&candidate, other));
        let Candidate { key, model, .. } = candidate;
        entries.push(PlanEntry {
            model: model.or_else(|| run.model.expand(&key).ok()),
            key,
            error,
            warning,
        });
        place = candidate.place;
    }
    mark_collisions(run, &mut entries);
    entries
}

/// What is wrong with a sensor that stands at the place `twin` as well.
fn error_of(candidate: &Candidate, required: &[&str], twin: Option<&str>) -> Option<Failure> {
    let missing = required
        .iter()
        .find(|name| candidate.key.get(name).is_none());
    match (missing, twin) {
        (Some(name), _) => Some(failure(
            FailureReason::KeyMissing,
            format!(
                "{} has no value for the key `{name}`, which the spec's locations or key columns use; add it",
                candidate.place
            ),
        )),
        (None, Some(twin)) => Some(failure(
            FailureReason::DuplicateSensor,
            format!(
                "{} names the same sensor as {twin}; remove one",
                candidate.place
            ),
        )),
        (None, None) => None,
    }
}

fn ambiguous(candidate: &Candidate, other: &SensorKey) -> Warning {
    Warning {
        reason: WarningReason::AmbiguousName,
        message: format!(
            "the name of {} is read as {}, but {other} fits as well; name the sensors in spec.sensors.list or spec.sensors.manifest, or \
             separate the keys by what none of them holds, such as a folder: {{device}}/{{tag}}",
            candidate.place, candidate.key
        ),
    }
}

fn failure(reason: FailureReason, message: String) -> Failure {
    Failure { reason, message }
}

/// Sensors with the same output path all fail: none of them may silently win.
fn mark_collisions(run: &Run, entries: &mut [PlanEntry]) {
    // Names that a file system may take for one are one; of blobs they differ.
    let is_file = run.output.kind() == StoreKind::File;
    let mut first_at: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    for at in 0..entries.len() {
        if entries[at].error.is_some() {
            continue;
        }
        let Ok(path) = run.file.expand(&entries[at].key) else {
            continue;
        };
        let folded = retried::compared(run, &path);
        if outputs::is_reserved(&path) || (is_file && outputs::is_reserved_folded(&folded)) {
            let message = format!(
                "its predictions would be `{path}`, which belongs to the run itself; change spec.output.file"
            );
            entries[at].error = Some(failure(FailureReason::OutputCollision, message));
        } else if let Some(&first) = first_at.get(&folded) {
            let its_path = run.file.expand(&entries[first].key).unwrap_or_default();
            let mine = collision(&path, (&its_path, &entries[first].key));
            let its = collision(&its_path, (&path, &entries[at].key));
            entries[at].error = Some(failure(FailureReason::OutputCollision, mine));
            entries[first]
                .error
                .get_or_insert_with(|| failure(FailureReason::OutputCollision, its));
        } else {
            first_at.insert(folded, at);
        }
    }
}

/// Fails the sensors whose predictions would replace what earlier runs have written in the same place: paths as
/// [`retried::compared`] makes them.
pub fn refuse_written(run: &Run, written: &HashSet<String>, entries: &mut [PlanEntry]) {
    let planned = entries.iter_mut().filter(|entry| entry.error.is_none());
    for entry in planned {
        let Ok(path) = run.file.expand(&entry.key) else {
            continue;
        };
        if written.contains(&retried::compared(run, &path)) {
            let message = format!(
                "its predictions would replace `{path}`, which an earlier run has written in this place; a retry touches no predictions \
                 that are there: score all sensors again, with an output.file that names each of them once"
            );
            entry.error = Some(failure(FailureReason::OutputCollision, message));
        }
    }
}

/// Why a sensor's predictions at `path` collide with those of another one at its path.
fn collision(path: &str, (other_path, other): (&str, &SensorKey)) -> String {
    if path == other_path {
        return format!(
            "its predictions would be `{path}`, the same as those of {other}; add the keys that differ to spec.output.file"
        );
    }
    format!(
        "its predictions would be `{path}`, which many file systems take for the same file as `{other_path}`, those of {other}: the names \
         differ by case or by how letters are composed alone; rename one of the sensors, or write to az://, where such names differ"
    )
}
