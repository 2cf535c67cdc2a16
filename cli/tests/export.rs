//! A stream's manifest written for other engines: the texts, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const EXAMPLE: &str = include_str!("../../examples/stream-export.yaml");

fn fleetscore(folder: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command.current_dir(folder).args(words.split_whitespace());
    command.env("FLEETSCORE_KAFKA_PASSWORD", "hunter2");
    command.output().unwrap()
}

fn done(folder: &Path, words: &str) -> String {
    let output = fleetscore(folder, words);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn with(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("stream.yaml"), text).unwrap();
    folder
}

/// The example with other text in some places.
fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = EXAMPLE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn the_example_becomes_these_texts() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/export");
    for (target, file) in [
        ("FlinkSql", "stream.sql"),
        ("FlinkDeployment", "flink.yaml"),
        ("StreamAnalytics", "stream.tf"),
    ] {
        let folder = with(EXAMPLE);
        let words = format!("export -f stream.yaml --to {target}");
        let text = done(folder.path(), &words);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(fixtures.join(file), &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(fixtures.join(file)).unwrap());
        assert_eq!(done(folder.path(), &format!("{words} --out out")), "");
        assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), text);
    }
}

const FUNCTION: (&str, &str) = ("function: Avg", "function: Last");

/// Targets, changes to the manifest, and the fields that are refused.
const REFUSED: &[(&str, (&str, &str), &str)] = &[
    (
        "FlinkSql",
        ("filter:", "duplicates: DropSameTime\n  filter:"),
        "spec.duplicates",
    ),
    (
        "StreamAnalytics",
        ("filter:", "duplicates: DropSameTime\n  filter:"),
        "spec.duplicates",
    ),
    ("FlinkSql", FUNCTION, "spec.aggregates[0].function"),
    ("StreamAnalytics", FUNCTION, "spec.aggregates[0].function"),
    (
        "FlinkSql",
        ("ts: {type", "ts: {path: \"values[].t\", type"),
        "spec.event.fields.ts.path",
    ),
    (
        "StreamAnalytics",
        ("ts: {type", "ts: {path: \"values[].t\", type"),
        "spec.event.fields.ts.path",
    ),
    (
        "FlinkSql",
        ("device: {}", "device: {path: \"@header.d\"}"),
        "spec.event.fields.device.path",
    ),
    (
        "StreamAnalytics",
        ("device: {}", "device: {path: \"@key\"}"),
        "spec.event.fields.device.path",
    ),
    (
        "FlinkSql",
        (
            "features: [bar]",
            "features: [bar]\n      timeZone: Europe/Berlin",
        ),
        "spec.event.columns.timeZone",
    ),
    (
        "FlinkSql",
        ("psi > -1.0", "psi % 2.0 > -1.0"),
        "spec.filter",
    ),
    (
        "FlinkSql",
        ("psi > -1.0", "tag.matches('(?m)^a')"),
        "spec.filter",
    ),
    (
        "StreamAnalytics",
        ("psi > -1.0", "tag.matches('a')"),
        "spec.filter",
    ),
    (
        "FlinkSql",
        ("column: Value", "column: time"),
        "spec.aggregates[0].column",
    ),
    (
        "StreamAnalytics",
        ("column: Value", "column: \"a]b\""),
        "spec.aggregates[0].column",
    ),
    (
        "StreamAnalytics",
        ("startAt: \"2026-11-28T00:00:00Z\"", "startAt: Earliest"),
        "spec.source.startAt",
    ),
    (
        "StreamAnalytics",
        ("filter:", "lateness: {toleranceSeconds: 600}\n  filter:"),
        "spec.lateness.toleranceSeconds",
    ),
    (
        "StreamAnalytics",
        ("filter:", "lateness: {earlySeconds: 60}\n  filter:"),
        "spec.lateness.earlySeconds",
    ),
    (
        "StreamAnalytics",
        ("pumps/", "pumps/\n    segmentSeconds: 60"),
        "spec.output.segmentSeconds",
    ),
    (
        "FlinkDeployment",
        ("    # {\"ts\"", "    format: Csv\n    # {\"ts\""),
        "spec.event.format",
    ),
];

#[test]
fn what_the_other_engine_cannot_say_is_refused_by_its_field() {
    let window = ("window: {sizeSeconds: 60}", "window: {sizeSeconds: 60}");
    for (target, edit, field) in REFUSED {
        let folder = with(&edited(&[window, *edit]).replace(
            "values[].",
            if field.ends_with("format") {
                ""
            } else {
                "values[]."
            },
        ));
        let output = fleetscore(
            folder.path(),
            &format!("export -f stream.yaml --to {target} --out out"),
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("{field}: ")), "{field}: {said}");
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn texts_and_names_of_the_manifest_stay_texts_and_names() {
    let folder = with(&edited(&[
        ("device: {}", "device: {path: \"a`b'; DROP TABLE x; --\"}"),
        ("psi > -1.0", "tag != 'it\\\\'s; DROP' && tag != 'a\\\\nb'"),
        ("column: Value", "column: \"d`'e\""),
    ]));
    let text = done(folder.path(), "export -f stream.yaml --to FlinkSql");
    for part in [
        "  `a``b'; DROP TABLE x; --` STRING,",
        "<> 'it''s; DROP')",
        "<> U&'a\\000ab')",
        "AVG(`bar`) AS `d``'e`,",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let folder = with(&edited(&[("psi > -1.0", "tag != '${x} %{y} it\\\\'s'")]));
    let text = done(folder.path(), "export -f stream.yaml --to StreamAnalytics");
    assert!(text.contains("<> '$${x} %%{y} it''s')"), "{text}");
}

#[test]
fn secrets_are_named_and_never_written() {
    let folder = with(&edited(&[(
        "eventHub: {namespace: plant, name: telemetry, auth: Secret, secretRef: {name: telemetry}}",
        "kafka: {bootstrapServers: [\"b:9093\"], topic: t, tls: true, sasl: {mechanism: ScramSha512, secretRef: {name: hub}}}",
    )]));
    for target in ["FlinkSql", "FlinkDeployment"] {
        let text = done(
            folder.path(),
            &format!("export -f stream.yaml --to {target}"),
        );
        assert!(
            text.contains("password=\"${FLEETSCORE_KAFKA_PASSWORD}\""),
            "{text}"
        );
        assert!(text.contains("SCRAM-SHA-512") && !text.contains("hunter2"));
    }
}
