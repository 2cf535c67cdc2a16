use std::fs;
use std::os::unix::fs::symlink;

use fleetscore_crds::{ScoringRunSpec, Window};
use serde_json::{Value, json};

use super::*;

fn spec(model: &str, input: &str, output: &str, file: &str) -> Value {
    json!({
        "model": {"location": model},
        "input": {"location": input, "columns": {"time": "TS", "features": ["V"]}},
        "output": {"location": output, "file": file},
    })
}

fn names() -> Names<'static> {
    Names {
        run: "pumps-1764324000",
        namespace: "plant-a",
        schedule: Some("pumps"),
        window: Some(Window {
            start: "2018-08-28T23:00:00Z".parse().unwrap(),
            end: "2018-08-29T00:00:00Z".parse().unwrap(),
        }),
    }
}

/// What is wrong, empty where nothing is.
fn told_of(spec: &Value, names: Names<'_>) -> String {
    let spec: ScoringRunSpec = serde_json::from_value(spec.clone()).unwrap();
    check(&spec, names).map_or_else(|error| error.to_string(), |_| String::new())
}

fn told(model: &str, input: &str, output: &str, file: &str) -> String {
    told_of(&spec(model, input, output, file), names())
}

#[test]
fn layouts_of_the_docs_are_allowed() {
    for [model, input, output, file] in [
        [
            "az://models/model_{device}_{tag}",
            "az://data/sensor_data.csv",
            "az://predictions/{run}/",
            "preds_{device}_{tag}.csv",
        ],
        [
            "az://models/model_{device}_{tag}",
            "az://data/{window.start:%Y-%m-%d}.csv",
            "az://predictions/{schedule}/{window.start:%Y/%m/%d/%H}/",
            "preds_{device}_{tag}.csv",
        ],
        // All in one folder or container.
        [
            "file:///p/models/model_{device}_{tag}",
            "file:///p/readings.csv",
            "file:///p/predictions/",
            "preds_{device}_{tag}.csv",
        ],
        [
            "file:///p/models/model_{device}_{tag}",
            "file:///p/readings/",
            "file:///p/predictions/",
            "preds_{device}_{tag}.csv",
        ],
        [
            "file:///p/model_{device}_{tag}",
            "file:///p/readings.csv",
            "file:///p/",
            "preds_{device}_{tag}.csv",
        ],
        [
            "file:///p/m/{device}",
            "file:///p/readings/device={device}/tag={tag}/readings.csv",
            "file:///p/predictions/",
            "preds_{device}.csv",
        ],
        [
            "az://c/models/{device}",
            "az://c/raw/",
            "az://c/{run}/",
            "{device}.csv",
        ],
        [
            "az://c/models/{device}",
            "az://c/{window.start:%Y/%m/%d}/raw/",
            "az://c/{window.start:%Y/%m/%d}/scored/",
            "{device}.csv",
        ],
        [
            "az://m/{device}",
            "az://c/{device}/readings.csv",
            "az://c/",
            "{device}/predictions.csv",
        ],
        // A folder is not one whose name begins alike.
        [
            "az://c/models/{device}",
            "az://c/data/",
            "az://c/data-out/",
            "{device}.csv",
        ],
        // Names of blobs differ by case.
        [
            "az://c/models/{device}",
            "az://c/data/",
            "az://c/Data/",
            "{device}.csv",
        ],
    ] {
        assert_eq!(
            told(model, input, output, file),
            "",
            "{model} {input} {output} {file}"
        );
    }
}

#[test]
fn predictions_among_the_readings_are_refused() {
    for (input, output, file) in [
        // At the folder of the readings, below it and above it.
        ("az://d/", "az://d/", "preds_{device}.csv"),
        ("az://d", "az://d/out/", "preds_{device}.csv"),
        ("az://d/", "az://d/out/", "preds_{device}.csv"),
        ("az://d/in/", "az://d/in/out/{run}/", "preds_{device}.csv"),
        ("az://d/in/", "az://d/", "preds_{device}.csv"),
        ("az://d/out/{device}/", "az://d/out/", "{device}.csv"),
        // The same files, whatever the placeholders.
        (
            "az://d/r/{device}/{tag}.csv",
            "az://d/r/",
            "{device}/{tag}.csv",
        ),
        (
            "az://d/r/{device}/{tag}.csv",
            "az://d/r/",
            "{tag}/{device}.csv",
        ),
        ("az://d/r/{device}/{tag}.csv", "az://d/r/pump/", "{tag}.csv"),
        (
            "az://d/r/{device}/{tag}.csv",
            "az://d/r/{run}/",
            "{tag}.csv",
        ),
        ("az://d/r/{run}.csv", "az://d/r/", "{device}.csv"),
        (
            "az://d/{window.start:%Y}/{device}.csv",
            "az://d/{window.start:%Y}/",
            "{device}.csv",
        ),
        // Another run's: the next one reads what this one has written.
        (
            "az://d/{window.start:%H}/",
            "az://d/{window.end:%H}/",
            "{device}.csv",
        ),
        (
            "az://d/{window.start:%Y-%m-%d}.csv",
            "az://d/",
            "{window.end:%Y-%m-%d}.csv",
        ),
        // On files, what a file system may take for the same.
        (
            "file:///d/Readings/",
            "file:///d/readings/out/",
            "{device}.csv",
        ),
        (
            "file:///d/Kühler/",
            "file:///d/ku\u{308}hler/",
            "{device}.csv",
        ),
    ] {
        let message = told("az://m/{device}", input, output, file);
        assert!(
            message.starts_with("spec.output"),
            "{input} {output} {file}: {message}"
        );
        assert!(
            message.contains("spec.input.location") && message.contains(input),
            "{message}"
        );
        assert!(message.contains("choose a folder"), "{message}");
    }
}

#[test]
fn models_lists_and_own_files_are_kept() {
    for (model, input, output, file, field) in [
        (
            "az://m/{device}_{tag}",
            "az://d/a.csv",
            "az://m/",
            "preds_{device}_{tag}.csv",
            "spec.output: ",
        ),
        (
            "az://m/{device}.csv",
            "az://d/a.csv",
            "az://m/",
            "{device}.csv",
            "spec.output: ",
        ),
        (
            "az://m/{device}",
            "az://d/a.csv",
            "az://m/",
            "p/{device}.csv",
            "spec.output.location: ",
        ),
        (
            "az://m/{device}/_run/m",
            "az://d/a.csv",
            "az://m/{run}/",
            "{device}.csv",
            "spec.output.location: ",
        ),
        (
            "az://m/{device}",
            "az://d/o/{device}/{tag}.json",
            "az://d/o/",
            "{device}.csv",
            "spec.output.location: ",
        ),
        (
            "az://m/{device}",
            "az://d/o/_run/readings.csv",
            "az://d/o/",
            "{device}.csv",
            "spec.output.location: ",
        ),
        (
            "az://m/{device}",
            "az://d/o/_run/report.json",
            "az://d/o/",
            "{device}.csv",
            "spec.output.location: ",
        ),
    ] {
        let message = told(model, input, output, file);
        assert!(
            message.starts_with(field),
            "{model} {input} {output} {file}: {message}"
        );
    }
    let mut of_list = spec("az://m/{device}", "az://d/a.csv", "az://p/", "{device}.csv");
    of_list["sensors"] = json!({"manifest": "az://p/sensors.csv"});
    let message = told_of(&of_list, names());
    assert!(
        message.contains("spec.sensors.manifest") && message.contains("az://p/{device}.csv"),
        "{message}"
    );
    of_list["sensors"] = json!({"manifest": "az://p/lists/sensors.csv"});
    assert_eq!(told_of(&of_list, names()), "");
}

#[test]
fn logs_are_kept_apart_too() {
    let mut spec = spec("az://m/{device}", "az://d/in/", "az://p/", "{device}.csv");
    for (logs, refused) in [
        ("az://d/in/logs/", true),
        ("az://d/in/", true),
        ("az://d/logs/", false),
        ("az://d/", false),
        ("az://m/", true),
    ] {
        spec["logs"] = json!({"location": logs});
        let message = told_of(&spec, names());
        assert_eq!(
            message.starts_with("spec.logs.location: "),
            refused,
            "{logs}: {message}"
        );
    }
}

#[test]
fn the_failed_sensors_of_another_run_are_kept() {
    let mut spec = spec(
        "az://m/{device}",
        "az://d/a.csv",
        "az://p/{run}/",
        "{device}.csv",
    );
    spec["sensors"] = json!({"failedIn": {"run": "pumps"}});
    assert_eq!(told_of(&spec, names()), "");
    let same = Names {
        run: "pumps",
        ..names()
    };
    let message = told_of(&spec, same);
    assert!(
        message.starts_with("spec.sensors.failedIn.run: `pumps` is this run itself"),
        "{message}"
    );
    // In place: both runs write to one folder, the later one its own files below `_run/retry/`.
    spec["output"]["location"] = json!("az://p/{{run}}/");
    assert_eq!(told_of(&spec, names()), "");
    assert!(
        told_of(&spec, same).starts_with("spec.sensors.failedIn.run: `pumps` is this run itself")
    );
}

#[test]
fn a_schedule_is_checked_for_all_its_runs() {
    let runs = Names {
        schedule: Some("pumps"),
        ..Names::default()
    };
    let told = |input, output| {
        told_of(
            &spec("az://m/{device}", input, output, "{device}.csv"),
            runs,
        )
    };
    assert_eq!(told("az://d/raw/", "az://d/{run}/"), "");
    assert_eq!(
        told(
            "az://d/{window.start:%Y}/in/",
            "az://d/{window.start:%Y}/out/"
        ),
        ""
    );
    assert_ne!(told("az://d/pumps-1/", "az://d/{run}/"), "");
    assert_ne!(told("az://d/", "az://d/{schedule}/{window.start:%Y}/"), "");
}

#[test]
fn links_are_followed() {
    let root = tempfile::tempdir().unwrap();
    // Where the temporary folder lies behind a link itself.
    let path = root.path().canonicalize().unwrap();
    fs::create_dir_all(path.join("data/in")).unwrap();
    fs::create_dir(path.join("elsewhere")).unwrap();
    symlink(path.join("data"), path.join("link")).unwrap();
    fs::write(path.join("data/1.csv"), "").unwrap();
    symlink(path.join("data/1.csv"), path.join("elsewhere/all.csv")).unwrap();
    let url = |name: &str| format!("file://{}/{name}", path.display());
    let told = |input: &str, output: &str| {
        told(
            &url("m/{device}"),
            &url(input),
            &url(output),
            "{device}.csv",
        )
    };
    assert_ne!(told("data/in/", "link/in/out/new/"), "");
    assert_ne!(told("link/in/", "data/"), "");
    assert_ne!(told("link/{device}.csv", "data/"), "");
    assert_ne!(
        told("elsewhere/all.csv", "data/"),
        "",
        "the readings are a link to what is written"
    );
    assert_ne!(
        told("elsewhere/all.csv", "elsewhere/"),
        "",
        "the link would be replaced"
    );
    assert_eq!(told("link/in/", "elsewhere/out/"), "");
}
