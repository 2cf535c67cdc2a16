//! The trace of a run that has ended: one span for the run, one for each of its steps. Pure.
//!
//! All IDs follow from the run's UID. Whoever sends the trace a second time sends the same one.

use std::time::{Duration, SystemTime};

use fleetscore_crds::{Phase, ScoringRunStatus, Step};
use jiff::Timestamp;
use opentelemetry::trace::{
    Event, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::build::step_name;
use super::snapshot::RunSnapshot;

/// The phases that a run came to, and when.
pub type Phases = [(Phase, Timestamp)];

/// The trace of `run`, which belongs to `schedule` (empty: none), has come to `status` and went through `phases`. Nothing where the run
/// has not ended, or its UID is not what Kubernetes gives.
pub fn trace(
    run: &RunSnapshot,
    schedule: &str,
    status: &ScoringRunStatus,
    phases: &Phases,
) -> Vec<SpanData> {
    let Some(ids) = Ids::of(&run.uid) else {
        return Vec::new();
    };
    let Some(end) = status.completion_time else {
        return Vec::new();
    };
    let start = status.start_time.unwrap_or(run.created).min(end);
    let name = match schedule {
        "" => "score".to_owned(),
        schedule => format!("score {schedule}"),
    };
    // What Azure Monitor shows as a request is a span of the kind CONSUMER.
    let mut root = ids.span(0, name, SpanKind::Consumer, (start, end));
    root.attributes = attributes(run, schedule, status);
    root.status = outcome(status);
    root.events.events = phases
        .iter()
        .map(|(phase, time)| event(*phase, *time))
        .collect();
    let mut spans = vec![root];
    let steps = [Step::Plan, Step::Score, Step::Collect];
    for (number, step) in (1..).zip(steps) {
        if let Some(times) = times(status, step, end) {
            let name = step_name(step).to_owned();
            spans.push(ids.span(number, name, SpanKind::Internal, times));
        }
    }
    let waits = phases
        .windows(2)
        .filter(|pair| pair[0].0 == Phase::WaitingForNodes);
    for (number, wait) in (4..).zip(waits) {
        let times = (wait[0].1, wait[1].1);
        let name = "wait for nodes".to_owned();
        spans.push(ids.span(number, name, SpanKind::Internal, times));
    }
    spans
}

/// From the start of the step's first Job to the end of its last.
fn times(status: &ScoringRunStatus, step: Step, end: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let jobs = || status.jobs.iter().filter(|job| job.step == step);
    let begun = jobs().filter_map(|job| job.start_time).min()?;
    let ended = jobs().map(|job| job.completion_time.unwrap_or(end)).max()?;
    Some((begun, ended.max(begun)))
}

fn attributes(run: &RunSnapshot, schedule: &str, status: &ScoringRunStatus) -> Vec<KeyValue> {
    let count = |name: &'static str, count: u64| {
        KeyValue::new(name, i64::try_from(count).unwrap_or(i64::MAX))
    };
    let sensors = status.sensors.unwrap_or_default();
    let mut attributes = vec![
        KeyValue::new("k8s.namespace.name", run.namespace.clone()),
        KeyValue::new("fleetscore.run", run.name.clone()),
        KeyValue::new("fleetscore.phase", format!("{:?}", status.phase)),
        count("fleetscore.sensors", sensors.total),
        count("fleetscore.sensors.succeeded", sensors.succeeded),
        count("fleetscore.sensors.failed", sensors.failed),
    ];
    if !schedule.is_empty() {
        attributes.push(KeyValue::new("fleetscore.schedule", schedule.to_owned()));
    }
    attributes.extend(status.rows.map(|rows| count("fleetscore.rows", rows)));
    let anomalies = status.anomalies;
    attributes.extend(anomalies.map(|anomalies| count("fleetscore.anomalies", anomalies)));
    let usage = status.usage.as_ref();
    attributes.extend(usage.map(|usage| count("fleetscore.node_seconds", usage.node_seconds)));
    let report = status.report.clone();
    attributes.extend(report.map(|report| KeyValue::new("fleetscore.report", report)));
    attributes
}

fn outcome(status: &ScoringRunStatus) -> Status {
    if status.phase != Phase::Failed {
        return Status::Ok;
    }
    let mut conditions = status.conditions.iter();
    let failed = conditions.find(|condition| condition.kind == "Failed");
    Status::error(failed.map_or(String::new(), |failed| {
        format!("{}: {}", failed.reason, failed.message)
    }))
}

fn event(phase: Phase, time: Timestamp) -> Event {
    Event::new(format!("{phase:?}"), system_time(time), Vec::new(), 0)
}

/// The IDs of a run's spans.
struct Ids {
    trace: TraceId,
    root: u64,
}

impl Ids {
    fn of(uid: &str) -> Option<Self> {
        let trace = u128::from_str_radix(&uid.replace('-', ""), 16).ok()?;
        // The lower half of a UUID holds its variant in its first bits, which no number below flips.
        let root = u64::try_from(trace & u128::from(u64::MAX)).ok()?;
        (uid.len() == 36 && root >> 32 != 0).then_some(Self {
            trace: TraceId::from(trace),
            root,
        })
    }

    /// The root has the number 0.
    fn span(
        &self,
        number: u32,
        name: String,
        kind: SpanKind,
        (start, end): (Timestamp, Timestamp),
    ) -> SpanData {
        let id = SpanId::from(self.root ^ u64::from(number));
        let parent = match number {
            0 => SpanId::INVALID,
            _ => SpanId::from(self.root),
        };
        let sampled = TraceFlags::SAMPLED;
        SpanData {
            span_context: SpanContext::new(self.trace, id, sampled, false, TraceState::default()),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: kind,
            name: name.into(),
            start_time: system_time(start),
            end_time: system_time(end),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("fleetscore-operator")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        }
    }
}

fn system_time(time: Timestamp) -> SystemTime {
    let since = Duration::from_nanos(u64::try_from(time.as_nanosecond()).unwrap_or(0));
    SystemTime::UNIX_EPOCH + since
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{at, planned};
    use fleetscore_crds::{JobState, SensorCounts, StepJob};

    const UID: &str = "0af76519-16cd-43dd-8448-eb211c80319c";

    fn ended(phase: Phase) -> (RunSnapshot, ScoringRunStatus) {
        let mut run = planned(3);
        run.uid = UID.to_owned();
        let job = |step: Step, from: i64, to: i64| StepJob {
            name: step_name(step).to_owned(),
            step,
            state: JobState::Succeeded,
            start_time: Some(at(from)),
            completion_time: Some(at(to)),
        };
        let status = ScoringRunStatus {
            phase,
            start_time: Some(at(0)),
            completion_time: Some(at(300)),
            sensors: Some(SensorCounts {
                total: 3,
                succeeded: 2,
                failed: 1,
            }),
            rows: Some(100),
            anomalies: Some(7),
            report: Some("az://p/_run/report.html".to_owned()),
            jobs: vec![
                job(Step::Plan, 1, 9),
                job(Step::Score, 10, 200),
                job(Step::Score, 20, 280),
                job(Step::Collect, 281, 299),
            ],
            ..run.status.clone()
        };
        (run, status)
    }

    #[test]
    fn a_run_is_a_trace_of_its_steps_under_its_uid() {
        let (run, status) = ended(Phase::PartiallySucceeded);
        let phases = [
            (Phase::Planning, at(0)),
            (Phase::WaitingForNodes, at(12)),
            (Phase::Scoring, at(70)),
            (Phase::PartiallySucceeded, at(300)),
        ];
        let spans = trace(&run, "pumps", &status, &phases);
        let id = |span: &SpanData| span.span_context.span_id();
        let times = |span: &SpanData| {
            [span.start_time, span.end_time]
                .map(|time| time.duration_since(system_time(at(0))).unwrap().as_secs())
        };
        let found: Vec<_> = spans
            .iter()
            .map(|span| (span.name.as_ref(), times(span)))
            .collect();
        let expected = [
            ("score pumps", [0, 300]),
            ("plan", [1, 9]),
            ("score", [10, 280]),
            ("collect", [281, 299]),
            ("wait for nodes", [12, 70]),
        ];
        assert_eq!(found, expected);
        let root = &spans[0];
        assert_eq!(root.parent_span_id, SpanId::INVALID);
        assert_eq!(root.span_kind, SpanKind::Consumer);
        assert_eq!(root.status, Status::Ok);
        assert_eq!(root.events.len(), 4);
        for span in &spans {
            let trace = span.span_context.trace_id().to_string();
            assert_eq!(trace, UID.replace('-', ""));
        }
        assert!(
            spans[1..]
                .iter()
                .all(|span| span.parent_span_id == id(root))
        );
        let ids: std::collections::HashSet<_> = spans.iter().map(id).collect();
        assert_eq!(ids.len(), spans.len());
        // The same again has the same IDs.
        let again: Vec<_> = trace(&run, "pumps", &status, &phases)
            .iter()
            .map(id)
            .collect();
        assert_eq!(again, spans.iter().map(id).collect::<Vec<_>>());
    }

    #[test]
    fn a_failed_run_is_an_error_and_one_without_schedule_has_a_common_name() {
        let (run, status) = ended(Phase::Failed);
        let spans = trace(&run, "", &status, &[]);
        assert_eq!(spans[0].name, "score");
        assert!(matches!(spans[0].status, Status::Error { .. }));
        assert_eq!(spans.len(), 4);
    }

    #[test]
    fn what_has_not_ended_or_has_no_uuid_is_no_trace() {
        let (mut run, mut status) = ended(Phase::Succeeded);
        status.completion_time = None;
        assert!(trace(&run, "", &status, &[]).is_empty());
        let (_, status) = ended(Phase::Succeeded);
        for uid in ["run-uid", "", "00000000-0000-0000-0000-000000000000", "é"] {
            run.uid = uid.to_owned();
            assert!(trace(&run, "", &status, &[]).is_empty(), "{uid}");
        }
    }
}
