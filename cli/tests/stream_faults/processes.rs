use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::azurite::Azurite;
use crate::load::Load;
use crate::process::Process;
use crate::stream::{Stream, Ways};
use crate::{is_soak, or_skip, wait_until};

/// A stream of a topic and of a container of its own; skipped where a server is absent.
fn stream(test: &str) -> Option<(Load, Stream)> {
    let (broker, azurite) = (or_skip("FLEETSCORE_KAFKA")?, Azurite::or_skip(test)?);
    let mut load = Load::new(&broker, test, 8, 100);
    load.send(400);
    let stream = Stream::new(&Ways {
        broker: &broker,
        load: &load,
        blobs: Some((&azurite.address, &azurite.container)),
        by: None,
        idle_seconds: 3600,
    });
    Some((load, stream))
}

/// Who works on each partition.
fn owners(stream: &Stream) -> Vec<Value> {
    let lines = stream.lines();
    let owner = |line: &Value| line["claim"]["owner"]["nonce"].clone();
    lines.iter().map(owner).collect()
}

#[test]
fn processes_come_and_go_and_are_killed_while_events_come() {
    let Some((mut load, stream)) = stream("killed") else {
        return;
    };
    // Events of some 80 seconds a second.
    let (stop, stopped) = mpsc::channel::<()>();
    let sender = thread::spawn(move || {
        let pace = Duration::from_millis(250);
        while stopped.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
            load.send(200);
        }
        load
    });
    let third = Duration::from_secs(if is_soak() { 60 } else { 6 });
    let between = Duration::from_secs(if is_soak() { 5 } else { 2 });
    let mut random = StdRng::seed_from_u64(11);
    let mut processes = Vec::new();
    for count in [1, 3, 1] {
        while processes.len() > count {
            Process::stop(processes.remove(0));
        }
        while processes.len() < count {
            processes.push(Process::ingest(stream.folder(), ""));
        }
        let begun = Instant::now();
        while begun.elapsed() < third {
            thread::park_timeout(between);
            let victim: Process = processes.swap_remove(random.random_range(0..count));
            victim.kill();
            processes.push(Process::ingest(stream.folder(), ""));
        }
    }
    stop.send(()).unwrap();
    let load = sender.join().unwrap();
    processes.into_iter().for_each(Process::kill);
    stream.finish(&load);
    let epochs = stream.numbers("/claim/epoch");
    assert!(epochs.iter().all(|epoch| *epoch > 1), "{epochs:?}");
}

#[test]
fn a_process_that_was_frozen_writes_over_nothing_that_others_did_since() {
    let Some((mut load, stream)) = stream("frozen") else {
        return;
    };
    let frozen = Process::ingest(stream.folder(), "");
    stream.wait_read(&load);
    frozen.signal("STOP");
    let before = owners(&stream);
    load.send(2000);
    let next = Process::ingest(stream.folder(), "");
    wait_until("the other one has claimed all", || {
        let now = owners(&stream);
        now.iter().zip(&before).all(|(now, before)| now != before)
    });
    stream.wait_read(&load);
    // A lease is four intervals, of which each of these is one.
    stream.wait_saved(3);
    frozen.signal("CONT");
    wait_until("it notices that its claims are another's", || {
        frozen.said("was claimed by another process") >= 4
    });
    load.send(2000);
    stream.wait_read(&load);
    for process in [frozen, next] {
        process.stop();
    }
    stream.finish(&load);
}
