use serde_json::json;

use super::*;
use crate::controller::ready;
use crate::published::Progress;
use crate::run::observe::Awaited;
use crate::run::status::status;
use crate::run::testing::{at, complete, failed, job, planned, snapshot};
use fleetscore_crds::{Condition, ConditionStatus, Limit};

mod pending;
mod property;
mod stopped;

fn seen(jobs: Vec<JobView>) -> Observed {
    Observed {
        jobs,
        ..Observed::default()
    }
}

/// The same, and what a Job's pod said.
fn told(mut seen: Observed, job: &str, raw: &serde_json::Value) -> Observed {
    let result = PodResult {
        reason: raw["reason"].as_str().unwrap_or_default().to_owned(),
        message: raw["message"].as_str().unwrap_or_default().to_owned(),
        raw: raw.to_string(),
    };
    seen.results.insert(job.to_owned(), result);
    seen
}

fn totals(phase: &str) -> serde_json::Value {
    json!({"phase": phase, "sensors": 15, "succeeded": 14, "failed": 1, "rows": 9, "anomalies": 2, "report": "az://o/report.html"})
}

fn ending(decision: &RunDecision) -> (Phase, Option<&str>) {
    match &decision.stage {
        Stage::Ended(ending) => (
            ending.phase,
            ending.cause.as_ref().map(|cause| cause.reason.as_str()),
        ),
        other => panic!("not ended: {other:?}"),
    }
}

fn trouble(kind: TroubleKind, reason: &str, since: i64) -> Trouble {
    Trouble {
        kind,
        reason: reason.to_owned(),
        message: "why".to_owned(),
        since: at(since),
        certain: true,
    }
}

/// The same, and that no score pod is left that could write.
fn quiet(mut seen: Observed) -> Observed {
    seen.unended = Some(0);
    seen
}

/// The run, of which the status says that scoring was stopped.
fn scored(mut run: RunSnapshot, reason: &str) -> RunSnapshot {
    run.status.phase = Phase::Collecting;
    run.status.conditions.push(Condition {
        kind: "Scored".to_owned(),
        status: ConditionStatus::True,
        observed_generation: None,
        last_transition_time: at(0),
        reason: reason.to_owned(),
        message: "why".to_owned(),
    });
    run
}

fn score(succeeded: u32) -> JobView {
    JobView {
        succeeded,
        ..job(Step::Score, 0)
    }
}

/// A pod runs what its template says; numbers that cannot be are no plan and no report.
#[test]
fn numbers_that_cannot_be_are_refused() {
    let plan = complete(job(Step::Plan, 0));
    for (raw, word) in [
        (json!({"sensors": 15, "shards": 1001}), "1001 pods"),
        (
            json!({"sensors": 15, "shards": 16}),
            "15 sensors in 16 pods",
        ),
        (json!({"sensors": 15, "shards": 0}), "15 sensors in 0 pods"),
        (json!({"sensors": u64::MAX, "shards": 3}), "which cannot be"),
    ] {
        let seen = told(seen(vec![plan.clone()]), &plan.name, &raw);
        let decision = decide(&snapshot(), &seen, at(20));
        assert_eq!(ending(&decision).1, Some("PlanImplausible"), "{raw}");
        let Stage::Ended(ending) = decision.stage else {
            unreachable!()
        };
        let message = ending.cause.unwrap().message;
        assert!(message.contains(word), "{message}");
    }
    let mut run = planned(15);
    run.status.phase = Phase::Collecting;
    let collect = complete(job(Step::Collect, 0));
    for (field, value) in [
        ("sensors", json!(16)),
        ("succeeded", json!(u64::MAX)),
        ("failed", json!(2)),
        ("anomalies", json!(10)),
        ("rows", json!(1_u64 << 60)),
        ("phase", json!("Scoring")),
    ] {
        let mut raw = totals("PartiallySucceeded");
        raw[field] = value;
        let jobs = vec![complete(score(15)), collect.clone()];
        let seen = told(seen(jobs), &collect.name, &raw);
        let decision = decide(&run, &seen, at(20));
        assert_eq!(ending(&decision).1, Some("ReportImplausible"), "{raw}");
    }
    // Nor is what cannot be read.
    let mut raw = totals("Succeeded");
    raw["failed"] = json!(-1);
    let seen = told(
        seen(vec![complete(score(15)), collect.clone()]),
        &collect.name,
        &raw,
    );
    assert_eq!(
        ending(&decide(&run, &seen, at(20))).1,
        Some("ReportResultLost")
    );
}

#[test]
fn a_new_run_is_planned() {
    let decision = decide(&snapshot(), &seen(vec![]), at(0));
    assert_eq!(decision.stage, Stage::Planning);
    assert_eq!(decision.changes, [Change::Create(Step::Plan)]);
    let decision = decide(&snapshot(), &seen(vec![job(Step::Plan, 0)]), at(1));
    assert_eq!(
        (decision.stage, decision.changes),
        (Stage::Planning, vec![])
    );
}

#[test]
fn the_plan_is_written_down_before_it_is_acted_on() {
    let jobs = seen(vec![complete(job(Step::Plan, 0))]);
    let jobs = told(
        jobs,
        "pumps-plan",
        &json!({"sensors": 15, "shards": 3, "failed": 0}),
    );
    let decision = decide(&snapshot(), &jobs, at(1));
    let plan = Plan {
        sensors: 15,
        pods: 3,
    };
    assert_eq!(
        (decision.stage, decision.changes),
        (Stage::Planned(plan, None), vec![])
    );
    let decision = decide(&planned(3), &jobs, at(1));
    assert!(
        matches!(decision.changes.as_slice(), [Change::CreatePart(part, _)] if part.shards == 3)
    );
}

#[test]
fn a_plan_that_waits_for_readings_says_for_which() {
    let mut seen = seen(vec![JobView {
        ready: 1,
        ..job(Step::Plan, 0)
    }]);
    let progress = Progress {
        stream: "pumps".to_owned(),
        through: Some(at(0)),
    };
    seen.awaited = Some(Awaited {
        progress,
        until: at(3600),
    });
    let decision = decide(&snapshot(), &seen, at(30));
    assert!(matches!(decision.stage, Stage::AwaitingReadings(_)));
    assert_eq!((decision.again, decision.changes), (Some(at(40)), vec![]));
    let decision = decide(&snapshot(), &seen, at(30));
    let status = status(&snapshot(), &seen, &decision, at(30));
    assert_eq!(status.phase, Phase::WaitingForReadings);
    let ready = ready(&status.conditions).unwrap();
    assert_eq!(
        (ready.reason.as_str(), ready.message.as_str()),
        (
            "WaitingForReadings",
            "the ReadingStream pumps has published all readings before 2026-01-01T00:00:00Z; the window ends at 2026-01-01T01:00:00Z"
        )
    );
    // A pod that does not run yet waits for something else.
    seen.jobs[0].ready = 0;
    let decision = decide(&snapshot(), &seen, at(30));
    assert_eq!(decision.stage, Stage::Planning);
}

#[test]
fn a_spec_that_changes_while_it_is_planned_is_planned_again() {
    let mut run = snapshot();
    run.generation = 2;
    for plan in [job(Step::Plan, 0), complete(job(Step::Plan, 0))] {
        let decision = decide(&run, &seen(vec![plan.clone()]), at(1));
        assert_eq!(decision.changes, [Change::Delete(plan)]);
    }
}

#[test]
fn a_failed_plan_fails_the_run_in_the_words_of_its_pod() {
    let plan = failed(job(Step::Plan, 0), "PodFailurePolicy");
    let silent = decide(&snapshot(), &seen(vec![plan.clone()]), at(1));
    assert_eq!(ending(&silent), (Phase::Failed, Some("PodFailurePolicy")));
    let jobs = told(
        seen(vec![plan]),
        "pumps-plan",
        &json!({"reason": "NoModels", "message": "no object matches"}),
    );
    assert_eq!(
        ending(&decide(&snapshot(), &jobs, at(1))),
        (Phase::Failed, Some("NoModels"))
    );
}

/// What a complete Job of plan or collect leads to: its pod is gone, its pod told nonsense, it is being deleted, it is too late.
#[test]
fn a_step_whose_result_was_lost_is_done_again() {
    let scored = || complete(score(15));
    let deleting = |job| JobView {
        deleting: true,
        ..job
    };
    let steps = [
        (snapshot(), vec![], Step::Plan, "PlanResultLost"),
        (
            planned(15),
            vec![scored()],
            Step::Collect,
            "ReportResultLost",
        ),
    ];
    for (mut run, before, step, reason) in steps {
        let done = complete(job(step, 0));
        let with = |job: JobView| seen([before.clone(), vec![job]].concat());
        let lost = decide(&run, &with(done.clone()), at(20));
        assert_eq!(lost.changes, [Change::Delete(done.clone())]);
        assert!(!matches!(lost.stage, Stage::Ended(_)), "{lost:?}");
        let going = decide(&run, &with(deleting(done.clone())), at(20));
        assert_eq!(going.changes, []);
        assert!(!matches!(going.stage, Stage::Ended(_)), "{going:?}");
        let gone = decide(&run, &seen(before.clone()), at(20));
        assert_eq!(gone.changes, [Change::Create(step)]);

        let nonsense = told(with(done.clone()), &done.name, &json!({"sensors": "many"}));
        let end = decide(&run, &nonsense, at(20));
        assert_eq!(ending(&end), (Phase::Failed, Some(reason)));
        run.spec.active_deadline_seconds = Some(15);
        run.status.start_time = Some(at(0));
        let late = decide(&run, &with(done), at(20));
        assert_eq!(ending(&late), (Phase::Failed, Some(reason)));
    }
}

#[test]
fn the_report_follows_however_scoring_ended_and_says_how_the_run_ends() {
    for score in [
        complete(score(15)),
        failed(score(14), "FailedIndexes"),
        failed(score(2), "PodFailurePolicy"),
    ] {
        let decision = decide(&planned(15), &seen(vec![score.clone()]), at(20));
        assert!(matches!(decision.stage, Stage::Collecting(..)), "{score:?}");
        assert_eq!(decision.changes, [Change::Create(Step::Collect)]);
    }
    for (phase, reason) in [
        (Phase::Succeeded, None),
        (Phase::PartiallySucceeded, None),
        (Phase::Failed, Some("TooManyFailedSensors")),
    ] {
        let jobs = seen(vec![complete(score(15)), complete(job(Step::Collect, 0))]);
        let jobs = told(jobs, "pumps-collect", &totals(&format!("{phase:?}")));
        assert_eq!(
            ending(&decide(&planned(15), &jobs, at(30))),
            (phase, reason)
        );
    }
    let broken = seen(vec![
        complete(score(15)),
        failed(job(Step::Collect, 0), "BackoffLimitExceeded"),
    ]);
    assert_eq!(
        ending(&decide(&planned(15), &broken, at(30))),
        (Phase::Failed, Some("BackoffLimitExceeded"))
    );
}

#[test]
fn a_run_whose_pods_refuse_it_ends_at_once_where_nothing_was_scored() {
    let jobs = seen(vec![failed(score(0), "PodFailurePolicy")]);
    let jobs = told(
        jobs,
        "pumps-score-0",
        &json!({"reason": "AccessDenied", "message": "no role"}),
    );
    assert_eq!(
        ending(&decide(&planned(15), &jobs, at(9))),
        (Phase::Failed, Some("AccessDenied"))
    );
}

#[test]
fn lanes_are_kept_busy() {
    let mut run = planned(35_000);
    run.spec.sharding.parallelism = 2;
    let created = |jobs| {
        let decision = decide(&run, &seen(jobs), at(1));
        let parts = decision.changes.iter().map(|change| match change {
            Change::CreatePart(part, _) => part.index,
            other => panic!("{other:?}"),
        });
        parts.collect::<Vec<_>>()
    };
    assert_eq!(created(vec![]), [0, 1]);
    assert!(created(vec![job(Step::Score, 0), job(Step::Score, 1)]).is_empty());
    assert_eq!(
        created(vec![job(Step::Score, 0), complete(job(Step::Score, 1))]),
        [2]
    );
    let three = [0, 1, 2].map(|part| complete(job(Step::Score, part)));
    assert_eq!(created(three.to_vec()), [3]);
}

#[test]
fn fail_fast_stops_all_jobs_and_then_reports() {
    let mut run = planned(30_000);
    run.spec.failure_policy.fail_fast = true;
    run.spec.failure_policy.max_failed_sensors = Limit::Count(3);
    let with = |failed_indexes, part| JobView {
        failed_indexes,
        ..job(Step::Score, part)
    };
    let decision = decide(&run, &seen(vec![with(2, 0), with(1, 1), with(0, 2)]), at(5));
    assert!(matches!(decision.stage, Stage::Scoring(_)));
    let jobs = vec![with(2, 0), with(2, 1), with(0, 2)];
    let decision = decide(&run, &seen(jobs.clone()), at(5));
    assert_eq!(
        decision.changes,
        jobs.iter()
            .cloned()
            .map(Change::Suspend)
            .collect::<Vec<_>>()
    );
    let stopped = jobs.into_iter().map(|job| JobView {
        suspended: true,
        active: 0,
        ready: 0,
        ..job
    });
    let decision = decide(&run, &quiet(seen(stopped.collect())), at(6));
    assert_eq!(decision.changes, [Change::Create(Step::Collect)]);
}

#[test]
fn suspending_stops_jobs_and_resuming_lets_them_go_on() {
    let mut run = planned(15);
    let (done, running) = (complete(job(Step::Plan, 0)), score(3));
    run.spec.suspend = true;
    let decision = decide(&run, &seen(vec![done.clone(), running.clone()]), at(5));
    assert_eq!(
        (decision.stage, decision.changes),
        (Stage::Suspended, vec![Change::Suspend(running.clone())])
    );
    let stopped = JobView {
        suspended: true,
        ..running.clone()
    };
    assert_eq!(
        decide(&run, &seen(vec![done.clone(), stopped.clone()]), at(5)).changes,
        []
    );
    run.spec.suspend = false;
    assert_eq!(
        decide(&run, &seen(vec![done, stopped.clone()]), at(5)).changes,
        [Change::Resume(stopped.clone())]
    );

    // Kueue says when a queued Job runs; one that must not run is deleted.
    run.spec.queue_name = "q".to_owned();
    assert_eq!(decide(&run, &seen(vec![stopped]), at(5)).changes, []);
    run.spec.suspend = true;
    assert_eq!(
        decide(&run, &seen(vec![running.clone()]), at(5)).changes,
        [Change::Delete(running)]
    );
}

#[test]
fn a_job_that_kueue_has_put_into_a_default_queue_is_kueues_to_let_go_on() {
    let mut run = planned(15);
    let queued = JobView {
        suspended: true,
        queued: true,
        ..score(0)
    };
    let jobs = || seen(vec![complete(job(Step::Plan, 0)), queued.clone()]);
    assert_eq!(decide(&run, &jobs(), at(5)).changes, []);
    run.spec.suspend = true;
    assert_eq!(
        decide(&run, &jobs(), at(5)).changes,
        [Change::Delete(queued.clone())]
    );
}

#[test]
fn what_a_queued_run_has_scored_before_its_deadline_is_reported_though_its_jobs_are_gone() {
    let mut run = planned(15);
    run.spec.queue_name = "q".to_owned();
    run.spec.active_deadline_seconds = Some(60);
    let done = complete(job(Step::Plan, 0));
    let decision = decide(&run, &seen(vec![done.clone(), score(7)]), at(61));
    assert_eq!(decision.changes, [Change::Delete(score(7))]);
    let Stage::Collecting(_, Some(cause)) = &decision.stage else {
        panic!("{:?}", decision.stage);
    };
    assert_eq!(cause.reason, "DeadlineExceeded");
    let run = scored(run, "DeadlineExceeded");
    let decision = decide(&run, &quiet(seen(vec![done])), at(62));
    assert_eq!(decision.changes, [Change::Create(Step::Collect)]);
}

/// Its pods are being stopped, and count as failed where they do not end by themselves.
#[test]
fn a_score_job_on_its_way_out_is_waited_for_and_counts_for_nothing() {
    let mut run = planned(15);
    run.spec.queue_name = "q".to_owned();
    run.spec.failure_policy.fail_fast = true;
    let done = complete(job(Step::Plan, 0));
    let failing = JobView {
        active: 3,
        failed_indexes: 9,
        ..score(2)
    };
    let leaving = |job| JobView {
        deleting: true,
        queued: true,
        ..job
    };
    for job in [
        leaving(failing),
        leaving(failed(score(2), "PodFailurePolicy")),
        leaving(complete(score(15))),
    ] {
        let waits = decide(&run, &seen(vec![done.clone(), job.clone()]), at(5));
        assert_eq!(waits.changes, [], "{job:?}");
        assert!(matches!(waits.stage, Stage::Scoring(_)), "{waits:?}");
        run.spec.suspend = true;
        let stays = decide(&run, &seen(vec![done.clone(), job]), at(5));
        assert_eq!((stays.changes, stays.stage), (vec![], Stage::Suspended));
        run.spec.suspend = false;
    }
}

#[test]
fn a_deadline_ends_the_run_and_what_was_scored_is_reported() {
    let mut run = planned(15);
    run.spec.active_deadline_seconds = Some(60);
    let before = decide(&run, &seen(vec![score(3)]), at(59));
    assert_eq!((before.changes, before.again), (vec![], Some(at(60))));
    let nothing = decide(&run, &seen(vec![score(0)]), at(60));
    assert_eq!(ending(&nothing), (Phase::Failed, Some("DeadlineExceeded")));
    let some = decide(&run, &seen(vec![score(3)]), at(60));
    assert_eq!(some.changes, [Change::Suspend(score(3))]);
    let run = scored(run, "DeadlineExceeded");
    let stopped = JobView {
        suspended: true,
        active: 0,
        ready: 0,
        ..score(3)
    };
    let jobs = told(
        seen(vec![stopped, complete(job(Step::Collect, 0))]),
        "pumps-collect",
        &totals("Failed"),
    );
    assert_eq!(
        ending(&decide(&run, &jobs, at(90))),
        (Phase::Failed, Some("DeadlineExceeded"))
    );
}

#[test]
fn a_deadline_ends_a_run_that_is_still_being_planned() {
    let mut run = snapshot();
    run.spec.active_deadline_seconds = Some(60);
    run.status.start_time = Some(at(0));
    for jobs in [vec![], vec![job(Step::Plan, 0)]] {
        let before = decide(&run, &seen(jobs.clone()), at(59));
        assert_eq!(
            (before.stage, before.again),
            (Stage::Planning, Some(at(60)))
        );
        let late = decide(&run, &seen(jobs), at(60));
        assert_eq!(ending(&late), (Phase::Failed, Some("DeadlineExceeded")));
    }
}

/// Nor is it looked at again and again where the time has come already.

#[test]
fn what_was_scored_before_pods_could_not_start_is_reported_with_that_reason() {
    let run = planned(15);
    let mut jobs = seen(vec![JobView {
        active: 5,
        ready: 0,
        ..score(3)
    }]);
    jobs.trouble = Some(trouble(TroubleKind::Blocked, "ImagePullBackOff", 0));
    let decision = decide(&run, &jobs, at(5000));
    assert!(
        matches!(&decision.stage, Stage::Collecting(_, Some(cause)) if cause.reason == "ImagePullBackOff")
    );
    assert_eq!(decision.changes, []);
    // The status keeps it in mind when the pods are gone.
    let run = scored(run, "ImagePullBackOff");
    let stopped = JobView {
        suspended: true,
        active: 0,
        ready: 0,
        ..score(3)
    };
    let decision = decide(&run, &quiet(seen(vec![stopped.clone()])), at(5001));
    assert_eq!(decision.changes, [Change::Create(Step::Collect)]);
    let jobs = told(
        seen(vec![stopped, complete(job(Step::Collect, 0))]),
        "pumps-collect",
        &totals("Failed"),
    );
    assert_eq!(
        ending(&decide(&run, &jobs, at(5002))),
        (Phase::Failed, Some("ImagePullBackOff"))
    );
}

#[test]
fn an_ended_run_is_only_tidied_up() {
    let mut run = planned(15);
    run.status.phase = Phase::Failed;
    run.status.completion_time = Some(at(100));
    let running = score(3);
    let decision = decide(
        &run,
        &seen(vec![complete(job(Step::Plan, 0)), running.clone()]),
        at(101),
    );
    assert_eq!(
        (decision.stage, decision.changes, decision.again),
        (Stage::Settled, vec![Change::Delete(running)], None)
    );
    run.spec.ttl_seconds_after_finished = Some(50);
    let jobs = || seen(vec![complete(job(Step::Plan, 0))]);
    assert_eq!(decide(&run, &jobs(), at(149)).again, Some(at(150)));
    let expired = decide(&run, &jobs(), at(150));
    assert_eq!(
        expired.changes,
        [
            Change::DeleteConfigMap,
            Change::Delete(complete(job(Step::Plan, 0)))
        ]
    );
    assert_eq!(decide(&run, &seen(vec![]), at(151)).changes, []);
}
