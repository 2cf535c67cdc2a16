use super::backfill::{backfilled, of_backfill};
use super::*;

/// The ticks whose runs go.
fn gone(decision: &ScheduleDecision) -> Vec<Timestamp> {
    let surplus = decision.surplus.iter();
    surplus.map(|run| run.tick.unwrap()).collect()
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
    assert_eq!(gone(&decision), [4, 3, 2, 1, 6].map(hour));

    // Not at once, and not before the status knows that they are settled.
    let soon = hour(4) + SignedDuration::from_mins(5) + KEPT - SignedDuration::from_secs(1);
    let decision = decided(&schedule, &children[..5], soon);
    assert!(decision.surplus.iter().all(|run| run.tick != Some(hour(4))));
    let decision = decided(&settled(hour(2)), &children[..5], hour(2));
    assert!(decision.surplus.iter().all(|run| run.tick <= Some(hour(2))));
    schedule.spec.backfill = backfilled(2, 4, 1).spec.backfill;
    let decision = decided(&schedule, &children, at(545));
    assert_eq!(gone(&decision), [4, 1, 6].map(hour));
}

/// Without its run a tick that is not settled, or waits, would be run once more.
#[test]
fn the_run_of_a_tick_that_is_still_open_is_kept() {
    let mut schedule = settled(hour(2));
    schedule.spec.history.succeeded = 0;
    let ended = [1, 2, 3].map(|tick| child(hour(tick), State::Succeeded));
    assert_eq!(gone(&decided(&schedule, &ended, at(200))), [2, 1].map(hour));
    schedule.status.waiting = vec![TickRange {
        from: hour(2),
        to: hour(2),
    }];
    assert_eq!(gone(&decided(&schedule, &ended, at(200))), [hour(1)]);
}

#[test]
fn a_backfill_keeps_no_run_of_a_tick_that_it_no_longer_has() {
    let mut schedule = backfilled(1, 9, 1);
    schedule.status.settled.as_mut().unwrap().until = hour(8);
    schedule.spec.history.succeeded = 0;
    let ended = [child(hour(5), State::Succeeded)];
    assert_eq!(decided(&schedule, &ended, hour(8)).surplus, []);
    schedule.spec.schedule = "30 * * * *".to_owned();
    schedule.status.settled.as_mut().unwrap().schedule = schedule.spec.schedule.clone();
    assert_eq!(decided(&schedule, &ended, hour(8)).surplus, ended);
}
