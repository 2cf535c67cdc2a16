use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::plant::{Ended, Plant};

#[test]
fn a_missing_model_is_10_and_the_others_are_scored() {
    let mut plant = Plant::new(3, 5);
    plant.set("/spec/sharding", json!({"sensorsPerPod": 3}));
    plant.succeed(&["plan"]);
    std::fs::remove_file(plant.path("models/001.pkl")).unwrap();
    let ended = plant.step(&["score", "--shard", "0"]);
    assert_eq!(
        (ended.code, &ended.message["failed"]),
        (Some(10), &json!(1))
    );
    assert_eq!(plant.reasons(0), ["", "ModelNotFound", ""]);
    assert_eq!(
        plant.predictions().into_keys().collect::<Vec<_>>(),
        ["preds_000.csv", "preds_002.csv"]
    );
}

/// Asserts that a step has ended with 64 and says `part` in its termination message.
fn assert_misconfigured(ended: &Ended, reason: &str, part: &str) {
    assert_eq!(
        (ended.code, &ended.message["reason"]),
        (Some(64), &json!(reason)),
        "{ended:?}"
    );
    assert!(
        ended.message["message"].as_str().unwrap().contains(part),
        "{ended:?}"
    );
}

#[test]
fn a_wrong_run_is_64() {
    let mut plant = Plant::new(1, 5);
    plant.set("/spec/modle", json!("x"));
    assert_misconfigured(&plant.step(&["plan"]), "InvalidRun", "spec.modle");
    // A message longer than Kubernetes keeps, of characters that take six bytes each.
    plant.set(&format!("/spec/{}", "\u{1}".repeat(9000)), Value::Null);
    assert_misconfigured(&plant.step(&["plan"]), "InvalidRun", "spec.");
    std::fs::remove_file(plant.path("run.json")).unwrap();
    let ended = plant.step(&["plan", "--memory-mib", "1"]);
    assert_eq!(ended.code, Some(64), "{}", ended.stderr);
}

#[test]
fn an_unknown_time_zone_of_the_readings_is_64() {
    let mut plant = Plant::new(1, 5);
    plant.set("/spec/input/columns/timeZone", json!("GMT+2"));
    let part = "spec.input.columns.timeZone: `GMT+2` is not in the time zone database";
    assert_misconfigured(&plant.step(&["plan"]), "InvalidRun", part);
}

#[test]
fn no_model_is_64_and_in_the_log() {
    let mut plant = Plant::new(1, 5);
    let location = plant.url("models/none_{device}.pkl");
    plant.set("/spec/model/location", json!(location));
    assert_misconfigured(&plant.step(&["plan"]), "NoModels", "no object matches");
    assert!(
        plant
            .read("out/_run/logs/plan.log")
            .contains("no object matches")
    );
}

#[test]
fn a_shard_out_of_range_is_64_and_in_the_log() {
    let plant = Plant::new(2, 5);
    plant.succeed(&["plan"]);
    assert_misconfigured(
        &plant.step(&["score", "--shard", "2"]),
        "InvalidSensors",
        "no shard 2",
    );
    assert!(
        plant
            .read("out/_run/logs/000002.log")
            .contains("no shard 2")
    );
}

#[test]
fn a_plan_that_is_absent_is_64() {
    let plant = Plant::new(1, 5);
    assert_misconfigured(
        &plant.step(&["score", "--shard", "0"]),
        "OutputGone",
        "the plan step has not run",
    );
}

fn on_azure(plant: &mut Plant, endpoint: &str, auth: &str) {
    let mut azure = json!({"account": "devstoreaccount1", "endpoint": endpoint, "auth": auth});
    if auth == "Secret" {
        azure["secretRef"] = json!({"name": "key"});
    }
    plant.set("/spec/storage", json!({"azure": azure}));
}

#[test]
fn denied_credentials_are_64() {
    let Ok(endpoint) = std::env::var("FLEETSCORE_AZURITE_ENDPOINT") else {
        println!("skipped: FLEETSCORE_AZURITE_ENDPOINT absent");
        return;
    };
    let mut plant = Plant::new(1, 5);
    // The key in the environment is not the account's.
    on_azure(&mut plant, &endpoint, "Secret");
    plant.set("/spec/model/location", json!("az://models/{device}.pkl"));
    assert_misconfigured(&plant.step(&["plan"]), "AccessDenied", "az://models");
    assert!(
        plant
            .read("out/_run/logs/plan.log")
            .contains("AccessDenied")
    );
    plant.set("/spec/sensors", json!({"list": [{"device": "000"}]}));
    plant.succeed(&["plan"]);
    assert_eq!(plant.step(&["score", "--shard", "0"]).code, Some(64));
    assert_eq!(plant.reasons(0), ["AccessDenied"]);
}

/// What makes file modes mean something to a step. None where that cannot be.
fn without_override() -> Option<&'static [&'static str]> {
    const NO_OVERRIDE: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let probe = tempfile::NamedTempFile::new().unwrap();
    std::fs::set_permissions(probe.path(), Permissions::from_mode(0o000)).unwrap();
    // Only root may read it.
    if std::fs::read(probe.path()).is_err() {
        return Some(&[]);
    }
    let read = Command::new(NO_OVERRIDE[0])
        .args([NO_OVERRIDE[1], "true"])
        .status();
    read.is_ok_and(|status| status.success())
        .then_some(&NO_OVERRIDE)
}

/// A planned run of which these files may not be read.
fn plant_with_denied(sensors: usize, per_pod: usize, denied: &[&str]) -> Plant {
    let mut plant = Plant::new(sensors, 5);
    plant.set("/spec/sharding", json!({"sensorsPerPod": per_pod}));
    plant.succeed(&["plan"]);
    for file in denied {
        std::fs::set_permissions(plant.path(file), Permissions::from_mode(0o000)).unwrap();
    }
    plant
}

/// The exit code of a shard and the reasons in its ledger.
fn scored(plant: &Plant, launcher: &[&str], shard: u32) -> (Option<i32>, Vec<String>) {
    let mut command = plant.command(launcher, &["score", "--shard", &shard.to_string()]);
    let ended = plant.end(command.spawn().unwrap());
    (ended.code, plant.reasons(shard))
}

#[test]
fn one_model_that_is_denied_is_that_sensors_failure() {
    let Some(launcher) = without_override() else {
        println!("skipped: setpriv absent, or may not drop capabilities");
        return;
    };
    // Among others of its shard, and alone in its shard.
    let plant = plant_with_denied(3, 3, &["models/001.pkl"]);
    let (code, reasons) = scored(&plant, launcher, 0);
    assert_eq!(code, Some(10));
    assert_eq!(reasons, ["", "AccessDenied", ""]);
    let plant = plant_with_denied(3, 1, &["models/001.pkl"]);
    let (code, reasons) = scored(&plant, launcher, 1);
    assert_eq!((code, reasons), (Some(10), vec!["AccessDenied".to_owned()]));
    assert_eq!(scored(&plant, launcher, 2).0, Some(0));
}

#[test]
fn models_that_are_all_denied_are_64() {
    let Some(launcher) = without_override() else {
        println!("skipped: setpriv absent, or may not drop capabilities");
        return;
    };
    let plant = plant_with_denied(
        3,
        1,
        &["models/000.pkl", "models/001.pkl", "models/002.pkl"],
    );
    let (code, reasons) = scored(&plant, launcher, 1);
    assert_eq!((code, reasons), (Some(64), vec!["AccessDenied".to_owned()]));
    // So is the only one.
    let plant = plant_with_denied(1, 1, &["models/000.pkl"]);
    assert_eq!(scored(&plant, launcher, 0).0, Some(64));
}

#[test]
fn readings_that_are_denied_to_all_are_64() {
    let Some(launcher) = without_override() else {
        println!("skipped: setpriv absent, or may not drop capabilities");
        return;
    };
    let plant = plant_with_denied(3, 1, &["readings.csv"]);
    let (code, reasons) = scored(&plant, launcher, 0);
    assert_eq!((code, reasons), (Some(64), vec!["AccessDenied".to_owned()]));
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn storage_that_does_not_answer_is_75() {
    let mut plant = Plant::new(1, 5);
    on_azure(&mut plant, &nobody(), "Emulator");
    plant.set("/spec/model/location", json!("az://models/{device}.pkl"));
    let ended = plant.step(&["plan", "--retry-seconds", "1"]);
    assert_eq!(
        (ended.code, &ended.message["reason"]),
        (Some(75), &json!("StorageUnavailable"))
    );
    // The same for the models alone: the sensor's failure is in the ledger.
    plant.set("/spec/sensors", json!({"list": [{"device": "000"}]}));
    plant.succeed(&["plan"]);
    let child = plant
        .command(&[], &["score", "--shard", "0"])
        .env("FLEETSCORE_RETRY_SECONDS", "1")
        .spawn()
        .unwrap();
    assert_eq!(plant.end(child).code, Some(75));
    assert_eq!(plant.reasons(0), ["StorageUnavailable"]);
}

/// The output lies on a file system of 256 KiB, which takes a mount namespace of its own.
#[test]
fn a_full_disk_is_75_and_harms_no_other_shard() {
    let plant = Plant::with_files(2, 10_000);
    plant.write(
        "readings/001.csv.new",
        "Time,Value\n2018-08-29T00:00:00Z,20\n",
    );
    std::fs::rename(
        plant.path("readings/001.csv.new"),
        plant.path("readings/001.csv"),
    )
    .unwrap();
    std::fs::create_dir(plant.path("out")).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=256k tmpfs '{out}' && \"$@\" >&2; \
         scorer=$1; shift 4; \
         \"$scorer\" score --shard 0 \"$@\"; echo \"shard 0: $?\" >&2; \
         \"$scorer\" score --shard 1 \"$@\"; echo \"shard 1: $?\" >&2; \
         ls '{out}' >&2; cat '{out}/_run/ledger/000000.jsonl' >&2",
        out = plant.path("out").display()
    );
    let launcher = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &script,
        "sh",
    ];
    // Four words that the script skips: the program, the step and an option of it.
    let child = plant
        .command(&launcher, &["plan", "--threads", "1"])
        .spawn()
        .unwrap();
    let Ended { stderr, .. } = plant.end(child);
    if stderr.contains("unshare:") || stderr.contains("unshare failed") || stderr.contains("mount:")
    {
        println!("skipped: mount namespaces absent: {stderr}");
        return;
    }
    assert!(
        stderr.contains("shard 0: 75") && stderr.contains("shard 1: 0"),
        "{stderr}"
    );
    assert!(
        stderr.contains(r#""reason":"OutputUnwritable""#),
        "{stderr}"
    );
    assert!(
        stderr.contains("\npreds_001.csv\n") && !stderr.contains("\npreds_000.csv"),
        "{stderr}"
    );
}
