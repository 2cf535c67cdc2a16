use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::run::testing::{at, config, job, planned, snapshot, stored_job, stored_run};

/// A run that was created at `created` and writes to `output`.
fn run(name: &str, created: i64, output: &str) -> RunSnapshot {
    let mut run = snapshot();
    run.name = name.to_owned();
    run.uid = format!("uid-{name}");
    run.namespace = format!("ns-{name}");
    run.created = at(created);
    run.spec.storage.azure = serde_json::from_value(json!({"account": "plantstore"})).unwrap();
    run.spec.output.location = output.to_owned();
    run
}

fn guarded(run: &RunSnapshot) -> Stored<ScoringRun> {
    Stored(Ok(stored_run(run)))
}

/// An index in which these runs are listed, and no Job.
fn listed(runs: &[&RunSnapshot]) -> (Places, Scope) {
    let places = Places::default();
    let mut scope = places.scope(config());
    scope.note(&Event::Init);
    for run in runs {
        scope.note(&Event::InitApply(guarded(run)));
    }
    scope.note(&Event::InitDone);
    scope.jobs()(&Event::InitDone);
    (places, scope)
}

fn claim(places: &Places, run: &RunSnapshot) -> Claim {
    places.claim(run, &config(), at(100))
}

/// Whose the place is that a run claims; nobody's where it gets it.
fn owner(places: &Places, run: &RunSnapshot) -> Option<Occupant> {
    match claim(places, run) {
        Claim::Granted => None,
        Claim::Owned(owner) => Some(owner),
        Claim::Unknown => panic!("not listed"),
    }
}

fn owner_name(places: &Places, run: &RunSnapshot) -> Option<String> {
    owner(places, run).map(|owner| owner.name)
}

#[test]
fn the_first_to_claim_has_the_place_until_it_ends() {
    let (mut one, two) = (run("one", 2, "az://p/x/"), run("two", 2, "az://p/x/"));
    let (places, mut scope) = listed(&[&one, &two]);
    // Created in one second: the UID decides.
    assert_eq!(owner_name(&places, &two), Some("one".to_owned()));
    assert_eq!(owner_name(&places, &one), None);
    let owned = owner(&places, &two).unwrap();
    assert_eq!(owned.since, Some(at(100)));
    assert!(
        owned
            .message()
            .contains("ns-one/one has been writing to az://p/x/ since"),
        "{}",
        owned.message()
    );
    // It asks again after a crash, and while it goes on.
    assert_eq!(owner_name(&places, &one), None);
    one.status.phase = Phase::Succeeded;
    scope.note(&Event::Apply(guarded(&one)));
    assert_eq!(owner_name(&places, &two), None);
}

#[test]
fn a_run_that_has_begun_goes_before_an_older_one() {
    let older = run("older", 1, "az://p/x/");
    let mut begun = run("begun", 2, "az://p/x/");
    begun.status = planned(3).status;
    let (places, mut scope) = listed(&[&older, &begun]);
    assert_eq!(owner_name(&places, &older), Some("begun".to_owned()));
    assert_eq!(owner_name(&places, &begun), None);
    begun.spec.suspend = true;
    scope.note(&Event::Apply(guarded(&begun)));
    let message = owner(&places, &older).unwrap().message();
    assert!(message.contains("it is suspended"), "{message}");
    begun.deleting = true;
    scope.note(&Event::Apply(guarded(&begun)));
    let message = owner(&places, &older).unwrap().message();
    assert!(message.contains("it is being deleted"), "{message}");
    scope.note(&Event::Delete(guarded(&begun)));
    assert_eq!(owner_name(&places, &older), None);
}

#[test]
fn a_run_that_is_suspended_before_it_began_keeps_nobody_waiting() {
    let mut older = run("older", 1, "az://p/x/");
    older.spec.suspend = true;
    older.status.phase = Phase::Suspended;
    let younger = run("younger", 2, "az://p/x/");
    let (places, mut scope) = listed(&[&older, &younger]);
    assert_eq!(owner_name(&places, &younger), None);
    older.spec.suspend = false;
    scope.note(&Event::Apply(guarded(&older)));
    assert_eq!(owner_name(&places, &older), Some("younger".to_owned()));
}

#[test]
fn a_plan_job_tells_of_a_run_whose_status_was_not_written() {
    let older = run("older", 1, "az://p/x/");
    let mut pumps = run("pumps", 2, "az://p/x/");
    pumps.uid = "run-uid".to_owned();
    let (places, scope) = listed(&[&older, &pumps]);
    let plan = stored_job(&job(Step::Plan, 0));
    scope.jobs()(&Event::Apply(plan.clone()));
    assert_eq!(owner_name(&places, &older), Some("pumps".to_owned()));
    scope.jobs()(&Event::Delete(plan));
    assert_eq!(owner_name(&places, &older), None);
}

#[test]
fn places_meet_where_they_are_the_same_or_one_is_in_the_others_own_folder() {
    let logs = |mut run: RunSnapshot, location: &str| {
        run.spec.logs = serde_json::from_value(json!({"location": location})).unwrap();
        run
    };
    let first = || run("first", 1, "az://p/x/");
    for (other, meets) in [
        (run("other", 2, "az://p/x/"), true),
        (run("other", 2, "az://p/x/_run/"), true),
        (run("other", 2, "az://p/x/_run/logs/deep/"), true),
        (run("other", 2, "az://p/x/below/"), false),
        (run("other", 2, "az://p/"), false),
        (run("other", 2, "az://p/x_run/"), false),
        (run("other", 2, "az://q/x/"), false),
        (
            logs(run("other", 2, "az://p/y/"), "az://p/x/_run/logs/"),
            true,
        ),
        (logs(run("other", 2, "az://p/y/"), "az://p/logs/"), false),
        (run("other", 2, "az://p/{run}/"), false),
    ] {
        let (places, _scope) = listed(&[&first(), &other]);
        assert_eq!(owner_name(&places, &first()), None);
        let found = owner_name(&places, &other);
        assert_eq!(found.is_some(), meets, "{:?}", other.spec.output.location);
        // The other way round, too.
        let (places, _scope) = listed(&[&first(), &other]);
        let mut begun = other.clone();
        begun.status = planned(1).status;
        let (_, mut scope) = (&places, places.scope(config()));
        scope.note(&Event::Apply(guarded(&begun)));
        scope.unreadable()();
        assert_eq!(
            owner_name(&places, &first()).is_some(),
            meets,
            "{:?}",
            other.spec.output.location
        );
    }
    // Logs alone.
    let one = logs(run("one", 1, "az://p/x/"), "az://p/logs/");
    let two = logs(run("two", 2, "az://p/y/"), "az://p/logs/");
    let (places, _scope) = listed(&[&one, &two]);
    assert_eq!(owner_name(&places, &two), Some("one".to_owned()));
}

#[test]
fn nothing_is_granted_before_all_parts_are_listed_or_cannot_be_read() {
    let (places, _scope) = listed(&[]);
    let other = places.scope(config());
    let one = run("one", 1, "az://p/x/");
    assert_eq!(claim(&places, &one), Claim::Unknown);
    other.unreadable()();
    assert_eq!(claim(&places, &one), Claim::Granted);
}

#[test]
fn a_run_that_writes_elsewhere_now_claims_anew() {
    let mut one = run("one", 1, "az://p/x/");
    let mut two = run("two", 2, "az://p/y/");
    let (places, mut scope) = listed(&[&one, &two]);
    assert_eq!((owner(&places, &one), owner(&places, &two)), (None, None));
    // Status and suspension change nothing; another place does.
    two.status.phase = Phase::Planning;
    scope.note(&Event::Apply(guarded(&two)));
    assert_eq!(owner_name(&places, &two), None);
    two.spec.output.location = "az://p/x/".to_owned();
    two.generation = 2;
    two.status.observed_generation = Some(1);
    scope.note(&Event::Apply(guarded(&two)));
    assert_eq!(owner_name(&places, &two), Some("one".to_owned()));
    one.status.phase = Phase::Failed;
    scope.note(&Event::Apply(guarded(&one)));
    assert_eq!(owner_name(&places, &two), None);
}

#[test]
fn what_a_new_listing_lacks_is_gone() {
    let (one, two) = (run("one", 1, "az://p/x/"), run("two", 2, "az://p/x/"));
    let (places, mut scope) = listed(&[&one, &two]);
    assert_eq!(owner_name(&places, &one), None);
    scope.note(&Event::Init);
    scope.note(&Event::InitApply(guarded(&two)));
    assert_eq!(owner_name(&places, &two), Some("one".to_owned()));
    scope.note(&Event::InitDone);
    assert_eq!(owner_name(&places, &two), None);
}

/// What happens to one of some runs.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Claim,
    Begin,
    Suspend(bool),
    End,
    Restart,
}

fn any_deed() -> impl Strategy<Value = (usize, Deed)> {
    let deed = prop_oneof![
        4 => Just(Deed::Claim),
        2 => Just(Deed::Begin),
        1 => any::<bool>().prop_map(Deed::Suspend),
        2 => Just(Deed::End),
        1 => Just(Deed::Restart),
    ];
    (0_usize..5, deed)
}

proptest! {
    /// Whatever the order in which runs claim, begin, are suspended and end, and operators restart: never do two write to one place,
    /// and there is always one that may go on.
    #[test]
    fn one_place_has_one_run_at_a_time_and_nobody_waits_for_ever(
        places_of in proptest::collection::vec(0_usize..4, 5),
        created in proptest::collection::vec(0_i64..3, 5),
        deeds in proptest::collection::vec(any_deed(), 0..60),
    ) {
        let outputs = ["az://p/x/", "az://p/x/_run/", "az://p/x/_run/logs/", "az://p/y/"];
        let mut runs: Vec<_> = (0..5).map(|number| run(&format!("r{number}"), created[number], outputs[places_of[number]])).collect();
        // Whether it was planned; what its status says comes later.
        let mut begun = [false; 5];
        let meet = |one: usize, two: usize| {
            let (one, two) = (places_of[one].min(places_of[two]), places_of[one].max(places_of[two]));
            // Two of them lie in what is the first one's own.
            one == two || (one == 0 && two < 3)
        };
        let (mut places, mut scope) = listed(&runs.iter().collect::<Vec<_>>());
        for (number, deed) in deeds {
            match deed {
                Deed::Claim if runs[number].has_ended() || runs[number].spec.suspend => {}
                Deed::Claim => {
                    let granted = claim(&places, &runs[number]) == Claim::Granted;
                    if granted && !begun[number] {
                        for other in 0..5 {
                            prop_assert!(other == number || !begun[other] || runs[other].has_ended() || !meet(number, other), "{number} beside {other}");
                        }
                        begun[number] = true;
                    }
                }
                Deed::Begin if begun[number] && !runs[number].has_ended() => runs[number].status = planned(1).status,
                Deed::Suspend(suspend) if !runs[number].has_ended() => runs[number].spec.suspend = suspend,
                Deed::End if begun[number] => runs[number].status.phase = Phase::Succeeded,
                Deed::Restart => {
                    // A claim is written down before an operator ends, in a Job or in the status.
                    for (number, run) in runs.iter_mut().enumerate() {
                        if begun[number] && run.plan().is_none() {
                            run.status = planned(1).status;
                        }
                    }
                    (places, scope) = listed(&runs.iter().collect::<Vec<_>>());
                }
                _ => {}
            }
            scope.note(&Event::Apply(guarded(&runs[number])));
        }
        // In the end all go on.
        for run in &mut runs {
            run.spec.suspend = false;
            scope.note(&Event::Apply(guarded(run)));
        }
        for _ in 0..5 {
            let open: Vec<_> = (0..5).filter(|number| !runs[*number].has_ended()).collect();
            let goes_on = open.iter().copied().find(|number| claim(&places, &runs[*number]) == Claim::Granted);
            prop_assert!(open.is_empty() || goes_on.is_some(), "all wait");
            if let Some(number) = goes_on {
                runs[number].status.phase = Phase::Succeeded;
                scope.note(&Event::Apply(guarded(&runs[number])));
            }
        }
        prop_assert!(runs.iter().all(RunSnapshot::has_ended));
    }
}
