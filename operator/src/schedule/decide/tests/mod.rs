mod backfill;
mod concurrency;
mod edits;
mod history;
mod missed;
mod trigger;

use fleetscore_crds::{
    Backfill, ConcurrencyPolicy, HandledTrigger, MissedRunsPolicy, SettledTicks, TickRange,
};

use self::backfill::backfilled;
use super::*;
use crate::children::State;
use crate::schedule::outcome::{Outcome, Results};
use crate::schedule::status::{Settlement, status};
use crate::schedule::testing::{at, child, hour, snapshot, start};

/// The schedule, with all ticks up to `until` settled.
fn settled(until: Timestamp) -> ScheduleSnapshot {
    let mut schedule = snapshot();
    schedule.status.observed_generation = Some(1);
    schedule.status.settled = Some(SettledTicks {
        until,
        schedule: schedule.spec.schedule.clone(),
        time_zone: schedule.spec.time_zone.clone(),
        suspended: false,
    });
    schedule
}

fn timetable(schedule: &ScheduleSnapshot) -> Timetable {
    Timetable::parse(&schedule.spec.schedule, &schedule.spec.time_zone).unwrap()
}

fn decided(schedule: &ScheduleSnapshot, children: &[Child], now: Timestamp) -> ScheduleDecision {
    decide(schedule, Ok(&timetable(schedule)), children, now)
}

/// What comes of the decision if every creation works.
fn carried_out(
    schedule: &ScheduleSnapshot,
    children: &[Child],
    now: Timestamp,
) -> (ScheduleDecision, Settlement) {
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

fn creations(decision: &ScheduleDecision) -> Vec<(Cause, Timestamp)> {
    let creations = decision.creations.iter();
    creations.map(|run| (run.cause, run.tick)).collect()
}

fn live(ticks: &[Timestamp]) -> Vec<(Cause, Timestamp)> {
    ticks.iter().map(|tick| (Cause::Tick, *tick)).collect()
}

fn missed(settlement: &Settlement) -> Vec<(MissedReason, u64)> {
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
    let (decision, settlement) = carried_out(&snapshot(), &[], at(45));
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
    let before = decided(&schedule, &[], early);
    assert_eq!((creations(&before), before.again), (vec![], Some(hour(1))));
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
    let mut schedule = snapshot();
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
