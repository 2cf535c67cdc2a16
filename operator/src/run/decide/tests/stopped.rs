//! Scoring that was stopped, and the report that follows.

use super::*;

fn suspended(succeeded: u32) -> JobView {
    JobView {
        suspended: true,
        active: 0,
        ready: 0,
        ..score(succeeded)
    }
}

/// Stopped by `failFast`, the deadline or pods that cannot start; then suspended while the report was made, and let go on.
#[test]
fn why_scoring_was_stopped_is_remembered_while_the_run_is_suspended() {
    for reason in [
        "TooManyFailedSensors",
        "DeadlineExceeded",
        "ImagePullBackOff",
    ] {
        let mut run = scored(planned(15), reason);
        run.spec.suspend = true;
        let stopped = JobView {
            suspended: true,
            ..job(Step::Collect, 0)
        };
        let jobs = vec![suspended(7), job(Step::Collect, 0)];
        let decision = decide(&run, &seen(jobs), at(5));
        assert_eq!(decision.stage, Stage::Suspended);
        assert_eq!(decision.changes, [Change::Suspend(job(Step::Collect, 0))]);

        // The deadline begins anew, but what was stopped stays so.
        run.status.phase = Phase::Suspended;
        run.status.start_time = None;
        run.spec.suspend = false;
        let jobs = vec![suspended(7), stopped.clone()];
        let decision = decide(&run, &seen(jobs), at(500));
        assert_eq!(decision.changes, [Change::Resume(stopped)]);
        let Stage::Collecting(_, Some(cause)) = &decision.stage else {
            panic!("{:?}", decision.stage);
        };
        assert_eq!(
            (cause.reason.as_str(), cause.message.as_str()),
            (reason, "why")
        );

        let collected = seen(vec![suspended(7), complete(job(Step::Collect, 0))]);
        let collected = told(collected, "pumps-collect", &totals("Failed"));
        let end = decide(&run, &collected, at(600));
        assert_eq!(ending(&end), (Phase::Failed, Some(reason)));
    }
}

/// The report of a run whose pods had all ended is not made of a part of them, whatever becomes of the Jobs.
#[test]
fn what_was_scored_stays_scored() {
    let mut run = scored(planned(15), "Scored");
    run.status.phase = Phase::Suspended;
    let decision = decide(&run, &quiet(seen(vec![])), at(500));
    assert_eq!(decision.changes, [Change::Create(Step::Collect)]);
    assert!(matches!(decision.stage, Stage::Collecting(_, None)));
}

#[test]
fn the_report_waits_for_pods_that_are_still_ending() {
    let run = scored(planned(15), "DeadlineExceeded");
    let waits = |jobs: Observed| {
        let decision = decide(&run, &jobs, at(100));
        assert!(
            matches!(decision.stage, Stage::Collecting(..)),
            "{decision:?}"
        );
        decision.changes
    };
    let ending = |terminating| JobView {
        terminating,
        ..suspended(7)
    };
    // As the Job says; as the pods say, where it was asked; and where the Job is going or gone.
    assert_eq!(waits(quiet(seen(vec![ending(3)]))), []);
    assert_eq!(waits(seen(vec![ending(0)])), []);
    let one = |jobs| Observed {
        unended: Some(1),
        ..seen(jobs)
    };
    assert_eq!(waits(one(vec![ending(0)])), []);
    assert_eq!(waits(one(vec![])), []);
    let leaving = JobView {
        deleting: true,
        ..suspended(7)
    };
    assert_eq!(waits(quiet(seen(vec![leaving]))), []);
    // Its pods have not been told to end yet.
    let active = JobView {
        active: 2,
        ..suspended(7)
    };
    assert_eq!(waits(quiet(seen(vec![active]))), []);
    for jobs in [vec![ending(0)], vec![]] {
        assert_eq!(waits(quiet(seen(jobs))), [Change::Create(Step::Collect)]);
    }
}

#[test]
fn a_pod_on_a_dead_machine_is_the_reason_why_there_is_no_report() {
    let run = scored(planned(15), "DeadlineExceeded");
    let mut jobs = seen(vec![JobView {
        terminating: 1,
        ..suspended(7)
    }]);
    let lost = trouble(TroubleKind::NotEnding, "PodStuckTerminating", 0);
    jobs.trouble = Some(lost.clone());
    let decision = decide(&run, &jobs, at(90_000));
    assert_eq!((decision.changes, decision.trouble), (vec![], Some(lost)));
}

#[test]
fn a_report_whose_pod_cannot_start_says_why_and_fails_in_time() {
    let run = planned(15);
    let waiting = JobView {
        ready: 0,
        ..job(Step::Collect, 0)
    };
    let mut jobs = seen(vec![complete(score(15)), waiting]);
    let blocked = trouble(TroubleKind::Blocked, "ImagePullBackOff", 0);
    jobs.trouble = Some(blocked.clone());
    let early = decide(&run, &jobs, at(899));
    assert!(matches!(early.stage, Stage::Collecting(_, None)));
    assert_eq!((early.trouble, early.again), (Some(blocked), Some(at(900))));
    let late = decide(&run, &jobs, at(900));
    assert_eq!(ending(&late), (Phase::Failed, Some("ImagePullBackOff")));
}

#[test]
fn a_run_waits_for_its_place_and_its_deadline_does_not_begin() {
    let owner = crate::run::places::Occupant {
        namespace: "plant".to_owned(),
        name: "other".to_owned(),
        output: "az://p/x/".to_owned(),
        since: Some(at(0)),
        suspended: false,
        deleting: false,
    };
    let waiting = Observed {
        owner: Some(owner.clone()),
        ..seen(vec![])
    };
    let decision = decide(&snapshot(), &waiting, at(5));
    assert_eq!(decision.stage, Stage::Waiting(owner));
    assert_eq!((decision.changes, decision.again), (vec![], Some(at(15))));
}
