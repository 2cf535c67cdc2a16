use super::*;
use crate::controller::Refusal;
use crate::stream::testing::{at, deployment, pod, process, snapshot, start, trouble};

/// Two pods that read everything.
fn seen() -> Sighting {
    let mut picture = Picture::default();
    for (name, owned) in [("a", [0, 1]), ("b", [2, 3])] {
        picture.add(name, Ok(process(owned)), "plant/pumps", start());
    }
    Sighting {
        deployment: Some(deployment(2)),
        pods: vec![pod("a"), pod("b")],
        picture,
        refusal: None,
    }
}

fn two() -> StreamSnapshot {
    let mut stream = snapshot();
    stream.spec.replicas = 2;
    stream
}

/// Ready, reconciling, stalled; the reason and the message.
fn told(stream: &StreamSnapshot, seen: &Sighting) -> (bool, bool, bool, String, String) {
    let standing = standing(stream, seen, at(100));
    (
        standing.ready,
        standing.reconciling,
        standing.stalled,
        standing.reason,
        standing.message,
    )
}

fn expect(
    seen: &Sighting,
    (ready, reconciling, stalled): (bool, bool, bool),
    reason: &str,
    message: &str,
) {
    let words = (reason.to_owned(), message.to_owned());
    let expected = (ready, reconciling, stalled, words.0, words.1);
    assert_eq!(told(&two(), seen), expected);
}

#[test]
fn a_stream_of_which_everything_is_read_is_ready() {
    expect(
        &seen(),
        (true, false, false),
        "Running",
        "4 of 4 partitions are read",
    );
}

#[test]
fn partitions_without_a_pod_are_on_their_way() {
    let mut seen = seen();
    seen.picture.owned.remove(&3);
    expect(
        &seen,
        (false, true, false),
        "Claiming",
        "3 of 4 partitions are read",
    );
    seen.picture = Picture::default();
    expect(
        &seen,
        (false, true, false),
        "Claiming",
        "no pod has told the hub's partitions yet",
    );
    seen.deployment.as_mut().unwrap().ready = 0;
    let message = "0 of 2 pods are new and ready; no pod has told the hub's partitions yet";
    expect(&seen, (false, true, false), "RollingOut", message);
}

#[test]
fn a_rollout_that_leaves_no_partition_unread_keeps_the_stream_ready() {
    let mut seen = seen();
    let view = seen.deployment.as_mut().unwrap();
    (view.generation, view.updated, view.pods) = (2, 1, 3);
    let message = "1 of 2 pods are new and ready; 4 of 4 partitions are read";
    expect(&seen, (true, true, false), "RollingOut", message);
}

#[test]
fn a_partition_that_goes_no_further_stalls_the_stream() {
    let mut seen = seen();
    for number in [1, 2] {
        let owned = seen.picture.owned.get_mut(&number).unwrap();
        owned.status.stall = Some(trouble("MostEventsInvalid"));
    }
    let message = "partition 1 (pod a): MostEventsInvalid is told (and so in other partitions: 1)";
    expect(&seen, (false, false, true), "MostEventsInvalid", message);
    // What lasts is told before what may pass.
    seen.picture.owned.get_mut(&0).unwrap().status.error = Some(trouble("AccessDenied"));
    expect(&seen, (false, false, true), "MostEventsInvalid", message);
}

#[test]
fn what_may_pass_does_not_stall_the_stream() {
    let mut seen = seen();
    seen.picture.owned.get_mut(&3).unwrap().status.error = Some(trouble("SourceUnavailable"));
    let message = "partition 3 (pod b): SourceUnavailable is told";
    expect(&seen, (false, true, false), "SourceUnavailable", message);
    for (reason, lasts) in [("AccessDenied", false), ("LocationTaken", true)] {
        let mut process = process([]);
        process.trouble = Some(trouble(reason));
        seen.picture = Picture::default();
        seen.picture.add("a", Ok(process), "plant/pumps", start());
        let message = format!("pod a: {reason} is told");
        expect(&seen, (false, !lasts, lasts), reason, &message);
    }
}

#[test]
fn pods_that_do_not_start_say_why() {
    let mut seen = seen();
    seen.pods[1].ready = false;
    seen.pods[1].trouble = Some("ImagePullBackOff: no such image".to_owned());
    seen.deployment.as_mut().unwrap().ready = 1;
    let message = "1 of 2 pods are ready; pod b: ImagePullBackOff: no such image";
    expect(&seen, (false, true, false), "PodsNotReady", message);
    let view = seen.deployment.as_mut().unwrap();
    view.overdue = Some("ProgressDeadlineExceeded: it has timed out".to_owned());
    expect(&seen, (false, false, true), "PodsNotReady", message);
    view_of(&mut seen).failure = Some("FailedCreate: exceeded quota".to_owned());
    let message = "1 of 2 pods are ready; FailedCreate: exceeded quota";
    expect(&seen, (false, false, true), "PodsNotReady", message);
}

fn view_of(seen: &mut Sighting) -> &mut crate::stream::deployment_view::DeploymentView {
    seen.deployment.as_mut().unwrap()
}

#[test]
fn a_stream_whose_pod_does_not_answer_is_not_ready() {
    let mut seen = seen();
    let refused = Err("connection refused".to_owned());
    seen.picture.add("b", refused, "plant/pumps", at(70));
    expect(
        &seen,
        (true, false, false),
        "Running",
        "4 of 4 partitions are read",
    );
    seen.picture.silent.get_mut("b").unwrap().since = at(40);
    let message =
        "pod b is ready and does not answer: connection refused; may the operator reach its port?";
    expect(&seen, (false, true, false), "NoAnswer", message);
}

#[test]
fn a_suspended_stream_is_as_it_was_asked_for_once_its_pods_are_gone() {
    let mut stream = two();
    stream.spec.suspend = true;
    let mut seen = seen();
    let (ready, reconciling, stalled, reason, message) = told(&stream, &seen);
    assert_eq!((ready, reconciling, stalled), (true, true, false));
    assert_eq!(
        message,
        "stopped by spec.suspend; pods that are yet to end: 2"
    );
    seen.pods.clear();
    assert_eq!(reason, "Suspended");
    let (_, reconciling, _, _, message) = told(&stream, &seen);
    assert_eq!(
        (reconciling, message.as_str()),
        (false, "stopped by spec.suspend")
    );
    (stream.spec.suspend, stream.spec.replicas) = (false, 0);
    assert_eq!(told(&stream, &seen).4, "spec.replicas is 0");
}

#[test]
fn what_a_stream_cannot_have_comes_first() {
    let mut seen = seen();
    for lasts in [true, false] {
        seen.refusal = Some(Refusal {
            invalid: lasts,
            reason: "InvalidPodTemplate".to_owned(),
            message: "why".to_owned(),
        });
        expect(&seen, (false, !lasts, lasts), "InvalidPodTemplate", "why");
    }
}
