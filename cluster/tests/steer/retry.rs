use fleetscore_cluster::act::{RetryRefusal, retry};
use fleetscore_crds::ScoringRun;
use serde_json::{Value, json};

use crate::tools::{NAMESPACE, RUNS, cluster, partial, run, typed};

fn retried(
    object: &Value,
    reasons: &[&str],
) -> Result<fleetscore_cluster::act::Retry, RetryRefusal> {
    let reasons: Vec<_> = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    retry(object, &typed(object), None, &reasons)
}

#[tokio::test]
async fn a_retry_is_the_same_run_of_the_failed_sensors() {
    let (api, cluster) = cluster().await;
    api.create(RUNS, NAMESPACE, "pumps-1764324000", run(partial()));
    let object = cluster
        .raw::<ScoringRun>(NAMESPACE, "pumps-1764324000")
        .await
        .unwrap();
    let retry = retried(&object, &[]).unwrap();
    assert_eq!(
        (retry.name.as_str(), retry.sensors, retry.in_place),
        ("pumps-1764324000-r1", 3, true)
    );
    assert_eq!(
        retry.location.as_deref(),
        Some("az://predictions/pumps/2025/11/28/09/")
    );
    let dry = cluster
        .create::<ScoringRun>(NAMESPACE, &retry.object, true)
        .await
        .unwrap();
    assert_eq!(dry["metadata"]["name"], "pumps-1764324000-r1");
    assert_eq!(api.get(RUNS, NAMESPACE, &retry.name), None);

    cluster
        .create::<ScoringRun>(NAMESPACE, &retry.object, false)
        .await
        .unwrap();
    let created = api.get(RUNS, NAMESPACE, &retry.name).unwrap();
    let mut spec = object["spec"].clone();
    spec["sensors"] = json!({"failedIn": {"run": "pumps-1764324000"}});
    spec.as_object_mut().unwrap().remove("suspend");
    // Also what this program does not know.
    assert_eq!(created["spec"], spec);
    let metadata = &created["metadata"];
    // What Argo CD keeps it would remove.
    assert_eq!(
        metadata["labels"],
        json!({"scoring.fleetscore.io/schedule": "pumps", "scoring.fleetscore.io/cause": "retry", "team": "pumps"})
    );
    assert_eq!(
        metadata["annotations"],
        json!({"scoring.fleetscore.io/tick": "2025-11-28T10:00:00Z"})
    );
    let owner = &metadata["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["uid"], &owner["controller"]),
        (
            &json!("ScoringRun"),
            &object["metadata"]["uid"],
            &json!(false)
        )
    );

    let again = cluster
        .create::<ScoringRun>(NAMESPACE, &retry.object, false)
        .await
        .unwrap_err();
    assert!(again.is_conflict(), "{again}");
    api.close(&[NAMESPACE]);
    let refused = cluster
        .create::<ScoringRun>(NAMESPACE, &retry.object, false)
        .await
        .unwrap_err();
    assert!(refused.is_forbidden(), "{refused}");
}

#[test]
fn only_what_failed_for_these_reasons() {
    let object = run(partial());
    let retry = retried(&object, &["ModelNotFound"]).unwrap();
    assert_eq!(retry.sensors, 2);
    assert_eq!(
        retry.object["spec"]["sensors"],
        json!({"failedIn": {"run": "pumps-1764324000", "reasons": ["ModelNotFound"]}})
    );
    let RetryRefusal::NoSuchReason { known, .. } = retried(&object, &["BadModel"]).unwrap_err()
    else {
        panic!("another refusal");
    };
    assert_eq!(known, "ModelNotFound, NoReadings");
    // Where the status does not tell all reasons, one may be among the others.
    let mut object = object;
    object["status"]["sensors"]["failed"] = json!(10);
    assert_eq!(retried(&object, &["BadModel"]).unwrap().sensors, 7);
}

#[test]
fn a_run_with_a_place_of_its_own_is_tried_again_in_another() {
    let mut object = run(partial());
    object["spec"]["output"]["location"] = json!("az://predictions/{run}/");
    let retry = retried(&object, &[]).unwrap();
    assert!(!retry.in_place);
    assert_eq!(
        retry.location.as_deref(),
        Some("az://predictions/pumps-1764324000-r1/")
    );
}

#[test]
fn what_goes_on_or_has_no_failed_sensors_is_not_tried_again() {
    for phase in [
        "Pending",
        "Planning",
        "WaitingForReadings",
        "WaitingForNodes",
        "Scoring",
        "Collecting",
        "Suspended",
    ] {
        let refusal = retried(&run(json!({"phase": phase})), &[]).unwrap_err();
        assert!(matches!(refusal, RetryRefusal::GoesOn { .. }), "{phase}");
        assert!(refusal.to_string().contains(phase));
    }
    let good = json!({"phase": "Succeeded", "sensors": {"total": 5, "succeeded": 5, "failed": 0}});
    assert!(matches!(
        retried(&run(good), &[]),
        Err(RetryRefusal::NothingFailed(_))
    ));
    let whole = json!({"phase": "Failed", "conditions": [{
        "type": "Failed", "status": "True", "reason": "PlanFailed", "message": "no model", "lastTransitionTime": "2025-11-28T10:00:00Z",
    }]});
    let refusal = retried(&run(whole), &[]).unwrap_err();
    assert!(
        refusal.to_string().contains("no model (PlanFailed)"),
        "{refusal}"
    );
    let odd = json!({"phase": "Dancing"});
    assert!(matches!(
        retried(&run(odd), &[]),
        Err(RetryRefusal::Unreadable(..))
    ));
    let object = run(partial());
    for name in ["", "Pumps", "-a", "a-", "a.b", &"a".repeat(51)] {
        let refusal = retry(&object, &typed(&object), Some(name), &[]).unwrap_err();
        assert_eq!(refusal, RetryRefusal::Name(name.to_owned()));
    }
}
