use std::time::Duration;

use crate::broker::Broker;
use crate::load::Load;
use crate::process::Process;
use crate::proxy::{Mode, Proxy};
use crate::stream::{Stream, Ways};
use crate::{WAIT, is_soak, or_skip, wait_until, wait_within};

/// How long reading may take to go on, where that is looked at: in the long run.
const RESUMED: Duration = Duration::from_secs(30);

/// Silence after which a partition is closed by the clock. The events' own times are so old that any that comes after it is late. Longer
/// than one partition waits for another one's events between two rounds.
const IDLE: u32 = 20;

/// The process that reads, the way to its hub, and what comes of it.
struct Reading {
    proxy: Proxy,
    load: Load,
    stream: Stream,
}

impl Reading {
    /// Sends events, and waits until they are read; nothing is closed too early.
    fn resume(&mut self, what: &str, events: usize) {
        self.load.send(events);
        self.wait(what);
    }

    fn wait(&self, what: &str) {
        let all = self.load.sent.len() as u64;
        // Beside what is to pass, what was read is saved.
        let limit = if is_soak() {
            RESUMED + Duration::from_secs(2)
        } else {
            WAIT
        };
        wait_within(limit, what, || {
            let counts = self.stream.counts();
            assert_eq!(counts.late, 0, "{what}: something was closed too early");
            counts.accepted + counts.filtered == all
        });
    }

    /// Answers stop on their way, without an error, for longer than the idle time. Nothing is closed by the clock.
    fn throttle(&mut self) {
        self.resume("before it is throttled", 400);
        self.proxy.set(Mode::Held);
        self.load.send(400);
        let before = self.stream.numbers("/progress/nextOffset");
        let watermarks = || -> Vec<String> {
            let lines = self.stream.lines();
            let of = lines
                .iter()
                .map(|line| line["progress"]["watermark"].to_string());
            of.collect()
        };
        let unmoved = watermarks();
        // One a second.
        self.stream.wait_saved(u64::from(IDLE) + 2);
        assert_eq!(watermarks(), unmoved, "nothing is closed by the clock");
        assert_eq!(self.stream.numbers("/progress/nextOffset"), before);
        self.proxy.set(Mode::Through);
        self.wait("when it is throttled no longer");
    }
}

#[test]
fn reading_goes_on_when_the_hub_s_connections_are_cut_lost_or_throttled() {
    if or_skip("FLEETSCORE_KAFKA").is_none() {
        return;
    }
    let broker = Broker::start();
    let proxy = Proxy::start(&broker.proxy, &broker.behind);
    let mut load = Load::new(&broker.address, "hub", 3, 100);
    load.send(400);
    let stream = Stream::new(&Ways {
        broker: &proxy.address,
        load: &load,
        blobs: None,
        by: None,
        idle_seconds: IDLE,
    });
    let process = Process::ingest(stream.folder(), "");
    stream.wait_read(&load);
    let mut reading = Reading {
        proxy,
        load,
        stream,
    };

    reading.proxy.cut(30_000, 5);
    reading.resume("after cuts in the midst of answers", 20_000);
    assert_eq!(reading.proxy.cuts_left(), 0);

    if is_soak() {
        reading.throttle();

        // Answers come, but late: of what is read, and of what is asked meanwhile.
        reading.proxy.set(Mode::Slow);
        for _ in 0..2 {
            reading.load.send(40);
            reading.stream.wait_read(&reading.load);
        }
        reading.proxy.set(Mode::Through);

        reading.proxy.lose();
        reading.resume("after connections were lost without a word", 400);

        // So that there is never silence in between.
        reading.proxy.set(Mode::Held);
        reading.load.send(400);
        broker.restart();
        reading.proxy.set(Mode::Through);
        reading.wait("after the broker was started again");
    }

    // Events that are never to be seen keep nobody from seeing that there is nothing more.
    reading.load.send_in_vain();
    let Reading { load, stream, .. } = reading;
    let all = load.sent.len() as u64;
    wait_until("silence closes what is open", || {
        let (_, counts) = stream.published();
        counts.accepted + counts.filtered == all
    });
    process.stop();
    stream.assert_published(&load);
}
