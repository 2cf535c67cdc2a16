use super::*;

#[test]
fn an_edit_never_fires_the_past() {
    let now = at(330);
    for (edit, reason) in [
        (
            (|schedule: &mut ScheduleSnapshot| schedule.spec.schedule = "*/30 * * * *".to_owned())
                as fn(&mut ScheduleSnapshot),
            MissedReason::ScheduleChanged,
        ),
        (
            |schedule| schedule.spec.time_zone = "Asia/Kolkata".to_owned(),
            MissedReason::ScheduleChanged,
        ),
        (
            |schedule| schedule.spec.suspend = true,
            MissedReason::Suspended,
        ),
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
        [
            (MissedReason::Missed, 1),
            (MissedReason::ScheduleChanged, 3)
        ]
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
    let mut schedule = snapshot();
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
