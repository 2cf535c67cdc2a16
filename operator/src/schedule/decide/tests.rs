use fleetscore_crds::{
    Backfill, ConcurrencyPolicy, HandledTrigger, MissedRunsPolicy, SettledTicks, TickRange,
};

use super::*;
use crate::schedule::child::State;
use crate::schedule::outcome::{Outcome, Results};
use crate::schedule::status::{Settlement, status};
use crate::schedule::testing::{at, child, hour, start, subject};

/// The schedule, with all ticks up to `until` settled.
fn settled(until: Timestamp) -> Subject {
    let mut schedule = subject();
    schedule.status.observed_generation = Some(1);
    schedule.status.settled = Some(SettledTicks {
        until,
        schedule: schedule.spec.schedule.clone(),
        time_zone: schedule.spec.time_zone.clone(),
        suspended: false,
    });
    schedule
}

fn timetable(schedule: &Subject) -> Timetable {
    Timetable::parse(&schedule.spec.schedule, &schedule.spec.time_zone).unwrap()
}

fn decided(schedule: &Subject, children: &[Child], now: Timestamp) -> Decision {
    decide(schedule, Ok(&timetable(schedule)), children, now)
}

/// What comes of the decision if every creation works.
fn carried_out(schedule: &Subject, children: &[Child], now: Timestamp) -> (Decision, Settlement) {
    let decision = decided(schedule, children, now);
    let names = decision.creations.iter().map(|run| run.name.clone());
    let results = Results {
        runs: names.map(|name| (name, Outcome::Created)).collect(),
        refusal: None,
    };
    let done = (&decision, &results);
    let settlement = status(schedule, Some(&timetable(schedule)), children, done, now);
    (decision, settlement)
}

fn creations(decision: &Decision) -> Vec<(Cause, Timestamp)> {
    let creations = decision.creations.iter();
    creations.map(|run| (run.cause, run.tick)).collect()
}

fn live(ticks: &[Timestamp]) -> Vec<(Cause, Timestamp)> {
    ticks.iter().map(|tick| (Cause::Tick, *tick)).collect()
}

fn missed(settlement: &Settlement) -> Vec<(Reason, u64)> {
    let reasons = settlement.missed.reasons.iter();
    reasons
        .map(|(reason, (count, _))| (*reason, *count))
        .collect()
}

fn until(settlement: &Settlement) -> Timestamp {
    settlement.status.settled.as_ref().unwrap().until
}

#[test]
fn a_new_schedule_begins_when_it_was_created() {
    let (decision, settlement) = carried_out(&subject(), &[], at(45));
    assert_eq!(creations(&decision), []);
    assert_eq!(decision.again, Some(hour(1)));
    assert_eq!(until(&settlement), start());
    assert_eq!(settlement.status.next_schedule_time, Some(hour(1)));
    assert_eq!(settlement.status.missed_runs, 0);
}

#[test]
fn a_tick_becomes_a_run_at_its_time() {
    let schedule = settled(start());
    let early = hour(1) - SignedDuration::from_millis(1);
    assert_eq!(creations(&decided(&schedule, &[], early)), []);
    let (decision, settlement) = carried_out(&schedule, &[], hour(1));
    assert_eq!(creations(&decision), live(&[hour(1)]));
    assert_eq!(decision.creations[0].name, "pumps-1767229200");
    assert_eq!(decision.again, Some(hour(2)));
    let status = settlement.status;
    assert_eq!(status.settled.unwrap().until, hour(1));
    assert_eq!(status.last_schedule_time, Some(hour(1)));
    assert_eq!(status.next_schedule_time, Some(hour(2)));
    assert_eq!(status.active, ["pumps-1767229200"]);
}

#[test]
fn a_run_that_exists_is_its_ticks_run_although_the_status_was_lost() {
    let schedule = settled(start());
    for (state, policy) in [
        (State::Active, ConcurrencyPolicy::Forbid),
        (State::Active, ConcurrencyPolicy::Replace),
        (State::Succeeded, ConcurrencyPolicy::Queue),
        (State::Failed, ConcurrencyPolicy::Allow),
    ] {
        let mut schedule = schedule.clone();
        schedule.spec.concurrency_policy = policy;
        let children = [child(hour(1), state)];
        let (decision, settlement) = carried_out(&schedule, &children, at(61));
        assert_eq!(creations(&decision), [], "{state:?}");
        assert_eq!(until(&settlement), hour(1));
        assert_eq!(missed(&settlement), []);
        assert_eq!(settlement.status.last_schedule_time, Some(hour(1)));
    }
}

#[test]
fn what_was_not_created_is_not_settled() {
    let schedule = settled(start());
    let decision = decided(&schedule, &[], hour(1));
    let results = Results::default();
    let done = (&decision, &results);
    let settlement = status(&schedule, Some(&timetable(&schedule)), &[], done, hour(1));
    assert_eq!(until(&settlement), start());
    assert_eq!(settlement.status.next_schedule_time, Some(hour(2)));
}

/// Down from 00:30 to 05:00 or 05:10: the ticks 1 to 5.
#[test]
fn missed_ticks_are_run_as_the_policy_says() {
    use MissedRunsPolicy::{All, Latest, Skip};
    use Reason::{DeadlineExceeded, Missed};
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

#[test]
fn five_days_down_are_one_run() {
    let schedule = settled(start());
    let (decision, settlement) =
        carried_out(&schedule, &[], hour(120) + SignedDuration::from_secs(7));
    assert_eq!(creations(&decision), live(&[hour(120)]));
    assert_eq!(missed(&settlement), [(Reason::Missed, 119)]);
    assert_eq!(settlement.status.missed_runs, 119);
    let last = settlement.status.last_missed.unwrap();
    assert_eq!((last.time, last.reason.as_str()), (hour(119), "Missed"));
}

/// A run of 01:00 goes on at 02:00.
#[test]
fn an_earlier_run_is_in_the_way_as_the_policy_says() {
    use ConcurrencyPolicy::{Allow, Forbid, Queue, Replace};
    for (policy, created, replaced, waits, not) in [
        (Allow, true, false, false, vec![]),
        (
            Forbid,
            false,
            false,
            false,
            vec![(Reason::EarlierRunActive, 1)],
        ),
        (Replace, true, true, false, vec![]),
        (Queue, false, false, true, vec![]),
    ] {
        let mut schedule = settled(hour(1));
        schedule.spec.concurrency_policy = policy;
        let earlier = child(hour(1), State::Active);
        let (decision, settlement) =
            carried_out(&schedule, std::slice::from_ref(&earlier), hour(2));
        assert_eq!(!decision.creations.is_empty(), created, "{policy:?}");
        assert_eq!(decision.replaced.contains(&earlier), replaced, "{policy:?}");
        let expected = TickRange {
            from: hour(2),
            to: hour(2),
        };
        assert_eq!(settlement.status.waiting == [expected], waits, "{policy:?}");
        assert_eq!(missed(&settlement), not, "{policy:?}");
        assert_eq!(until(&settlement), hour(2), "{policy:?}");
    }
}

#[test]
fn only_runs_of_ticks_that_go_on_are_in_the_way() {
    let schedule = settled(hour(1));
    let deleting = Child {
        deleting: true,
        ..child(hour(1), State::Active)
    };
    let backfill = Child {
        cause: Cause::Backfill,
        ..child(hour(-5), State::Active)
    };
    let trigger = Child {
        cause: Cause::Trigger,
        tick: None,
        ..child(hour(1), State::Active)
    };
    let ended = child(hour(1), State::Failed);
    let decision = decided(&schedule, &[deleting, backfill, trigger, ended], hour(2));
    assert_eq!(creations(&decision), live(&[hour(2)]));
}

#[test]
fn what_is_replaced_is_written_down_first() {
    let mut schedule = settled(start());
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Replace;
    let children = [child(hour(1), State::Active)];
    let (decision, settlement) = carried_out(&schedule, &children, hour(2));
    assert_eq!((decision.creations, decision.replaced), (vec![], vec![]));
    schedule.status = settlement.status;
    let (decision, _) = carried_out(&schedule, &children, hour(2));
    assert_eq!(creations(&decision), live(&[hour(2)]));
    assert_eq!(decision.replaced, children);
}

#[test]
fn a_queue_is_served_oldest_first() {
    let mut schedule = settled(hour(1));
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Queue;
    let first = [child(hour(1), State::Active)];
    for tick in [2, 3, 4] {
        let (decision, settlement) = carried_out(&schedule, &first, hour(tick));
        assert_eq!(creations(&decision), []);
        schedule.status = settlement.status;
    }
    assert_eq!(
        schedule.status.waiting,
        [TickRange {
            from: hour(2),
            to: hour(4)
        }]
    );
    let ended = [child(hour(1), State::Succeeded)];
    let (decision, settlement) = carried_out(&schedule, &ended, at(250));
    assert_eq!(creations(&decision), live(&[hour(2)]));
    assert_eq!(
        settlement.status.waiting,
        [TickRange {
            from: hour(3),
            to: hour(4)
        }]
    );
    assert_eq!(missed(&settlement), []);

    // Where creation fails, it waits on.
    let results = Results::default();
    let done = (&decision, &results);
    let settlement = status(
        &schedule,
        Some(&timetable(&schedule)),
        &ended,
        done,
        at(250),
    );
    assert_eq!(
        settlement.status.waiting,
        [TickRange {
            from: hour(2),
            to: hour(4)
        }]
    );

    // A deadline holds for those that wait, too.
    schedule.spec.starting_deadline_seconds = Some(3600);
    let (decision, settlement) = carried_out(&schedule, &first, at(250));
    assert_eq!(decision.again, Some(hour(5)));
    assert_eq!(missed(&settlement), [(Reason::DeadlineExceeded, 2)]);
    assert_eq!(
        settlement.status.waiting,
        [TickRange {
            from: hour(4),
            to: hour(4)
        }]
    );
}

#[test]
fn a_queue_holds_sixteen_ranges() {
    let mut schedule = settled(hour(1));
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Queue;
    let active = [child(hour(1), State::Active)];
    // Always away for two ticks, which are missed, and back for the third.
    for number in 0..20 {
        let (_, settlement) = carried_out(&schedule, &active, hour(3 + number * 3));
        schedule.status = settlement.status;
    }
    assert_eq!(schedule.status.waiting.len(), 16);
    assert_eq!(schedule.status.missed_reasons["QueueFull"], 4);
    assert_eq!(schedule.status.missed_reasons["Missed"], 20 + 19);
}

#[test]
fn caught_up_ticks_do_not_overlap_unless_they_may() {
    let mut schedule = settled(start());
    schedule.spec.missed_runs.policy = MissedRunsPolicy::All;
    let (decision, settlement) = carried_out(&schedule, &[], at(200));
    assert_eq!(creations(&decision), live(&[hour(1)]));
    assert_eq!(
        settlement.status.waiting,
        [TickRange {
            from: hour(2),
            to: hour(3)
        }]
    );

    // The next tick in time finds one going.
    schedule.status = settlement.status;
    let children = [child(hour(1), State::Active)];
    let (_, settlement) = carried_out(&schedule, &children, hour(4));
    assert_eq!(missed(&settlement), [(Reason::EarlierRunActive, 1)]);

    let children = [child(hour(1), State::Failed)];
    let (decision, _) = carried_out(&schedule, &children, at(210));
    assert_eq!(creations(&decision), live(&[hour(2)]));

    // Replaced, each would end the one before it.
    let mut schedule = settled(start());
    schedule.spec.missed_runs.policy = MissedRunsPolicy::All;
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Replace;
    let (decision, settlement) = carried_out(&schedule, &[], at(200));
    assert_eq!(creations(&decision), live(&[hour(3)]));
    assert_eq!(missed(&settlement), [(Reason::Replaced, 2)]);
}

#[test]
fn a_queue_under_another_policy() {
    use ConcurrencyPolicy::{Allow, Forbid, Replace};
    for (policy, created, not) in [
        (Allow, vec![2, 3], vec![]),
        (Forbid, vec![], vec![]),
        (Replace, vec![3], vec![(Reason::Replaced, 1)]),
    ] {
        let mut schedule = settled(hour(3));
        schedule.spec.concurrency_policy = policy;
        schedule.status.waiting = vec![TickRange {
            from: hour(2),
            to: hour(3),
        }];
        let children = [child(hour(1), State::Active)];
        let (decision, settlement) = carried_out(&schedule, &children, at(200));
        let created: Vec<_> = created.into_iter().map(hour).collect();
        assert_eq!(creations(&decision), live(&created), "{policy:?}");
        assert_eq!(missed(&settlement), not, "{policy:?}");
    }
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

#[test]
fn an_edit_never_fires_the_past() {
    let now = at(330);
    for (edit, reason) in [
        (
            (|schedule: &mut Subject| schedule.spec.schedule = "*/30 * * * *".to_owned())
                as fn(&mut Subject),
            Reason::ScheduleChanged,
        ),
        (
            |schedule| schedule.spec.time_zone = "Asia/Kolkata".to_owned(),
            Reason::ScheduleChanged,
        ),
        (|schedule| schedule.spec.suspend = true, Reason::Suspended),
    ] {
        let mut schedule = settled(start());
        schedule.status.waiting = vec![TickRange {
            from: hour(0),
            to: hour(0),
        }];
        edit(&mut schedule);
        schedule.generation = 2;
        let (decision, settlement) = carried_out(&schedule, &[], now);
        assert_eq!(creations(&decision), [], "{reason:?}");
        assert_eq!(until(&settlement), now, "{reason:?}");
        assert_eq!(missed(&settlement), [(reason, 6)], "{reason:?}");
        assert_eq!(settlement.status.waiting, []);
        // Once.
        schedule.status = settlement.status;
        let (_, settlement) = carried_out(&schedule, &[], now);
        assert_eq!(missed(&settlement), []);
    }
}

#[test]
fn an_edit_that_was_not_seen_begins_when_it_was_made() {
    let mut schedule = settled(start());
    schedule.spec.schedule = "30 * * * *".to_owned();
    schedule.edited = Some(hour(3));
    let (decision, settlement) = carried_out(&schedule, &[], at(300));
    assert_eq!(creations(&decision), live(&[at(270)]));
    assert_eq!(
        missed(&settlement),
        [(Reason::Missed, 1), (Reason::ScheduleChanged, 3)]
    );
}

#[test]
fn suspended_ticks_are_not_made_up_for() {
    let mut schedule = settled(hour(1));
    schedule.status.settled.as_mut().unwrap().suspended = true;
    schedule.spec.suspend = true;
    let (decision, settlement) = carried_out(&schedule, &[], hour(9));
    assert_eq!((creations(&decision), decision.again), (vec![], None));
    assert_eq!(settlement.status.next_schedule_time, None);
    assert_eq!(missed(&settlement), []);

    schedule.spec.suspend = false;
    for (edited, now, expected) in [
        (None, at(545), vec![]),
        (Some(at(545)), at(545), vec![]),
        // Let go on while no operator was there.
        (Some(at(500)), at(545), vec![hour(9)]),
        (Some(hour(9)), at(545), vec![]),
    ] {
        schedule.edited = edited;
        let (decision, settlement) = carried_out(&schedule, &[], now);
        assert_eq!(creations(&decision), live(&expected), "{edited:?}");
        assert_eq!(missed(&settlement), [], "{edited:?}");
    }
}

#[test]
fn an_edit_of_anything_else_loses_nothing() {
    let mut schedule = settled(start());
    schedule.generation = 7;
    schedule.edited = Some(at(65));
    schedule.spec.run_template.spec.sharding.parallelism = 3;
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Allow;
    let decision = decided(&schedule, &[], at(65));
    assert_eq!(creations(&decision), live(&[hour(1)]));
}

#[test]
fn a_schedule_that_was_edited_before_it_was_seen_begins_then() {
    let mut schedule = subject();
    schedule.generation = 2;
    schedule.edited = Some(at(150));
    let decision = decided(&schedule, &[], hour(4));
    assert_eq!(creations(&decision), live(&[hour(4)]));
    assert_eq!(decision.settled, at(150));
    schedule.edited = None;
    assert_eq!(decided(&schedule, &[], hour(4)).settled, hour(4));
}

#[test]
fn a_clock_that_steps_back_fires_nothing_again() {
    let schedule = settled(hour(9));
    let (decision, settlement) = carried_out(&schedule, &[], at(310));
    assert_eq!(creations(&decision), []);
    assert_eq!(decision.again, Some(hour(10)));
    let ready = &settlement.status.conditions[0];
    assert_eq!(ready.reason, "ClockSteppedBack");
    // Not even after an edit.
    let mut edited = schedule.clone();
    edited.spec.schedule = "*/30 * * * *".to_owned();
    let (_, settlement) = carried_out(&edited, &[], at(310));
    assert_eq!(until(&settlement), hour(9));
}

#[test]
fn runs_start_later_by_the_spread() {
    let mut schedule = settled(start());
    schedule.spec.spread_seconds = 1800;
    let spread = schedule.spread();
    assert!(spread > SignedDuration::ZERO && spread < SignedDuration::from_secs(1800));
    assert_eq!(
        decided(&schedule, &[], hour(1)).again,
        Some(hour(1) + spread)
    );
    let early = hour(1) + spread - SignedDuration::from_secs(1);
    assert_eq!(creations(&decided(&schedule, &[], early)), []);
    let decision = decided(&schedule, &[], hour(1) + spread);
    assert_eq!(creations(&decision), live(&[hour(1)]));
    assert_eq!(decision.creations[0].due, Some(hour(1) + spread));
    // A deadline counts from then on.
    schedule.spec.starting_deadline_seconds = Some(10);
    let late = hour(1) + spread + SignedDuration::from_secs(10);
    assert_eq!(creations(&decided(&schedule, &[], late)), live(&[hour(1)]));
    let late = late + SignedDuration::from_secs(1);
    assert_eq!(creations(&decided(&schedule, &[], late)), []);
}

fn backfilled(from: i64, to: i64, max_concurrent: u32) -> Subject {
    let mut schedule = settled(start());
    schedule.spec.backfill = Some(Backfill {
        from: hour(from),
        to: hour(to),
        max_concurrent,
    });
    schedule
}

fn of_backfill(tick: i64, state: State) -> Child {
    Child {
        cause: Cause::Backfill,
        ..child(hour(tick), state)
    }
}

#[test]
fn a_backfill_covers_its_range_once() {
    let mut schedule = backfilled(-5, 0, 2);
    let (mut made, mut going) = (Vec::new(), Vec::<Child>::new());
    for pass in 0..10 {
        let (decision, settlement) = carried_out(&schedule, &going, at(40));
        let new: Vec<_> = decision.creations.iter().map(|run| run.tick).collect();
        assert!(going.iter().filter(|run| run.is_active()).count() + new.len() <= 2);
        // Ended runs are gone as soon as the next ones begin.
        going.retain(Child::is_active);
        going
            .iter_mut()
            .take(1)
            .for_each(|run| run.state = State::Succeeded);
        going.extend(new.iter().map(|tick| Child {
            cause: Cause::Backfill,
            ..child(*tick, State::Active)
        }));
        made.extend(new);
        schedule.status = settlement.status;
        let backfill = schedule.status.backfill.unwrap();
        assert_eq!(backfill.total, 5);
        assert!(backfill.done <= pass + 1);
    }
    assert_eq!(made, (-5..0).map(hour).collect::<Vec<_>>());
    let backfill = schedule.status.backfill.unwrap();
    assert_eq!((backfill.done, backfill.until), (5, Some(hour(-1))));
}

#[test]
fn a_backfill_is_beside_the_ticks_and_after_them() {
    let schedule = backfilled(-5, 3, 1);
    let (decision, settlement) = carried_out(&schedule, &[of_backfill(-6, State::Active)], hour(1));
    assert_eq!(creations(&decision), live(&[hour(1)]));
    assert_eq!(settlement.status.backfill.unwrap().done, 0);
    let decision = decided(&schedule, &[], hour(1));
    assert_eq!(
        creations(&decision),
        [(Cause::Tick, hour(1)), (Cause::Backfill, hour(-5))]
    );
    // What is not yet settled is not its business.
    let mut schedule = backfilled(1, 3, 5);
    assert_eq!(
        creations(&decided(&schedule, &[], hour(1))),
        live(&[hour(1)])
    );
    schedule.status.settled.as_mut().unwrap().until = hour(2);
    schedule.status.waiting = vec![TickRange {
        from: hour(1),
        to: hour(1),
    }];
    let active = [child(hour(0), State::Active)];
    assert_eq!(creations(&decided(&schedule, &active, at(130))), []);
    schedule.status.waiting = Vec::new();
    let decision = decided(&schedule, &active, at(130));
    assert_eq!(
        creations(&decision),
        [(Cause::Backfill, hour(1)), (Cause::Backfill, hour(2))]
    );
}

#[test]
fn runs_that_exist_need_no_backfill() {
    let schedule = backfilled(-3, 0, 5);
    let children = [
        child(hour(-2), State::Failed),
        of_backfill(-3, State::Active),
    ];
    let (decision, settlement) = carried_out(&schedule, &children, at(40));
    assert_eq!(creations(&decision), [(Cause::Backfill, hour(-1))]);
    let backfill = settlement.status.backfill.unwrap();
    assert_eq!((backfill.done, backfill.total), (1, 3));
}

#[test]
fn another_range_begins_anew_and_a_longer_one_goes_on() {
    let mut schedule = backfilled(-3, 0, 1);
    let (_, settlement) = carried_out(&schedule, &[], at(40));
    schedule.status = settlement.status;
    schedule.spec.backfill.as_mut().unwrap().to = hour(1);
    assert_eq!(
        creations(&decided(&schedule, &[], at(40))),
        [(Cause::Backfill, hour(-2))]
    );
    schedule.spec.backfill.as_mut().unwrap().from = hour(-4);
    assert_eq!(
        creations(&decided(&schedule, &[], at(40))),
        [(Cause::Backfill, hour(-4))]
    );
    schedule.spec.backfill = None;
    let (decision, settlement) = carried_out(&schedule, &[], at(40));
    assert_eq!(
        (creations(&decision), settlement.status.backfill),
        (vec![], None)
    );
}

#[test]
fn a_new_trigger_makes_one_run() {
    let mut schedule = settled(start());
    schedule.trigger = Some("now".to_owned());
    let (decision, settlement) = carried_out(&schedule, &[child(hour(0), State::Active)], at(40));
    assert_eq!(creations(&decision), [(Cause::Trigger, hour(0))]);
    assert_eq!(decision.creations[0].name, "pumps-m1694c1a7f");
    assert_eq!(decision.creations[0].trigger.as_deref(), Some("now"));
    schedule.status = settlement.status;
    let expected = HandledTrigger {
        id: "m1694c1a7f".to_owned(),
        value: "now".to_owned(),
        run: Some("pumps-m1694c1a7f".to_owned()),
    };
    assert_eq!(schedule.status.last_trigger, Some(expected.clone()));
    assert_eq!(creations(&decided(&schedule, &[], at(40))), []);

    // It is lost neither with the annotation nor while nothing can be created.
    schedule.trigger = None;
    let (_, settlement) = carried_out(&schedule, &[], at(40));
    assert_eq!(settlement.status.last_trigger, Some(expected.clone()));
    schedule.trigger = Some("again".to_owned());
    schedule.spec.suspend = true;
    let decision = decided(&schedule, &[], at(41));
    assert_eq!(decision.creations.len(), 1);
    let results = Results::default();
    let done = (&decision, &results);
    let settlement = status(&schedule, Some(&timetable(&schedule)), &[], done, at(41));
    assert_eq!(settlement.status.last_trigger, Some(expected));
}

#[test]
fn a_trigger_that_was_there_from_the_start_makes_none() {
    let mut schedule = subject();
    schedule.trigger = Some("now".to_owned());
    let (decision, settlement) = carried_out(&schedule, &[], at(40));
    assert_eq!(creations(&decision), []);
    assert_eq!(settlement.status.last_trigger.as_ref().unwrap().run, None);
    schedule.status = settlement.status;
    assert_eq!(creations(&decided(&schedule, &[], at(40))), []);
}

#[test]
fn the_run_of_a_trigger_exists_although_the_status_was_lost() {
    let mut schedule = settled(start());
    schedule.trigger = Some("now".to_owned());
    let run = Child {
        name: "pumps-m1694c1a7f".to_owned(),
        tick: None,
        cause: Cause::Trigger,
        ..child(hour(0), State::Succeeded)
    };
    schedule.spec.history.succeeded = 0;
    let (decision, settlement) = carried_out(&schedule, std::slice::from_ref(&run), at(40));
    assert_eq!((creations(&decision), &decision.surplus), (vec![], &vec![]));
    assert_eq!(
        settlement.status.last_trigger.as_ref().unwrap().run,
        Some(run.name.clone())
    );
    schedule.status = settlement.status;
    assert_eq!(
        decided(&schedule, std::slice::from_ref(&run), at(40)).surplus,
        [run]
    );
}

#[test]
fn the_newest_ended_runs_are_kept() {
    let mut schedule = settled(hour(9));
    schedule.spec.history.succeeded = 2;
    schedule.spec.history.failed = 1;
    let mut children: Vec<_> = (1..6)
        .map(|tick| child(hour(tick), State::Succeeded))
        .collect();
    children.push(child(hour(6), State::Failed));
    children.push(child(hour(7), State::Failed));
    children.push(child(hour(8), State::Unreadable));
    children.push(child(hour(0), State::Active));
    children.push(of_backfill(-1, State::Succeeded));
    // It ended last, although its tick is long ago.
    children.last_mut().unwrap().time = hour(8);
    let decision = decided(&schedule, &children, at(545));
    let gone: Vec<_> = decision
        .surplus
        .iter()
        .map(|run| run.tick.unwrap())
        .collect();
    assert_eq!(gone, [4, 3, 2, 1, 6].map(hour));

    // Not at once, and not before the status knows that they are settled.
    let soon = hour(4) + SignedDuration::from_mins(5) + KEPT - SignedDuration::from_secs(1);
    let decision = decided(&schedule, &children[..5], soon);
    assert!(decision.surplus.iter().all(|run| run.tick != Some(hour(4))));
    let decision = decided(&settled(hour(2)), &children[..5], hour(2));
    assert!(decision.surplus.iter().all(|run| run.tick <= Some(hour(2))));
    schedule.spec.backfill = backfilled(2, 4, 1).spec.backfill;
    let decision = decided(&schedule, &children, at(545));
    let gone: Vec<_> = decision
        .surplus
        .iter()
        .map(|run| run.tick.unwrap())
        .collect();
    assert_eq!(gone, [4, 1, 6].map(hour));
}

#[test]
fn a_schedule_that_cannot_be_read_leaves_all_as_it_is() {
    let mut schedule = settled(start());
    schedule.spec.time_zone = "Europe/Berlim".to_owned();
    schedule.spec.backfill = backfilled(-3, 0, 1).spec.backfill;
    schedule.trigger = Some("now".to_owned());
    let error = Timetable::parse(&schedule.spec.schedule, &schedule.spec.time_zone).unwrap_err();
    let decision = decide(
        &schedule,
        Err(&error),
        &[child(hour(0), State::Failed)],
        hour(1),
    );
    assert_eq!((&decision.creations, &decision.surplus), (&vec![], &vec![]));
    let results = Results::default();
    let settlement = status(&schedule, None, &[], (&decision, &results), hour(1));
    let conditions: Vec<_> = settlement
        .status
        .conditions
        .iter()
        .map(|found| {
            (
                found.kind.as_str(),
                format!("{:?}", found.status),
                found.reason.as_str(),
            )
        })
        .collect();
    assert_eq!(
        conditions,
        [
            ("Ready", "False".to_owned(), "InvalidTimeZone"),
            ("Reconciling", "False".to_owned(), "InvalidTimeZone"),
            ("Stalled", "True".to_owned(), "InvalidTimeZone"),
        ]
    );
    assert!(settlement.status.conditions[0].message.contains("Berlim"));

    // Corrected, it does not fire the past.
    schedule.status = settlement.status;
    schedule.spec.time_zone = "Europe/Berlin".to_owned();
    schedule.edited = Some(at(150));
    assert_eq!(
        creations(&decided(&schedule, &[], hour(4)))[0],
        (Cause::Tick, hour(4))
    );
    schedule.edited = Some(at(245));
    assert!(!creations(&decided(&schedule, &[], at(245))).contains(&(Cause::Tick, hour(4))));
}

/// Two days of an hourly schedule whose runs take 20 minutes, looked at when it asks to be: each hour is scored once.
#[test]
fn windows_of_two_days_follow_one_another() {
    let mut schedule = subject();
    let timetable = timetable(&schedule);
    let (mut now, mut children, mut windows) = (start(), Vec::<Child>::new(), Vec::new());
    while now < hour(48) {
        let (decision, settlement) = carried_out(&schedule, &children, now);
        for creation in &decision.creations {
            let run = crate::schedule::build::run(&schedule, &timetable, creation);
            windows.push((
                run["spec"]["window"]["start"].clone(),
                run["spec"]["window"]["end"].clone(),
            ));
            children.push(child(creation.tick, State::Active));
        }
        children.retain(|run| !decision.surplus.contains(run));
        schedule.status = settlement.status;
        let end = children.iter_mut().find(|run| run.is_active());
        now = match end {
            Some(run) => {
                run.state = State::Succeeded;
                run.time = run.tick.unwrap() + SignedDuration::from_mins(20);
                run.time
            }
            None => decision.again.unwrap(),
        };
    }
    assert_eq!(windows.len(), 47);
    assert_eq!(windows[0].0, "2026-01-01T00:00:00Z");
    assert!(windows.windows(2).all(|pair| pair[0].1 == pair[1].0));
    assert_eq!(schedule.status.missed_runs, 0);
    assert!(children.len() <= 4, "{}", children.len());
}
