//! The operator's metrics, in the text format of Prometheus.

mod ends;
mod schedules;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fleetscore_crds::{Phase, RELEASE, known_reason};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::config::MetricsConfig;
use ends::RunEnds;
use schedules::ScheduleMetrics;
use streams::StreamMetrics;

pub use ends::Line;
pub use schedules::{LastRun, ScheduleSample};
pub use streams::StreamSample;

/// Upper bounds for what takes seconds to hours.
const STEP_SECONDS: [f64; 12] = [
    1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0,
];
/// Upper bounds for what takes milliseconds to a minute.
const PASS_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0];
/// Upper bounds for how late something is.
const LATE_SECONDS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 14400.0,
];

/// Counts what is there at the moment.
type Count = Box<dyn Fn(&Metrics) + Send + Sync>;

/// All metrics.
pub struct Metrics {
    config: MetricsConfig,
    counts: Mutex<Vec<Count>>,
    registry: Registry,
    runs: Family<PhaseLabel, Gauge>,
    scored: Counter,
    failed: Family<ReasonLabel, Counter>,
    steps: Family<StepLabel, Histogram, Steps>,
    first_node: Histogram,
    passes: Histogram,
    errors: Family<ErrorLabel, Counter>,
    requests: Family<RequestLabel, Counter>,
    leader: Gauge,
    crds: Family<FitLabel, Gauge>,
    schedules: Family<StateLabel, Gauge>,
    runs_created: Family<CauseLabel, Counter>,
    ticks_missed: Family<ReasonLabel, Counter>,
    lateness: Histogram,
    oldest: Family<PhaseLabel, Gauge>,
    build: Family<BuildLabel, Gauge>,
    ends: RunEnds,
    each_schedule: ScheduleMetrics,
    streams: StreamMetrics,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabel {
    version: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabel {
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CauseLabel {
    cause: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PhaseLabel {
    phase: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StepLabel {
    step: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabel {
    error: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabel {
    verb: String,
    resource: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FitLabel {
    crd: String,
    fit: String,
}

#[derive(Clone, Copy, Debug)]
struct Steps;

impl MetricConstructor<Histogram> for Steps {
    fn new_metric(&self) -> Histogram {
        Histogram::new(STEP_SECONDS)
    }
}

impl Metrics {
    /// Metrics that are all zero.
    pub fn new() -> Self {
        Self::with(MetricsConfig::default())
    }

    /// The same, told as far as `config` says.
    pub fn with(config: MetricsConfig) -> Self {
        let mut metrics = Self {
            config,
            counts: Mutex::default(),
            registry: Registry::with_prefix("fleetscore"),
            runs: Family::default(),
            scored: Counter::default(),
            failed: Family::default(),
            steps: Family::new_with_constructor(Steps),
            first_node: Histogram::new(STEP_SECONDS),
            passes: Histogram::new(PASS_SECONDS),
            errors: Family::default(),
            requests: Family::default(),
            leader: Gauge::default(),
            crds: Family::default(),
            schedules: Family::default(),
            runs_created: Family::default(),
            ticks_missed: Family::default(),
            lateness: Histogram::new(LATE_SECONDS),
            oldest: Family::default(),
            build: Family::default(),
            ends: RunEnds::default(),
            each_schedule: ScheduleMetrics::default(),
            streams: StreamMetrics::default(),
        };
        metrics.register();
        metrics.register_schedules();
        metrics.register_fleet();
        metrics.streams.register(&mut metrics.registry);
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("runs", "Runs by phase", self.runs.clone());
        registry.register(
            "sensors_scored",
            "Sensors that ended runs have scored",
            self.scored.clone(),
        );
        registry.register(
            "sensors_failed",
            "Sensors that failed in ended runs",
            self.failed.clone(),
        );
        registry.register(
            "step_duration_seconds",
            "From the start of a step's first Job to the end of its last",
            self.steps.clone(),
        );
        registry.register(
            "time_to_first_node_seconds",
            "From the first score Job's start to its first running pod, of runs that waited for machines",
            self.first_node.clone(),
        );
        registry.register(
            "reconcile_duration_seconds",
            "One pass over one run, schedule or stream",
            self.passes.clone(),
        );
        registry.register(
            "reconcile_errors",
            "Passes that failed",
            self.errors.clone(),
        );
        registry.register(
            "api_requests",
            "Requests to the API server",
            self.requests.clone(),
        );
        registry.register(
            "leader",
            "1 where this replica is the leader",
            self.leader.clone(),
        );
        registry.register(
            "crd_fit",
            "How the cluster's CustomResourceDefinitions fit this operator: Same, Older, Newer, Different, Missing or Unknown",
            self.crds.clone(),
        );
    }

    fn register_fleet(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "oldest_run_age",
            "For how long a run has been where it stands, the longest by phase",
            Unit::Seconds,
            self.oldest.clone(),
        );
        registry.register("build_info", "The operator's version", self.build.clone());
        let version = BuildLabel { version: RELEASE };
        self.build.get_or_create(&version).set(1);
        self.ends.register(registry);
        self.each_schedule.register(registry);
    }

    fn register_schedules(&mut self) {
        let registry = &mut self.registry;
        registry.register("schedules", "Schedules by state", self.schedules.clone());
        registry.register(
            "schedule_runs_created",
            "Runs that schedules created, by cause",
            self.runs_created.clone(),
        );
        registry.register(
            "schedule_ticks_missed",
            "Ticks that got no run, by reason",
            self.ticks_missed.clone(),
        );
        registry.register(
            "schedule_lateness_seconds",
            "From the time at which a tick's run was due to its creation",
            self.lateness.clone(),
        );
    }

    /// One request to the API server.
    pub fn requested(&self, verb: &str, resource: &str) {
        let label = RequestLabel {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
        };
        self.requests.get_or_create(&label).inc();
    }

    /// One pass over one run.
    pub fn reconciled(&self, took: Duration) {
        self.passes.observe(took.as_secs_f64());
    }

    /// A pass that failed.
    pub fn failed(&self, error: &str) {
        self.errors
            .get_or_create(&ErrorLabel {
                error: error.to_owned(),
            })
            .inc();
    }

    /// A step of an ended run.
    pub fn step(&self, step: &str, seconds: f64) {
        self.steps
            .get_or_create(&StepLabel {
                step: step.to_owned(),
            })
            .observe(seconds);
    }

    /// A run got its first machine.
    pub fn first_node(&self, seconds: f64) {
        self.first_node.observe(seconds);
    }

    /// Sensors that an ended run has scored.
    pub fn scored(&self, sensors: u64) {
        self.scored.inc_by(sensors);
    }

    /// Sensors that failed in an ended run. The reason is what a pod tells: one that is not known counts as `Other`, so that no pod makes
    /// up labels.
    pub fn sensors_failed(&self, reason: &str, sensors: u64) {
        if sensors > 0 {
            self.failed
                .get_or_create(&ReasonLabel {
                    reason: known_reason(reason).to_owned(),
                })
                .inc_by(sensors);
        }
    }

    /// A schedule created a run; for a tick of its own, so many seconds after it was due.
    pub fn run_created(&self, cause: &str, late: Option<f64>) {
        self.runs_created
            .get_or_create(&CauseLabel {
                cause: cause.to_owned(),
            })
            .inc();
        if let Some(late) = late {
            self.lateness.observe(late);
        }
    }

    /// Ticks of a schedule got no run.
    pub fn ticks_missed(&self, reason: &str, ticks: u64) {
        self.ticks_missed
            .get_or_create(&ReasonLabel {
                reason: reason.to_owned(),
            })
            .inc_by(ticks);
    }

    /// A run of this namespace and schedule has ended.
    pub fn run_ended(&self, line: Line, phase: Phase) {
        self.ends.add(self.told(line), phase);
    }

    /// The lines of which the ends of runs are told: all that are known at `now`.
    pub fn ends(&self, known: &BTreeSet<Line>, now: Timestamp) {
        let told = known.iter().map(|line| self.told(line.clone()));
        self.ends.set(&told.collect(), now);
    }

    /// Where schedules have no metrics of their own, their runs count in their namespaces.
    fn told(&self, (namespace, schedule): Line) -> Line {
        let schedule = if self.config.per_schedule {
            schedule
        } else {
            String::new()
        };
        (namespace, schedule)
    }

    /// What each schedule that is known now tells.
    pub fn each_schedule(&self, samples: &[ScheduleSample]) {
        if self.config.per_schedule {
            self.each_schedule.set(samples);
        }
    }

    /// For how many seconds runs have been where they stand, the longest by phase.
    pub fn oldest(&self, ages: BTreeMap<String, i64>) {
        self.oldest.clear();
        for (phase, seconds) in ages {
            self.oldest
                .get_or_create(&PhaseLabel { phase })
                .set(seconds);
        }
    }

    /// The phases of the runs that are known now.
    pub fn runs(&self, phases: impl IntoIterator<Item = String>) {
        self.runs.clear();
        for phase in phases {
            self.runs.get_or_create(&PhaseLabel { phase }).inc();
        }
    }

    /// The states of the schedules that are known now.
    pub fn schedules(&self, states: impl IntoIterator<Item = String>) {
        self.schedules.clear();
        for state in states {
            self.schedules.get_or_create(&StateLabel { state }).inc();
        }
    }

    /// The streams that are known now.
    pub fn streams(&self, samples: impl IntoIterator<Item = StreamSample>) {
        self.streams.set(samples);
    }

    /// How the definitions fit this operator, by name.
    pub fn crds(&self, fits: &[(&str, &str)]) {
        self.crds.clear();
        for (crd, fit) in fits {
            let label = FitLabel {
                crd: (*crd).to_owned(),
                fit: (*fit).to_owned(),
            };
            self.crds.get_or_create(&label).set(1);
        }
    }

    /// Whether this replica is the leader.
    pub fn leads(&self, leader: bool) {
        self.leader.set(leader.into());
    }

    /// Has `count` called whenever the text is made: it counts what is there at the moment.
    pub fn count_with(&self, count: impl Fn(&Self) + Send + Sync + 'static) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.push(Box::new(count));
    }

    /// The text of all metrics.
    pub fn encode(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().for_each(|count| count(self));
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            let _ = writeln!(text, "# {error}");
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_out_under_their_names() {
        let metrics = Metrics::new();
        metrics.requested("list", "pods");
        metrics.requested("list", "pods");
        metrics.scored(14);
        metrics.sensors_failed("ModelNotFound", 1);
        metrics.sensors_failed("Other", 0);
        metrics.leads(true);
        metrics.step("plan", 3.0);
        metrics.run_created("tick", Some(0.2));
        metrics.run_created("backfill", None);
        metrics.ticks_missed("Missed", 4);
        metrics.schedules(["Active", "Active", "Suspended"].map(str::to_owned));
        metrics.crds(&[("scoringruns.scoring.fleetscore.io", "Older")]);
        metrics.count_with(|metrics| {
            metrics.runs(["Scoring", "Scoring", "Failed"].map(str::to_owned));
        });
        let text = metrics.encode();
        for line in [
            r#"fleetscore_api_requests_total{verb="list",resource="pods"} 2"#,
            "fleetscore_sensors_scored_total 14",
            r#"fleetscore_sensors_failed_total{reason="ModelNotFound"} 1"#,
            r#"fleetscore_runs{phase="Scoring"} 2"#,
            r#"fleetscore_crd_fit{crd="scoringruns.scoring.fleetscore.io",fit="Older"} 1"#,
            "fleetscore_leader 1",
            r#"fleetscore_schedules{state="Active"} 2"#,
            r#"fleetscore_schedule_runs_created_total{cause="backfill"} 1"#,
            r#"fleetscore_schedule_ticks_missed_total{reason="Missed"} 4"#,
            "fleetscore_schedule_lateness_seconds_count 1",
            r#"fleetscore_step_duration_seconds_count{step="plan"} 1"#,
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        assert!(!text.contains("Other"));
        // What was there before is not counted again.
        metrics.count_with(|metrics| metrics.runs([]));
        assert!(!metrics.encode().contains("phase="));
    }

    #[test]
    fn a_pod_makes_up_no_labels() {
        let metrics = Metrics::new();
        for number in 0..1000 {
            metrics.sensors_failed(&format!("Made-up-{number}"), 2);
        }
        let text = metrics.encode();
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("fleetscore_sensors_failed_total{"))
            .collect();
        assert_eq!(
            lines,
            [r#"fleetscore_sensors_failed_total{reason="Other"} 2000"#]
        );
    }
}
