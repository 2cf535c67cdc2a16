//! Manifests as people's tools leave them: from standard input, from `kubectl get`, from Windows editors; and what is said of
//! those that cannot be taken.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Plant, assert_success, text};
use fleetscore_cli::manifest::{self, Loaded};
use tempfile::TempDir;

const RUN: &str = "\
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {name: pumps}
spec:
  model: {location: \"models/model_{device}_{tag}\"}
  input:
    location: readings.csv
    columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}
  output: {location: out/, file: \"preds_{device}_{tag}.csv\"}
";

/// What is loaded of a file with these bytes.
fn load(bytes: &[u8]) -> Result<Loaded, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run.yaml");
    fs::write(&path, bytes).unwrap();
    let name = path.display().to_string();
    manifest::load(&path, &[]).map_err(|error| error.to_string().replace(&name, "run.yaml"))
}

/// The spec's readings, which show that the manifest was read; paths are of different folders.
fn file_of(loaded: &Loaded) -> String {
    match loaded {
        Loaded::Run(run) => run.spec.output.file.clone(),
        other => panic!("{other:?}"),
    }
}

fn assert_same(bytes: &[u8]) {
    let loaded = load(bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(file_of(&loaded), "preds_{device}_{tag}.csv");
}

fn assert_refused(text: &str, expected: &[&str]) {
    let error = load(text.as_bytes()).unwrap_err();
    assert_eq!(error.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn files_of_windows_are_read() {
    assert_same(RUN.replace('\n', "\r\n").as_bytes());
    assert_same(format!("\u{feff}{RUN}").as_bytes());
    // PowerShell's `>`.
    let units: Vec<u16> = format!("\u{feff}{RUN}").encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    assert_same(&little);
    assert_same(&big);

    let cut = load(&little[..little.len() - 1]).unwrap_err();
    assert!(cut.ends_with("save it as UTF-8"), "{cut}");
    let unmarked = load(&little[2..]).unwrap_err();
    assert_eq!(
        unmarked,
        "run.yaml:1:2: holds a zero byte, which no text does; save the file as UTF-8"
    );
    // An editor that saves in Windows' encoding of Western Europe.
    let latin: Vec<u8> = RUN
        .replace("readings", "Kühler")
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap())
        .collect();
    assert_eq!(
        load(&latin).unwrap_err(),
        "run.yaml:7:16: the byte 0xFC (`ü` in a Windows encoding) is not UTF-8; save the file as UTF-8"
    );
}

/// What `kubectl get scoringrun pumps -o yaml` prints.
fn from_server() -> String {
    RUN.replace(
        "metadata: {name: pumps}",
        "\
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {}
  creationTimestamp: \"2026-01-01T00:00:00Z\"
  finalizers: [foregroundDeletion]
  generation: 2
  managedFields:
  - {apiVersion: scoring.fleetscore.io/v1alpha1, fieldsType: FieldsV1, fieldsV1: {\"f:spec\": {}}, manager: kubectl, operation: Update}
  name: pumps
  namespace: plant-a
  ownerReferences:
  - {apiVersion: scoring.fleetscore.io/v1alpha1, kind: ScoringSchedule, name: pumps, uid: b, controller: true}
  resourceVersion: \"4711\"
  selfLink: /apis/scoring.fleetscore.io
  uid: 5d1c8c0e-0000-0000-0000-000000000000",
    ) + "status:\n  phase: Succeeded\n  sensors: {total: 4, succeeded: 4, failed: 0}\n"
}

#[test]
fn what_kubectl_prints_is_a_manifest() {
    assert_same(from_server().as_bytes());
    let indented = from_server()
        .lines()
        .fold(String::new(), |text, line| text + "  " + line + "\n");
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}",
        indented.trim_start()
    );
    assert_same(list.as_bytes());
    let two = format!("{list}- {}", indented.trim_start());
    assert_eq!(
        load(two.as_bytes()).unwrap_err(),
        "run.yaml:3:1: items: the List holds 2 objects, and a manifest is one; put each into its own file"
    );
    let none = load(b"apiVersion: v1\nkind: List\nitems: []\n").unwrap_err();
    assert!(none.contains("the List holds 0 objects"), "{none}");
    // What a person writes is still checked.
    let wrong = load(from_server().replace("finalizers", "finalisers").as_bytes()).unwrap_err();
    assert!(
        wrong.contains("metadata.finalisers: unknown field"),
        "{wrong}"
    );
}

#[test]
fn what_stands_twice_is_named_with_both_lines() {
    assert_refused(
        &(RUN.to_owned() + "spec: {}\n"),
        &["run.yaml:10:1: spec: stands twice, first in line 4; remove one of the two"],
    );
    let text = RUN
        .replace(
            "location: readings.csv",
            "location: readings.csv\n    location: b.csv",
        )
        .replace("output: {", "output: {file: a.csv, ");
    assert_refused(
        &text,
        &[
            "run.yaml:8:5: spec.input.location: stands twice, first in line 7; remove one of the two",
            "run.yaml:10:41: spec.output.file: stands twice, first in line 10; remove one of the two",
        ],
    );
}

/// A section whose lines are all commented out is as one that is not there, as for `kubectl apply`.
#[test]
fn empty_sections_are_absent() {
    for section in [
        "sharding",
        "failurePolicy",
        "storage",
        "podTemplate",
        "window",
        "sensors",
    ] {
        assert_same(format!("{RUN}  {section}:\n    # all of it\n").as_bytes());
    }
    assert_refused(
        &RUN.replace("location: readings.csv", "location:"),
        &["run.yaml:7:5: spec.input.location: is empty, and required; fill it in"],
    );
    assert_refused(
        "apiVersion: scoring.fleetscore.io/v1alpha1\nkind: ScoringRun\nmetadata: {name: a}\nspec:\n",
        &["run.yaml:4:1: spec: is empty, and required; fill it in"],
    );
    assert_refused(
        &RUN.replace("features: [Value]", "features: [Value, ]")
            .replace("device: Device", "device:"),
        &["run.yaml:8:32: spec.input.columns.keys.device: must be a text, not nothing"],
    );
}

#[test]
fn mistakes_of_yaml_are_said_in_words() {
    for (from, to, expected) in [
        (
            "    location: readings",
            "\tlocation: readings",
            "run.yaml:7:2: a tab stands where YAML wants spaces; indent with spaces",
        ),
        (
            "file: \"preds_{device}_{tag}.csv\"}",
            "file: preds_{device}_{tag}.csv}",
            "a text that holds braces must stand in quotes",
        ),
        (
            "{location: \"models/model_{device}_{tag}\"}",
            "\n    location: {device}/model",
            "a text that holds braces must stand in quotes",
        ),
        (
            "location: \"models/model_{device}_{tag}\"",
            "location: {device}",
            "spec.model.location: must be a text, not a map of fields; a text that begins with a brace must stand in quotes",
        ),
        (
            "readings.csv",
            "\"readings.csv",
            "this follows a closed quote",
        ),
        (
            "{tag}.csv\"",
            "{tag}.csv",
            "the quote that begins here is not closed",
        ),
        (
            "[Value]",
            "[Value",
            "`}` stands where `[` is still to be closed",
        ),
        (
            "readings.csv",
            "*.csv",
            "a text that begins with `*` must stand in quotes",
        ),
        (
            "readings.csv",
            "a: b",
            "a text that holds `: ` must stand in quotes",
        ),
        (
            "kind: Scoring",
            "kind Scoring",
            "`name: value` is missing here",
        ),
        (
            "time: TS",
            "time:TS",
            "run.yaml:8:15: spec.input.columns.time:TS: unknown field; write `time: TS`, with a space after the colon",
        ),
        (
            "readings.csv",
            "@readings",
            "a text that begins with `@` must stand in quotes",
        ),
        ("  input:", "   input:", "how far the lines are indented"),
    ] {
        let error = load(RUN.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
        assert!(error.starts_with("run.yaml:"), "a place: {error}");
        assert!(
            !error.contains("Options") && !error.contains("while"),
            "{error}"
        );
    }
}

fn with_input(plant: &Plant, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .args(args)
        .current_dir(plant.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn standard_input_is_a_manifest() {
    let plant = Plant::new(2);
    let run = plant.read("run.yaml");
    fs::remove_file(plant.path("run.yaml")).unwrap();
    for command in ["plan", "run"] {
        assert_success(&with_input(&plant, &[command, "-f", "-"], &run));
    }
    assert!(plant.path("predictions/_SUCCESS").exists());
    let training = plant.read("train.yaml");
    assert_success(&with_input(&plant, &["train", "-f", "-"], &training));

    let output = with_input(&plant, &["run", "-f", "-"], &(run + "spec: {}\n"));
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(
        message.contains("standard input:") && message.contains("spec: stands twice"),
        "{message}"
    );
}

/// What the program says of `args` in a folder with a manifest, its error alone.
fn complaint(folder: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fleetscore"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    text(&output.stderr).trim_end().to_owned()
}

#[test]
fn what_is_no_file_is_said_once_and_with_the_way_out() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("plant")).unwrap();
    fs::write(folder.path().join("plant/run.yaml"), RUN).unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (file, expected) in [
        (
            "plant",
            "error: plant: is a folder; name the manifest in it, such as plant/run.yaml",
        ),
        (
            "empty",
            "error: empty: is a folder; name the manifest in it",
        ),
        (
            "absent.yaml",
            "error: absent.yaml: does not exist; name the file that holds the manifest",
        ),
    ] {
        for command in ["run", "plan", "train"] {
            assert_eq!(complaint(folder.path(), &[command, "-f", file]), expected);
        }
    }
}

#[test]
fn zones_that_seem_to_say_something_else_are_noted() {
    let plant = Plant::new(2);
    let set = "spec.input.columns.timeZone=Etc/GMT+2";
    let output = plant.fleetscore(&["plan", "-f", "run.yaml", "--set", set]);
    assert_success(&output);
    let note = "note: spec.input.columns.timeZone: Etc/GMT+2 is UTC-2: the sign of these names is turned round\n";
    assert_eq!(text(&output.stderr), note);
    let set = "spec.input.columns.timeZone=W. Europe Standard Time";
    let output = plant.fleetscore(&["run", "-f", "run.yaml", "--set", set]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(message.contains("write Europe/Berlin"), "{message}");
    assert!(!plant.path("predictions").exists());
}

const STREAM: &str = "\
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ReadingStream
metadata: {name: pumps}
spec:
  source:
    kafka: {bootstrapServers: ['localhost:9092'], topic: telemetry}
  event:
    fields:
      ts: {type: Time}
      device: {}
      v: {path: value, type: Number}
    columns: {time: ts, keys: {device: device}, features: [v]}
  deadLetter: {location: ../dead/}
  output:
    location: readings/
";

#[test]
fn a_stream_is_read_with_its_defaults() {
    let stream = |text: &str| match load(text.as_bytes()) {
        Ok(Loaded::Stream(stream)) => stream.spec,
        other => panic!("{other:?}"),
    };
    let spec = stream(STREAM);
    let output = spec.output.location.strip_prefix("file:///").unwrap();
    assert!(output.ends_with("/readings/"), "{output}");
    let dead = spec.dead_letter.unwrap().location;
    assert!(
        dead.starts_with("file:///") && dead.ends_with("/dead/"),
        "{dead}"
    );
    assert_eq!((spec.output.segment_seconds, spec.replicas), (3600, 1));
    assert_eq!(spec.checkpoint_seconds, 30);
    assert_eq!(spec.event.columns.time_zone, "Etc/UTC");
    let list = format!(
        "kind: ReadingStreamList\nitems:\n- {}",
        STREAM.trim_end().replace('\n', "\n  ")
    );
    assert_eq!(stream(&list).limits, spec.limits);
}

#[test]
fn a_streams_mistakes_are_told_with_their_places() {
    let wrong = STREAM
        .replace("type: Time", "type: time")
        .replace("[v]", "[value], timeZone: Europe/Berln")
        .replace(
            "readings/",
            "abfss://readings@plant.dfs.core.windows.net/pumps/",
        );
    let found = load(wrong.as_bytes()).unwrap_err();
    let lines: Vec<_> = found.lines().collect();
    let beginnings = [
        "run.yaml:9:12: spec.event.fields.ts.type: `time` is not allowed; did you mean `Time`?",
        "run.yaml:12:49: spec.event.columns.features: must be fields of type Number",
        "run.yaml:12:68: spec.event.columns.timeZone: `Europe/Berln` is not in the time zone database",
        "run.yaml:15:5: spec.output.location: is in the form of other programs; ",
    ];
    assert_eq!(lines.len(), beginnings.len(), "{found}");
    for (line, beginning) in lines.iter().zip(beginnings) {
        assert!(line.starts_with(beginning), "{found}");
    }
    let misspelt = STREAM.replace("ReadingStream", "ReadingsStream");
    let misspelt = load(misspelt.as_bytes()).unwrap_err();
    assert!(
        misspelt.contains("did you mean `ReadingStream`?"),
        "{misspelt}"
    );
    assert_eq!(misspelt.lines().count(), 1, "{misspelt}");
}
