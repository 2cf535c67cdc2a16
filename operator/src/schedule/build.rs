//! The runs that a schedule creates. Pure.

use fleetscore_crds::{
    API_VERSION, CAUSE_LABEL, SCHEDULE_LABEL, ScoringRun, ScoringRunSpec, TICK_ANNOTATION,
    TRIGGER_ANNOTATION,
};
use fleetscore_ticks::{Timetable, window};
use kube::Resource;
use serde_json::{Value, json};

use super::decide::Creation;
use super::snapshot::ScheduleSnapshot;

/// A run's Jobs and pods are removed so many seconds after its end where the template does not say. Of runs that come hour after hour,
/// the pods of all that `history` keeps would pile up; what they wrote and logged is in storage.
const TTL_SECONDS: u32 = 3600;

/// The run of `creation`: the template with the window of its tick.
pub fn run(schedule: &ScheduleSnapshot, timetable: &Timetable, creation: &Creation) -> Value {
    let template = &schedule.spec.run_template;
    let mut labels = template.metadata.labels.clone();
    labels.extend(
        [
            (SCHEDULE_LABEL, schedule.name.as_str()),
            (CAUSE_LABEL, creation.cause.word()),
            ("app.kubernetes.io/managed-by", crate::api::FIELD_MANAGER),
        ]
        .map(|(label, value)| (label.to_owned(), value.to_owned())),
    );
    let mut annotations = template.metadata.annotations.clone();
    annotations.insert(TICK_ANNOTATION.to_owned(), creation.tick.to_string());
    if let Some(value) = &creation.trigger {
        annotations.insert(TRIGGER_ANNOTATION.to_owned(), value.clone());
    }
    let spec = ScoringRunSpec {
        window: window(timetable, creation.tick, &schedule.spec.window),
        ttl_seconds_after_finished: Some(
            template
                .spec
                .ttl_seconds_after_finished
                .unwrap_or(TTL_SECONDS),
        ),
        ..template.spec.clone()
    };
    json!({
        "apiVersion": API_VERSION,
        "kind": ScoringRun::kind(&()),
        "metadata": {
            "name": creation.name,
            "namespace": schedule.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [schedule.reference()],
        },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children::Cause;
    use crate::schedule::testing::{hour, snapshot};
    use fleetscore_crds::{Kind, Manifest, validate_object};

    #[test]
    fn the_run_of_a_tick_is_a_run_of_the_api() {
        let mut schedule = snapshot();
        let template = &mut schedule.spec.run_template.metadata;
        template
            .labels
            .insert("team".to_owned(), "pumps".to_owned());
        // Not for a template to say.
        template
            .labels
            .insert(SCHEDULE_LABEL.to_owned(), "another".to_owned());
        template
            .annotations
            .insert("note".to_owned(), "hourly".to_owned());
        schedule.spec.window.offset_seconds = 300;
        let timetable = Timetable::parse("0 * * * *", "Etc/UTC").unwrap();
        let mut creation = Creation {
            name: "pumps-1767229200".to_owned(),
            cause: Cause::Tick,
            tick: hour(1),
            due: Some(hour(1)),
            trigger: None,
        };
        let run = run(&schedule, &timetable, &creation);
        let mut manifest = run.clone();
        manifest["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("ownerReferences");
        assert_eq!(validate_object(Kind::ScoringRun, &manifest), []);
        let manifest: Manifest = Manifest::from_value(manifest).unwrap();
        assert_eq!(manifest.metadata.schedule(), Some("pumps"));
        assert_eq!(manifest.metadata.labels["team"], "pumps");
        assert_eq!(manifest.metadata.labels[CAUSE_LABEL], "tick");
        assert_eq!(manifest.metadata.annotations["note"], "hourly");
        assert_eq!(
            manifest.metadata.annotations[TICK_ANNOTATION],
            "2026-01-01T01:00:00Z"
        );
        let window = manifest.spec.window.unwrap();
        assert_eq!(window.start.to_string(), "2025-12-31T23:55:00Z");
        assert_eq!(window.end.to_string(), "2026-01-01T00:55:00Z");
        assert_eq!(run["metadata"]["ownerReferences"][0]["uid"], "uid");

        // The pods of one run after the other do not pile up, unless that is asked for.
        assert_eq!(manifest.spec.ttl_seconds_after_finished, Some(3600));
        schedule.spec.run_template.spec.ttl_seconds_after_finished = Some(60);
        let asked = super::run(&schedule, &timetable, &creation);
        assert_eq!(asked["spec"]["ttlSecondsAfterFinished"], 60);

        creation.trigger = Some("now".to_owned());
        let run = super::run(&schedule, &timetable, &creation);
        assert_eq!(run["metadata"]["annotations"][TRIGGER_ANNOTATION], "now");
    }
}
