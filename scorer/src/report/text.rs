//! The report in the terminal.

use std::fmt::{self, Write as _};

use fleetscore_crds::Phase;

use super::document::{AnomalousSensor, Example, Report};
use crate::drawing::format;
use crate::outputs;

/// Columns of the terminal that the summary keeps to, where a single word is not longer.
const WIDTH: usize = 100;
/// Heading of the most anomalous sensors.
const HEADING: &str = "most anomalous";
/// Columns of a sensor's key, at least and at most.
const NARROW: usize = 30;
const KEY: usize = 50;
/// Most anomalous sensors shown.
const SENSORS: usize = 5;

/// The summary that `fleetscore run` and `fleetscore report` print: plain text, with a final line break. Lines
/// have at most 100 columns, but nothing that somebody may need is cut: paths and messages are there as a whole.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, report);
    let lines = text.lines().map(format::harmless);
    lines.fold(String::new(), |all, line| all + line.trim_end() + "\n")
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    head(out, report)?;
    totals(out, report)?;
    for group in &report.failures {
        reason(
            out,
            "failed",
            &format!("{:?}", group.reason),
            group.count,
            &group.examples,
        )?;
    }
    for group in &report.warnings {
        reason(
            out,
            "warning",
            &format!("{:?}", group.reason),
            group.count,
            &group.examples,
        )?;
    }
    most_anomalous(out, report)?;
    writeln!(out)?;
    let folder = match &report.run.retries {
        Some(_) => outputs::retry_folder(&report.run.name),
        None => outputs::RUN_FOLDER.to_owned(),
    };
    writeln!(out, "report: {}{folder}report.html", report.run.output)
}

fn head(out: &mut String, report: &Report) -> fmt::Result {
    let phase = match report.phase {
        Phase::Succeeded => "Succeeded",
        Phase::PartiallySucceeded => "PartiallySucceeded",
        Phase::Failed => "Failed",
        _ => "Unfinished",
    };
    writeln!(out, "{phase}  {}", format::shortened(&report.run.name, 70))?;
    if let Some(window) = report.run.window {
        fact(
            out,
            "window",
            &format!(
                "{} to {}",
                format::time(window.start),
                format::time(window.end)
            ),
        )?;
    }
    Ok(())
}

fn totals(out: &mut String, report: &Report) -> fmt::Result {
    let sensors = &report.sensors;
    let counts = format!(
        "{} of {} scored",
        format::count(sensors.succeeded),
        format::count(sensors.total)
    );
    let failed = match sensors.failed {
        0 => String::new(),
        failed => format!(
            ", {} failed ({} allowed)",
            format::count(failed),
            format::count(sensors.limit)
        ),
    };
    fact(out, "sensors", &(counts + &failed))?;
    if let (Some(retries), Some(left)) = (&report.run.retries, &report.left) {
        let success = if left.complete { "is" } else { "is not" };
        let text = format!(
            "of {} sensors {} still have no predictions ({} allowed): _SUCCESS {success} there",
            format::count(left.total),
            format::count(left.failed),
            format::count(left.limit)
        );
        fact(out, "retry of", retries)?;
        fact(out, "left", &text)?;
    }
    let skipped = match report.skipped {
        0 => String::new(),
        skipped => format!(", {} left out", format::count(skipped)),
    };
    fact(out, "readings", &(format::count(report.rows) + &skipped))?;
    let share = format::percent_of(report.anomalies, report.rows);
    fact(
        out,
        "anomalies",
        &format!("{} ({share})", format::count(report.anomalies)),
    )?;
    if let Some(labels) = report.labels() {
        fact(out, "labels", &labels)?;
    }
    if let Some(quality) = &report.quality {
        let percent = |share: Option<f64>| share.map_or_else(|| "–".into(), format::percent);
        let (precision, recall) = (percent(quality.precision), percent(quality.recall));
        let (f1, sensors) = (
            percent(quality.f1),
            format::counted(quality.sensors, "sensor"),
        );
        fact(
            out,
            "quality",
            &format!("precision {precision}, recall {recall}, F1 {f1} ({sensors} with labels)"),
        )?;
    }
    let timing = &report.timing;
    let shards = timing.shard_seconds.map_or_else(String::new, |seconds| {
        let (median, max) = (
            format::duration(seconds.median),
            format::duration(seconds.max),
        );
        format!(
            "; {}: median {median}, longest {max}",
            format::counted(report.shards.total, "shard")
        )
    });
    fact(
        out,
        "duration",
        &format!("{}{shards}", format::duration(timing.seconds)),
    )
}

fn fact(out: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(out, "  {name:<10} {value}")
}

fn reason(
    out: &mut String,
    kind: &str,
    reason: &str,
    count: u64,
    examples: &[Example],
) -> fmt::Result {
    writeln!(out)?;
    writeln!(
        out,
        "{kind}: {reason} ({})",
        format::counted(count, "sensor")
    )?;
    if let Some(example) = examples.first() {
        writeln!(out, "  {}", format::harmless(&example.sensor.to_string()))?;
        for line in wrapped(&example.message, WIDTH - 4) {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

fn most_anomalous(out: &mut String, report: &Report) -> fmt::Result {
    if report.most_anomalous.is_empty() {
        return Ok(());
    }
    let shown = report.most_anomalous.iter().take(SENSORS);
    let key = |sensor: &AnomalousSensor| format::shortened(&sensor.key.to_string(), KEY);
    let widths = shown.clone().map(|sensor| key(sensor).chars().count());
    let width = widths.max().unwrap_or(0).max(NARROW);
    writeln!(out)?;
    writeln!(
        out,
        "{HEADING:<0$} {1:>9} {2:>10} {3:>7} {4:>12}",
        width + 2,
        "anomalies",
        "readings",
        "share",
        "lowest score"
    )?;
    for sensor in shown {
        let key = key(sensor);
        let (anomalies, rows) = (format::count(sensor.anomalies), format::count(sensor.rows));
        let score = sensor
            .score
            .map_or_else(|| "–".into(), |score| format::number(score.min));
        let share = format::percent(sensor.share);
        let suspect = if sensor.mostly_anomalous { " *" } else { "" };
        writeln!(
            out,
            "  {key:<width$} {anomalies:>9} {rows:>10} {share:>7} {score:>12}{suspect}"
        )?;
    }
    if report
        .most_anomalous
        .iter()
        .take(SENSORS)
        .any(|sensor| sensor.mostly_anomalous)
    {
        writeln!(out, "  * mostly anomalous: check the model and the input")?;
    }
    Ok(())
}

/// `text` in lines of `width` characters, broken at spaces where there are some.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let used = line.chars().count();
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}
