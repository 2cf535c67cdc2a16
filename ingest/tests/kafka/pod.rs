//! The program of a stream's pods.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fleetscore_crds::contract::{ProcessStatus, stream_pod};
use serde_json::Value;
use tempfile::TempDir;

use crate::broker::{Broker, Topic, WAIT};

/// The program at work, and where it serves.
struct Pod {
    process: Child,
    address: String,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Pod {
    fn start(manifest: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_fleetscore-ingest"))
            .env("FLEETSCORE_STREAM", manifest)
            .env("FLEETSCORE_POD_UID", "0c7d")
            .args(["--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
            .find_map(|line| line["address"].as_str().map(str::to_owned))
            .unwrap();
        Self {
            process,
            address,
            lines,
        }
    }

    /// Status code and body of a path.
    fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: pod\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap();
        (code.to_owned(), body.to_owned())
    }

    fn status(&self) -> ProcessStatus {
        let (code, body) = self.get(stream_pod::STATUS);
        assert_eq!(code, "200");
        serde_json::from_str(&body).unwrap()
    }

    fn wait(&self, what: &str, is_so: impl Fn(&ProcessStatus) -> bool) -> ProcessStatus {
        let begun = Instant::now();
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(begun.elapsed() < WAIT, "{what}: {status:?}");
            std::thread::yield_now();
        }
    }

    /// Ends it as a pod is ended; returns its exit code.
    fn end(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
        // Until it has closed its end.
        self.lines.by_ref().for_each(drop);
        self.process.wait().unwrap().code()
    }
}

fn manifest(folder: &Path, topic: &Topic, name: &str) -> PathBuf {
    let stream = serde_json::json!({
        "apiVersion": "scoring.fleetscore.io/v1alpha1",
        "kind": "ReadingStream",
        "metadata": {"name": name, "namespace": "plant"},
        "spec": {
            "source": topic.spec(),
            "event": {
                "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
                "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
            },
            "window": {"sizeSeconds": 60},
            "aggregates": [{"column": "Value", "of": "v"}],
            "output": {"location": format!("file://{}/out/", folder.display())},
        },
    });
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, stream.to_string()).unwrap();
    path
}

fn topic(broker: &Broker, name: &str) -> Topic {
    let topic = broker.create(name, 2, &[]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    // A day ago, and now: what is between is complete as soon as it is read.
    for (partition, device) in [(0, "a"), (1, "b")] {
        let event = |time: i64| format!(r#"{{"ts": {time}000, "device": "{device}", "v": 1}}"#);
        let (old, new) = (event(now - 86_400), event(now));
        topic.send(partition, now * 1000, &[&old, &new, "no JSON"]);
    }
    topic
}

#[test]
fn a_pod_works_shows_what_it_does_and_gives_all_back() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let (folder, topic) = (TempDir::new().unwrap(), topic(&broker, "pod"));
    let path = manifest(folder.path(), &topic, "pumps");
    let pod = Pod::start(&path);
    let status = pod.wait("no segment was published", |status| {
        status.complete_through.is_some() && status.owned.len() == 2
    });
    assert_eq!(
        (status.stream.as_str(), status.partitions),
        ("plant/pumps", Some(2))
    );
    let status = pod.wait("the counts are not saved", |status| {
        status
            .owned
            .iter()
            .all(|own| own.counts.accepted == 2 && own.lag_events == Some(0))
    });
    assert!(
        status
            .owned
            .iter()
            .all(|own| own.epoch == 1 && own.stall.is_none())
    );
    assert!(status.last_segment.is_some() && status.trouble.is_none());
    assert_eq!(pod.get(stream_pod::HEALTH).0, "200");
    assert_eq!(pod.get(stream_pod::READY).0, "200");
    let metrics = pod.get(stream_pod::METRICS).1;
    for line in [
        r#"fleetscore_ingest_events_total{stream="plant/pumps",partition="1"} 3"#,
        r#"fleetscore_ingest_readings_total{stream="plant/pumps",partition="0",outcome="accepted",reason=""} 2"#,
        r#"fleetscore_ingest_readings_total{stream="plant/pumps",partition="0",outcome="invalid",reason="BadPayload"} 1"#,
        r#"fleetscore_ingest_partitions{stream="plant/pumps"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(pod.end(), Some(0));
    // Whoever comes next needs not to wait.
    for partition in ["00000", "00001"] {
        let path = folder.path().join("out/_stream/partitions").join(partition);
        let bytes = fs::read(path).unwrap();
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap();
        let line: Value = serde_json::from_slice(line).unwrap();
        let claim = &line["claim"];
        assert!(claim["owner"].is_null() && claim["epoch"] == 1, "{line}");
    }
}

#[test]
fn a_pod_whose_location_is_taken_says_so_and_stays() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let (folder, topic) = (TempDir::new().unwrap(), topic(&broker, "taken"));
    let first = Pod::start(&manifest(folder.path(), &topic, "pumps"));
    first.wait("no partition was claimed", |status| {
        !status.owned.is_empty()
    });
    assert_eq!(first.end(), Some(0));
    let second = Pod::start(&manifest(folder.path(), &topic, "fans"));
    let status = second.wait("nothing is told", |status| status.trouble.is_some());
    let trouble = status.trouble.unwrap();
    assert_eq!(trouble.reason, "LocationTaken");
    assert!(trouble.message.contains("plant/pumps"), "{trouble:?}");
    assert_eq!(second.get(stream_pod::HEALTH).0, "200");
    let (code, why) = second.get(stream_pod::READY);
    assert_eq!(code, "503");
    assert!(why.contains("plant/pumps"), "{why}");
    assert_eq!(second.end(), Some(0));
}

#[test]
fn a_manifest_that_cannot_be_worked_with_ends_the_pod_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("stream.json");
    fs::write(&path, r#"{"kind": "ReadingStream"}"#).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fleetscore-ingest"))
        .env("FLEETSCORE_STREAM", &path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("stream.json") && error.contains("spec"),
        "{error}"
    );
}
