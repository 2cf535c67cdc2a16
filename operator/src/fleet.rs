//! What the metrics tell of everything that is watched, at the moment at which they are asked.

use std::collections::{BTreeMap, BTreeSet};

use fleetscore_crds::{ReadingStream, ScoringRun, ScoringSchedule};
use jiff::Timestamp;

use crate::controller::Seen;
use crate::metrics::{LastRun, Line, Metrics, ScheduleSample, StreamSample};
use crate::run::{self, RunSample};
use crate::schedule::{self, Intervals};
use crate::stream;

/// All runs, schedules and streams that are watched.
pub struct Fleet {
    runs: Vec<Seen<ScoringRun>>,
    schedules: Vec<Seen<ScoringSchedule>>,
    streams: Vec<Seen<ReadingStream>>,
    intervals: Intervals,
}

impl Fleet {
    /// These.
    pub fn new(
        runs: Vec<Seen<ScoringRun>>,
        schedules: Vec<Seen<ScoringSchedule>>,
        streams: Vec<Seen<ReadingStream>>,
    ) -> Self {
        Self {
            runs,
            schedules,
            streams,
            intervals: Intervals::default(),
        }
    }

    /// Tells the metrics what is there at `now`.
    pub fn count(&self, metrics: &Metrics, now: Timestamp) {
        metrics.runs(self.runs.iter().flat_map(Seen::states));
        metrics.schedules(self.schedules.iter().flat_map(Seen::states));
        metrics.streams(self.streams.iter().flat_map(streams));
        let runs: Vec<_> = self.runs.iter().flat_map(runs).collect();
        metrics.oldest(ages(&runs, now));
        let mut schedules = self.schedules(now);
        add_last_runs(&mut schedules, &runs);
        metrics.each_schedule(&schedules);
        // Before they are listed, none would be known.
        if self.schedules.iter().all(|seen| *seen.listed().borrow()) {
            metrics.ends(&lines(&schedules, &runs), now);
        }
    }

    fn schedules(&self, now: Timestamp) -> Vec<ScheduleSample> {
        let seen = self.schedules.iter();
        let objects = seen.flat_map(|seen| seen.objects.state());
        objects
            .filter_map(|object| {
                let schedule = object.0.as_ref().ok()?;
                Some(schedule::sample(schedule, &self.intervals, now))
            })
            .collect()
    }
}

fn runs(seen: &Seen<ScoringRun>) -> Vec<RunSample> {
    let objects = seen.objects.state();
    let readable = objects.iter().filter_map(|run| run.0.as_ref().ok());
    readable.map(run::sample).collect()
}

fn streams(seen: &Seen<ReadingStream>) -> Vec<StreamSample> {
    let objects = seen.objects.state();
    let readable = objects.iter().filter_map(|stream| stream.0.as_ref().ok());
    readable.map(stream::sample).collect()
}

/// For how many seconds runs have been where they are, the longest by phase.
fn ages(runs: &[RunSample], now: Timestamp) -> BTreeMap<String, i64> {
    let mut ages = BTreeMap::new();
    for run in runs {
        if let Some(since) = run.since {
            let age = now.duration_since(since).as_secs().max(0);
            let oldest: &mut i64 = ages.entry(format!("{:?}", run.phase)).or_default();
            *oldest = age.max(*oldest);
        }
    }
    ages
}

/// Gives each schedule the run of its ticks that ended last.
fn add_last_runs(schedules: &mut [ScheduleSample], runs: &[RunSample]) {
    let mut last: BTreeMap<(&str, &str), &LastRun> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.is_ticks) {
        if let Some(end) = &run.end {
            let found = last.entry((&run.namespace, &run.schedule)).or_insert(end);
            if end.ended > found.ended {
                *found = end;
            }
        }
    }
    for schedule in schedules {
        let found = last.get(&(schedule.namespace.as_str(), schedule.name.as_str()));
        schedule.last_run = found.copied().cloned();
    }
}

/// The schedules, and for each namespace of a run that belongs to none of them, none.
fn lines(schedules: &[ScheduleSample], runs: &[RunSample]) -> BTreeSet<Line> {
    let scheduled = schedules
        .iter()
        .map(|schedule| (schedule.namespace.clone(), schedule.name.clone()));
    let others = runs.iter().filter(|run| run.schedule.is_empty());
    scheduled
        .chain(others.map(|run| (run.namespace.clone(), String::new())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MetricsConfig;
    use serde_json::{Value, json};

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().unwrap()
    }

    /// A run of a tick of the schedule `pumps`, with this status.
    fn tick(status: &Value) -> ScoringRun {
        serde_json::from_value(json!({
            "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringRun",
            "metadata": {
                "name": "pumps-1", "namespace": "plant", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"scoring.fleetscore.io/cause": "tick", "scoring.fleetscore.io/schedule": "pumps"},
                "ownerReferences": [{"apiVersion": "v", "kind": "ScoringSchedule", "name": "pumps", "uid": "s", "controller": true}],
            },
            "spec": {
                "model": {"location": "file:///m/{device}"},
                "input": {"location": "file:///i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                "output": {"location": "file:///o/", "file": "{device}.csv"},
            },
            "status": status,
        }))
        .unwrap()
    }

    fn ended(phase: &str, time: &str, rows: u64) -> Value {
        json!({
            "phase": phase, "startTime": "2026-01-01T01:00:00Z", "completionTime": at(time), "report": "az://p/_run/report.html",
            "sensors": {"total": 15, "succeeded": 14, "failed": 1}, "rows": rows, "anomalies": 7, "mostlyAnomalous": 2,
            "usage": {"nodes": 2, "nodeSeconds": 480},
        })
    }

    fn pumps() -> ScheduleSample {
        ScheduleSample {
            namespace: "plant".to_owned(),
            name: "pumps".to_owned(),
            changed: Some(at("00:00:00")),
            last_success: Some(at("01:00:00")),
            next: Some(at("02:00:00")),
            interval: Some(3600),
            due: Some("2026-01-01T02:00:00Z".parse().unwrap()),
            last_run: None,
        }
    }

    fn text(metrics: &Metrics, schedules: &[ScheduleSample], runs: &[RunSample]) -> String {
        text_at("02:00:00", metrics, schedules, runs)
    }

    fn text_at(
        time: &str,
        metrics: &Metrics,
        schedules: &[ScheduleSample],
        runs: &[RunSample],
    ) -> String {
        let mut schedules = schedules.to_vec();
        add_last_runs(&mut schedules, runs);
        metrics.each_schedule(&schedules);
        metrics.ends(&lines(&schedules, runs), at(time));
        metrics.oldest(ages(runs, at(time)));
        metrics.encode()
    }

    fn expect(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(
                text.lines().any(|found| found == *line),
                "{line} is not in\n{text}"
            );
        }
    }

    #[test]
    fn a_schedule_tells_of_the_run_of_its_ticks_that_ended_last() {
        let metrics = Metrics::new();
        let mut backfill = tick(&ended("Failed", "01:59:00", 1));
        let cause = "scoring.fleetscore.io/cause".to_owned();
        let labels = backfill.metadata.labels.as_mut().unwrap();
        labels.insert(cause, "backfill".to_owned());
        let runs = [
            tick(&ended("Succeeded", "01:02:00", 90)),
            tick(&ended("PartiallySucceeded", "01:04:00", 100)),
            tick(&ended("Succeeded", "01:03:00", 95)),
            backfill,
        ]
        .map(|run| run::sample(&run));
        let told = text(&metrics, &[pumps()], &runs);
        let label = r#"{namespace="plant",schedule="pumps"}"#;
        for (name, value) in [
            ("schedule_changed_timestamp_seconds", 1_767_225_600),
            ("schedule_last_success_timestamp_seconds", 1_767_229_200),
            ("schedule_next_timestamp_seconds", 1_767_232_800),
            ("schedule_interval_seconds", 3600),
            ("schedule_due_timestamp_seconds", 1_767_232_800),
            ("last_run_rows", 100),
            ("last_run_anomalies", 7),
            ("last_run_mostly_anomalous", 2),
            ("last_run_duration_seconds", 240),
            ("last_run_node_seconds", 480),
        ] {
            expect(&told, &[&format!("fleetscore_{name}{label} {value}")]);
        }
        expect(
            &told,
            &[
                r#"fleetscore_last_run_sensors{namespace="plant",schedule="pumps",state="Succeeded"} 14"#,
                r#"fleetscore_last_run_sensors{namespace="plant",schedule="pumps",state="Failed"} 1"#,
                concat!(
                    "fleetscore_build_info{version=\"",
                    env!("CARGO_PKG_VERSION"),
                    "\"} 1"
                ),
            ],
        );
        // What is not known is not told.
        let failed =
            json!({"phase": "Failed", "completionTime": at("01:05:00"), "sensors": {"total": 15}});
        let told = text(&metrics, &[pumps()], &[run::sample(&tick(&failed))]);
        assert!(!told.contains("last_run_rows{") && !told.contains("last_run_sensors{"));
        // A schedule that is gone leaves nothing behind.
        assert!(!text(&metrics, &[], &[]).contains("pumps"));
    }

    #[test]
    fn ends_are_counted_from_zero_and_once() {
        let line = || ("plant".to_owned(), "pumps".to_owned());
        let metrics = Metrics::new();
        let failed =
            r#"fleetscore_runs_ended_total{namespace="plant",schedule="pumps",phase="Failed"}"#;
        // What ended before this process began is no end that it has seen.
        let old = [run::sample(&tick(&ended("Failed", "01:02:00", 1)))];
        expect(&text(&metrics, &[pumps()], &old), &[&format!("{failed} 0")]);
        metrics.run_ended(line(), fleetscore_crds::Phase::Failed);
        for _ in 0..2 {
            let told = text_at("02:02:00", &metrics, &[pumps()], &old);
            expect(&told, &[&format!("{failed} 1")]);
            expect(
                &told,
                &[
                    r#"fleetscore_runs_ended_total{namespace="plant",schedule="pumps",phase="Succeeded"} 0"#,
                ],
            );
        }
        assert!(!text(&metrics, &[], &old).contains("pumps"));
        expect(&text(&metrics, &[pumps()], &old), &[&format!("{failed} 0")]);
    }

    #[test]
    fn a_first_run_that_failed_before_anybody_asked_is_seen_to_be_counted() {
        let failed = r#"fleetscore_runs_ended_total{namespace="plant",schedule="",phase="Failed"}"#;
        let metrics = Metrics::new();
        let mut alone = tick(&ended("Failed", "01:02:00", 1));
        alone.metadata.owner_references = None;
        let runs = [run::sample(&alone)];
        let none = ("plant".to_owned(), String::new());
        metrics.run_ended(none, fleetscore_crds::Phase::Failed);
        // As a monitor that asks every minute sees it.
        for (time, count) in [
            ("02:00:00", 0),
            ("02:01:00", 0),
            ("02:02:00", 1),
            ("02:03:00", 1),
        ] {
            let told = text_at(time, &metrics, &[], &runs);
            expect(&told, &[&format!("{failed} {count}")]);
        }
    }

    #[test]
    fn without_metrics_for_each_schedule_runs_count_in_their_namespace() {
        let metrics = Metrics::with(MetricsConfig {
            per_schedule: false,
        });
        metrics.run_ended(
            ("plant".to_owned(), "pumps".to_owned()),
            fleetscore_crds::Phase::Failed,
        );
        let run = run::sample(&tick(&ended("Succeeded", "01:02:00", 90)));
        let run = [run];
        text(&metrics, &[pumps()], &run);
        let told = text_at("02:02:00", &metrics, &[pumps()], &run);
        expect(
            &told,
            &[r#"fleetscore_runs_ended_total{namespace="plant",schedule="",phase="Failed"} 1"#],
        );
        assert!(!told.contains("pumps"));
    }

    #[test]
    fn the_age_is_that_of_the_longest_wait_in_a_phase() {
        let waiting = |planned: &str| {
            json!({"phase": "WaitingForNodes", "startTime": "2026-01-01T00:00:00Z", "conditions": [
                {"type": "Planned", "status": "True", "lastTransitionTime": at(planned), "reason": "Planned", "message": ""},
            ]})
        };
        let runs = [
            waiting("01:50:00"),
            waiting("01:40:00"),
            // It lost its nodes long after it was planned.
            json!({"phase": "WaitingForNodes", "conditions": [
                {"type": "Planned", "status": "True", "lastTransitionTime": at("00:00:00"), "reason": "Planned", "message": ""},
                {"type": "WaitingForNodes", "status": "True", "lastTransitionTime": at("01:55:00"), "reason": "Unschedulable", "message": ""},
            ]}),
            json!({"phase": "Suspended", "startTime": "2026-01-01T00:00:00Z"}),
            json!({}),
        ]
        .map(|status| run::sample(&tick(&status)));
        let told = text(&Metrics::new(), &[], &runs);
        expect(
            &told,
            &[
                r#"fleetscore_oldest_run_age_seconds{phase="WaitingForNodes"} 1200"#,
                r#"fleetscore_oldest_run_age_seconds{phase="Pending"} 7200"#,
            ],
        );
        assert!(!told.contains(r#"age_seconds{phase="Suspended"}"#));
    }

    #[test]
    fn a_retry_counts_for_the_schedule_of_the_run_that_it_tries_again() {
        let mut run = tick(&json!({}));
        run.metadata.owner_references = None;
        assert_eq!(run::sample(&run).schedule, "");
        let cause = "scoring.fleetscore.io/cause".to_owned();
        let labels = run.metadata.labels.as_mut().unwrap();
        labels.insert(cause, "retry".to_owned());
        let sample = run::sample(&run);
        assert_eq!(
            (sample.schedule.as_str(), sample.is_ticks),
            ("pumps", false)
        );
    }

    /// The names that begin with `fleetscore_` in a file of the chart.
    fn names(file: &str) -> BTreeSet<String> {
        let text = std::fs::read_to_string(file).unwrap();
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let words = text.split(|letter| !word(letter));
        let names = words.filter(|word| word.starts_with("fleetscore_"));
        names.map(str::to_owned).collect()
    }

    #[test]
    fn every_metric_that_the_alerts_and_dashboards_name_is_there() {
        let metrics = Metrics::new();
        metrics.requested("list", "pods");
        metrics.failed("Write");
        metrics.sensors_failed("ModelNotFound", 1);
        metrics.step("plan", 3.0);
        metrics.run_created("tick", Some(0.2));
        metrics.ticks_missed("Missed", 4);
        metrics.runs(["Scoring".to_owned()]);
        metrics.schedules(["Active".to_owned()]);
        metrics.crds(&[("scoringruns.scoring.fleetscore.io", "Same")]);
        let status = json!({
            "completeThrough": "1970-01-01T01:00:00Z", "lag": {"events": 7, "seconds": 2}, "replicas": 3,
            "partitions": {"total": 8, "owned": 6}, "counts": {"accepted": 5},
            "lastSegment": {"start": "1970-01-01T00:00:00Z", "rows": 5},
        });
        metrics.streams([StreamSample {
            namespace: "plant".to_owned(),
            name: "pumps".to_owned(),
            up: Some(true),
            status: serde_json::from_value(status).unwrap(),
        }]);
        let runs = [json!({}), ended("Succeeded", "01:02:00", 90)];
        let runs = runs.map(|status| run::sample(&tick(&status)));
        let told = text(&metrics, &[pumps()], &runs);
        let there: BTreeSet<_> = told
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split(['{', ' ']).next())
            .collect();
        let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/fleetscore/files");
        let mut named = names(&format!("{files}/alerts.yaml"));
        for dashboard in ["operations", "fleet"] {
            named.extend(names(&format!("{files}/dashboards/{dashboard}.json")));
        }
        assert!(named.len() > 20, "{named:?}");
        let absent: Vec<_> = named
            .iter()
            .filter(|name| !there.contains(name.as_str()))
            .collect();
        assert!(absent.is_empty(), "{absent:?} not in\n{told}");
    }
}
