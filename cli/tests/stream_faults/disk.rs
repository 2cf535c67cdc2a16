use std::process::Command;

use crate::load::Load;
use crate::process::Process;
use crate::stream::{Stream, Ways};
use crate::{or_skip, wait_until};

/// Sets how large files of a process may become; whether that is possible here.
fn limit(process: &Process, bytes: &str) -> bool {
    let words = [
        format!("--fsize={bytes}:"),
        format!("--pid={}", process.id()),
    ];
    let set = Command::new("prlimit").args(words).status();
    set.is_ok_and(|status| status.success())
}

/// A limit of the size of files stands for a full disk: writes fail with the same class of errors, without being root.
#[test]
fn a_full_disk_is_waited_for() {
    let Some(broker) = or_skip("FLEETSCORE_KAFKA") else {
        return;
    };
    let mut load = Load::new(&broker, "disk", 3, 1000);
    load.send(1000);
    let stream = Stream::new(&Ways {
        broker: &broker,
        load: &load,
        blobs: None,
        by: None,
        idle_seconds: 3600,
    });
    let process = Process::ingest_within_limits(stream.folder(), "");
    stream.wait_read(&load);
    if !limit(&process, "0") {
        println!("skipped: prlimit, of util-linux, is absent");
        return;
    }
    let before = stream.numbers("/progress/nextOffset");
    load.send(2000);
    wait_until("it says that it is full", || {
        process.said("saving is tried again") >= 6 && process.said("free space on the volume") > 0
    });
    assert_eq!(stream.numbers("/progress/nextOffset"), before);
    assert!(limit(&process, "unlimited"));
    stream.wait_read(&load);
    assert_eq!(
        stream.numbers("/claim/epoch"),
        [1; 4],
        "it has lost nothing"
    );
    process.stop();
    stream.finish(&load);
}
