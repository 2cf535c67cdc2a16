//! The runs that a schedule creates. Pure.

use fleetscore_crds::{
    API_VERSION, CAUSE_LABEL, SCHEDULE_LABEL, ScoringRun, ScoringRunSpec, TICK_ANNOTATION,
    TRIGGER_ANNOTATION,
};
use fleetscore_ticks::{Timetable, window};
use kube::Resource;
use serde_json::{Value, json};

use super::decide::Creation;
use super::subject::Subject;

/// The run of `creation`: the template with the window of its tick.
pub fn run(schedule: &Subject, timetable: &Timetable, creation: &Creation) -> Value {
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
