use super::*;

/// The history's readings are published, each row once and as reckoned.
fn assert_published(objects: &Arc<InMemory>, sent: &[Sent], struck: Struck) {
    let (rows, _, segments) = in_virtual_time(published(objects));
    let (right, _) = expected(sent);
    let wrong: Vec<_> = right
        .iter()
        .filter(|(key, row)| rows.get(key) != Some(row))
        .take(5)
        .map(|(key, row)| (key, row, rows.get(key)))
        .collect();
    assert!(
        rows == right,
        "{struck:?} {} of {} rows: {wrong:?}",
        rows.len(),
        right.len()
    );
    assert_eq!(segments, 4, "{struck:?}");
}

/// A process is killed before or after each of its calls, and begun again, in the same pod or in another one. Returns how many calls it
/// had to make.
fn kill_at_each_call(seed: u64, of: fn(Fault) -> Struck) -> usize {
    let (hub, sent) = history(seed, 2);
    let (mut at, mut is_over) = (0, false);
    while !is_over {
        for (fault, pod) in [
            (Fault::KilledBefore(at), "a"),
            (Fault::KilledAfter(at), "b"),
        ] {
            let struck = of(fault);
            let objects = Arc::new(InMemory::new());
            let ended = in_virtual_time(run(&hub, &objects, struck, "a", 0));
            is_over = !ended.is_struck;
            assert!(in_virtual_time(run(&hub, &objects, NEVER, pod, 1)).is_done);
            assert_published(&objects, &sent, struck);
        }
        at += 1;
    }
    at
}

#[test]
fn a_process_may_be_killed_at_any_call_to_storage() {
    let calls = kill_at_each_call(2, Struck::Storage);
    assert!(calls > 40, "{calls}");
}

#[test]
fn a_process_may_be_killed_at_any_call_to_the_hub() {
    let calls = kill_at_each_call(4, Struck::Hub);
    assert!(calls > 40, "{calls}");
}

/// Whatever call of the hub fails, or has its answer lost, the process goes on by itself.
#[test]
fn an_error_of_the_hub_at_any_call_is_got_over() {
    let (hub, sent) = history(5, 2);
    let kinds: [fn(usize) -> Fault; 3] = [Fault::Failed, Fault::Dropped, Fault::Outage];
    for kind in kinds {
        // The first two open the hub: where that cannot be, nothing has begun.
        let (mut at, mut is_over) = (2, false);
        while !is_over {
            let struck = Struck::Hub(kind(at));
            let objects = Arc::new(InMemory::new());
            let ended = in_virtual_time(run(&hub, &objects, struck, "a", 0));
            assert!(ended.is_done, "{struck:?}");
            is_over = !ended.is_struck;
            assert_published(&objects, &sent, struck);
            at += 1;
        }
        assert!(at > 40, "{at}");
    }
}
