use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use fleetscore_ingest::Place;

use crate::broker::{Broker, WAIT, poll_until, read};

/// A broker of this test alone, which it may end.
struct Own {
    state: tempfile::TempDir,
}

impl Own {
    fn run(&self, what: &str) -> Broker {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/broker.sh");
        let output = Command::new(script)
            .arg(what)
            .env("FLEETSCORE_BROKER_STATE", self.state.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "broker.sh {what}: {errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        let get = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        Broker {
            plain: get("FLEETSCORE_KAFKA="),
            tls: get("FLEETSCORE_KAFKA_TLS="),
            ca: get("FLEETSCORE_KAFKA_CA="),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.run("stop");
    }
}

#[test]
fn reading_goes_on_when_the_broker_is_back() {
    if Broker::or_skip().is_none() {
        return;
    }
    let own = Own {
        state: tempfile::tempdir().unwrap(),
    };
    let broker = own.run("start");
    let topic = broker.create("restart", 2, &[]);
    topic.send(0, 1000, &["a"]);
    let mut source = topic.open();
    let mut seen = read(&mut *source, &[(0, Place::at(0)), (1, Place::at(0))]);

    own.run("halt");
    let deadline = Instant::now() + WAIT;
    let error = loop {
        assert!(Instant::now() < deadline);
        if let Err(error) = seen.poll(&mut *source) {
            break error;
        }
    };
    assert_eq!(error.name(), "SourceUnavailable", "{error}");
    assert!(error.to_string().contains(&broker.plain), "{error}");
    // Whether anything came meanwhile cannot be known.
    let error = source.is_drained(0).unwrap_err();
    assert_eq!(error.name(), "SourceUnavailable", "{error}");

    own.run("resume");
    topic.send(0, 2000, &["b", "c"]);
    topic.send(1, 2000, &["d"]);
    poll_until(&mut *source, &mut seen, |seen| {
        seen.bodies(0) == ["a", "b", "c"] && seen.bodies(1) == ["d"]
    });
    assert!(source.is_drained(0).unwrap());
}
