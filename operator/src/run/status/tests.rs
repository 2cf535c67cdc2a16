use fleetscore_crds::Totals;
use proptest::prelude::*;

use super::*;
use crate::run::decide::decide;
use crate::run::testing::{at, complete, job, planned, snapshot};

fn seen(jobs: Vec<JobView>) -> Observed {
    Observed {
        jobs,
        ..Observed::default()
    }
}

fn decision(stage: Stage) -> RunDecision {
    RunDecision {
        stage,
        changes: Vec::new(),
        trouble: None,
        again: None,
    }
}

fn condition<'a>(status: &'a ScoringRunStatus, kind: &str) -> &'a Condition {
    status
        .conditions
        .iter()
        .find(|found| found.kind == kind)
        .unwrap()
}

fn blocked(reason: &str) -> Trouble {
    Trouble {
        kind: TroubleKind::Blocked,
        reason: reason.to_owned(),
        message: "why".to_owned(),
        since: at(0),
        certain: false,
    }
}

#[test]
fn conditions_keep_their_time_until_they_change() {
    let mut run = snapshot();
    run.status = status(&run, &seen(vec![]), &decision(Stage::Planning), at(1));
    assert_eq!(
        (run.status.phase, run.status.start_time),
        (Phase::Planning, Some(at(1)))
    );
    assert_eq!(
        condition(&run.status, "Reconciling").status,
        ConditionStatus::True
    );
    let plan = Plan {
        sensors: 9,
        pods: 3,
    };
    let scorer = fleetscore_crds::ScorerVersion {
        image: "scorer:1".to_owned(),
        ..fleetscore_crds::ScorerVersion::default()
    };
    let planned = Stage::Planned(plan, Some(scorer.clone()));
    let next = status(&run, &seen(vec![]), &decision(planned), at(5));
    assert_eq!(next.scorer, Some(scorer));
    assert_eq!(condition(&next, "Planned").last_transition_time, at(5));
    assert_eq!(condition(&next, "Reconciling").last_transition_time, at(1));
    assert_eq!(next.sensors.unwrap().total, 9);
    assert!(
        next.conditions
            .iter()
            .all(|found| found.observed_generation == Some(1))
    );
}

#[test]
fn what_hinders_a_run_is_its_reason() {
    let run = snapshot();
    let waiting = RunDecision {
        trouble: Some(blocked("ImagePullBackOff")),
        ..decision(Stage::Planning)
    };
    let found = status(&run, &seen(vec![]), &waiting, at(1));
    for kind in ["Ready", "Reconciling"] {
        let condition = condition(&found, kind);
        assert_eq!(
            (condition.reason.as_str(), condition.message.as_str()),
            ("ImagePullBackOff", "why")
        );
    }
    assert_eq!(condition(&found, "Stalled").status, ConditionStatus::False);
}

/// No pod runs, and one has no node.
fn without_nodes(run: &RunSnapshot) -> RunDecision {
    RunDecision {
        trouble: Some(Trouble {
            kind: TroubleKind::Unschedulable,
            ..blocked("Unschedulable")
        }),
        ..decision(Stage::Scoring(run.plan().unwrap()))
    }
}

#[test]
fn a_run_that_loses_its_nodes_waits_from_then_on() {
    let mut run = planned(3);
    let scoring = decision(Stage::Scoring(run.plan().unwrap()));
    run.status = status(&run, &seen(vec![]), &scoring, at(1));
    let never =
        |status: &ScoringRunStatus| status.conditions.iter().all(|found| found.kind != WAITING);
    assert!(never(&run.status));
    for (decision, now, phase, since) in [
        (without_nodes(&run), 10, Phase::WaitingForNodes, 10),
        (without_nodes(&run), 20, Phase::WaitingForNodes, 10),
        (scoring.clone(), 30, Phase::Scoring, 30),
        (without_nodes(&run), 1000, Phase::WaitingForNodes, 1000),
    ] {
        run.status = status(&run, &seen(vec![]), &decision, at(now));
        let found = condition(&run.status, WAITING);
        assert_eq!(
            (run.status.phase, found.last_transition_time),
            (phase, at(since))
        );
        assert_eq!(
            found.status == ConditionStatus::True,
            phase == Phase::WaitingForNodes
        );
    }
}

#[test]
fn a_retry_that_leaves_too_many_says_so() {
    let run = planned(3);
    let totals = Totals {
        phase: Phase::PartiallySucceeded,
        sensors: 3,
        succeeded: 3,
        failed: 0,
        rows: 9,
        anomalies: 0,
        mostly_anomalous: Some(0),
        report: "az://p/_run/retry/again/report.html".to_owned(),
        top_failures: Vec::new(),
        left: Some(fleetscore_crds::Left {
            total: 50,
            failed: 7,
            limit: 2,
        }),
    };
    let ended = Stage::Ended(Ending {
        phase: totals.phase,
        cause: None,
        totals: Some(totals),
    });
    let found = status(&run, &seen(vec![]), &decision(ended), at(1));
    let ready = condition(&found, "Ready");
    assert_eq!(
        (ready.status, ready.reason.as_str()),
        (ConditionStatus::True, "SensorsLeft")
    );
    assert!(
        ready
            .message
            .starts_with("of 50 sensors 7 still have no predictions (2 allowed)"),
        "{}",
        ready.message
    );
}

#[test]
fn resuming_begins_the_deadline_anew() {
    let mut run = planned(3);
    run.status.phase = Phase::Suspended;
    let stage = Stage::Scoring(run.plan().unwrap());
    let found = status(&run, &seen(vec![]), &decision(stage), at(500));
    assert_eq!(found.start_time, Some(at(500)));
}

#[test]
fn sensors_are_counted_before_the_report_only_where_each_has_its_pod() {
    let mut run = planned(15);
    let jobs = seen(vec![JobView {
        succeeded: 3,
        failed_indexes: 1,
        ..job(Step::Score, 0)
    }]);
    let stage = Stage::Scoring(run.plan().unwrap());
    let found = status(&run, &jobs, &decision(stage.clone()), at(5));
    assert_eq!(
        found.sensors,
        Some(SensorCounts {
            total: 15,
            succeeded: 3,
            failed: 1
        })
    );
    run.status.sensors = Some(SensorCounts {
        total: 30,
        ..SensorCounts::default()
    });
    let found = status(&run, &jobs, &decision(stage), at(5));
    assert_eq!(
        found.sensors,
        Some(SensorCounts {
            total: 30,
            ..SensorCounts::default()
        })
    );
    assert_eq!(
        found.pods,
        Some(PodCounts {
            total: 15,
            active: 1,
            succeeded: 3,
            failed: 1
        })
    );
}

#[test]
fn mere_progress_is_written_rarely() {
    let with = |succeeded| ScoringRunStatus {
        pods: Some(PodCounts {
            total: 1000,
            active: 7,
            succeeded,
            failed: 0,
        }),
        ..ScoringRunStatus::default()
    };
    let worth =
        |succeeded, seconds| is_worth_writing(&with(0), &with(succeeded), Some(at(0)), at(seconds));
    assert!(!worth(0, 100));
    assert!(!worth(49, 29));
    assert!(worth(50, 1));
    assert!(worth(1, 30));
    let other = ScoringRunStatus {
        phase: Phase::Collecting,
        ..with(0)
    };
    assert!(is_worth_writing(&with(0), &other, Some(at(0)), at(0)));
}

#[test]
fn an_ended_run_tells_no_more_than_the_generation_it_has_seen() {
    let mut run = planned(3);
    run.status.phase = Phase::Succeeded;
    run.status.completion_time = Some(at(9));
    run.generation = 4;
    let found = status(
        &run,
        &seen(vec![]),
        &decide(&run, &seen(vec![]), at(99)),
        at(99),
    );
    assert_eq!(found.observed_generation, Some(4));
    assert_eq!(
        (found.phase, found.completion_time),
        (Phase::Succeeded, Some(at(9)))
    );
}

#[test]
fn the_jobs_at_work_and_the_last_ones_are_listed() {
    let mut jobs = vec![complete(job(Step::Plan, 0))];
    jobs.extend((0..40).map(|part| complete(job(Step::Score, part))));
    jobs.extend((40..43).map(|part| job(Step::Score, part)));
    jobs.push(job(Step::Collect, 0));
    let run = planned(3);
    let stage = Stage::Scoring(run.plan().unwrap());
    let found = status(&run, &seen(jobs), &decision(stage), at(1));
    assert_eq!(found.jobs.len(), 16);
    assert_eq!(found.jobs[0].name, "pumps-plan");
    assert_eq!(found.jobs[15].name, "pumps-collect");
    assert_eq!(found.jobs[14].name, "pumps-s-42");
}

proptest! {
    #[test]
    fn the_status_stays_under_16_kib(text in "\\PC{0,40}|[\u{1}\"\\\\]{0,40}", times in 0_usize..500, jobs in 0_u32..60, failures in 0_usize..20, collecting in any::<bool>()) {
        let long = text.repeat(times);
        let mut run = planned(u32::MAX);
        run.name = "n".repeat(50);
        let views = (0..jobs).map(|part| JobView { name: format!("{}-score-{part}", run.name), ..job(Step::Score, part) });
        let cause = EndCause { reason: format!("A{long}"), message: long.clone() };
        let group = FailureGroup { reason: long.clone(), count: u64::MAX, example: long.clone(), message: long.clone() };
        let totals = Totals {
            phase: Phase::Failed, sensors: u64::MAX, succeeded: u64::MAX, failed: u64::MAX, rows: u64::MAX, anomalies: u64::MAX, mostly_anomalous: Some(u64::MAX),
            report: long.clone(), top_failures: vec![group; failures], left: None,
        };
        let mut scored = condition(&status(&run, &seen(vec![]), &decision(Stage::Collecting(run.plan().unwrap(), Some(cause.clone()))), at(1)), "Scored").clone();
        scored.observed_generation = Some(1);
        run.status.conditions.push(scored);
        run.status.scorer = Some(fleetscore_crds::ScorerVersion { image: "i".repeat(255), coordinator_image: Some("c".repeat(255)), operator: "0.1.0".to_owned() });
        let stage = if collecting {
            Stage::Collecting(run.plan().unwrap(), Some(cause))
        } else {
            Stage::Ended(Ending { phase: Phase::Failed, cause: Some(cause), totals: Some(totals) })
        };
        let found = status(&run, &seen(views.collect()), &decision(stage), at(1));
        prop_assert!(serde_json::to_string(&found).unwrap().len() < 16 * 1024);
        prop_assert!(found.jobs.len() <= 16 && found.top_failures.len() <= 10);
    }
}

#[test]
fn why_scoring_was_stopped_stays_in_the_status_while_the_run_is_suspended() {
    let mut run = planned(3);
    let cause = EndCause {
        reason: "DeadlineExceeded".to_owned(),
        message: "not finished after 60 s".to_owned(),
    };
    let collecting = Stage::Collecting(run.plan().unwrap(), Some(cause));
    run.status = status(&run, &seen(vec![]), &decision(collecting), at(60));
    run.status = status(&run, &seen(vec![]), &decision(Stage::Suspended), at(70));
    let scored = condition(&run.status, "Scored");
    assert_eq!(
        (scored.status, scored.last_transition_time),
        (ConditionStatus::True, at(60))
    );
    assert_eq!(
        (scored.reason.as_str(), scored.message.as_str()),
        ("DeadlineExceeded", "not finished after 60 s")
    );
}

#[test]
fn a_pod_that_does_not_end_is_the_reason_even_where_scoring_was_stopped() {
    let run = planned(3);
    let cause = EndCause {
        reason: "DeadlineExceeded".to_owned(),
        message: String::new(),
    };
    let waiting = RunDecision {
        trouble: Some(Trouble {
            kind: TroubleKind::NotEnding,
            ..blocked("PodStuckTerminating")
        }),
        ..decision(Stage::Collecting(run.plan().unwrap(), Some(cause)))
    };
    let found = status(&run, &seen(vec![]), &waiting, at(1));
    for kind in ["Ready", "Reconciling"] {
        assert_eq!(condition(&found, kind).reason, "PodStuckTerminating");
    }
    assert_eq!(condition(&found, "Scored").reason, "DeadlineExceeded");
}

#[test]
fn a_run_that_waits_for_its_place_says_whose_it_is() {
    let owner = crate::run::places::Occupant {
        namespace: "plant".to_owned(),
        name: "other".to_owned(),
        output: "az://p/x/".to_owned(),
        since: Some(at(0)),
        suspended: false,
        deleting: false,
    };
    let run = snapshot();
    let found = status(&run, &seen(vec![]), &decision(Stage::Waiting(owner)), at(9));
    assert_eq!((found.phase, found.start_time), (Phase::Pending, None));
    for kind in ["Ready", "Reconciling"] {
        let condition = condition(&found, kind);
        assert_eq!(condition.reason, "OutputInUse");
        let said =
            "the ScoringRun plant/other has been writing to az://p/x/ since 2026-01-01T00:00:00Z";
        assert!(condition.message.starts_with(said), "{}", condition.message);
    }
}

#[test]
fn a_run_that_waits_for_kueue_says_so() {
    let run = planned(15);
    let waiting = JobView {
        suspended: true,
        queued: true,
        ..job(Step::Score, 0)
    };
    let jobs = seen(vec![complete(job(Step::Plan, 0)), waiting.clone()]);
    let decided = decide(&run, &jobs, at(5));
    let ready = condition(&status(&run, &jobs, &decided, at(5)), "Ready").clone();
    assert_eq!(ready.reason, "WaitingForAdmission");
    assert!(ready.message.contains(&waiting.name), "{}", ready.message);
    // Once it is admitted, and where it is the run itself that is suspended, there is nothing to wait for.
    let admitted = seen(vec![JobView {
        suspended: false,
        ..waiting
    }]);
    let status_of = |seen: &Observed, stage| status(&run, seen, &decision(stage), at(5));
    let reason = |status: &ScoringRunStatus| condition(status, "Ready").reason.clone();
    let plan = run.plan().unwrap();
    assert_eq!(
        reason(&status_of(&admitted, Stage::Scoring(plan))),
        "Scoring"
    );
    assert_eq!(reason(&status_of(&jobs, Stage::Suspended)), "Suspended");
}
