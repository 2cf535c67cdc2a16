//! What the operator's metrics tell of streams, for each of them.

use fleetscore_crds::ReadingStreamStatus;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// What the metrics tell of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSample {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether all of it is read; none: it is not to be.
    pub up: Option<bool>,
    /// What it has come to.
    pub status: ReadingStreamStatus,
}

/// The metrics of all streams. They are made anew at each look, so that a stream that is gone leaves nothing behind.
#[derive(Debug, Default)]
pub struct StreamMetrics {
    up: Family<StreamLabel, Gauge>,
    complete: Family<StreamLabel, Gauge>,
    lag_events: Family<StreamLabel, Gauge>,
    lag: Family<StreamLabel, Gauge>,
    pods: Family<StreamLabel, Gauge>,
    gaps: Family<StreamLabel, Gauge>,
    partitions: Family<PartitionLabel, Gauge>,
    readings: Family<ReadingLabel, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StreamLabel {
    namespace: String,
    stream: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PartitionLabel {
    namespace: String,
    stream: String,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReadingLabel {
    namespace: String,
    stream: String,
    outcome: &'static str,
    reason: String,
}

impl StreamMetrics {
    /// Registers them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "stream_up",
            "1 where every partition of the stream is read and nothing stands in the way; suspended streams have none",
            self.up.clone(),
        );
        registry.register(
            "stream_complete_through_timestamp_seconds",
            "All segments that end at this time or before are published",
            self.complete.clone(),
        );
        registry.register(
            "stream_lag_events",
            "Events of the hub that the stream has not read yet",
            self.lag_events.clone(),
        );
        registry.register_with_unit(
            "stream_lag",
            "How long ago the oldest event that is not read yet arrived",
            Unit::Seconds,
            self.lag.clone(),
        );
        registry.register("stream_pods", "Pods of the stream", self.pods.clone());
        registry.register(
            "stream_last_segment_gaps",
            "1 where the hub had deleted events of the last published segment before they were read",
            self.gaps.clone(),
        );
        registry.register(
            "stream_partitions",
            "Partitions of the hub: Reading, Idle, Stalled, or Unowned where no pod reads them",
            self.partitions.clone(),
        );
        registry.register(
            "stream_readings",
            "What became of the readings since the stream's first start",
            self.readings.clone(),
        );
    }

    /// The streams as they are now.
    pub fn set(&self, samples: impl IntoIterator<Item = StreamSample>) {
        self.up.clear();
        self.complete.clear();
        self.lag_events.clear();
        self.lag.clear();
        self.pods.clear();
        self.gaps.clear();
        self.partitions.clear();
        self.readings.clear();
        for sample in samples {
            self.add(&sample);
        }
    }

    fn add(&self, sample: &StreamSample) {
        let label = StreamLabel {
            namespace: sample.namespace.clone(),
            stream: sample.name.clone(),
        };
        let set = |family: &Family<StreamLabel, Gauge>, value: i64| {
            family.get_or_create(&label).set(value);
        };
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let status = &sample.status;
        if let Some(up) = sample.up {
            set(&self.up, up.into());
        }
        if let Some(complete) = status.complete_through {
            set(&self.complete, complete.as_second());
        }
        if let Some(lag) = status.lag {
            set(&self.lag_events, whole(lag.events));
            set(&self.lag, whole(lag.seconds));
        }
        set(&self.pods, status.replicas.into());
        if let Some(segment) = &status.last_segment {
            set(&self.gaps, segment.gaps.into());
        }
        self.add_partitions(sample);
        self.add_readings(sample);
    }

    fn add_partitions(&self, sample: &StreamSample) {
        let Some(counts) = sample.status.partitions else {
            return;
        };
        let busy = counts.owned.saturating_sub(counts.idle);
        for (state, count) in [
            ("Reading", busy.saturating_sub(counts.stalled)),
            ("Idle", counts.idle),
            ("Stalled", counts.stalled),
            ("Unowned", counts.total.saturating_sub(counts.owned)),
        ] {
            let label = PartitionLabel {
                namespace: sample.namespace.clone(),
                stream: sample.name.clone(),
                state,
            };
            self.partitions.get_or_create(&label).set(count.into());
        }
    }

    fn add_readings(&self, sample: &StreamSample) {
        let Some(counts) = &sample.status.counts else {
            return;
        };
        let named = [
            ("Accepted", counts.accepted),
            ("Filtered", counts.filtered),
            ("Late", counts.late),
            ("Early", counts.early),
            ("TooOld", counts.too_old),
            ("BeforeStart", counts.before_start),
            ("Duplicate", counts.duplicate),
            ("Empty", counts.empty),
        ];
        let named = named.map(|(outcome, count)| (outcome, "", count));
        let invalid = counts.invalid.iter();
        let invalid = invalid.map(|(reason, count)| ("Invalid", reason.as_str(), *count));
        for (outcome, reason, count) in named.into_iter().chain(invalid) {
            let label = ReadingLabel {
                namespace: sample.namespace.clone(),
                stream: sample.name.clone(),
                outcome,
                reason: reason.to_owned(),
            };
            self.readings.get_or_create(&label).inc_by(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::metrics::{Metrics, StreamSample};

    fn sample(name: &str, up: Option<bool>, status: Value) -> StreamSample {
        StreamSample {
            namespace: "plant".to_owned(),
            name: name.to_owned(),
            up,
            status: serde_json::from_value(status).unwrap(),
        }
    }

    #[test]
    fn streams_come_out_under_their_names_and_leave_nothing_behind() {
        let metrics = Metrics::new();
        let status = json!({
            "completeThrough": "1970-01-01T01:00:00Z", "lag": {"events": 7, "seconds": 2}, "replicas": 3,
            "partitions": {"total": 8, "owned": 6, "idle": 2, "stalled": 1},
            "lastSegment": {"start": "1970-01-01T00:00:00Z", "rows": 5, "files": 1, "gaps": true},
            "counts": {"accepted": 5, "late": 1, "invalid": {"BadTime": 4}},
        });
        metrics.streams([
            sample("pumps", Some(true), status),
            sample("fans", None, json!({})),
        ]);
        let text = metrics.encode();
        for line in [
            r#"fleetscore_stream_up{namespace="plant",stream="pumps"} 1"#,
            r#"fleetscore_stream_complete_through_timestamp_seconds{namespace="plant",stream="pumps"} 3600"#,
            r#"fleetscore_stream_lag_events{namespace="plant",stream="pumps"} 7"#,
            r#"fleetscore_stream_lag_seconds{namespace="plant",stream="pumps"} 2"#,
            r#"fleetscore_stream_pods{namespace="plant",stream="pumps"} 3"#,
            r#"fleetscore_stream_last_segment_gaps{namespace="plant",stream="pumps"} 1"#,
            r#"fleetscore_stream_partitions{namespace="plant",stream="pumps",state="Reading"} 3"#,
            r#"fleetscore_stream_partitions{namespace="plant",stream="pumps",state="Unowned"} 2"#,
            r#"fleetscore_stream_readings_total{namespace="plant",stream="pumps",outcome="Accepted",reason=""} 5"#,
            r#"fleetscore_stream_readings_total{namespace="plant",stream="pumps",outcome="Invalid",reason="BadTime"} 4"#,
            r#"fleetscore_stream_pods{namespace="plant",stream="fans"} 0"#,
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        // What is not known is not told.
        assert!(!text.contains(r#"fleetscore_stream_up{namespace="plant",stream="fans"}"#));
        metrics.streams([]);
        assert!(!metrics.encode().contains("plant"));
    }
}
