//! What the operator's metrics tell of each schedule.

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What the metrics tell of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleSample {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was created, or its spec changed last.
    pub changed: Option<Timestamp>,
    /// The latest tick whose run ended well.
    pub last_success: Option<Timestamp>,
    /// The next tick.
    pub next: Option<Timestamp>,
    /// Seconds between ticks, the longest of the next ones; none where it is suspended.
    pub interval: Option<u64>,
    /// The first tick after the later of its last success and its last change; none while it is suspended.
    pub due: Option<Timestamp>,
    /// The run of a tick that ended last.
    pub last_run: Option<LastRun>,
}

/// What the metrics tell of a run that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastRun {
    /// When it ended.
    pub ended: Timestamp,
    /// Seconds from its start to its end.
    pub seconds: Option<i64>,
    /// Sensors that were scored and that failed, where there is a report.
    pub sensors: Option<(u64, u64)>,
    /// Readings that were scored.
    pub rows: Option<u64>,
    /// Readings that were anomalies.
    pub anomalies: Option<u64>,
    /// Sensors that were mostly anomalous.
    pub mostly_anomalous: Option<u64>,
    /// Seconds of machines.
    pub node_seconds: Option<u64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ScheduleLabel {
    namespace: String,
    schedule: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SensorLabel {
    namespace: String,
    schedule: String,
    state: &'static str,
}

type Series = Family<ScheduleLabel, Gauge>;

/// The metrics of all schedules. They are made anew at each look, so that a schedule that is gone leaves nothing behind.
#[derive(Debug, Default)]
pub struct ScheduleMetrics {
    changed: Series,
    last_success: Series,
    next: Series,
    interval: Series,
    due: Series,
    sensors: Family<SensorLabel, Gauge>,
    rows: Series,
    anomalies: Series,
    mostly_anomalous: Series,
    duration: Series,
    node_seconds: Series,
}

impl ScheduleMetrics {
    /// Registers them.
    pub fn register(&self, registry: &mut Registry) {
        for (name, help, series) in self.series() {
            registry.register(name, help, series.clone());
        }
        registry.register(
            "last_run_sensors",
            "Sensors of the last run that ended of the schedule's ticks: Succeeded or Failed",
            self.sensors.clone(),
        );
    }

    fn series(&self) -> [(&'static str, &'static str, &Series); 10] {
        [
            (
                "schedule_changed_timestamp_seconds",
                "When the schedule was created or its spec changed last",
                &self.changed,
            ),
            (
                "schedule_last_success_timestamp_seconds",
                "The latest tick whose run ended Succeeded or PartiallySucceeded",
                &self.last_success,
            ),
            (
                "schedule_next_timestamp_seconds",
                "The schedule's next tick",
                &self.next,
            ),
            (
                "schedule_interval_seconds",
                "The longest time between the schedule's next 11 ticks; suspended schedules have none",
                &self.interval,
            ),
            (
                "schedule_due_timestamp_seconds",
                "The first tick after the later of the last success and the last change; suspended schedules have none",
                &self.due,
            ),
            (
                "last_run_rows",
                "Readings that the last run that ended of the schedule's ticks scored",
                &self.rows,
            ),
            (
                "last_run_anomalies",
                "Readings that were anomalies in the last run that ended of the schedule's ticks",
                &self.anomalies,
            ),
            (
                "last_run_mostly_anomalous",
                "Sensors that were mostly anomalous in the last run that ended of the schedule's ticks",
                &self.mostly_anomalous,
            ),
            (
                "last_run_duration_seconds",
                "From the start to the end of the last run that ended of the schedule's ticks",
                &self.duration,
            ),
            (
                "last_run_node_seconds",
                "What machines the last run that ended of the schedule's ticks took, as an estimate",
                &self.node_seconds,
            ),
        ]
    }

    /// The schedules as they are now.
    pub fn set(&self, samples: &[ScheduleSample]) {
        for (_, _, series) in self.series() {
            series.clear();
        }
        self.sensors.clear();
        for sample in samples {
            self.add(sample);
        }
    }

    fn add(&self, sample: &ScheduleSample) {
        let label = ScheduleLabel {
            namespace: sample.namespace.clone(),
            schedule: sample.name.clone(),
        };
        let set = |series: &Series, value: Option<i64>| {
            if let Some(value) = value {
                series.get_or_create(&label).set(value);
            }
        };
        let second = |time: Option<Timestamp>| time.map(Timestamp::as_second);
        set(&self.changed, second(sample.changed));
        set(&self.last_success, second(sample.last_success));
        set(&self.next, second(sample.next));
        set(&self.interval, sample.interval.map(whole));
        set(&self.due, second(sample.due));
        let Some(run) = &sample.last_run else {
            return;
        };
        set(&self.rows, run.rows.map(whole));
        set(&self.anomalies, run.anomalies.map(whole));
        set(&self.mostly_anomalous, run.mostly_anomalous.map(whole));
        set(&self.duration, run.seconds);
        set(&self.node_seconds, run.node_seconds.map(whole));
        if let Some((succeeded, failed)) = run.sensors {
            for (state, count) in [("Succeeded", succeeded), ("Failed", failed)] {
                let label = SensorLabel {
                    namespace: sample.namespace.clone(),
                    schedule: sample.name.clone(),
                    state,
                };
                self.sensors.get_or_create(&label).set(whole(count));
            }
        }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
