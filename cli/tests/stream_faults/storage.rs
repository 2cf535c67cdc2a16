use std::time::{Duration, Instant};

use crate::azurite::Azurite;
use crate::load::Load;
use crate::process::Process;
use crate::proxy::{Mode, Proxy};
use crate::stream::{Stream, Ways};
use crate::{WAIT, is_soak, or_skip, wait_until, wait_within};

/// Storage fails until it has done so for some times, and in the long run for two minutes; events come meanwhile.
fn fail(proxy: &Proxy, mode: Mode, load: &mut Load, stream: &Stream) {
    let long = Duration::from_mins(2);
    let (begun, is_soak) = (Instant::now(), is_soak());
    proxy.set(mode);
    load.send(400);
    wait_within(long + WAIT, "it fails", || {
        proxy.failed() >= 6 && (!is_soak || begun.elapsed() >= long)
    });
    load.send(400);
    proxy.set(Mode::Through);
    stream.wait_read(load);
}

#[test]
fn a_process_gets_over_whatever_storage_does_and_knows_its_own_writes() {
    let (Some(broker), Some(azurite)) = (or_skip("FLEETSCORE_KAFKA"), Azurite::or_skip("away"))
    else {
        return;
    };
    let proxy = Proxy::start("127.0.0.1:0", &azurite.address);
    let mut load = Load::new(&broker, "storage", 3, 1000);
    load.send(400);
    let stream = Stream::new(&Ways {
        broker: &broker,
        load: &load,
        blobs: Some((&azurite.address, &azurite.container)),
        by: Some(&proxy.address),
        idle_seconds: 3600,
    });
    let process = Process::ingest(stream.folder(), "");
    stream.wait_read(&load);

    // Answers of commits, parts, files and of `_SUCCESS` are lost.
    proxy.set(Mode::Unanswered);
    for _ in 0..3 {
        load.send(400);
        stream.wait_read(&load);
    }
    let published = || stream.line("_stream/commit")["progress"]["completeThrough"].clone();
    let before = published();
    load.send(800);
    wait_until("segments are published", || published() != before);
    assert!(proxy.failed() > 10, "{}", proxy.failed());

    for mode in [Mode::Busy, Mode::Refused, Mode::Held] {
        fail(&proxy, mode, &mut load, &stream);
    }
    assert_eq!(
        stream.numbers("/claim/epoch"),
        [1; 4],
        "no write was taken for another's"
    );
    assert_eq!(stream.line("_stream/commit")["claim"]["epoch"], 1);
    process.stop();
    stream.finish(&load);
}
