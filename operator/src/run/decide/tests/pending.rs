//! Pods that do not start, and what that costs.

use super::*;

#[test]
fn pods_that_cannot_start_fail_the_run_in_time_and_with_their_reason() {
    let mut run = snapshot();
    run.spec.pending_timeout_seconds = 100;
    let mut jobs = seen(vec![JobView {
        ready: 0,
        ..job(Step::Plan, 0)
    }]);
    jobs.trouble = Some(trouble(TroubleKind::Blocked, "ImagePullBackOff", 5));
    let early = decide(&run, &jobs, at(104));
    assert_eq!((early.stage, early.again), (Stage::Planning, Some(at(105))));
    let late = decide(&run, &jobs, at(105));
    assert_eq!(ending(&late), (Phase::Failed, Some("ImagePullBackOff")));
    jobs.trouble = Some(trouble(TroubleKind::Invalid, "InvalidPodTemplate", 5));
    assert_eq!(
        ending(&decide(&run, &jobs, at(5))),
        (Phase::Failed, Some("InvalidPodTemplate"))
    );
}

#[test]
fn a_full_cluster_fails_a_run_only_where_none_of_its_pods_runs() {
    let mut run = planned(15);
    run.spec.pending_timeout_seconds = 100;
    let with = |ready| {
        let mut seen = seen(vec![JobView {
            active: 5,
            ready,
            ..score(0)
        }]);
        seen.trouble = Some(trouble(TroubleKind::Unschedulable, "Unschedulable", 0));
        seen
    };
    let slow = decide(&run, &with(1), at(500));
    assert!(matches!(slow.stage, Stage::Scoring(_)));
    assert_eq!(slow.again, None);
    assert_eq!(
        ending(&decide(&run, &with(0), at(500))),
        (Phase::Failed, Some("Unschedulable"))
    );
}

/// A tail pod that waited for its machine and is seen once as its image is not yet there; the others have ended.
#[test]
fn a_reason_that_was_seen_once_fails_nothing() {
    let run = planned(15);
    let mut jobs = seen(vec![JobView {
        ready: 0,
        ..score(14)
    }]);
    let once = Trouble {
        certain: false,
        ..trouble(TroubleKind::Blocked, "ErrImagePull", 0)
    };
    jobs.trouble = Some(once.clone());
    let decision = decide(&run, &jobs, at(9000));
    assert!(matches!(decision.stage, Stage::Scoring(_)), "{decision:?}");
    assert_eq!((decision.changes, decision.trouble), (vec![], Some(once)));
}

#[test]
fn while_other_pods_are_at_work_no_reason_gives_the_run_up() {
    let run = planned(15);
    for kind in [
        TroubleKind::Starting,
        TroubleKind::Unschedulable,
        TroubleKind::Blocked,
        TroubleKind::Refused,
    ] {
        let with = |ready, moved: Option<i64>| {
            let mut seen = seen(vec![JobView {
                active: 2,
                ready,
                ..score(3)
            }]);
            seen.trouble = Some(trouble(kind, "Why", 0));
            seen.moved = moved.map(at);
            decide(&run, &seen, at(9000)).stage
        };
        assert!(matches!(with(1, None), Stage::Scoring(_)), "{kind:?}");
        // One has just ended, the next is not yet to be seen.
        assert!(matches!(with(0, Some(8970)), Stage::Scoring(_)), "{kind:?}");
        let Stage::Collecting(_, Some(cause)) = with(0, Some(8900)) else {
            panic!("{kind:?}");
        };
        assert_eq!(cause.reason, "Why");
    }
}

#[test]
fn one_pod_that_never_started_costs_its_shard_alone() {
    let mut jobs = seen(vec![JobView {
        ready: 0,
        ..score(14)
    }]);
    jobs.trouble = Some(trouble(TroubleKind::Blocked, "ImagePullBackOff", 0));
    let given_up = decide(&planned(15), &jobs, at(901));
    assert!(matches!(given_up.stage, Stage::Collecting(_, Some(_))));
    // The report says how many sensors that were, and the failure policy whether they are too many.
    let run = scored(planned(15), "ImagePullBackOff");
    let stopped = JobView {
        suspended: true,
        active: 0,
        ready: 0,
        ..score(14)
    };
    for (phase, expected) in [
        ("PartiallySucceeded", (Phase::PartiallySucceeded, None)),
        ("Failed", (Phase::Failed, Some("ImagePullBackOff"))),
    ] {
        let collected = seen(vec![stopped.clone(), complete(job(Step::Collect, 0))]);
        let collected = told(collected, "pumps-collect", &totals(phase));
        assert_eq!(ending(&decide(&run, &collected, at(990))), expected);
    }
}

/// A run of 15 shards, one at a time, with these many done; its only pod cannot start.
fn held_up(succeeded: u32) -> (RunSnapshot, JobView) {
    let mut run = planned(15);
    run.spec.sharding.parallelism = 1;
    let job = JobView {
        completions: 15,
        ready: 0,
        ..score(succeeded)
    };
    (run, job)
}

fn with_trouble(job: &JobView, kind: TroubleKind) -> Observed {
    let mut seen = seen(vec![job.clone()]);
    seen.trouble = Some(trouble(kind, "ImagePullBackOff", 0));
    seen
}

#[test]
fn pods_that_hold_up_the_others_get_some_beside_them_once_in_time() {
    let (run, stuck) = held_up(4);
    for kind in [TroubleKind::Blocked, TroubleKind::Starting] {
        let jobs = with_trouble(&stuck, kind);
        assert_eq!(decide(&run, &jobs, at(899)).changes, []);
        let decision = decide(&run, &jobs, at(900));
        assert_eq!(
            decision.stage,
            Stage::Scoring(Plan {
                sensors: 15,
                pods: 15
            })
        );
        assert_eq!(decision.changes, [Change::Widen(stuck.clone(), 2)]);
        assert_eq!(decision.trouble, jobs.trouble);
    }
    // As many as there were, but no more than there are shards for.
    let mut wide = run.clone();
    wide.spec.sharding.parallelism = 4;
    for (succeeded, expected) in [(1, 8), (9, 6)] {
        let four = JobView {
            active: 4,
            parallelism: 4,
            succeeded,
            ..stuck.clone()
        };
        let decision = decide(&wide, &with_trouble(&four, TroubleKind::Blocked), at(900));
        assert_eq!(decision.changes, [Change::Widen(four, expected)]);
    }
    // Again, once another one could not start that was let in beside.
    let two = JobView {
        active: 2,
        parallelism: 2,
        widened: Some(4),
        succeeded: 7,
        failed_indexes: 1,
        ..stuck
    };
    let decision = decide(&run, &with_trouble(&two, TroubleKind::Blocked), at(2000));
    assert_eq!(decision.changes, [Change::Widen(two, 3)]);
}

#[test]
fn what_holds_up_all_alike_is_given_up() {
    let (run, stuck) = held_up(4);
    let widened = JobView {
        active: 2,
        parallelism: 2,
        widened: Some(4),
        ..stuck.clone()
    };
    let last = JobView {
        succeeded: 14,
        ..stuck.clone()
    };
    let none = JobView {
        active: 0,
        ..stuck.clone()
    };
    let queued = JobView {
        queued: true,
        ..stuck.clone()
    };
    let leaving = JobView {
        deleting: true,
        ..stuck.clone()
    };
    let suspended = JobView {
        suspended: true,
        ..stuck.clone()
    };
    for (job, kind) in [
        // Those that were let in beside do not start either; nothing is left; pods are not let in; nobody has room; Kueue's; it goes
        // or stands still.
        (widened, TroubleKind::Blocked),
        (last, TroubleKind::Blocked),
        (none, TroubleKind::Blocked),
        (stuck.clone(), TroubleKind::Unschedulable),
        (queued, TroubleKind::Blocked),
        (leaving, TroubleKind::Blocked),
        (suspended, TroubleKind::Blocked),
    ] {
        let decision = decide(&run, &with_trouble(&job, kind), at(2000));
        let given_up = matches!(decision.stage, Stage::Collecting(_, Some(_)));
        assert!(
            given_up && decision.changes.is_empty(),
            "{job:?} {decision:?}"
        );
    }
    // Where nothing has been scored yet, nothing says that another pod would start.
    let first = with_trouble(&held_up(0).1, TroubleKind::Blocked);
    let decision = decide(&run, &first, at(2000));
    assert_eq!(ending(&decision), (Phase::Failed, Some("ImagePullBackOff")));
}

#[test]
fn a_pod_that_does_not_end_is_told_and_waited_for() {
    let mut jobs = seen(vec![JobView {
        active: 0,
        ready: 0,
        terminating: 1,
        ..score(14)
    }]);
    let lost = trouble(TroubleKind::NotEnding, "PodStuckTerminating", 0);
    jobs.trouble = Some(lost.clone());
    let decision = decide(&planned(15), &jobs, at(90_000));
    assert!(matches!(decision.stage, Stage::Scoring(_)), "{decision:?}");
    assert_eq!(decision.trouble, Some(lost));
}
