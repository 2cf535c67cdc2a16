//! Where things lie: what is written is kept apart from what is read, and names stand for what they say.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;

use common::{Plant, failures, text};
use serde_json::Value;

/// Runs a command with overrides; its exit code and what it says on standard error.
fn told(plant: &Plant, command: &str, overrides: &[&str]) -> (i32, String) {
    let mut args = vec![command, "-f", "run.yaml"];
    args.extend(overrides.iter().flat_map(|set| ["--set", set]));
    let output = plant.fleetscore(&args);
    (output.status.code().unwrap(), text(&output.stderr))
}

/// All that lies in the plant's folder.
fn tree(plant: &Plant) -> Vec<String> {
    common::tree(&plant.path(".")).into_keys().collect()
}

#[test]
fn predictions_never_lie_among_the_readings() {
    let plant = Plant::new(2);
    fs::create_dir(plant.path("in")).unwrap();
    fs::copy(plant.path("readings.csv"), plant.path("in/readings.csv")).unwrap();
    std::os::unix::fs::symlink(plant.path("in"), plant.path("link")).unwrap();
    let before = tree(&plant);
    for (input, output) in [
        ("in/", "in/"),
        ("in/", "in/out/{run}/"),
        ("in/", "./"),
        ("in/", "in/../in/out/"),
        ("in/", "link/out/"),
        ("link/", "in/"),
        ("in/", "IN/out/"),
    ] {
        let input = format!("spec.input.location={input}");
        let output = format!("spec.output.location={output}");
        for command in ["run", "plan"] {
            let (code, message) = told(&plant, command, &[&input, &output]);
            assert_eq!(code, 2, "{command} {input} {output}: {message}");
            assert!(
                message.contains("spec.output.location") && message.contains("choose a folder"),
                "{message}"
            );
        }
    }
    assert_eq!(tree(&plant), before, "nothing may be written");
    let (code, report) = plant.run(&["spec.input.location=in/", "spec.output.location=out/"]);
    assert_eq!(code, 0);
    let (_, again) = plant.run(&["spec.input.location=in/", "spec.output.location=out/"]);
    assert_eq!(report["rows"], again["rows"]);
}

/// Also where a link leads to them.
#[test]
fn readings_may_lie_beside_the_predictions() {
    let plant = Plant::new(2);
    std::os::unix::fs::symlink(plant.path("readings.csv"), plant.path("link.csv")).unwrap();
    for input in ["readings.csv", "link.csv"] {
        let input = format!("spec.input.location={input}");
        let (code, report) = plant.run(&[&input, "spec.output.location=./"]);
        assert_eq!(
            (code, &report["sensors"]["succeeded"]),
            (0, &Value::from(2))
        );
    }
}

/// Through a link among the readings the next run would read what this one has written.
#[test]
fn predictions_are_not_read_through_a_link() {
    let plant = Plant::new(2);
    fs::create_dir(plant.path("in")).unwrap();
    fs::copy(plant.path("readings.csv"), plant.path("in/readings.csv")).unwrap();
    let run = |input: &str| {
        let input = format!("spec.input.location={input}");
        plant.run(&[&input, "spec.output.location=out/"])
    };
    assert_eq!(run("in/").0, 0);
    let all = tree(&plant);
    let name = all.iter().find(|name| name.starts_with("out/preds_"));
    let name = name.unwrap();
    let of_sensor = name.replace("out/preds_", "in/");
    for (link, target, input) in [
        ("in/link", "out", "in/"),
        ("in/again.csv", name.as_str(), "in/"),
        (of_sensor.as_str(), name.as_str(), "in/{device}_{tag}.csv"),
    ] {
        std::os::unix::fs::symlink(plant.path(target), plant.path(link)).unwrap();
        let (code, report) = run(input);
        assert_eq!(code, 1, "{link}");
        let (_, message) = &failures(&report)["ReadingsUnreadable"];
        for part in [link, "spec.output.location", "remove the link"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        fs::remove_file(plant.path(link)).unwrap();
        // The failed run has removed the predictions that no longer hold.
        assert_eq!(run("in/").0, 0);
    }
}

#[test]
fn predictions_never_replace_what_is_read() {
    let plant = Plant::new(2);
    let sensors = plant.read("sensors.csv");
    for overrides in [
        // Readings, by equal and by other placeholders.
        [
            "spec.input.location=r/{device}/{tag}.csv",
            "spec.output.location=r/",
            "spec.output.file={device}/{tag}.csv",
        ],
        [
            "spec.input.location=r/{device}/{tag}.csv",
            "spec.output.location=r/",
            "spec.output.file={tag}/{device}.csv",
        ],
        [
            "spec.input.location=r/{device}/{tag}.csv",
            "spec.output.location=r/{run}/",
            "spec.output.file={device}{tag}.csv",
        ],
        // Models, and what would be taken for one.
        [
            "spec.model.location=models/model_{device}_{tag}.csv",
            "spec.output.location=models/",
            "spec.output.file=model_{device}_{tag}.csv",
        ],
        [
            "spec.model.location=models/{device}_{tag}",
            "spec.output.location=models/",
            "spec.output.file=preds_{device}_{tag}.csv",
        ],
        // The list of sensors.
        [
            "spec.sensors.manifest=sensors.csv",
            "spec.output.location=./",
            "spec.output.file=sensors.csv",
        ],
    ] {
        let (code, message) = told(&plant, "run", &overrides);
        assert_eq!(code, 2, "{overrides:?}: {message}");
        assert!(message.contains("spec.output"), "{overrides:?}: {message}");
    }
    let (code, message) = told(
        &plant,
        "run",
        &["spec.input.location=in/", "spec.logs={location: in/logs/}"],
    );
    assert_eq!(code, 2, "{message}");
    assert!(message.contains("spec.logs.location"), "{message}");
    assert_eq!(plant.read("sensors.csv"), sensors);
}

#[test]
fn a_schedule_is_refused_as_its_runs_would_be() {
    let plant = Plant::new(2);
    let run = plant.read("run.yaml");
    let spec = run.split_once("\nspec:\n").unwrap().1;
    let lines = spec.lines().filter(|line| !line.contains("window:"));
    let spec: String = lines.flat_map(|line| ["    ", line, "\n"]).collect();
    let head = "apiVersion: scoring.fleetscore.io/v1alpha1\nkind: ScoringSchedule\nmetadata: {name: hourly}\nspec:\n  schedule: '@hourly'\n  runTemplate:\n    spec:\n";
    plant.write("schedule.yaml", format!("{head}{spec}"));
    let plan = |input: &str, output: &str| {
        let input = format!("spec.runTemplate.spec.input.location={input}");
        let output = format!("spec.runTemplate.spec.output.location={output}");
        let args = [
            "plan",
            "-f",
            "schedule.yaml",
            "--set",
            &input,
            "--set",
            &output,
        ];
        let output = plant.fleetscore(&args);
        (output.status.code(), text(&output.stderr))
    };
    assert_eq!(plan("in/", "out/{run}/").0, Some(0));
    for (input, output) in [
        ("in/", "in/{run}/"),
        ("{window.start:%H}/", "{window.end:%H}/"),
    ] {
        let (code, message) = plan(input, output);
        assert_eq!(code, Some(2), "{message}");
        assert!(message.contains("output.location"), "{message}");
    }
}

#[test]
fn nothing_to_do_is_no_success() {
    let plant = Plant::new(2);
    for (list, parts) in [
        ("", "it is empty"),
        ("\n \r\n\n", "it is empty"),
        ("device,tag\n", "names no sensor"),
        ("1,1\n1,2\n", "`1,1` is no header with the key `device`"),
        ("[]", "names no sensor"),
        ("[\"1\"]", "write a JSON array of objects"),
    ] {
        plant.write("sensors.csv", list);
        for command in ["run", "plan"] {
            let (code, message) = told(&plant, command, &[]);
            assert_eq!(code, 1, "{command} {list:?}: {message}");
            assert!(
                message.contains("sensors.csv") && message.contains(parts),
                "{list:?}: {message}"
            );
        }
        assert!(!plant.path("predictions/_SUCCESS").exists(), "{list:?}");
    }
    plant.write(
        "sensors.csv",
        r#"[{"device": 1, "tag": "1"}, {"device": 1, "tag": 2}]"#,
    );
    let (code, report) = plant.run(&[]);
    assert_eq!((code, report["sensors"]["total"].as_u64()), (0, Some(2)));
    let (code, message) = told(&plant, "run", &["spec.sensors={list: []}"]);
    assert_eq!(code, 2, "{message}");
}

#[test]
fn a_run_without_failures_leaves_none_to_score_again() {
    let plant = Plant::new(2);
    let output = "spec.output.location=predictions/{run}/";
    assert_eq!(plant.run(&[output]).0, 0);
    let again = "spec.sensors={failedIn: {run: simulated}}";
    let (code, message) = told(&plant, "run", &[output, again, "metadata.name=again"]);
    assert_eq!(code, 1, "{message}");
    assert!(
        message.contains("no sensor failed in run `simulated`, so there is nothing to score again"),
        "{message}"
    );
    let (code, message) = told(&plant, "run", &[output, again]);
    assert_eq!(code, 2, "{message}");
    assert!(
        message.contains("spec.sensors.failedIn.run: is this run itself"),
        "{message}"
    );
}

/// A plant whose readings and models are named by their device alone, which is called `device`.
fn plant_of(device: &str) -> Plant {
    let plant = Plant::new(2);
    fs::create_dir(plant.path("in")).unwrap();
    fs::rename(
        plant.path("models/model_1_1.fsm"),
        plant.path(&format!("models/{device}")),
    )
    .unwrap();
    fs::remove_file(plant.path("models/model_1_2.fsm")).unwrap();
    fs::rename(
        plant.path("readings.csv"),
        plant.path(&format!("in/{device}.csv")),
    )
    .unwrap();
    plant.edit(
        "run.yaml",
        "models/model_{device}_{tag}.fsm",
        "models/{device}",
    );
    plant.edit(
        "run.yaml",
        "location: \"readings.csv\"",
        "location: \"in/{device}.csv\"",
    );
    plant.edit("run.yaml", "keys: {device: Device, tag: Tag}", "keys: {}");
    plant.edit(
        "run.yaml",
        "file: preds_{device}_{tag}.csv",
        "file: preds_{device}.csv",
    );
    plant
}

#[test]
fn names_are_taken_as_they_are() {
    for (device, key) in [
        ("Kühler", "Kühler"),
        ("Ku\u{308}hler", "Ku\u{308}hler"),
        ("水泵 1", "水泵 1"),
        ("a+b=c&d", "a+b=c&d"),
        ("a%2Fb", "a/b"),
        ("50%25", "50%"),
    ] {
        let plant = plant_of(device);
        for list in [false, true] {
            let sensors = if list {
                plant.write("sensors.csv", format!("device\n\"{key}\"\n"));
                "spec.sensors={manifest: sensors.csv}"
            } else {
                "spec.sensors={fromModels: {}}"
            };
            let (code, report) = plant.run(&[sensors]);
            assert_eq!(code, 0, "{device}: {report}");
            assert!(
                plant
                    .path(&format!("predictions/preds_{device}.csv"))
                    .exists(),
                "{device}"
            );
        }
        let ledger = plant.read("predictions/_run/ledger/000000.jsonl");
        let entry: Value = serde_json::from_str(ledger.lines().last().unwrap()).unwrap();
        assert_eq!(entry["key"]["device"], key);
    }
}

#[test]
fn what_is_no_encoding_is_not_decoded() {
    let plant = plant_of("a%20b");
    let (code, report) = plant.run(&["spec.sensors={fromModels: {}}"]);
    assert_eq!(code, 1);
    let (_, message) = &failures(&report)["ReadingsNotFound"];
    assert!(message.contains("in/a%2520b.csv"), "{message}");
    // The model that was listed is the one that is read.
    let keys = "spec.input.columns.keys={device: Device}";
    let (code, report) = plant.run(&[
        "spec.sensors={fromModels: {}}",
        "spec.input.location=in/a%20b.csv",
        keys,
    ]);
    assert_eq!(code, 1);
    let found = failures(&report);
    assert!(found.contains_key("NoReadings"), "{found:?}");
    assert!(!plant.path("predictions/preds_a b.csv").exists());
}

#[test]
fn a_name_that_can_be_split_in_several_ways_is_told() {
    let plant = Plant::new(2);
    for tag in ["1", "2"] {
        fs::rename(
            plant.path(&format!("models/model_1_{tag}.fsm")),
            plant.path(&format!("models/model_pump_1_{tag}.fsm")),
        )
        .unwrap();
    }
    plant.edit(
        "run.yaml",
        "sensors:\n    manifest: sensors.csv",
        "sensors: {}",
    );
    let parts = [
        "AmbiguousName",
        "is read as device=pump tag=1_",
        "device=pump_1 tag=",
        "spec.sensors.list",
    ];
    let plan = text(&plant.fleetscore(&["plan", "-f", "run.yaml"]).stdout);
    let run = plant.fleetscore(&["run", "-f", "run.yaml", "--quiet"]);
    assert_eq!(run.status.code(), Some(1));
    let run = text(&run.stdout)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let log = plant.read("predictions/_run/logs/plan.log");
    for (what, told) in [("plan", plan), ("run", run), ("log", log)] {
        for part in parts {
            assert!(told.contains(part), "{what} lacks {part}: {told}");
        }
    }
}

#[test]
fn names_that_differ_by_case_alone_collide_on_files() {
    let plant = Plant::new(2);
    let models = [("1", "Pump_ü"), ("2", "pump_Ü"), ("2", "pump_u\u{308}")];
    for (tag, name) in models {
        fs::copy(
            plant.path(&format!("models/model_1_{tag}.fsm")),
            plant.path(&format!("models/{name}.fsm")),
        )
        .unwrap();
    }
    plant.write(
        "sensors.csv",
        "device,tag\nPump,ü\npump,Ü\npump,u\u{308}\n1,1\n",
    );
    let model = "spec.model.location=models/{device}_{tag}.fsm";
    fs::copy(
        plant.path("models/model_1_1.fsm"),
        plant.path("models/1_1.fsm"),
    )
    .unwrap();
    let (code, report) = plant.run(&[model]);
    assert_eq!(code, 1);
    let found = failures(&report);
    let (count, message) = &found["OutputCollision"];
    assert_eq!((found.len(), *count), (1, 3), "{found:?}");
    assert!(
        message.contains("preds_Pump_ü.csv") && message.contains("case"),
        "{message}"
    );
    assert!(plant.path("predictions/preds_1_1.csv").exists());
}

#[test]
fn control_characters_never_reach_a_terminal_or_a_log() {
    let plant = Plant::new(2);
    let evil = "1\u{1b}[2J\u{202e}\r\nERROR forged";
    let list =
        serde_json::json!([{"device": "1", "tag": "1"}, {"device": evil, "tag": "\u{9b}31m"}]);
    plant.write("sensors.csv", list.to_string());
    let hidden = ['\u{1b}', '\r', '\u{202e}', '\u{9b}'];
    let plan = plant.fleetscore(&["plan", "-f", "run.yaml"]);
    let plan_json = plant.fleetscore(&["plan", "-f", "run.yaml", "--json"]);
    let run = plant.fleetscore(&["run", "-f", "run.yaml", "--verbose"]);
    let report = plant.fleetscore(&["report", "predictions", "--json"]);
    assert_eq!(run.status.code(), Some(1));
    let mut texts: Vec<_> = [&plan, &plan_json, &run, &report]
        .iter()
        .flat_map(|output| [text(&output.stdout), text(&output.stderr)])
        .collect();
    texts.push(plant.read("predictions/_run/logs/000000.log"));
    for text in &texts {
        assert!(!text.contains(hidden), "{text:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("ERROR forged")),
            "{text}"
        );
    }
    // What is written out is all there.
    assert!(
        texts[0].contains("device=1\\u{1b}[2J\\u{202e}\\r\\nERROR forged"),
        "{}",
        texts[0]
    );
    let json: Value = serde_json::from_slice(&plan_json.stdout).unwrap();
    assert_eq!(json["failing"][0]["key"]["device"], evil);
    let json: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(json["failures"][0]["examples"][0]["sensor"]["device"], evil);
}

#[test]
fn a_schedules_name_needs_a_schedule() {
    let plant = Plant::new(2);
    let set = "spec.output.location=predictions/{schedule}/";
    let (code, message) = told(&plant, "run", &[set]);
    assert_eq!(code, 2, "{message}");
    assert!(
        message.contains(
            "spec.output.location: {schedule} has no value, since no schedule has made this run"
        ),
        "{message}"
    );
    let (code, message) = told(&plant, "run", &["spec.output.location=memory:///p/"]);
    assert_eq!(code, 2, "{message}");
    assert!(
        message.contains("must be a URL such as az://container/path or file:///path"),
        "{message}"
    );
}
