use fleetscore_cluster::act::{git, suspension};
use fleetscore_crds::{ScoringRun, ScoringSchedule};
use serde_json::json;

use crate::tools::{NAMESPACE, RUNS, cluster, partial, run, typed};

#[tokio::test]
async fn a_run_is_suspended_and_goes_on() {
    let (api, cluster) = cluster().await;
    let mut object = run(json!({"phase": "Scoring"}));
    object["spec"]["suspend"] = json!(false);
    api.create(RUNS, NAMESPACE, "pumps-1764324000", object);
    for suspend in [true, false] {
        let object = cluster
            .raw::<ScoringRun>(NAMESPACE, "pumps-1764324000")
            .await
            .unwrap();
        let found = suspension(&object, Some(&typed(&object)), suspend).unwrap();
        assert!(!found.already);
        cluster
            .merge::<ScoringRun>(NAMESPACE, "pumps-1764324000", &found.patch)
            .await
            .unwrap();
        let object = api.get(RUNS, NAMESPACE, "pumps-1764324000").unwrap();
        assert_eq!(object["spec"]["suspend"], suspend);
        assert!(suspension(&object, None, suspend).unwrap().already);
    }
    let ended = run(partial());
    assert_eq!(suspension(&ended, Some(&typed(&ended)), true), None);
    let gone = cluster
        .merge::<ScoringSchedule>(NAMESPACE, "x", &json!({"spec": {}}))
        .await;
    assert!(gone.unwrap_err().is_missing());
}

#[test]
fn git_is_told_by_its_tools() {
    let none = json!({"metadata": {"labels": {"app.kubernetes.io/instance": "x"}, "managedFields": [{"manager": "kubectl"}]}});
    assert_eq!(git(&none), None);
    for (metadata, words) in [
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "plant:scoring.fleetscore.io/ScoringSchedule:a/pumps"}}),
            "Argo CD (plant)",
        ),
        (
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}),
            "Flux (apps)",
        ),
        (
            json!({"managedFields": [{"manager": "kubectl"}, {"manager": "argocd-controller"}]}),
            "Argo CD keeps",
        ),
        (
            json!({"managedFields": [{"manager": "helm-controller"}]}),
            "Flux keeps",
        ),
    ] {
        let warning = git(&json!({"metadata": metadata}))
            .unwrap()
            .warning("spec.suspend", "true");
        assert!(warning.starts_with(words), "{warning}");
        assert!(
            warning.ends_with("\n  spec:\n    suspend: true"),
            "{warning}"
        );
    }
}
