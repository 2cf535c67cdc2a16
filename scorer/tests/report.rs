//! A report says the same whatever the order of the ledgers, and its totals are the sums of their entries.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use std::collections::BTreeMap;

use fleetscore_crds::{Failure, FailureReason, Limit, Phase, SensorKey};
use fleetscore_scorer::ledger::{
    Confusion, LEDGER_VERSION, LedgerEntry, LedgerHeader, ScoreSummary, SensorState, Warning,
    WarningReason,
};
use fleetscore_scorer::place::RunIdentity;
use fleetscore_scorer::report::{
    Feature, Fold, Plot, PlotTotals, Report, ReportError, RunInfo, html, text,
};
use proptest::prelude::*;

fn run() -> RunInfo {
    RunInfo {
        name: "pumps-1764324000".into(),
        uid: Some("5c3f2a1e-7d0b-4a7e-9a63-2f1f0c4a9b10".into()),
        generation: Some(1),
        namespace: None,
        schedule: None,
        window: None,
        output: "az://predictions/pumps-1764324000/".into(),
        retries: None,
    }
}

fn key(device: u64) -> SensorKey {
    [("device", format!("{device:03}"))].into_iter().collect()
}

fn not_scored(shard: u32) -> Failure {
    Failure {
        reason: FailureReason::NotScored,
        message: format!("shard {shard} left no ledger; see _run/logs/{shard:06}.log"),
    }
}

fn scored(device: u64, rows: u64, anomalies: u64) -> LedgerEntry {
    LedgerEntry {
        key: key(device),
        state: SensorState::Succeeded,
        rows,
        skipped: 1,
        anomalies,
        score: Some(ScoreSummary {
            min: -1.0,
            mean: 0.5,
            max: 1.0,
        }),
        values: None,
        classes: BTreeMap::new(),
        model: None,
        labels: None,
        output: Some(format!("preds_{device}.csv")),
        seconds: 0.1,
        warnings: vec![],
        error: None,
    }
}

fn failed(device: u64, reason: FailureReason, message: &str) -> LedgerEntry {
    let error = Some(Failure {
        reason,
        message: message.into(),
    });
    LedgerEntry {
        state: SensorState::Failed,
        score: None,
        output: None,
        error,
        ..scored(device, 0, 0)
    }
}

fn mostly(entry: LedgerEntry) -> LedgerEntry {
    let warning = Warning {
        reason: WarningReason::MostlyAnomalous,
        message: "most of it".into(),
    };
    LedgerEntry {
        warnings: vec![warning],
        ..entry
    }
}

fn header(shard: u32, sensors: usize) -> LedgerHeader {
    let seconds = f64::from(shard % 7);
    LedgerHeader {
        version: LEDGER_VERSION,
        run: RunIdentity {
            uid: "5c3f2a1e-7d0b-4a7e-9a63-2f1f0c4a9b10".into(),
            generation: Some(1),
            window: None,
        },
        shard,
        sensors: sensors as u64,
        interrupted: shard % 5 == 1,
        seconds,
        bytes_read: 10,
    }
}

fn finish(fold: Fold) -> Report {
    fold.finish(
        "2018-08-29T00:00:00Z".parse().unwrap(),
        "2018-08-29T00:01:30Z".parse().unwrap(),
    )
}

fn folded(limit: Limit, entries: &[LedgerEntry]) -> Report {
    let mut fold = Fold::new(run(), entries.len() as u64, limit);
    fold.add_shard(&header(0, entries.len()), entries);
    finish(fold)
}

/// Few distinct counts, so that ties abound.
fn entry(device: u64) -> impl Strategy<Value = LedgerEntry> {
    let kind = prop_oneof![3 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    (kind, 1u64..4, 0u64..4, -2i32..2).prop_map(move |(kind, rows, anomalies, low)| {
        let mut ok = scored(device, rows, anomalies.min(rows));
        ok.score = Some(ScoreSummary {
            min: f64::from(low),
            mean: 0.1,
            max: 2.0,
        });
        match kind {
            0 => ok,
            1 => mostly(ok),
            2 => failed(
                device,
                FailureReason::ModelNotFound,
                &format!("no model {low}"),
            ),
            _ => LedgerEntry {
                labels: Some(Confusion {
                    true_positives: anomalies,
                    false_positives: 1,
                    false_negatives: 2,
                    true_negatives: 3,
                }),
                ..ok
            },
        }
    })
}

fn ledgers() -> impl Strategy<Value = Vec<(LedgerHeader, Vec<LedgerEntry>)>> {
    let sizes = prop::collection::vec(0usize..8, 0..12);
    sizes.prop_flat_map(|sizes| {
        let mut device = 0;
        let shards: Vec<_> = (sizes.into_iter().enumerate())
            .map(|(shard, size)| {
                let entries: Vec<_> = (0..size)
                    .map(|_| {
                        device += 1;
                        entry(device)
                    })
                    .collect();
                (Just(header(u32::try_from(shard).unwrap(), size)), entries)
            })
            .collect();
        shards
    })
}

proptest! {
    #[test]
    fn order_of_shards_does_not_matter(
        (ledgers, shuffled) in ledgers().prop_flat_map(|ledgers| (Just(ledgers.clone()), Just(ledgers).prop_shuffle())),
        missing in prop::collection::btree_set(100u32..200, 0..20),
    ) {
        let fold = |ledgers: &[(LedgerHeader, Vec<LedgerEntry>)], missing: &mut dyn Iterator<Item = &u32>| {
            let mut fold = Fold::new(run(), 500, Limit::Percent(50));
            for (header, entries) in ledgers {
            fold.add_shard(header, entries);
        }
            missing.for_each(|shard| fold.add_missing(*shard, [(&key(u64::from(*shard)), &not_scored(*shard))]));
            finish(fold)
        };
        let one = fold(&ledgers, &mut missing.iter());
        let other = fold(&shuffled, &mut missing.iter().rev());
        prop_assert_eq!(one.to_json().unwrap(), other.to_json().unwrap());
        prop_assert_eq!(html::render(&one, &[]).unwrap(), html::render(&other, &[]).unwrap());
        prop_assert_eq!(Report::from_json(one.to_json().unwrap().as_bytes()).unwrap(), one);
    }

    #[test]
    fn totals_are_sums(ledgers in ledgers()) {
        let entries: Vec<_> = ledgers.iter().flat_map(|(_, entries)| entries).collect();
        let mut fold = Fold::new(run(), entries.len() as u64, Limit::Count(3));
        for (header, entries) in &ledgers {
            fold.add_shard(header, entries);
        }
        let report = finish(fold);
        let ok: Vec<_> = entries.iter().filter(|entry| entry.state == SensorState::Succeeded).collect();
        let failed = (entries.len() - ok.len()) as u64;

        prop_assert_eq!(report.sensors.total, entries.len() as u64);
        prop_assert_eq!((report.sensors.succeeded, report.sensors.failed), (ok.len() as u64, failed));
        prop_assert_eq!(report.rows, ok.iter().map(|entry| entry.rows).sum::<u64>());
        prop_assert_eq!(report.skipped, ok.iter().map(|entry| entry.skipped).sum::<u64>());
        prop_assert_eq!(report.anomalies, ok.iter().map(|entry| entry.anomalies).sum::<u64>());
        prop_assert_eq!(report.failures.iter().map(|group| group.count).sum::<u64>(), failed);
        prop_assert!(report.failures.iter().all(|group| group.examples.len() <= 5));
        prop_assert_eq!(report.bytes_read, ledgers.len() as u64 * 10);
        prop_assert_eq!(report.shards.total, ledgers.len() as u64);
        prop_assert_eq!(report.quality.map_or(0, |quality| quality.sensors), ok.iter().filter(|entry| entry.labels.is_some()).count() as u64);
        let phase = if failed == 0 { Phase::Succeeded } else if failed <= 3 { Phase::PartiallySucceeded } else { Phase::Failed };
        prop_assert_eq!(report.phase, phase);
        prop_assert!(report.most_anomalous.is_sorted_by(|one, next| one.share >= next.share));
        prop_assert!(report.most_anomalous.len() <= 20);
    }

    #[test]
    fn no_input_breaks_the_page_or_the_summary(name in any::<String>(), message in any::<String>(), values in prop::collection::vec(any::<f64>(), 0..50), times in prop::collection::vec(any::<i64>(), 0..50)) {
        let mut entry = failed(1, FailureReason::InvalidReading, &message);
        entry.key = [("device", name.clone())].into_iter().collect();
        let report = folded(Limit::Count(0), &[entry, scored(2, 10, 3)]);
        let plot = Plot {
            key: key(2),
            anomalies: vec![true; times.len()],
            times,
            features: vec![Feature { name, values: values.clone() }],
            scores: values,
            totals: None,
        };
        let page = html::render(&report, &[plot]).unwrap();
        prop_assert!(!page.contains("NaN") && !page.contains("inf\""));
        for line in text::summary(&report).lines() {
            // A word is never cut.
            let fits = line.chars().count() <= 100 || !line.trim().contains(' ');
            prop_assert!(fits && !line.contains(char::is_control));
        }
    }
}

#[test]
fn mostly_anomalous_sensors_do_not_drown_the_others() {
    let suspects = (0..50).map(|device| mostly(scored(device, 100, 99)));
    let others = (100..200).map(|device| scored(device, 100, device % 40 + 1));
    let entries: Vec<_> = suspects.chain(others).collect();
    let report = folded(Limit::Count(0), &entries);
    let suspects = report
        .most_anomalous
        .iter()
        .filter(|sensor| sensor.mostly_anomalous)
        .count();
    assert_eq!((report.most_anomalous.len(), suspects), (20, 5));
    assert_eq!(report.warnings[0].count, 50);

    let report = folded(Limit::Count(0), &entries[..53]);
    assert_eq!(
        report.most_anomalous.len(),
        20,
        "places that nobody else wants are theirs"
    );
}

#[test]
fn ranks_by_share_then_count_then_depth() {
    let mut deep = scored(4, 10, 1);
    deep.score = Some(ScoreSummary {
        min: -9.0,
        mean: 0.0,
        max: 1.0,
    });
    let entries = [
        scored(1, 100, 10),
        scored(2, 10, 2),
        scored(3, 10, 1),
        deep,
        scored(5, 10, 0),
    ];
    let report = folded(Limit::Count(0), &entries);
    let order: Vec<_> = report
        .most_anomalous
        .iter()
        .map(|sensor| sensor.key.to_string())
        .collect();
    assert_eq!(
        order,
        ["device=002", "device=001", "device=004", "device=003"]
    );
}

#[test]
fn quality_is_what_the_textbook_says() {
    let confusion = Confusion {
        true_positives: 30,
        false_positives: 10,
        false_negatives: 20,
        true_negatives: 40,
    };
    let labelled = LedgerEntry {
        labels: Some(confusion),
        ..scored(1, 100, 40)
    };
    let quality = folded(Limit::Count(0), &[labelled, scored(2, 5, 0)])
        .quality
        .unwrap();
    assert_eq!((quality.precision, quality.recall), (Some(0.75), Some(0.6)));
    assert!((quality.f1.unwrap() - 2.0 * 0.75 * 0.6 / (0.75 + 0.6)).abs() < 1e-15);
    assert_eq!(quality.sensors, 1);

    let silent = LedgerEntry {
        labels: Some(Confusion {
            true_negatives: 9,
            ..Confusion::default()
        }),
        ..scored(1, 9, 0)
    };
    let quality = folded(Limit::Count(0), &[silent]).quality.unwrap();
    assert_eq!(
        (quality.precision, quality.recall, quality.f1),
        (None, None, None)
    );
}

#[test]
fn sensors_without_a_ledger_have_failed() {
    let mut fold = Fold::new(run(), 10, Limit::Count(9));
    fold.add_shard(&header(0, 2), [scored(1, 1, 0), scored(2, 1, 0)]);
    let failure = not_scored(7);
    fold.add_missing(7, [(&key(3), &failure), (&key(4), &failure)]);
    let report = finish(fold);
    assert_eq!(
        (
            report.sensors.total,
            report.sensors.succeeded,
            report.sensors.failed
        ),
        (10, 2, 8)
    );
    assert_eq!(report.phase, Phase::PartiallySucceeded);
    assert_eq!(report.shards.missing.first, [7]);
    assert_eq!(
        (report.failures[0].reason, report.failures[0].count),
        (FailureReason::NotScored, 8)
    );
    assert!(
        report.failures[0].examples[0]
            .message
            .contains("_run/logs/000007.log")
    );
}

#[test]
fn shard_seconds_are_nearest_rank() {
    let mut fold = Fold::new(run(), 0, Limit::Count(0));
    for shard in 1..=100 {
        fold.add_shard(
            &LedgerHeader {
                seconds: f64::from(shard),
                ..header(shard, 0)
            },
            [] as [LedgerEntry; 0],
        );
    }
    let timing = finish(fold).timing;
    let seconds = timing.shard_seconds.unwrap();
    let quantiles = [seconds.min, seconds.median, seconds.p95, seconds.max];
    assert_eq!(
        quantiles.map(|quantile| quantile.to_string()),
        ["1", "50", "95", "100"]
    );
    assert_eq!(timing.slowest_shards.len(), 10);
    assert_eq!(timing.slowest_shards[0].shard, 100);
    assert!((timing.seconds - 90.0).abs() < 1e-9);
}

#[test]
fn summary_says_what_matters() {
    let entries = [
        scored(1, 1000, 12),
        mostly(scored(2, 1000, 900)),
        failed(
            3,
            FailureReason::ModelNotFound,
            "az://models/model_3: no such object",
        ),
        failed(
            4,
            FailureReason::InvalidReading,
            &format!("{}that ends.", "a long message ".repeat(60)),
        ),
    ];
    let text = text::summary(&folded(Limit::Count(1), &entries));
    let words: Vec<_> = text.split_whitespace().collect();
    assert_eq!(words.iter().filter(|word| **word == "long").count(), 60);
    assert!(text.contains("that ends.\n"), "no message is cut: {text}");
    for expected in [
        "Failed  pumps-1764324000",
        "sensors    2 of 4 scored, 2 failed (1 allowed)",
        "readings   2,000, 2 left out",
        "anomalies  912 (45.6%)",
        "duration   1 min 30 s; 1 shard: median 0.00 s, longest 0.00 s",
        "failed: ModelNotFound (1 sensor)\n  device=003\n    az://models/model_3: no such object\n",
        "warning: MostlyAnomalous (1 sensor)",
        "device=002                           900      1,000   90.0%       -1.000 *",
        "report: az://predictions/pumps-1764324000/_run/report.html",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn paths_are_not_cut_in_the_summary() {
    let file = format!("file:///{}/model_3.pkl", "a-long-folder/".repeat(20));
    let entry = failed(
        3,
        FailureReason::ModelNotFound,
        &format!("{file} does not exist"),
    );
    let mut report = folded(Limit::Count(1), &[entry]);
    report.run.output = format!("file:///{}", "another-folder/".repeat(20));
    let text = text::summary(&report);
    assert!(text.contains(&format!("    {file}\n")), "{text}");
    let page = format!("report: {}_run/report.html\n", report.run.output);
    assert!(text.ends_with(&page), "{text}");
}

#[test]
fn page_escapes_what_it_is_given() {
    let hostile = "</style><script>alert(1)</script>\" onload=\"x";
    let mut report = folded(
        Limit::Count(0),
        &[failed(1, FailureReason::ModelNotFound, hostile)],
    );
    report.run.name = hostile.into();
    let plot = Plot {
        key: [(hostile, hostile)].into_iter().collect(),
        times: vec![0, 1],
        features: vec![Feature {
            name: hostile.into(),
            values: vec![1.0, 2.0],
        }],
        scores: vec![1.0, -1.0],
        anomalies: vec![false, true],
        totals: None,
    };
    let page = html::render(&report, &[plot]).unwrap();
    assert!(page.contains("alert(1)") && !page.contains("<script") && !page.contains("\" onload"));
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn page_stays_small() {
    let many = 100_000i32;
    let plot = Plot {
        key: key(1),
        times: (0..i64::from(many)).collect(),
        features: (0..12)
            .map(|feature| Feature {
                name: format!("f{feature}"),
                values: (0..many).map(f64::from).collect(),
            })
            .collect(),
        scores: (0..many).map(|step| f64::from(step).sin()).collect(),
        anomalies: vec![true; 100_000],
        totals: None,
    };
    let report = folded(Limit::Count(0), &[scored(1, 1, 1)]);
    let page = html::render(&report, &vec![plot; 20]).unwrap();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("more plots are left out"));
}

#[test]
fn newer_reports_are_refused() {
    let mut report = folded(Limit::Count(0), &[]);
    report.version = 2;
    let error = Report::from_json(report.to_json().unwrap().as_bytes()).unwrap_err();
    assert!(matches!(error, ReportError::Version(2)), "{error}");
    assert!(matches!(
        Report::from_json(b"{}"),
        Err(ReportError::Form(_))
    ));
}

#[test]
fn a_thinned_plot_shows_the_totals_of_the_sensor() {
    let plot = Plot {
        key: key(1),
        times: vec![0, 1],
        features: Vec::new(),
        scores: vec![1.0, -1.0],
        anomalies: vec![false, true],
        totals: Some(PlotTotals {
            rows: 2880,
            anomalies: 291,
            features: 9,
        }),
    };
    let report = folded(Limit::Count(0), &[scored(1, 2880, 291)]);
    let page = html::render(&report, &[plot]).unwrap();
    assert!(page.contains("291 of 2,880 readings anomalous"));
    assert!(page.contains("the first 4 of 9 features"));
}
