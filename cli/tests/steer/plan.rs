use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::tools::{Done, done, schedule};

async fn plan(args: &[&str]) -> Done {
    let folder = TempDir::new().unwrap();
    let mut manifest = schedule();
    manifest.as_object_mut().unwrap().remove("status");
    manifest["spec"]["runTemplate"]["spec"]["sharding"] = json!({"sensorsPerPod": 50});
    std::fs::write(folder.path().join("schedule.json"), manifest.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    command
        .args([
            "plan",
            "-f",
            "schedule.json",
            "--from",
            "2026-03-01T00:00:00Z",
            "--ticks",
            "1",
        ])
        .args(args)
        .current_dir(folder.path());
    done(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_makes_a_table_of_time_and_cost() {
    let args = [
        "--price",
        "0.19",
        "--currency",
        "EUR",
        "--node-cpus",
        "4",
        "--sensors",
        "15000",
        "--deadline",
        "15m",
    ];
    let told = plan(&args).await;
    assert_eq!(told.code, 0, "{told:?}");
    let table = told.out.split_once("\n\n").unwrap().1;
    assert!(
        table.contains(
            "15000 sensors in 300 pods of 50, 15s each: 10 s to start, 0.10 s a sensor (a guess"
        ),
        "{table}"
    );
    assert!(
        table.contains("3 pods on each (1 of 3.8 free CPUs a pod; memory is not looked at"),
        "{table}"
    );
    // 50 rounds of 15 s on two nodes are 750 s, with start and steps 890 s.
    assert!(
        table.contains(
            "*     2     6    14m50s       12m50s        0.82      0.16    111.72  720, leave\n"
        ),
        "{table}"
    );
    assert!(table.contains("-> let nodes go after 2m00s"), "{table}");
    let json = plan(&[&args[..], &["--json"]].concat()).await.json();
    assert_eq!(json["cost"]["withinDeadline"], 2);
    assert_eq!(json["cost"]["rows"][1]["seconds"], 890.0);
    assert_eq!(
        json["cost"]["rows"][1]["nodeSeconds"],
        2.0 * (120.0 + 750.0 + 600.0)
    );
    assert_eq!(json["ticks"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reckoned_is_refused() {
    for (args, words) in [
        (&["--price", "0.19"][..], "--node-cpus"),
        (
            &["--price", "0.19", "--node-cpus", "4"],
            "how many sensors has a run?",
        ),
        (
            &["--price=-1", "--node-cpus", "4", "--sensors", "1"],
            "price",
        ),
        (
            &["--price", "nan", "--node-cpus", "4", "--sensors", "1"],
            "price",
        ),
        (
            &["--price", "1", "--node-cpus", "1", "--sensors", "1"],
            "no pod fits on such a node",
        ),
        (
            &["--price", "1", "--node-cpus", "4", "--like", "nothing.json"],
            "--like nothing.json",
        ),
        (&["--deadline", "15m"], "--price"),
    ] {
        let told = plan(args).await;
        assert_eq!(told.code, 2, "{args:?} {told:?}");
        assert!(told.err.contains(words), "{args:?} {told:?}");
    }
    // Without a price the plan is as it was.
    assert!(plan(&["--json"]).await.json().get("cost").is_none());
}
