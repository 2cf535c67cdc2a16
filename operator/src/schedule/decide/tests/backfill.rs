use super::*;

pub fn backfilled(from: i64, to: i64, max_concurrent: u32) -> ScheduleSnapshot {
    let mut schedule = settled(start());
    schedule.spec.backfill = Some(Backfill {
        from: hour(from),
        to: hour(to),
        max_concurrent,
    });
    schedule
}

pub fn of_backfill(tick: i64, state: State) -> Child {
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
fn a_suspended_schedule_backfills_nothing() {
    let mut schedule = backfilled(-5, 0, 2);
    schedule.spec.suspend = true;
    let (decision, settlement) = carried_out(&schedule, &[], at(40));
    assert_eq!((creations(&decision), decision.backfill), (vec![], vec![]));
    // Let go on, it begins where it was.
    schedule.status = settlement.status;
    schedule.spec.suspend = false;
    let decision = decided(&schedule, &[], at(40));
    assert_eq!(
        creations(&decision),
        [(Cause::Backfill, hour(-5)), (Cause::Backfill, hour(-4))]
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
fn a_range_that_is_too_large_is_told_and_not_walked() {
    let ready = |schedule: &ScheduleSnapshot| {
        let (decision, settlement) = carried_out(schedule, &[], hour(1));
        // The schedule goes on all the same.
        assert_eq!(creations(&decision)[0], (Cause::Tick, hour(1)));
        let status = settlement.status;
        let ready = status.conditions.into_iter().next().unwrap();
        if ready.reason == "BackfillTooLarge" {
            assert_eq!(creations(&decision), live(&[hour(1)]));
        }
        (ready.reason, ready.message, status.backfill)
    };
    let mut schedule = backfilled(-3, 0, 5);
    let (_, settlement) = carried_out(&schedule, &[], at(40));
    let before = settlement.status.backfill;
    schedule.status.backfill = before;
    let (from, to) = ("0001-01-01T00:00:00Z", "9999-12-30T00:00:00Z");
    let backfill = schedule.spec.backfill.as_mut().unwrap();
    backfill.to = to.parse().unwrap();
    let (reason, message, kept) = ready(&schedule);
    assert_eq!(reason, "BackfillTooLarge");
    assert!(message.contains("more than 10 years"), "{message}");
    assert_eq!(kept, before, "how far it was is not forgotten");
    schedule.spec.backfill.as_mut().unwrap().from = from.parse().unwrap();
    assert_eq!(ready(&schedule).0, "BackfillTooLarge");

    // Ten years of hours are fine, a year of minutes is not.
    let backfill = schedule.spec.backfill.as_mut().unwrap();
    (backfill.from, backfill.to) = (hour(0), hour(24 * 365 * 10));
    let (reason, _, range) = ready(&schedule);
    assert_eq!(
        (reason.as_str(), range.unwrap().total),
        ("Scheduled", 87_600)
    );
    // The bounds themselves are allowed.
    let mut limit = |to: Timestamp, cron: &str| {
        schedule.spec.backfill.as_mut().unwrap().to = to;
        schedule.spec.schedule = cron.to_owned();
        schedule.status.settled.as_mut().unwrap().schedule = cron.to_owned();
        ready(&schedule).0
    };
    for (to, expected) in [
        ("2036-12-31T00:00:00Z", "Scheduled"),
        ("2037-01-01T00:00:00Z", "BackfillTooLarge"),
    ] {
        assert_eq!(limit(to.parse().unwrap(), "0 * * * *"), expected, "{to}");
    }
    for (minutes, expected) in [(100_000, "Scheduled"), (100_001, "BackfillTooLarge")] {
        assert_eq!(limit(at(minutes), "* * * * *"), expected, "{minutes}");
    }
    schedule.spec.backfill.as_mut().unwrap().to = hour(24 * 365);
    schedule.spec.schedule = "* * * * *".to_owned();
    schedule.status.settled.as_mut().unwrap().schedule = "* * * * *".to_owned();
    let (reason, message, _) = ready(&schedule);
    assert_eq!(reason, "BackfillTooLarge");
    assert!(
        message.contains("525600 ticks, more than 100000"),
        "{message}"
    );
}
