//! What is read from the run's own files.

use fleetscore_crds::SensorKey;
use fleetscore_scorer::history::{SensorRow, TableInfo, TableWriter};
use fleetscore_scorer::ledger::{ScoreSummary, SensorState};
use serde_json::json;

use super::{golden, merged, on_files, plant};
use crate::tools::{Person, RUN};

/// A run with a list of sensors that failed.
async fn with_list() -> Person {
    let person = plant("PartiallySucceeded", 9).await;
    let line = |device: u32, reason: &str, message: String| {
        json!({"key": {"device": device.to_string(), "tag": "1"}, "reason": reason, "message": message}).to_string() + "\n"
    };
    let gone = |device| {
        line(
            device,
            "ModelNotFound",
            format!("az://models/model_{device} does not exist"),
        )
    };
    let mut lines: String = (1..=7).map(gone).collect();
    for device in 8..=9 {
        let message = format!(
            "az://data/d.csv: no reading of the sensor in [2025-11-28T09:00:00Z, 2025-11-28T10:00:00Z); the newest of device={device} tag=1 is of 2025-11-27T23:59:30Z"
        );
        lines += &line(device, "NoReadings", message);
    }
    let own = on_files(&person);
    std::fs::write(own.join("failed.jsonl"), lines).unwrap();
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn sensors_that_failed_come_with_what_to_do() {
    let all = ["failed", RUN, "--local-files"];
    golden("failed", &all, with_list).await;
    let reason = ["failed", RUN, "--local-files", "--reason", "ModelNotFound"];
    golden("failed-reason", &reason, with_list).await;
    golden("failed-status", &["failed", RUN], || async {
        let person = plant("PartiallySucceeded", 2).await;
        merged(
            &person,
            json!({"spec": {"output": {"location": "file:///data/predictions/"}}}),
        );
        person
    })
    .await;
    golden("failed-none", &all, || async {
        let person = plant("Succeeded", 0).await;
        let own = on_files(&person);
        std::fs::write(own.join("failed.jsonl"), "").unwrap();
        person
    })
    .await;
    let other = ["failed", RUN, "--local-files", "--reason", "OutOfMemory"];
    golden("failed-other", &other, with_list).await;
}

/// A run with a table of its sensors.
async fn with_table() -> Person {
    let person = plant("PartiallySucceeded", 2).await;
    let info = TableInfo {
        run: RUN.to_owned(),
        namespace: Some("plant-a".to_owned()),
        retries: None,
        keys: vec!["device".to_owned(), "tag".to_owned()],
    };
    let mut table = TableWriter::new(&info).unwrap();
    let key = |device: u32| -> SensorKey {
        serde_json::from_value(json!({"device": device.to_string(), "tag": "vibration"})).unwrap()
    };
    for device in 1..=25 {
        let mut row = SensorRow::failed(key(device), "ModelNotFound".to_owned());
        if device > 2 {
            row.state = SensorState::Succeeded;
            row.reason = None;
            row.rows = 3600;
            row.anomalies = u64::from(device) * 36;
            let low = -f64::from(device) / 8.0;
            row.score = Some(ScoreSummary {
                min: low,
                mean: 0.25,
                max: 1.5,
            });
        }
        if device > 23 {
            row.warnings = vec!["MostlyAnomalous".to_owned(), "UnsortedReadings".to_owned()];
        }
        table.add(row).unwrap();
    }
    let own = on_files(&person);
    std::fs::write(own.join("sensors.parquet"), table.finish().unwrap()).unwrap();
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn sensors_are_a_table() {
    let all = ["sensors", RUN, "--local-files"];
    golden("sensors", &all, with_table).await;
    let chosen = [
        "sensors",
        RUN,
        "--local-files",
        "--where",
        "reason=ModelNotFound",
    ];
    golden("sensors-where", &chosen, with_table).await;
    let none = ["sensors", RUN, "--local-files", "--sensor", "device=99"];
    golden("sensors-none", &none, with_table).await;
    golden("sensors-missing", &all, || async {
        let person = plant("Failed", 0).await;
        on_files(&person);
        person
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_a_page() {
    let report = json!({
        "version": 1, "software": "0.1.0", "phase": "PartiallySucceeded",
        "run": {
            "name": RUN, "namespace": "plant-a", "schedule": "pumps", "output": "az://predictions/pumps/2025/11/28/09/",
            "window": {"start": "2025-11-28T09:00:00Z", "end": "2025-11-28T10:00:00Z"},
        },
        "sensors": {"total": 15, "succeeded": 13, "failed": 2, "limit": 3},
        "rows": 46_800, "skipped": 12, "anomalies": 562, "bytesRead": 9_000_000,
        "failures": [{"reason": "ModelNotFound", "count": 2, "examples": [
            {"sensor": {"device": "3"}, "message": "az://models/model_3 does not exist"},
            {"sensor": {"device": "4"}, "message": "az://models/model_4 does not exist"},
        ]}],
        "warnings": [{"reason": "MostlyAnomalous", "count": 1, "examples": [
            {"sensor": {"device": "9"}, "message": "91.2% of its readings are anomalies"},
        ]}],
        "mostAnomalous": [
            {"key": {"device": "9"}, "rows": 360, "anomalies": 328, "share": 0.912, "mostlyAnomalous": true, "score": {"min": -3.5, "mean": -1.25, "max": 0.5}},
            {"key": {"device": "7"}, "rows": 3600, "anomalies": 36, "share": 0.01, "mostlyAnomalous": false, "score": {"min": -0.5, "mean": 0.25, "max": 1.5}},
        ],
        "shards": {"total": 3, "interrupted": 0, "missing": {"count": 0, "first": []}},
        "timing": {
            "startTime": "2025-11-28T10:00:00Z", "completionTime": "2025-11-28T10:04:10Z", "seconds": 250.0,
            "shardSeconds": {"min": 20.0, "median": 31.0, "p95": 40.0, "max": 42.0}, "slowestShards": [],
        },
    });
    let all = ["report", RUN, "--local-files"];
    golden("report", &all, || async {
        let person = plant("PartiallySucceeded", 2).await;
        let own = on_files(&person);
        std::fs::write(own.join("report.json"), report.to_string()).unwrap();
        person
    })
    .await;
    golden(
        "report-html",
        &[&all[..], &["--html", "r.html"]].concat(),
        || async {
            let person = plant("PartiallySucceeded", 2).await;
            let own = on_files(&person);
            std::fs::write(own.join("report.html"), "<html></html>").unwrap();
            person
        },
    )
    .await;
    golden("report-missing", &all, || async {
        let person = plant("Scoring", 0).await;
        on_files(&person);
        person
    })
    .await;
}
