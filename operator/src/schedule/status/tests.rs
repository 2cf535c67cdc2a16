use std::collections::BTreeMap;

use fleetscore_crds::{Backfill, ConcurrencyPolicy, ConditionStatus, TickRange};

use super::*;
use crate::controller::Refusal;
use crate::schedule::decide::{CREATIONS, decide};
use crate::schedule::events::events;
use crate::schedule::testing::{at, child, hour, snapshot, start};

fn timetable() -> Timetable {
    Timetable::parse("0 * * * *", "Etc/UTC").unwrap()
}

fn begun() -> ScheduleSnapshot {
    let mut schedule = snapshot();
    schedule.status.settled = Some(SettledTicks {
        until: start(),
        schedule: schedule.spec.schedule.clone(),
        time_zone: schedule.spec.time_zone.clone(),
        suspended: false,
    });
    schedule
}

/// One pass in which every creation comes to `outcome`; with what is told of it.
#[expect(
    clippy::needless_pass_by_value,
    reason = "outcomes are made for one pass"
)]
fn pass(
    schedule: &mut ScheduleSnapshot,
    children: &[Child],
    outcome: Result<Outcome, Refusal>,
    now: Timestamp,
) -> Vec<String> {
    let decision = decide(schedule, Ok(&timetable()), children, now);
    let mut results = Results::default();
    for creation in &decision.creations {
        match &outcome {
            Ok(outcome) => {
                results.runs.insert(creation.name.clone(), *outcome);
            }
            Err(refusal) => results.refusal = Some(refusal.clone()),
        }
    }
    let done = (&decision, &results);
    let settlement = status(schedule, Some(&timetable()), children, done, now);
    let told = events(&schedule.status, &decision, &results, &settlement);
    schedule.status = settlement.status;
    told.into_iter().map(|event| event.reason).collect()
}

fn conditions(schedule: &ScheduleSnapshot) -> Vec<(&str, &str)> {
    let holding = schedule
        .status
        .conditions
        .iter()
        .filter(|found| found.status == ConditionStatus::True);
    holding
        .map(|found| (found.kind.as_str(), found.reason.as_str()))
        .collect()
}

fn refusal(invalid: bool, reason: &str) -> Result<Outcome, Refusal> {
    Err(Refusal {
        invalid,
        reason: reason.to_owned(),
        message: "exceeded quota: q".to_owned(),
    })
}

#[test]
fn a_schedule_that_works_is_ready() {
    let mut schedule = begun();
    schedule.generation = 4;
    assert_eq!(
        pass(&mut schedule, &[], Ok(Outcome::Created), hour(1)),
        ["RunCreated"]
    );
    assert_eq!(conditions(&schedule), [("Ready", "Scheduled")]);
    assert_eq!(schedule.status.observed_generation, Some(4));
    assert!(
        schedule
            .status
            .conditions
            .iter()
            .all(|found| found.observed_generation == Some(4))
    );
    assert_eq!(schedule.status.conditions[0].last_transition_time, hour(1));
    let children = [child(hour(1), State::Active)];
    assert_eq!(
        pass(&mut schedule, &children, Ok(Outcome::Created), at(70)),
        Vec::<String>::new()
    );
    assert_eq!(schedule.status.conditions[0].last_transition_time, hour(1));
    schedule.spec.suspend = true;
    pass(&mut schedule, &children, Ok(Outcome::Created), at(70));
    assert_eq!(conditions(&schedule), [("Ready", "Suspended")]);
    assert_eq!(schedule.status.active, ["pumps-1767229200"]);
}

#[test]
fn a_refusal_is_told_until_it_is_over() {
    let mut schedule = begun();
    let told = pass(&mut schedule, &[], refusal(false, "Forbidden"), hour(1));
    assert_eq!(told, ["Forbidden"]);
    assert_eq!(conditions(&schedule), [("Reconciling", "Forbidden")]);
    assert_eq!(schedule.status.conditions[0].message, "exceeded quota: q");
    assert_eq!(schedule.status.settled.as_ref().unwrap().until, start());
    assert_eq!(
        pass(&mut schedule, &[], refusal(false, "Forbidden"), at(61)),
        Vec::<String>::new()
    );
    pass(
        &mut schedule,
        &[],
        refusal(true, "InvalidRunTemplate"),
        at(61),
    );
    assert_eq!(conditions(&schedule), [("Stalled", "InvalidRunTemplate")]);
    assert_eq!(
        pass(&mut schedule, &[], Ok(Outcome::Created), at(61)),
        ["RunCreated"]
    );
    assert_eq!(conditions(&schedule), [("Ready", "Scheduled")]);
}

#[test]
fn a_name_that_is_taken_is_told_until_the_next_tick() {
    let mut schedule = begun();
    let told = pass(&mut schedule, &[], Ok(Outcome::Conflict), hour(1));
    assert_eq!(told, ["NameConflict"]);
    assert_eq!(conditions(&schedule), [("Stalled", "NameConflict")]);
    assert!(
        schedule.status.conditions[0]
            .message
            .contains("pumps-1767229200")
    );
    assert_eq!(schedule.status.missed_reasons["NameConflict"], 1);
    assert_eq!(schedule.status.active, Vec::<String>::new());
    pass(&mut schedule, &[], Ok(Outcome::Created), at(70));
    assert_eq!(conditions(&schedule), [("Stalled", "NameConflict")]);
    pass(&mut schedule, &[], Ok(Outcome::Created), hour(2));
    assert_eq!(conditions(&schedule), [("Ready", "Scheduled")]);
}

#[test]
fn missed_ticks_are_told_by_reason() {
    let mut schedule = begun();
    let told = pass(&mut schedule, &[], Ok(Outcome::Created), at(310));
    assert_eq!(told, ["RunCreated", "Missed"]);
    let children = [child(hour(5), State::Active)];
    let told = pass(&mut schedule, &children, Ok(Outcome::Created), hour(6));
    assert_eq!(told, ["EarlierRunActive"]);
    let reasons = [("EarlierRunActive".to_owned(), 1), ("Missed".to_owned(), 4)];
    assert_eq!(schedule.status.missed_reasons, BTreeMap::from(reasons));
    assert_eq!(schedule.status.missed_runs, 5);
}

#[test]
fn the_end_of_a_backfill_is_told() {
    let mut schedule = begun();
    schedule.spec.backfill = Some(Backfill {
        from: hour(-9),
        to: hour(0),
        max_concurrent: 10,
    });
    assert_eq!(
        pass(&mut schedule, &[], Ok(Outcome::Created), at(40)),
        ["RunsCreated"]
    );
    assert_eq!(
        pass(&mut schedule, &[], Ok(Outcome::Created), at(41)),
        ["BackfillComplete"]
    );
    assert_eq!(
        pass(&mut schedule, &[], Ok(Outcome::Created), at(42)),
        Vec::<String>::new()
    );
}

#[test]
fn the_last_successful_tick_is_the_latest_whose_run_ended_well() {
    let mut schedule = begun();
    let children = [
        child(hour(3), State::Succeeded),
        child(hour(2), State::Succeeded),
        child(hour(4), State::Failed),
        Child {
            cause: Cause::Backfill,
            ..child(hour(5), State::Succeeded)
        },
    ];
    pass(&mut schedule, &children, Ok(Outcome::Created), at(310));
    assert_eq!(schedule.status.last_successful_time, Some(hour(3)));
    assert_eq!(schedule.status.last_schedule_time, Some(hour(4)));
    // The runs may go.
    pass(&mut schedule, &[], Ok(Outcome::Created), at(310));
    assert_eq!(schedule.status.last_successful_time, Some(hour(3)));
}

#[test]
fn the_status_stays_small() {
    let mut schedule = begun();
    schedule.name = "s".repeat(39);
    schedule.spec.schedule = format!("0 {} * * *", ["23"; 80].join(","));
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Queue;
    schedule.spec.backfill = Some(Backfill {
        from: hour(-900),
        to: hour(900),
        max_concurrent: 100,
    });
    schedule.trigger = Some("\"\u{1}".repeat(1000));
    schedule.status.settled = None;
    schedule.status.observed_generation = Some(1);
    pass(&mut schedule, &[], Ok(Outcome::Created), hour(1));
    schedule.status.waiting = vec![
        TickRange {
            from: hour(0),
            to: hour(0)
        };
        RANGES
    ];
    for reason in 0..8 {
        schedule
            .status
            .missed_reasons
            .insert(format!("{reason}{}", "r".repeat(20)), u64::MAX);
    }
    let active: Vec<_> = (0..500)
        .map(|tick| Child {
            name: tick_run(&schedule.name, hour(tick)),
            ..child(hour(tick), State::Active)
        })
        .collect();
    let message = refusal(false, "Forbidden").map_err(|refusal| Refusal {
        message: "\"\u{1}ä".repeat(5000),
        reason: "R".repeat(5000),
        ..refusal
    });
    pass(&mut schedule, &active, message, hour(600));
    assert_eq!(schedule.status.active.len(), ACTIVE);
    let size = serde_json::to_string(&schedule.status).unwrap().len();
    assert!(size > 8000 && size < 16 * 1024, "{size} bytes");
    const { assert!(CREATIONS >= ACTIVE) };
}
