//! The run's children: what is created, never how. Pure.

mod config_map;
mod job;
mod parts;
mod pod;
mod worker;

use fleetscore_crds::Step;
use serde_json::{Value, json};

use super::snapshot::RunSnapshot;

pub use config_map::{config_map, config_map_name};
pub use fleetscore_crds::contract::run_pod::{
    CONTAINER, PART_LABEL, RUN_LABEL, SHARDS_PER_JOB, STEP_LABEL, step_name,
};
pub use job::{job, sample};
pub use parts::{Part, parts};
pub use pod::pod;
pub use worker::lacks_image;

/// Kueue's label that names the local queue.
pub const QUEUE_LABEL: &str = "kueue.x-k8s.io/queue-name";
/// The annotation with the generation of the run's spec that a child was created for.
pub const GENERATION_ANNOTATION: &str = "scoring.fleetscore.io/generation";

/// The annotation of a Job with what its pods run, as JSON.
pub const SCORER_ANNOTATION: &str = "scoring.fleetscore.io/scorer";

/// The annotation of a score Job that was given more pods because some could not start: how many of its shards had ended by then.
pub const WIDENED_ANNOTATION: &str = "scoring.fleetscore.io/widened";

/// The name of a Job; `part` counts for score Jobs only. With a pod's index behind it, it has to fit into a label: 63 characters, of
/// which the run's name may take 50 and the index 5. That leaves 8.
pub fn job_name(run: &str, step: Step, part: u32) -> String {
    match step {
        Step::Score if part > 9 => format!("{run}-s-{part}"),
        Step::Score => format!("{run}-score-{part}"),
        Step::Plan | Step::Collect => format!("{run}-{}", step_name(step)),
    }
}

/// The labels of a step's Jobs and pods.
fn labels(run: &RunSnapshot, step: Step) -> Value {
    let step = step_name(step);
    json!({
        RUN_LABEL: run.name,
        STEP_LABEL: step,
        "app.kubernetes.io/name": "fleetscore",
        "app.kubernetes.io/instance": run.name,
        "app.kubernetes.io/component": step,
        "app.kubernetes.io/managed-by": "fleetscore-operator",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_of_the_longest_name_fit_into_a_label() {
        let run = "r".repeat(50);
        let last = SHARDS_PER_JOB - 1;
        let mut names = std::collections::BTreeSet::new();
        for part in 0..10_000 {
            let name = job_name(&run, Step::Score, part);
            assert!(format!("{name}-{last}").len() <= 63, "{name}");
            assert!(names.insert(name));
        }
    }
}
