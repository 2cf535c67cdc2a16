use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::json;

use crate::plant::Plant;

/// Sensors with a real model each, all in one shard, with predictions in the format.
fn plant(sensors: usize, rows: usize, format: &str) -> Plant {
    let mut plant = Plant::new(sensors, rows);
    plant.set("/spec/sharding", json!({"sensorsPerPod": sensors}));
    plant.set(
        "/spec/output/file",
        json!(format!("preds_{{device}}.{format}")),
    );
    plant.succeed(&["plan"]);
    plant
}

/// The bytes of the predictions, by name.
fn predictions(plant: &Plant) -> BTreeMap<String, Vec<u8>> {
    let names = plant.names().into_iter();
    names
        .filter(|name| name.starts_with("preds_"))
        .map(|name| {
            let path = plant.path("out").join(&name);
            (name, fs::read(path).unwrap())
        })
        .collect()
}

/// Scores the shard and returns the most memory that was resident, in MiB.
fn peak(plant: &Plant, memory: usize) -> usize {
    let memory = memory.to_string();
    let args = [
        "score",
        "--shard",
        "0",
        "--threads",
        "2",
        "--memory-mib",
        &memory,
    ];
    let mut child = plant.command(&[], &args).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let peak = Cell::new(0);
    plant.watch(&mut child, |_| {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        peak.set(peak.get().max(kib.unwrap_or_default() / 1024));
        false
    });
    let ended = plant.end(child);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    peak.get()
}

/// Of every sensor something is open from the first to the last reading, and all of it is within the bound.
#[test]
fn many_sensors_keep_to_the_bound_of_memory() {
    for format in ["csv", "parquet"] {
        let plant = plant(400, 500, format);
        peak(&plant, 1024);
        let roomy = predictions(&plant);
        let peak = peak(&plant, 64);
        // A program that was built for tests takes some more.
        assert!(peak <= 64 * 115 / 100 + 20, "{format}: {peak} MiB");
        assert!(predictions(&plant) == roomy, "{format}");
    }
}

#[test]
fn few_files_are_open_however_many_sensors_there_are() {
    for format in ["csv", "parquet"] {
        let plant = plant(300, 200, format);
        peak(&plant, 1024);
        let roomy = predictions(&plant);
        let limit = ["sh", "-c", "ulimit -n 100 && exec \"$@\"", "sh"];
        let args = ["score", "--shard", "0", "--memory-mib", "32"];
        let ended = plant.end(plant.command(&limit, &args).spawn().unwrap());
        assert_eq!(ended.code, Some(0), "{format}: {}", ended.stderr);
        assert!(predictions(&plant) == roomy, "{format}");
    }
}

/// The soft limit is raised to the hard one, which children inherit; this program's own line of `/proc` tells.
#[test]
fn the_limit_on_open_files_is_raised() {
    let plant = plant(2, 80_000, "csv");
    let limit = ["sh", "-c", "ulimit -Sn 64 && exec \"$@\"", "sh"];
    let args = ["score", "--shard", "0"];
    let mut child = plant.command(&limit, &args).spawn().unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    let raised = plant.watch(&mut child, |_| {
        let limits = fs::read_to_string(&limits).unwrap_or_default();
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
        soft.is_some_and(|soft| soft > 64)
    });
    assert_eq!(plant.end(child).code, Some(0));
    assert!(raised);
}

/// A model of so many support vectors in libsvm's text format, whose other form takes as much again.
fn model(vectors: usize) -> String {
    let mut text = format!(
        "svm_type one_class\nkernel_type rbf\ngamma 0.1\nnr_class 2\ntotal_sv {vectors}\nrho 0.3\nSV\n"
    );
    for vector in 0..vectors {
        let (weight, at) = (
            1.0 / vectors as f64,
            15.0 + 10.0 * vector as f64 / vectors as f64,
        );
        writeln!(text, "{weight} 1:{at} ").unwrap();
    }
    text
}

/// Models that do not fit into memory together are taken in turns, with the same predictions.
#[test]
fn large_models_are_scored_in_turns() {
    let plant = plant(12, 100, "csv");
    for sensor in 0..12 {
        plant.write(&format!("models/{sensor:03}.pkl"), model(10_000));
    }
    peak(&plant, 1024);
    let roomy = predictions(&plant);
    assert!(
        !plant
            .read("out/_run/logs/000000.log")
            .contains("more than once")
    );
    peak(&plant, 32);
    assert!(predictions(&plant) == roomy);
    let log = plant.read("out/_run/logs/000000.log");
    assert!(
        log.contains("the readings are read more than once"),
        "{log}"
    );
}

/// The bound of memory, in MiB, that the message of the second sensor's failure asks for: its last number of MiB.
fn asked_for(plant: &Plant) -> usize {
    let message = plant.ledger(0).1[1]["error"]["message"].to_string();
    let words = || message.split_whitespace();
    let numbers = words().zip(words().skip(1));
    let bounds = numbers.filter(|(_, unit)| unit.starts_with("MiB"));
    bounds.last().unwrap().0.parse().unwrap()
}

/// One that does not fit alone is its sensor's failure, which names a larger bound; who follows it gets there in a few tries.
#[test]
fn a_model_that_does_not_fit_names_the_bound_that_it_needs() {
    let plant = plant(3, 10, "csv");
    plant.write("models/001.pkl", model(120_000));
    let mut memory = 32;
    for _ in 0..3 {
        let bound = memory.to_string();
        let args = ["score", "--shard", "0", "--memory-mib", &bound];
        if plant.step(&args).code == Some(0) {
            break;
        }
        assert_eq!(plant.reasons(0), ["", "ModelUnreadable", ""]);
        let asked = asked_for(&plant);
        assert!((memory + 1..300).contains(&asked), "{asked} after {memory}");
        memory = asked;
    }
    assert!(memory > 32);
    peak(&plant, memory);
    assert_eq!(plant.reasons(0), ["", "", ""]);
}
