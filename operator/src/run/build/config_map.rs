use fleetscore_crds::contract::{run_pod, worker_pod};
use fleetscore_crds::{API_VERSION, Kind, Manifest, ManifestMetadata, PodTemplate, ScoringRunSpec};
use serde_json::{Value, json};

use super::{GENERATION_ANNOTATION, RUN_LABEL, worker};
use crate::run::snapshot::RunSnapshot;

/// The name of a run's `ConfigMap`. Not the run's own, which people give to `ConfigMap`s of theirs.
pub fn config_map_name(run: &str) -> String {
    format!("{run}-scoringrun")
}

/// The `ConfigMap` that hands the pods their run: the spec as it is now, without what only the operator needs; and what a
/// worker runs, where there is one.
pub fn config_map(run: &RunSnapshot) -> Value {
    let mut data = json!({run_pod::FILE: json!(manifest(run)).to_string()});
    if run.spec.model.worker.is_some() {
        data[worker_pod::FILE] = json!(worker::PROGRAM);
    }
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": config_map_name(&run.name),
            "namespace": run.namespace,
            "labels": {
                RUN_LABEL: run.name,
                "app.kubernetes.io/name": "fleetscore",
                "app.kubernetes.io/instance": run.name,
                "app.kubernetes.io/managed-by": "fleetscore-operator",
            },
            "annotations": {GENERATION_ANNOTATION: run.generation.to_string()},
            "ownerReferences": [run.owner()],
        },
        "immutable": true,
        "data": data,
    })
}

fn manifest(run: &RunSnapshot) -> Manifest {
    Manifest {
        api_version: API_VERSION.to_owned(),
        kind: Kind::ScoringRun,
        metadata: ManifestMetadata {
            name: run.name.clone(),
            namespace: Some(run.namespace.clone()),
            uid: Some(run.uid.clone()),
            generation: Some(run.generation),
            labels: run.labels.clone(),
            annotations: std::collections::BTreeMap::new(),
        },
        spec: ScoringRunSpec {
            suspend: false,
            pod_template: PodTemplate::default(),
            coordinator_template: PodTemplate::default(),
            ..run.spec.clone()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::snapshot;

    #[test]
    fn the_pod_can_read_its_run() {
        let mut run = snapshot();
        run.labels.insert(
            fleetscore_crds::SCHEDULE_LABEL.to_owned(),
            "hourly".to_owned(),
        );
        run.spec.suspend = true;
        let map = config_map(&run);
        let text = map["data"]["run.json"].as_str().unwrap();
        let read: Manifest = Manifest::from_json(text.as_bytes()).unwrap();
        assert_eq!(read.metadata.name, run.name);
        assert_eq!(read.metadata.uid.as_deref(), Some(run.uid.as_str()));
        assert_eq!(read.metadata.generation, Some(run.generation));
        assert_eq!(read.metadata.schedule(), Some("hourly"));
        assert_eq!(read.spec.model, run.spec.model);
        assert!(!read.spec.suspend);
        assert_eq!(map["immutable"], json!(true));
    }
}
