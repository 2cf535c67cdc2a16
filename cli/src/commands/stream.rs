//! `fleetscore plan` of a `ReadingStream`.

use std::fmt::Write as _;

use fleetscore_crds::{Manifest, ReadingStreamSpec, visible};
use fleetscore_ingest::preview::{Preview, columns, preview};
use fleetscore_ingest::work::check;
use indicatif::HumanCount;

use super::{FAILED, Result, failure, ingest, output, usage};

/// Events of each partition that are read.
const EVENTS: u32 = 100;

/// Bytes that are fetched ahead.
const MEMORY: usize = 16 << 20;

/// Reads the last events of each partition and shows what they become. Nothing is written.
pub fn plan(manifest: &Manifest<ReadingStreamSpec>, json: bool) -> Result {
    fleetscore_storage::install_crypto();
    let mut decoder = check(&manifest.spec).map_err(usage)?;
    let hub = ingest::hub(manifest, decoder.needs_headers(), MEMORY)?;
    let found = preview(&hub, &mut decoder, EVENTS).map_err(failure)?;
    if json {
        output::print_json(&found)?;
    } else {
        output::print(text(&manifest.spec, &found))?;
    }
    let is_in_order = found.refused.is_empty() && !selects_none(&found);
    Ok(if is_in_order { 0 } else { FAILED })
}

/// Whether no event makes a reading that is selected.
fn selects_none(found: &Preview) -> bool {
    found.selected == 0 && found.events > found.empty
}

fn text(spec: &ReadingStreamSpec, found: &Preview) -> String {
    let held: i64 = found
        .partitions
        .iter()
        .map(|one| one.end - one.earliest)
        .sum();
    let mut text = format!(
        "hub            {} ({} partitions, {} events)
events         {} looked at, {} of them empty
readings       {} selected, {} filtered out
writes         {}date=.../time=.../, a segment every {} s
columns        {}
",
        found.hub,
        found.partitions.len(),
        HumanCount(u64::try_from(held).unwrap_or(0)),
        HumanCount(found.events),
        HumanCount(found.empty),
        HumanCount(found.selected),
        HumanCount(found.filtered),
        spec.output.location,
        spec.output.segment_seconds,
        columns(spec).join(", "),
    );
    // Writing into a text cannot fail.
    if found.has_producers_clock {
        text += "note           arrival is the producers' clock, not the hub's: what is early or too old is judged by it\n";
    }
    if selects_none(found) && found.filtered > 0 {
        text += "note           the filter selects none: is it about fields whose paths find nothing?\n";
    }
    if !found.readings.is_empty() {
        let names = spec
            .event
            .columns
            .keys
            .keys()
            .chain(&spec.event.columns.features);
        let names: Vec<&str> = names.map(String::as_str).collect();
        let _ = writeln!(
            text,
            "\nreadings, before windows: time, {}",
            names.join(", ")
        );
    }
    for reading in &found.readings {
        let features = reading.features.iter().map(f64::to_string);
        let values: Vec<String> = reading.key.iter().cloned().chain(features).collect();
        let _ = writeln!(text, "  {}  {}", reading.time, visible(&values.join("  ")));
    }
    if !found.refused.is_empty() {
        text += "\nrefused:\n";
    }
    for (reason, refused) in &found.refused {
        let example = &refused.example;
        let field = example.field.as_deref().unwrap_or_default();
        let value = example.value.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "  {} {reason}, such as partition {} offset {}: {}",
            HumanCount(refused.count),
            refused.partition,
            refused.offset,
            visible(&format!("{field} {value}"))
        );
    }
    text
}
