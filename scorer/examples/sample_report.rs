//! Writes sample reports into a folder: `cargo run -p fleetscore-scorer --example sample_report -- DIR`.
//!
//! `DIR/full` has everything a report can show, with names made to break a page; `DIR/plain` is a run
//! without failures. The browser test opens both.

use std::collections::BTreeMap;
use std::path::Path;

use fleetscore_crds::{Failure, FailureReason, Limit, SensorKey, Window};
use fleetscore_scorer::ledger::{
    Confusion, LEDGER_VERSION, LedgerEntry, LedgerHeader, ScoreSummary, SensorState, Warning,
    WarningReason,
};
use fleetscore_scorer::place::RunIdentity;
use fleetscore_scorer::report::{Feature, Fold, Plot, Report, RunInfo, html, text};

const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;";
const MINUTE: i64 = 60_000_000_000;
/// 2018-08-28T00:00:00Z.
const START: i64 = 1_535_414_400_000_000_000;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args()
        .nth(1)
        .ok_or_else(|| anyhow::anyhow!("usage: sample_report DIR"))?;
    write(&Path::new(&folder).join("full"), &full()?, &full_plots())?;
    write(&Path::new(&folder).join("plain"), &plain()?, &[])
}

fn write(folder: &Path, report: &Report, plots: &[Plot]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("report.html"), html::render(report, plots)?)?;
    std::fs::write(folder.join("report.json"), report.to_json()?)?;
    std::fs::write(folder.join("report.txt"), text::summary(report))?;
    Ok(())
}

fn identity() -> RunIdentity {
    RunIdentity {
        uid: "5c3f2a1e-7d0b-4a7e-9a63-2f1f0c4a9b10".into(),
        generation: Some(1),
        window: None,
    }
}

/// 40 sensors in 5 shards: 30 scored, 10 failed, one shard missing.
fn full() -> anyhow::Result<Report> {
    let run = RunInfo {
        name: "pumps-1535500800".into(),
        uid: Some("5c3f2a1e-7d0b-4a7e-9a63-2f1f0c4a9b10".into()),
        generation: Some(1),
        namespace: Some("plant-a".into()),
        schedule: Some("pumps".into()),
        window: Some(Window {
            start: "2018-08-28T00:00:00Z".parse()?,
            end: "2018-08-29T00:00:00Z".parse()?,
        }),
        output: "az://predictions/pumps-1535500800/".into(),
        retries: None,
    };
    let mut fold = Fold::new(run, 40, Limit::Percent(10));
    for shard in 0..4 {
        let header = LedgerHeader {
            version: LEDGER_VERSION,
            run: identity(),
            shard,
            sensors: 9,
            interrupted: false,
            seconds: 12.5 + f64::from(shard * shard) * 3.0,
            bytes_read: 48_200_000 + u64::from(shard) * 1_000_000,
        };
        fold.add_shard(&header, (0..9).map(|position| entry(shard * 9 + position)));
    }
    let missing: Vec<_> = (36..40).map(key).collect();
    let failure = Failure {
        reason: FailureReason::NotScored,
        message:
            "shard 4 left no ledger: its pod never ran or was killed; see _run/logs/000004.log"
                .to_owned(),
    };
    fold.add_missing(4, missing.iter().map(|key| (key, &failure)));
    Ok(fold.finish(
        "2018-08-29T00:00:10Z".parse()?,
        "2018-08-29T00:02:15Z".parse()?,
    ))
}

fn plain() -> anyhow::Result<Report> {
    let run = RunInfo {
        name: "local".into(),
        uid: None,
        generation: None,
        namespace: None,
        schedule: None,
        window: None,
        output: "file:///data/predictions/".into(),
        retries: None,
    };
    let mut fold = Fold::new(run, 1, Limit::default());
    let header = LedgerHeader {
        version: LEDGER_VERSION,
        run: identity(),
        shard: 0,
        sensors: 1,
        interrupted: false,
        seconds: 0.02,
        bytes_read: 812,
    };
    let entry = LedgerEntry {
        key: SensorKey::default(),
        anomalies: 0,
        labels: None,
        warnings: vec![],
        ..scored(1)
    };
    fold.add_shard(&header, [entry]);
    Ok(fold.finish(
        "2018-08-29T00:00:10Z".parse()?,
        "2018-08-29T00:00:11Z".parse()?,
    ))
}

fn key(number: u32) -> SensorKey {
    let device = match number {
        0 => HOSTILE.to_string(),
        1 => "x".repeat(300),
        _ => format!("pump-{:02}", number / 4),
    };
    [("device", device), ("tag", format!("{}", number % 4))]
        .into_iter()
        .collect()
}

fn entry(number: u32) -> LedgerEntry {
    let (reason, message) = match number {
        30..=32 => (
            FailureReason::ModelNotFound,
            format!(
                "az://models/model_{}: no such object",
                "long_unbroken_name_".repeat(20)
            ),
        ),
        33 | 34 => (
            FailureReason::InvalidReading,
            format!("sensor_data.csv row 17: value {HOSTILE} is not a number"),
        ),
        35 => (
            FailureReason::AccessDenied,
            "az://data/sensor_data.csv: 403 AuthorizationPermissionMismatch".into(),
        ),
        _ => return scored(number),
    };
    LedgerEntry {
        state: SensorState::Failed,
        rows: 0,
        skipped: 0,
        anomalies: 0,
        score: None,
        labels: None,
        output: None,
        warnings: vec![],
        error: Some(Failure { reason, message }),
        ..scored(number)
    }
}

/// 1440 readings each; sensor 0 has 96 anomalies, 1 has 1000, each further one fewer.
fn scored(number: u32) -> LedgerEntry {
    let anomalies = match number {
        0 => 96,
        1 => 1000,
        _ => u64::from(90u32.saturating_sub(number * 3)),
    };
    let suspect = Warning {
        reason: WarningReason::MostlyAnomalous,
        message: format!(
            "{anomalies} of 1440 readings are anomalies: the model may no longer fit {HOSTILE}"
        ),
    };
    LedgerEntry {
        key: key(number),
        state: SensorState::Succeeded,
        rows: 1440,
        skipped: u64::from(number == 2) * 12,
        anomalies,
        score: Some(ScoreSummary {
            min: -0.4 - f64::from(number) * 0.01,
            mean: 0.21,
            max: 0.62,
        }),
        values: None,
        classes: BTreeMap::new(),
        model: None,
        labels: (number < 10).then(|| Confusion {
            true_positives: anomalies.min(80),
            false_positives: anomalies.saturating_sub(80),
            false_negatives: 3,
            true_negatives: 1437 - anomalies,
        }),
        output: Some(format!("preds_{number}_{}.csv", number % 4)),
        seconds: 0.4,
        warnings: if number == 1 { vec![suspect] } else { vec![] },
        error: None,
    }
}

/// A day with 96 anomalies and two features, a day that is mostly anomalous, an hour, one reading.
fn full_plots() -> Vec<Plot> {
    vec![
        plot(0, 1440, &[HOSTILE, "Temperature"], |minute| {
            minute % 15 == 7
        }),
        plot(1, 1440, &["Value"], |minute| minute < 1000),
        plot(2, 60, &["Value"], |minute| (40..46).contains(&minute)),
        plot(3, 1, &[], |_| true),
    ]
}

fn plot(number: u32, minutes: u32, names: &[&str], is_anomaly: impl Fn(u32) -> bool) -> Plot {
    let value = |minute: u32, feature: usize| {
        let phase = f64::from(minute) / 90.0 + feature as f64;
        let noise = (f64::from(minute) * 12.989_8).sin() * 43_758.545_3;
        let jump = if is_anomaly(minute) { 2.5 } else { 0.0 };
        20.0 + 4.0 * phase.sin() + (noise - noise.floor()) + jump
    };
    Plot {
        key: key(number),
        times: (0..minutes)
            .map(|minute| START + i64::from(minute) * MINUTE)
            .collect(),
        features: (names.iter().enumerate())
            .map(|(feature, name)| Feature {
                name: (*name).into(),
                values: (0..minutes).map(|minute| value(minute, feature)).collect(),
            })
            .collect(),
        scores: (0..minutes)
            .map(|minute| {
                let wave = 0.1 * (f64::from(minute) / 45.0).sin();
                if is_anomaly(minute) {
                    -0.3 + wave
                } else {
                    0.4 + wave
                }
            })
            .collect(),
        anomalies: (0..minutes).map(&is_anomaly).collect(),
        totals: None,
    }
}
