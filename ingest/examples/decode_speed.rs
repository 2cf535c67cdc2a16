//! Prints how many events of 120 bytes a second one core makes readings of.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, anyhow};
use fleetscore_crds::EventSpec;
use fleetscore_ingest::Record;
use fleetscore_ingest::event::Decoder;

const EVENTS: usize = 1_000_000;

fn main() -> anyhow::Result<()> {
    let spec: EventSpec = serde_json::from_value(serde_json::json!({
        "fields": {"ts": {"type": "Time"}, "device": {}, "tag": {}, "v": {"type": "Number"}},
        "columns": {"time": "ts", "keys": {"device": "device", "tag": "tag"}, "features": ["v"]},
    }))?;
    let events: Vec<String> = (0..10_000).map(event).collect();
    for filter in [None, Some("has(v) && v > 50.0")] {
        let mut decoder = Decoder::new(&spec, filter).map_err(|faults| anyhow!("{faults:?}"))?;
        let mut best = f64::INFINITY;
        let mut sum = 0.0;
        for _ in 0..5 {
            let start = Instant::now();
            for event in events.iter().cycle().take(EVENTS) {
                let record = Record {
                    body: Some(event.as_bytes()),
                    ..Record::default()
                };
                decoder.decode(&record, &mut |outcome| {
                    if let Ok(reading) = outcome
                        && let Ok([value]) = reading.features
                    {
                        sum += value;
                        black_box(reading.key);
                    }
                });
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        let length = events.first().context("no events")?.len();
        println!(
            "filter {filter:?}: {:.2} million events a second, {:.0} ns an event of {length} bytes (sum {sum:.1})",
            EVENTS as f64 / best / 1e6,
            best / EVENTS as f64 * 1e9,
        );
    }
    Ok(())
}

fn event(number: usize) -> String {
    let (second, sensor) = (number / 200 % 60, number % 1000);
    let value = 20.0 + (number % 977) as f64 / 8.0;
    format!(
        r#"{{"device":"plant-a/building-02/line-07/pump-{sensor:04}","tag":"discharge-pressure","ts":"2026-11-28T09:00:{second:02}.250Z","v":{value:.3}}}"#
    )
}
