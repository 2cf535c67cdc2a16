use super::*;

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
    let mut schedule = snapshot();
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
