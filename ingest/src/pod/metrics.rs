use std::borrow::Cow;
use std::sync::atomic::AtomicU64;

use fleetscore_ingest::work::State;
use fleetscore_ingest::{Counts, work::Seen};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode as encode_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Partition {
    partition: i32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Became {
    partition: i32,
    outcome: &'static str,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Trouble {
    partition: String,
    reason: String,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The metrics of a pod, in the text format of Prometheus. They are made of what the pod shows at the moment: of a partition that another
/// pod works on there is nothing left.
pub fn encode(state: &State, stream: &str) -> String {
    let label = (Cow::Borrowed("stream"), Cow::Owned(stream.to_owned()));
    let mut registry =
        Registry::with_prefix_and_labels("fleetscore_ingest", std::iter::once(label));
    let events = Family::<Partition, Counter>::default();
    let readings = Family::<Became, Counter>::default();
    let lag_events = Family::<Partition, Gauge>::default();
    let lag_seconds = Family::<Partition, Gauge>::default();
    let watermark = Family::<Partition, Seconds>::default();
    let trouble = Family::<Trouble, Gauge>::default();
    let note = |partition: String, found: &fleetscore_crds::contract::Trouble| {
        let reason = found.reason.clone();
        trouble.get_or_create(&Trouble { partition, reason }).set(1);
    };
    for (number, seen) in &state.seen {
        let label = Partition { partition: *number };
        events.get_or_create(&label).inc_by(seen.events);
        for (outcome, reason, count) in outcomes(&seen.progress.counts) {
            let label = Became {
                partition: *number,
                outcome,
                reason,
            };
            readings.get_or_create(&label).inc_by(count);
        }
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(lag) = seen.lag {
            lag_events.get_or_create(&label).set(whole(lag));
        }
        if let Some(lag) = seen.lag_seconds {
            lag_seconds.get_or_create(&label).set(whole(lag));
        }
        if let Some(time) = seen.progress.watermark {
            watermark.get_or_create(&label).set(seconds(time));
        }
        let Seen {
            stall,
            error,
            save_error,
            ..
        } = seen;
        for found in [stall, error, save_error].into_iter().flatten() {
            note(number.to_string(), found);
        }
    }
    if let Some(found) = &state.trouble {
        note(String::new(), found);
    }
    registry.register(
        "events",
        "Events read since this process began to work on the partition",
        events,
    );
    registry.register(
        "readings",
        "What became of the partition's readings since the stream began, as of the last checkpoint; each is in exactly one outcome",
        readings,
    );
    registry.register("lag_events", "Events that are not read yet", lag_events);
    registry.register(
        "lag_seconds",
        "How long ago the last event that was read arrived, where events are left to read",
        lag_seconds,
    );
    registry.register(
        "watermark_timestamp_seconds",
        "No window that ends then or earlier takes readings",
        watermark,
    );
    registry.register(
        "trouble",
        "1 for what stands in the way, of the whole process or of a partition",
        trouble,
    );
    if let Some(count) = state.partitions {
        let partitions: Gauge = Gauge::default();
        partitions.set(count.into());
        registry.register("partitions", "Partitions of the topic", partitions);
    }
    if let Some(time) = state.published.complete_through {
        let published: Seconds = Gauge::default();
        published.set(seconds(time));
        registry.register(
            "complete_through_timestamp_seconds",
            "All segments that end then or earlier are published",
            published,
        );
    }
    let mut text = String::new();
    // Writing into a text cannot fail.
    let _ = encode_text(&mut text, &registry);
    text
}

fn outcomes(counts: &Counts) -> Vec<(&'static str, String, u64)> {
    let Counts {
        accepted,
        filtered,
        late,
        early,
        too_old,
        before_start,
        duplicate,
        empty: _,
        invalid,
    } = counts;
    let by_name = [
        ("accepted", accepted),
        ("filtered", filtered),
        ("late", late),
        ("early", early),
        ("tooOld", too_old),
        ("beforeStart", before_start),
        ("duplicate", duplicate),
    ];
    let by_name = by_name.map(|(outcome, count)| (outcome, String::new(), *count));
    let invalid = invalid
        .iter()
        .map(|(reason, count)| ("invalid", reason.to_string(), *count));
    by_name.into_iter().chain(invalid).collect()
}

#[allow(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 are far below 2^52"
)]
fn seconds(time: Timestamp) -> f64 {
    time.as_second() as f64
}
