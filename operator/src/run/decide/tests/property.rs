//! Whatever is seen, a decision is sound.

use proptest::prelude::*;
use serde_json::json;

use super::*;

prop_compose! {
    fn any_job(step: Step, part: u32)(
        exists in any::<bool>(), suspended in any::<bool>(), deleting in proptest::bool::weighted(0.1),
        outcome in 0_u8..6, active in 0_u32..3, ready in 0_u32..2, succeeded in 0_u32..3, failed_indexes in 0_u32..3,
        generation in 1_i64..3, queued in any::<bool>(), terminating in 0_u32..2,
        (completions, parallelism) in (0_u32..9, 1_u32..4), widened in proptest::option::of(0_u32..5),
    ) -> Option<JobView> {
        let view = JobView { completions, parallelism, widened, terminating, suspended, queued, deleting, active, ready, succeeded, failed_indexes, generation: Some(generation), ..job(step, part) };
        let view = match outcome {
            0 => complete(view),
            1 => failed(view, "FailedIndexes"),
            2 => failed(view, "PodFailurePolicy"),
            _ => view,
        };
        exists.then_some(view)
    }
}

prop_compose! {
    fn any_seen()(
        plan in any_job(Step::Plan, 0), scores in (any_job(Step::Score, 0), any_job(Step::Score, 1), any_job(Step::Score, 2)),
        collect in any_job(Step::Collect, 0), answers in any::<[bool; 2]>(), stuck in 0_u8..5, since in 0_i64..2000,
        certain in any::<bool>(), moved in proptest::option::of(0_i64..2000), unended in proptest::option::of(0_usize..2),
    ) -> Observed {
        let mut seen = seen([plan, scores.0, scores.1, scores.2, collect].into_iter().flatten().collect());
        if answers[0] {
            seen = told(seen, "pumps-plan", &json!({"sensors": 25_000, "shards": 25_000}));
        }
        if answers[1] {
            seen = told(seen, "pumps-collect", &totals("PartiallySucceeded"));
        }
        seen.trouble = match stuck {
            0 => Some(trouble(TroubleKind::Blocked, "ImagePullBackOff", since)),
            1 => Some(trouble(TroubleKind::Unschedulable, "Unschedulable", since)),
            2 => Some(trouble(TroubleKind::Invalid, "InvalidPodTemplate", since)),
            _ => None,
        };
        if let Some(trouble) = &mut seen.trouble {
            trouble.certain = certain;
        }
        (seen.moved, seen.unended) = (moved.map(at), unended);
        seen
    }
}

prop_compose! {
    fn any_run()(
        is_planned in any::<bool>(), phase in 0_u8..9, suspend in any::<bool>(), queued in any::<bool>(),
        fail_fast in any::<bool>(), deadline in proptest::option::of(1_u32..2000), ttl in proptest::option::of(0_u32..50),
    ) -> RunSnapshot {
        let mut run = if is_planned { planned(25_000) } else { snapshot() };
        run.spec.sharding.max_pods = 25_000;
        run.status.start_time = Some(at(0));
        run.status.phase = match phase {
            0 => Phase::Succeeded,
            1 => Phase::Failed,
            2 => Phase::Collecting,
            3 => Phase::Suspended,
            _ => Phase::Scoring,
        };
        run.status.completion_time = run.has_ended().then(|| at(100));
        run.spec.suspend = suspend;
        run.spec.queue_name = if queued { "q".to_owned() } else { String::new() };
        run.spec.failure_policy.fail_fast = fail_fast;
        run.spec.active_deadline_seconds = deadline;
        run.spec.ttl_seconds_after_finished = ttl;
        run
    }
}

fn created(action: &Change) -> Option<String> {
    match action {
        Change::Create(step) => Some(job_name("pumps", *step, 0)),
        Change::CreatePart(part, _) => Some(job_name("pumps", Step::Score, part.index)),
        _ => None,
    }
}

proptest! {
    #[test]
    fn whatever_is_seen_the_decision_is_sound(run in any_run(), seen in any_seen(), seconds in 0_i64..3000) {
        let now = at(seconds);
        let decision = decide(&run, &seen, now);
        prop_assert_eq!(&decision, &decide(&run, &seen, now));
        let mut names: Vec<_> = decision.changes.iter().filter_map(created).collect();
        // Nothing is created twice, nor for a run that has ended, ends now, is suspended or is not planned.
        prop_assert!(names.iter().all(|name| seen.job(name).is_none()));
        let count = names.len();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), count);
        if run.has_ended() || run.spec.suspend || matches!(decision.stage, Stage::Ended(_) | Stage::Planned(..)) {
            prop_assert_eq!(count, 0);
        }
        if run.plan().is_none() {
            prop_assert!(names.iter().all(|name| name == "pumps-plan"));
        }
        // No report is made while pods may write.
        if names.iter().any(|name| name == "pumps-collect") {
            let writes = |job: &JobView| job.step == Step::Score && (job.terminating > 0 || job.deleting || (!job.has_ended() && job.active > 0));
            prop_assert!(!seen.jobs.iter().any(writes));
        }
        // A run never ends twice, and an end has no effects before it is written down.
        if let Stage::Ended(_) = decision.stage {
            prop_assert!(!run.has_ended() && decision.changes.is_empty());
        }
        // What Kueue admits is not let go on by anyone else, and nothing that has ended is touched but to remove it.
        for action in &decision.changes {
            match action {
                Change::Resume(job) => prop_assert!(!run.is_queued() && !job.queued && !job.has_ended() && job.suspended && !run.spec.suspend),
                Change::Suspend(job) => prop_assert!(!run.is_queued() && !job.queued && !job.has_ended() && !job.suspended),
                Change::Delete(job) => prop_assert!(!job.deleting),
                Change::Widen(job, pods) => {
                    prop_assert!(!run.is_queued() && !job.queued && !job.has_ended() && !job.suspended && !job.deleting);
                    prop_assert!(*pods > job.parallelism && *pods + job.over() <= job.completions && job.ready == 0);
                    prop_assert!(matches!(decision.stage, Stage::Scoring(_)));
                }
                _ => {}
            }
        }
        // It does not ask to be woken at once, again and again.
        prop_assert!(decision.again.is_none_or(|again| again > now));
    }
}
