//! What a few events of a hub become, without anything being written.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use fleetscore_crds::ReadingStreamSpec;
use serde::Serialize;

use crate::event::Decoder;
use crate::{Event, Hub, Place, Reason, Refusal, SourceError};

/// How long the events of all partitions are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Readings that are shown.
const SHOWN: usize = 10;

/// What a few events of a hub become, without anything being written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The topic and its brokers.
    pub hub: String,
    /// Each partition.
    pub partitions: Vec<PartitionPreview>,
    /// Events that were read.
    pub events: u64,
    /// Events without readings.
    pub empty: u64,
    /// Readings that would be in the stream, as far as their times allow.
    pub selected: u64,
    /// Readings that the filter leaves out.
    pub filtered: u64,
    /// What cannot be used, by reason, with the first example.
    pub refused: BTreeMap<Reason, RefusedPreview>,
    /// Some of the readings.
    pub readings: Vec<ReadingPreview>,
    /// Whether arrival is the producers' clock instead of the hub's.
    pub has_producers_clock: bool,
}

/// What a hub has of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionPreview {
    /// The partition.
    pub partition: i32,
    /// The first offset that there is.
    pub earliest: i64,
    /// The offset behind the last event.
    pub end: i64,
}

/// Readings, or whole events, that cannot be used for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedPreview {
    /// How many.
    pub count: u64,
    /// The partition of the first one.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// What is wrong with it.
    pub example: Refusal,
}

/// A reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadingPreview {
    /// Its time.
    pub time: jiff::Timestamp,
    /// The texts of its keys, in the order of their names.
    pub key: Vec<String>,
    /// Its features.
    pub features: Vec<f64>,
    /// Whether the filter selects it.
    pub is_selected: bool,
}

/// Reads the last events of each partition, at most `per_partition` of each. Blocks.
///
/// # Errors
///
/// The hub cannot be read.
pub fn preview(
    hub: &dyn Hub,
    decoder: &mut Decoder,
    per_partition: u32,
) -> Result<Preview, SourceError> {
    let mut source = hub.open()?;
    let mut preview = Preview {
        hub: hub.name(),
        ..Preview::default()
    };
    let mut left = BTreeMap::new();
    for partition in source.partitions()? {
        let bounds = source.bounds(partition)?;
        preview.partitions.push(PartitionPreview {
            partition,
            earliest: bounds.earliest,
            end: bounds.end,
        });
        let first = bounds.earliest.max(bounds.end - i64::from(per_partition));
        if first < bounds.end {
            source.assign(partition, Place::at(first))?;
            left.insert(partition, bounds.end);
        }
    }
    let begun = Instant::now();
    while !left.is_empty() && begun.elapsed() < PATIENCE {
        source.poll(1000, Duration::from_millis(200), &mut |event| {
            match event {
                Event::Record {
                    record,
                    has_hub_time,
                } => {
                    let end = left.get(&record.partition).copied();
                    if end.is_some_and(|end| record.offset < end) {
                        preview.has_producers_clock |= !has_hub_time;
                        preview.add(&record, decoder);
                    }
                    if end.is_some_and(|end| record.offset + 1 >= end) {
                        left.remove(&record.partition);
                    }
                }
                Event::End { partition } => {
                    left.remove(&partition);
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(preview)
}

impl Preview {
    fn add(&mut self, record: &crate::Record<'_>, decoder: &mut Decoder) {
        self.events += 1;
        let decoded = decoder.decode(record, &mut |outcome| {
            let refusal = match outcome {
                Ok(reading) if !reading.is_selected => {
                    self.filtered += 1;
                    return;
                }
                Ok(reading) => match reading.features {
                    Ok(features) => {
                        self.selected += 1;
                        if self.readings.len() < SHOWN {
                            self.readings.push(ReadingPreview {
                                time: jiff::Timestamp::from_nanosecond(reading.time.into())
                                    .unwrap_or_default(),
                                key: texts(reading.key),
                                features: features.to_vec(),
                                is_selected: true,
                            });
                        }
                        return;
                    }
                    Err(refusal) => refusal,
                },
                Err(refusal) => refusal,
            };
            let refused = self.refused.entry(refusal.reason);
            let refused = refused.or_insert_with(|| RefusedPreview {
                count: 0,
                partition: record.partition,
                offset: record.offset,
                example: refusal,
            });
            refused.count += 1;
        });
        self.empty += u64::from(decoded.is_empty());
    }
}

/// The texts of a packed key.
fn texts(mut packed: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (text, rest) = rest.split_at(length);
        texts.push(String::from_utf8_lossy(text).into_owned());
        packed = rest;
    }
    texts
}

/// The columns of what a stream would publish, in their order.
pub fn columns(spec: &ReadingStreamSpec) -> Vec<String> {
    let numbers = if spec.window.is_some() {
        let aggregates = spec.aggregates.iter();
        aggregates.map(|one| one.column.clone()).collect()
    } else {
        spec.event.columns.features.clone()
    };
    let keys = spec.event.columns.keys.keys().cloned();
    let time = std::iter::once(spec.output.time_column.clone());
    time.chain(keys).chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryHub, MemoryRecord};

    #[test]
    fn the_last_events_are_shown_and_counted() {
        let event = serde_json::from_value(serde_json::json!({
            "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
            "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
        }));
        let mut decoder = Decoder::new(&event.unwrap(), Some("v < 100.0")).unwrap();
        let hub = MemoryHub::new(2);
        for (partition, body) in [
            (0, "{\"ts\": 1, \"device\": \"old\", \"v\": 1}"),
            (0, "{\"ts\": 1795856400, \"device\": \"a\", \"v\": 1}"),
            (0, "{\"ts\": 1795856400, \"device\": \"a\", \"v\": 1000}"),
            (0, "{\"ts\": \"noon\", \"device\": \"a\", \"v\": 1}"),
            (0, "[]"),
        ] {
            hub.append(partition, MemoryRecord::new(0, body));
        }
        let preview = preview(&hub, &mut decoder, 4).unwrap();
        assert_eq!((preview.events, preview.empty), (4, 1));
        assert_eq!((preview.selected, preview.filtered), (1, 1));
        assert_eq!(preview.readings[0].key, ["a"]);
        assert_eq!(preview.readings[0].time.to_string(), "2026-11-28T09:00:00Z");
        let refused = &preview.refused[&Reason::BadTime];
        assert_eq!((refused.count, refused.offset), (1, 3));
        assert_eq!(preview.partitions[1].end, 0);
    }
}
