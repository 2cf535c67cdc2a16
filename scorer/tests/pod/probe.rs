use std::process::{Command, Output};

use serde_json::json;

use crate::plant::Plant;

fn probed(plant: &Plant, args: &[&str]) -> Output {
    std::fs::write(plant.path("probe.json"), plant.run.to_string()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_scorer"))
        .args(["probe", "--run"])
        .arg(plant.path("probe.json"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn a_probe_reads_what_a_run_reads_and_leaves_nothing_behind() {
    let plant = Plant::new(2, 3);
    let read = probed(&plant, &[]);
    let told = String::from_utf8(read.stdout).unwrap();
    assert_eq!(read.status.code(), Some(0), "{told}");
    let lines: Vec<_> = told.lines().collect();
    assert!(
        lines[0].starts_with("models file://") && lines[0].ends_with(": read"),
        "{told}"
    );
    assert!(
        lines[1].starts_with("readings file://") && lines[1].ends_with(": read"),
        "{told}"
    );
    assert!(lines[2].ends_with(": read, and nothing is there"), "{told}");
    assert_eq!(lines.len(), 3);

    let written = probed(&plant, &["--write"]);
    let told = String::from_utf8(written.stdout).unwrap();
    assert_eq!(written.status.code(), Some(0), "{told}");
    assert!(
        told.lines()
            .last()
            .unwrap()
            .ends_with(": written, read and deleted"),
        "{told}"
    );
    let left = probed(&plant, &[]);
    let told = String::from_utf8(left.stdout).unwrap();
    assert!(told.ends_with(": read, and nothing is there\n"), "{told}");
}

#[test]
fn a_probe_tells_what_refuses_it() {
    let mut plant = Plant::new(1, 1);
    // Port 9 of the loopback device: nobody is there.
    plant.run["spec"]["storage"] = json!({"azure": {"account": "devstoreaccount1", "auth": "Emulator", "endpoint": "http://127.0.0.1:9/devstoreaccount1"}});
    plant.run["spec"]["model"]["location"] = json!("az://models/{device}.fsm");
    let failed = probed(&plant, &["--retry-seconds", "1"]);
    let told = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(75), "{told}");
    assert!(
        told.contains("scorer probe: ") && told.contains("az://models/"),
        "{told}"
    );
}
