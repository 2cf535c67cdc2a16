use std::fs;
use std::path::Path;

use fleetscore_crds::SensorKey;
use fleetscore_scorer::location::Template;
use proptest::prelude::*;

use super::{Loaded, ManifestError, load, parse};

const RUN: &str = "\
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata:
  name: pumps
spec:
  model:
    location: models/model_{device}_{tag}
  input:
    location: az://data/sensor_data.csv
    columns:
      time: TS
      keys: {device: Device, tag: Tag}
      features: [Value]
  output:
    location: out/{run}/
    file: preds_{device}_{tag}.csv
  storage:
    azure:
      account: plantstore
";

fn read(text: &str, overrides: &[&str]) -> Result<Loaded, ManifestError> {
    let overrides: Vec<_> = overrides.iter().map(ToString::to_string).collect();
    parse(
        "run.yaml",
        text.as_bytes(),
        Path::new("/home/my plant"),
        &overrides,
    )
}

fn run(text: &str, overrides: &[&str]) -> fleetscore_crds::Manifest {
    match read(text, overrides) {
        Ok(Loaded::Run(run)) => run,
        other => panic!("{other:?}"),
    }
}

fn complaint(text: &str, overrides: &[&str]) -> String {
    read(text, overrides).unwrap_err().to_string()
}

#[test]
fn a_manifest_is_read_with_its_defaults() {
    let run = run(RUN, &[]);
    assert_eq!(run.metadata.name, "pumps");
    assert_eq!(run.spec.sharding.sensors_per_pod, 1);
    assert_eq!(run.spec.input.columns.features, ["Value"]);
}

#[test]
fn the_pod_reads_what_was_loaded() {
    let loaded = run(RUN, &[]);
    let json = loaded.to_json().unwrap();
    assert_eq!(
        fleetscore_crds::Manifest::from_json(json.as_bytes()).unwrap(),
        loaded
    );
    assert_eq!(run(&json, &[]), loaded, "JSON is a manifest too");
}

#[test]
fn indented_json_is_a_manifest() {
    let json = serde_json::to_string_pretty(&run(RUN, &[]))
        .unwrap()
        .replace("  ", "\t");
    assert_eq!(run(&json, &[]), run(RUN, &[]));
}

#[test]
fn relative_paths_are_below_the_manifest() {
    let spec = run(RUN, &[]).spec;
    assert_eq!(
        spec.model.location,
        "file:///home/my plant/models/model_{device}_{tag}"
    );
    assert_eq!(spec.output.location, "file:///home/my plant/out/{run}/");
    assert_eq!(spec.input.location, "az://data/sensor_data.csv");
}

#[test]
fn paths_become_urls() {
    let cases = [
        ("/abs/a.csv", "file:///abs/a.csv"),
        ("./a/../b/", "file:///home/my plant/b/"),
        ("../a", "file:///home/a"),
        ("../../../../a", "file:///a"),
        (".", "file:///home/my plant/"),
        ("50% of #1.csv", "file:///home/my plant/50% of #1.csv"),
        ("größe.csv", "file:///home/my plant/größe.csv"),
        (
            "{window.start:%Y/%m}/{{x}}.csv",
            "file:///home/my plant/{window.start:%Y/%m}/{{x}}.csv",
        ),
    ];
    for (path, url) in cases {
        let window = "spec.window={start: 2018-08-28T23:00:00Z, end: 2018-08-29T00:00:00Z}";
        let input = format!("spec.input.location={path:?}");
        let elsewhere = "spec.output.location=/elsewhere/{run}/";
        let spec = run(RUN, &[&input, elsewhere, window]).spec;
        assert_eq!(spec.input.location, url, "{path}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn mistakes_are_reported_with_line_and_column() {
    assert_mistakes(&[
        (
            "  storage:",
            "  sharding:\n    sensorPerPod: 3\n  storage:",
            "run.yaml:18:5: spec.sharding.sensorPerPod: unknown field; did you mean `sensorsPerPod`?",
        ),
        (
            "kind: ScoringRun",
            "kind: ScoringRuns",
            "run.yaml:2:1: kind: `ScoringRuns` is not allowed; did you mean `ScoringRun`?",
        ),
        (
            "kind: ScoringRun",
            "kind: Job",
            "run.yaml:2:1: kind: `Job` is not allowed; one of ScoringRun",
        ),
        (
            "v1alpha1",
            "v1",
            "run.yaml:1:1: apiVersion: `scoring.fleetscore.io/v1` is not allowed; did you mean `scoring.fleetscore.io/v1alpha1`?",
        ),
        (
            "time: TS",
            "time: 7",
            "run.yaml:11:7: spec.input.columns.time: must be a text, not `7`; put it in quotes",
        ),
        (
            "      features: [Value]\n",
            "",
            "run.yaml:10:5: spec.input.columns.features: is required; add it",
        ),
        (
            "az://data",
            "s3://data",
            "run.yaml:9:5: spec.input.location: must be a URL such as az://container/path or file:///path; ",
        ),
        (
            "az://data",
            "abfss://data@plantstore.dfs.core.windows.net",
            "run.yaml:9:5: spec.input.location: is in the form of other programs; write az://data/sensor_data.csv, and storage.azure.account: plantstore",
        ),
        (
            "az://data",
            "az:data",
            "run.yaml:9:5: spec.input.location: must be a URL such as",
        ),
        (
            "out/{run}/",
            "out/{run}",
            "run.yaml:15:5: spec.output.location: must end in '/', since objects are written below it",
        ),
        (
            "preds_{device}_{tag}.csv",
            "preds_{device}.csv",
            "run.yaml:16:5: spec.output.file: two sensors would share one file; name every key of model.location",
        ),
        (
            "[Value]",
            "[Value, Other, '']",
            "run.yaml:13:32: spec.input.columns.features[2]: must not be empty",
        ),
        (
            "[Value]",
            "\n      - Value\n      - 3",
            "run.yaml:15:9: spec.input.columns.features[1]: must be a text, not `3`; put it in quotes",
        ),
        (
            "{device: Device, tag: Tag}",
            "{device: Device, tag: Value}",
            "run.yaml:12:7: spec.input.columns.keys: a key's column must be neither the time nor a feature",
        ),
        (
            "  storage:\n    azure:\n      account: plantstore\n",
            "",
            "run.yaml:5:1: spec.storage: az:// locations need the storage account; set spec.storage.azure",
        ),
        (
            "name: pumps",
            "name: Pumps",
            "run.yaml:4:3: metadata.name: must have at most 50 lower-case letters",
        ),
        (
            "name: pumps",
            "name: pumps\n  uuid: 1",
            "run.yaml:5:3: metadata.uuid: unknown field; did you mean `uid`?",
        ),
        (
            "location: az://data",
            "location: {az: data}\n    x: az://data",
            "run.yaml:9:5: spec.input.location: must be a text, not a map of fields",
        ),
        (
            "time: TS",
            "time: TS\n      time: TS",
            "run.yaml:12:7: spec.input.columns.time: stands twice, first in line 11; remove one of the two",
        ),
        ("features: [Value]", "features: [Value", "run.yaml:14:"),
        (
            "time: TS",
            "time: TS\n      timeZone: GMT+2",
            "run.yaml:12:7: spec.input.columns.timeZone: `GMT+2` is not in the time zone database",
        ),
    ]);
}

#[test]
fn locations_are_reported_with_their_value_but_no_token() {
    assert_mistakes(&[
        (
            "az://data",
            "az://Data",
            "run.yaml:9:5: spec.input.location: must name a container after az://: 3 to 63 lower-case letters, digits and single hyphens (it is `az://Data/sensor_data.csv`)",
        ),
        (
            "sensor_data.csv",
            "sensor_data.csv?sig=s3cr3t",
            "run.yaml:9:5: spec.input.location: must not hold a question mark: queries are not supported; credentials belong into storage.azure (it is `az://data/sensor_data.csv`?...)",
        ),
        (
            "account: plantstore",
            "account: plant-store",
            "run.yaml:19:7: spec.storage.azure.account: a storage account's name has 3 to 24 lower-case letters and digits (it is `plant-store`)",
        ),
    ]);
}

/// Asserts for each (text, its replacement, beginning of a line) that the manifest is refused so.
fn assert_mistakes(cases: &[(&str, &str, &str)]) {
    for (old, new, expected) in cases {
        let text = RUN.replacen(old, new, 1);
        assert_ne!(text, RUN, "{old}");
        let found = complaint(&text, &[]);
        assert!(
            found.lines().any(|line| line.starts_with(expected)),
            "expected {expected}\nfound    {found}"
        );
    }
}

#[test]
fn all_mistakes_are_reported_together_in_the_order_of_the_file() {
    let text = RUN
        .replace("time: TS", "tiem: TS")
        .replace("out/{run}/", "out/{run}")
        .replace("account:", "acount:");
    let found = complaint(&text, &[]);
    let lines: Vec<_> = found
        .lines()
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    let expected = [
        "spec.input.columns.time:",
        "spec.input.columns.tiem:",
        "spec.output.location:",
        "spec.storage.azure.account:",
        "spec.storage.azure.acount:",
    ];
    assert_eq!(lines, expected, "{found}");
}

#[test]
fn a_second_document_is_named() {
    let found = complaint(&format!("{RUN}---\nkind: ConfigMap\n"), &[]);
    assert_eq!(
        found,
        "run.yaml:21:1: the file holds 2 objects (ScoringRun, ConfigMap), and a manifest is one; put each into its own file"
    );
    assert_eq!(
        run(&format!("---\n{RUN}---\n"), &[]),
        run(RUN, &[]),
        "an empty document is none"
    );
}

#[test]
fn what_is_no_object_is_refused() {
    assert_eq!(
        complaint("", &[]),
        "run.yaml: holds no object; a manifest has apiVersion, kind, metadata and spec"
    );
    assert_eq!(
        complaint("just text", &[]),
        "run.yaml:1:1: must be a map of fields, not `just text`"
    );
    let error = parse("run.yaml", b"a: \xff", Path::new("/"), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "run.yaml:1:4: the byte 0xFF (`ÿ` in a Windows encoding) is not UTF-8; save the file as UTF-8"
    );
}

#[test]
fn overrides_change_and_add_fields() {
    let overrides = [
        "spec.sharding.sensorsPerPod=50",
        "spec.input.columns.features[0]=Other",
        "spec.input.columns.keys={device: D, tag: T}",
        "metadata.labels[\"a.b/c\"]=x=y",
        "spec.failurePolicy.maxFailedSensors=5%",
        "spec.output.location=az://out/",
    ];
    let run = run(RUN, &overrides);
    assert_eq!(run.spec.sharding.sensors_per_pod, 50);
    assert_eq!(run.spec.sharding.parallelism, 100);
    assert_eq!(run.spec.input.columns.features, ["Other"]);
    assert_eq!(run.spec.input.columns.keys["device"], "D");
    assert_eq!(run.metadata.labels["a.b/c"], "x=y");
    assert_eq!(
        run.spec.failure_policy.max_failed_sensors,
        fleetscore_crds::Limit::Percent(5)
    );
    assert_eq!(run.spec.output.location, "az://out/");
}

#[test]
fn wrong_overrides_are_named() {
    let cases = [
        (
            "spec.sharding.sensorPerPod=50",
            "spec.sharding.sensorPerPod: unknown field; did you mean `sensorsPerPod`?",
        ),
        (
            "spec.sharding.sensorsPerPod=0",
            "spec.sharding.sensorsPerPod: 0 is too small; at least 1",
        ),
        ("spec.shard.sensorsPerPod=1", "spec.shard: unknown field"),
        (
            "spec.input.columns.features[3]=A",
            "[3]: the list has 1 entries, counted from 0",
        ),
        ("spec.model.location.x=A", "`x` is not in a map of fields"),
        (
            "spec.suspend",
            "must be path=value, such as spec.sharding.sensorsPerPod=50",
        ),
        ("spec..a=1", "`spec..a` is not a path; write spec.name"),
        ("=1", "`` is not a path"),
        ("spec.suspend=[", "the value cannot be read: "),
        (
            "spec.sharding={sensorsPerPod: 1, sensorsPerPod: 2}",
            "the value cannot be read: `sensorsPerPod` stands twice",
        ),
    ];
    for (argument, expected) in cases {
        let found = complaint(RUN, &[argument]);
        assert!(
            found.starts_with(&format!("--set {argument}: {expected}")),
            "{found}"
        );
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn a_schedule_is_read_and_its_template_checked() {
    let (_, lines) = RUN.split_once("spec:\n").unwrap();
    let spec = lines
        .lines()
        .fold(String::new(), |spec, line| spec + "    " + line + "\n");
    let head = "apiVersion: scoring.fleetscore.io/v1alpha1\nkind: ScoringSchedule\nmetadata: {name: pumps}\n";
    let text = format!("{head}spec:\n  schedule: '0 * * * *'\n  runTemplate:\n    spec:\n{spec}");
    let Ok(Loaded::Schedule(schedule)) = read(&text, &[]) else {
        panic!("{:?}", read(&text, &[]))
    };
    let location = &schedule.spec.run_template.spec.model.location;
    assert_eq!(
        location,
        "file:///home/my plant/models/model_{device}_{tag}"
    );
    let found = complaint(&text.replace("0 * * * *", "hourly"), &[]);
    assert!(
        found.starts_with(
            "run.yaml:5:3: spec.schedule: column 7: one field where five fields are needed"
        ),
        "{found}"
    );
    let found = complaint(
        &text.replace("0 * * * *", "0 22-2 * * *"),
        &["spec.timeZone=Europe/Berln"],
    );
    let (schedule, zone) = found.split_once('\n').unwrap();
    assert_eq!(
        schedule,
        "run.yaml:5:3: spec.schedule: column 3: hour 22-2 ends before it starts; write 22-23,0-2"
    );
    assert!(
        zone.starts_with("--set spec.timeZone=Europe/Berln: spec.timeZone: `Europe/Berln` is not in the time zone database"),
        "{zone}"
    );
    assert!(zone.contains("did you mean Europe/Berlin"), "{zone}");
    let found = complaint(
        &text,
        &["spec.runTemplate.spec.window={start: 2018-08-28T23:00:00Z, end: 2018-08-29T00:00:00Z}"],
    );
    assert!(
        found.contains("spec.runTemplate.spec.window: unknown field"),
        "{found}"
    );
}

#[test]
fn files_are_read_from_disk_with_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.yaml");
    fs::write(&path, RUN).unwrap();
    let Ok(Loaded::Run(run)) = load(&path, &[]) else {
        panic!()
    };
    let base = folder.path().display().to_string();
    assert_eq!(
        run.spec.output.location,
        format!("file://{base}/out/{{run}}/")
    );

    let absent = load(&folder.path().join("absent.yaml"), &[]).unwrap_err();
    assert!(matches!(absent, ManifestError::Read { .. }), "{absent}");
    fs::write(&path, vec![b'#'; 5 << 20]).unwrap();
    assert!(matches!(
        load(&path, &[]).unwrap_err(),
        ManifestError::TooLarge { .. }
    ));
}

/// Each alias holds ten of the one before: a billion nodes if they were all made.
#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..9 {
        let references = vec![format!("*a{}", level - 1); 10].join(",");
        let name = format!("a{level}");
        text = text + &name + ": &" + &name + " [" + &references + "]\n";
    }
    for bomb in [
        text,
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(100_000),
    ] {
        let found = complaint(&bomb, &[]);
        assert!(
            found.contains("is too large or too deep for a manifest"),
            "{found}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse("run.yaml", &bytes, Path::new("/"), &[]);
    }

    #[test]
    fn no_change_of_a_manifest_panics(at in 0..RUN.len(), drop in 0..20_usize, text in "[ -~\\n]{0,12}") {
        let tail = RUN.get(at + drop..).unwrap_or_default();
        let _ = read(&format!("{}{text}{tail}", &RUN[..at]), &[]);
    }

    #[test]
    fn no_override_panics(argument in "[a-z.\\[\\]\"0-3=]{0,20}", path in "(spec|model|location|[.\\[\\]0-9=]){0,8}", value in "\\PC{0,12}") {
        let _ = read(RUN, &[&argument, &format!("{path}={value}")]);
    }

    #[test]
    fn names_are_literal(folder in "(/[^/?\\pC]{0,8}[^/?.\\pC]){1,3}", name in "[^/?:\\pC]{0,12}[^/?:.\\pC]") {
        let doubled = name.replace('{', "{{").replace('}', "}}");
        let location = format!("spec.input.location={}", serde_json::Value::from(doubled));
        let Ok(Loaded::Run(run)) = parse("run.yaml", RUN.as_bytes(), Path::new(&folder), std::slice::from_ref(&location))
        else { panic!("{location}") };
        let template = Template::parse(&run.spec.input.location).unwrap();
        let filled = template.expand(&SensorKey::default()).unwrap();
        prop_assert_eq!(filled, format!("file://{folder}/{name}"));
    }
}
