use super::*;

#[test]
fn missed_ticks_are_run_as_the_policy_says() {
    use MissedReason::{DeadlineExceeded, Missed};
    use MissedRunsPolicy::{All, Latest, Skip};
    for (policy, max, deadline, now, run, not) in [
        (Skip, 24, None, hour(5), vec![5], vec![(Missed, 4)]),
        (Skip, 24, None, at(310), vec![], vec![(Missed, 5)]),
        (
            Skip,
            24,
            Some(900),
            at(310),
            vec![5],
            vec![(DeadlineExceeded, 4)],
        ),
        (
            Skip,
            24,
            Some(600),
            at(310),
            vec![5],
            vec![(DeadlineExceeded, 4)],
        ),
        (
            Skip,
            24,
            Some(300),
            at(310),
            vec![],
            vec![(DeadlineExceeded, 5)],
        ),
        (Latest, 24, None, hour(5), vec![5], vec![(Missed, 4)]),
        (Latest, 24, None, at(310), vec![5], vec![(Missed, 4)]),
        (
            Latest,
            24,
            Some(600),
            at(310),
            vec![5],
            vec![(DeadlineExceeded, 4)],
        ),
        (
            Latest,
            24,
            Some(599),
            at(310),
            vec![],
            vec![(DeadlineExceeded, 5)],
        ),
        (All, 24, None, at(310), vec![1, 2, 3, 4, 5], vec![]),
        (All, 3, None, at(310), vec![1, 2, 3], vec![(Missed, 2)]),
        // The fifth has not been missed.
        (All, 3, None, hour(5), vec![1, 2, 3, 5], vec![(Missed, 1)]),
        (
            All,
            24,
            Some(7800),
            at(310),
            vec![3, 4, 5],
            vec![(DeadlineExceeded, 2)],
        ),
        (
            All,
            1,
            Some(7800),
            at(310),
            vec![3],
            vec![(Missed, 2), (DeadlineExceeded, 2)],
        ),
    ] {
        let mut schedule = settled(start());
        schedule.spec.concurrency_policy = ConcurrencyPolicy::Allow;
        schedule.spec.missed_runs.policy = policy;
        schedule.spec.missed_runs.max = max;
        schedule.spec.starting_deadline_seconds = deadline;
        let (decision, settlement) = carried_out(&schedule, &[], now);
        let case = format!("{policy:?} {max} {deadline:?} {now}");
        let expected: Vec<_> = run.into_iter().map(hour).collect();
        assert_eq!(creations(&decision), live(&expected), "{case}");
        assert_eq!(missed(&settlement), not, "{case}");
        assert_eq!(until(&settlement), hour(5), "{case}");
    }
}

/// A tick that starts a minute late is on time, and one that starts later is not. A busy lane shows the difference: what is on time is the
/// newest tick, which `Forbid` skips, and what is late waits its turn.
#[test]
fn a_minute_is_on_time_and_a_second_more_is_not() {
    for (late, waits, skipped) in [(0, 1, 1), (59, 1, 1), (60, 1, 1), (61, 2, 0)] {
        let mut schedule = settled(start());
        schedule.spec.concurrency_policy = ConcurrencyPolicy::Forbid;
        schedule.spec.missed_runs.policy = MissedRunsPolicy::All;
        let going = [child(hour(0), State::Active)];
        let now = hour(2) + SignedDuration::from_secs(late);
        let (decision, settlement) = carried_out(&schedule, &going, now);
        let waiting = decision
            .due
            .iter()
            .filter(|judged| judged.verdict == TickVerdict::Waits)
            .count();
        assert_eq!(waiting, waits, "{late} s");
        let missed = settlement
            .missed
            .reasons
            .get(&MissedReason::EarlierRunActive);
        assert_eq!(missed.map_or(0, |(count, _)| *count), skipped, "{late} s");
    }
}

/// A tick on time is the newest one and not caught up as well: each tick is judged once.
#[test]
fn no_tick_is_judged_twice() {
    use ConcurrencyPolicy::{Allow, Forbid, Queue, Replace};
    use MissedRunsPolicy::{All, Latest, Skip};
    for policy in [Allow, Forbid, Queue, Replace] {
        for missed in [All, Latest, Skip] {
            for max in [1, 2, 24] {
                for seconds in [0, 60, 61, 600] {
                    let mut schedule = settled(start());
                    schedule.spec.concurrency_policy = policy;
                    schedule.spec.missed_runs.policy = missed;
                    schedule.spec.missed_runs.max = max;
                    let now = hour(4) + SignedDuration::from_secs(seconds);
                    let decision = decided(&schedule, &[], now);
                    let ticks: Vec<_> = decision.due.iter().map(|judged| judged.tick).collect();
                    let case = format!("{policy:?} {missed:?} {max} {seconds}: {ticks:?}");
                    assert!(ticks.is_sorted_by(|one, next| one < next), "{case}");
                    let names: std::collections::BTreeSet<_> =
                        decision.creations.iter().map(|run| &run.name).collect();
                    assert_eq!(names.len(), decision.creations.len(), "{case}");
                }
            }
        }
    }
}

#[test]
fn five_days_down_are_one_run() {
    let schedule = settled(start());
    let (decision, settlement) =
        carried_out(&schedule, &[], hour(120) + SignedDuration::from_secs(7));
    assert_eq!(creations(&decision), live(&[hour(120)]));
    assert_eq!(missed(&settlement), [(MissedReason::Missed, 119)]);
    assert_eq!(settlement.status.missed_runs, 119);
    let last = settlement.status.last_missed.unwrap();
    assert_eq!((last.time, last.reason.as_str()), (hour(119), "Missed"));
}

/// A tick that has had its run is not told as the last one that was missed.
#[test]
fn the_last_missed_tick_is_one_without_a_run() {
    let schedule = settled(start());
    let children = [4, 5].map(|tick| child(hour(tick), State::Succeeded));
    let (decision, settlement) = carried_out(&schedule, &children, at(310));
    assert_eq!(creations(&decision), []);
    assert_eq!(missed(&settlement), [(MissedReason::Missed, 3)]);
    assert_eq!(settlement.status.last_missed.unwrap().time, hour(3));
}

#[test]
fn many_runs_are_created_in_several_passes() {
    let mut schedule = settled(start());
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Allow;
    schedule.spec.missed_runs.policy = MissedRunsPolicy::All;
    schedule.spec.missed_runs.max = 250;
    let now = at(60 * 400 + 30);
    let mut made = Vec::new();
    for _ in 0..3 {
        let children: Vec<_> = made
            .iter()
            .map(|tick| child(*tick, State::Active))
            .collect();
        let (decision, settlement) = carried_out(&schedule, &children, now);
        assert_eq!(decision.again == Some(now), made.len() < 200);
        made.extend(decision.creations.iter().map(|run| run.tick));
        schedule.status = settlement.status;
    }
    assert_eq!(made, (1..=250).map(hour).collect::<Vec<_>>());
    assert_eq!(schedule.status.missed_runs, 150);
    assert_eq!(schedule.status.waiting, []);
}
