use super::*;

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
            vec![(MissedReason::EarlierRunActive, 1)],
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

/// A run of a later tick, created before a clock was set back or a schedule was edited, is not in the way of an earlier one.
#[test]
fn only_earlier_runs_are_replaced() {
    let mut schedule = settled(hour(1));
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Replace;
    let (earlier, later) = (child(hour(1), State::Active), child(hour(3), State::Active));
    let children = [earlier.clone(), later];
    let (decision, _) = carried_out(&schedule, &children, hour(2));
    assert_eq!(creations(&decision), live(&[hour(2)]));
    assert_eq!(decision.replaced, [earlier]);
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

/// The run of a tick that waits exists although the status was lost.
#[test]
fn what_has_waited_is_replaced_only_once_that_is_written_down() {
    for now in [hour(4), at(230)] {
        let mut schedule = settled(hour(3));
        schedule.spec.concurrency_policy = ConcurrencyPolicy::Replace;
        schedule.status.waiting = vec![TickRange {
            from: hour(2),
            to: hour(3),
        }];
        let children = [child(hour(2), State::Active)];
        let (decision, settlement) = carried_out(&schedule, &children, now);
        assert_eq!((decision.creations, decision.replaced), (vec![], vec![]));
        assert_eq!(
            missed(&settlement)
                .iter()
                .map(|(_, count)| count)
                .sum::<u64>(),
            u64::from(now == hour(4))
        );
        schedule.status = settlement.status;
        let newest = if now == hour(4) { hour(4) } else { hour(3) };
        let (decision, _) = carried_out(&schedule, &children, now);
        assert_eq!(creations(&decision), live(&[newest]), "{now}");
        assert_eq!(decision.replaced, children, "{now}");
    }
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
    assert_eq!(missed(&settlement), [(MissedReason::DeadlineExceeded, 2)]);
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
    assert_eq!(missed(&settlement), [(MissedReason::EarlierRunActive, 1)]);

    let children = [child(hour(1), State::Failed)];
    let (decision, _) = carried_out(&schedule, &children, at(210));
    assert_eq!(creations(&decision), live(&[hour(2)]));

    // Replaced, each would end the one before it.
    let mut schedule = settled(start());
    schedule.spec.missed_runs.policy = MissedRunsPolicy::All;
    schedule.spec.concurrency_policy = ConcurrencyPolicy::Replace;
    let (decision, settlement) = carried_out(&schedule, &[], at(200));
    assert_eq!(creations(&decision), live(&[hour(3)]));
    assert_eq!(missed(&settlement), [(MissedReason::Replaced, 2)]);
}

#[test]
fn a_queue_under_another_policy() {
    use ConcurrencyPolicy::{Allow, Forbid, Replace};
    for (policy, created, not) in [
        (Allow, vec![2, 3], vec![]),
        (Forbid, vec![], vec![]),
        (Replace, vec![3], vec![(MissedReason::Replaced, 1)]),
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

        // Nor does one start after its deadline.
        schedule.spec.starting_deadline_seconds = Some(1200);
        let (_, settlement) = carried_out(&schedule, &children, at(200));
        let late = missed(&settlement);
        assert!(
            late.contains(&(MissedReason::DeadlineExceeded, 1)),
            "{policy:?}"
        );
        schedule.spec.starting_deadline_seconds = Some(1199);
        let (decision, settlement) = carried_out(&schedule, &children, at(200));
        assert_eq!(creations(&decision), [], "{policy:?}");
        assert_eq!(missed(&settlement), [(MissedReason::DeadlineExceeded, 2)]);
    }
}
