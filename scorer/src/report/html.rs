//! The report as one page that loads nothing: no script, no font, no image from anywhere.

use askama::Template;
use fleetscore_crds::{Phase, SensorKey};
use rayon::prelude::*;

use super::advice::{self, Advice};
use super::document::{AnomalousSensor, Example, Quality, Report};
use crate::drawing::Chart;
use crate::drawing::Plot;
use crate::drawing::format;

/// Bytes that the plots may take; those that would pass it are left out.
const PLOTS_BYTES: usize = 1_500_000;
/// Characters of a key that are shown.
const KEY_CHARS: usize = 120;

/// Why the page could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the report's page cannot be made: {0}")]
pub struct HtmlError(#[from] askama::Error);

/// `report.html`: `report` as a page of less than 2 MB, with `plots` in the order given as far as they fit.
pub fn render(report: &Report, plots: &[Plot]) -> Result<String, HtmlError> {
    let charts: Vec<String> = (plots.par_iter().enumerate())
        .map(|(position, plot)| Chart::new(position + 1, plot).render())
        .collect::<Result<_, _>>()?;
    let mut drawn = Vec::new();
    let mut bytes = 0;
    for chart in charts {
        bytes += chart.len();
        if bytes > PLOTS_BYTES {
            break;
        }
        drawn.push(chart);
    }
    let keys: Vec<_> = plots
        .iter()
        .take(drawn.len())
        .map(|plot| &plot.key)
        .collect();
    let page = Page {
        name: format::shortened(&report.run.name, KEY_CHARS),
        phase: phase_words(report.phase),
        lead: report.sensors.lead(),
        facts: facts(report),
        tiles: tiles(report),
        failures: failures(report),
        warnings: warnings(report),
        sensors: report
            .most_anomalous
            .iter()
            .map(|sensor| SensorRow::new(sensor, &keys))
            .collect(),
        plots_left_out: plots.len() - drawn.len(),
        plots: drawn,
        quality: report.quality.as_ref().map(QualityView::new),
        shards: shards(report),
        slowest: slowest(report),
        completed: format::time(report.timing.completion_time),
        software: format::shortened(&report.software, 40),
    };
    // With room for all of it: a page that grows is copied again and again.
    let mut text = String::with_capacity(Page::SIZE_HINT + bytes);
    page.render_into(&mut text)?;
    Ok(text)
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    name: String,
    phase: PhaseWords,
    lead: String,
    facts: Vec<Fact>,
    tiles: Vec<Tile>,
    failures: Vec<Group>,
    warnings: Vec<Group>,
    sensors: Vec<SensorRow>,
    plots: Vec<String>,
    plots_left_out: usize,
    quality: Option<QualityView>,
    shards: Vec<Fact>,
    slowest: Vec<ShardRow>,
    completed: String,
    software: String,
}

struct PhaseWords {
    label: &'static str,
    class: &'static str,
}

/// A name and its value in a list.
struct Fact {
    name: &'static str,
    value: String,
}

struct Tile {
    name: &'static str,
    value: String,
    note: String,
    class: &'static str,
}

/// Failures or warnings of one reason.
struct Group {
    reason: String,
    advice: Advice,
    count: String,
    examples: Vec<ExampleRow>,
    more: String,
}

struct ExampleRow {
    sensor: String,
    message: String,
}

struct SensorRow {
    sensor: String,
    /// Its plot on the page, counted from 1.
    plot: Option<usize>,
    is_suspect: bool,
    anomalies: String,
    rows: String,
    share: String,
    /// For the bar's width.
    share_width: String,
    scores: [String; 3],
    output: String,
}

struct QualityView {
    tiles: Vec<Tile>,
    hits: String,
    false_alarms: String,
    missed: String,
    rightly_normal: String,
    sensors: String,
}

struct ShardRow {
    shard: u32,
    sensors: String,
    seconds: String,
    bytes_read: String,
}

fn phase_words(phase: Phase) -> PhaseWords {
    let (label, class) = match phase {
        Phase::Succeeded => ("Succeeded", "good"),
        Phase::PartiallySucceeded => ("Partially succeeded", "fair"),
        Phase::Failed => ("Failed", "bad"),
        _ => ("Unfinished", "fair"),
    };
    PhaseWords { label, class }
}

fn facts(report: &Report) -> Vec<Fact> {
    let run = &report.run;
    let window = run.window.map_or_else(
        || "all readings".into(),
        |window| {
            format!(
                "{} to {}",
                format::time(window.start),
                format::time(window.end)
            )
        },
    );
    let named = |name, value: &Option<String>| {
        value.as_ref().map(|value| Fact {
            name,
            value: format::shortened(value, KEY_CHARS),
        })
    };
    let mut facts = vec![Fact {
        name: "Window",
        value: window,
    }];
    facts.extend(named("Schedule", &run.schedule));
    facts.extend(named("Namespace", &run.namespace));
    facts.extend(report.labels().map(|value| Fact {
        name: "Labels",
        value,
    }));
    facts.push(Fact {
        name: "Predictions",
        value: format::shortened(&run.output, 500),
    });
    facts
}

fn tiles(report: &Report) -> Vec<Tile> {
    let sensors = &report.sensors;
    let tile = |name, value, note, class| Tile {
        name,
        value,
        note,
        class,
    };
    vec![
        tile(
            "Sensors scored",
            format::count(sensors.succeeded),
            format!("of {}", format::count(sensors.total)),
            "",
        ),
        tile(
            "Sensors failed",
            format::count(sensors.failed),
            format!("{} allowed", format::count(sensors.limit)),
            if sensors.failed > 0 { "bad" } else { "" },
        ),
        tile(
            "Readings",
            format::count(report.rows),
            match report.skipped {
                0 => "none left out".into(),
                skipped => format!("{} left out", format::count(skipped)),
            },
            "",
        ),
        tile(
            "Anomalies",
            format::count(report.anomalies),
            format!(
                "{} of readings",
                format::percent_of(report.anomalies, report.rows)
            ),
            "",
        ),
        tile(
            "Duration",
            format::duration(report.timing.seconds),
            format!("{} read", format::bytes(report.bytes_read)),
            "",
        ),
    ]
}

fn failures(report: &Report) -> Vec<Group> {
    (report.failures.iter())
        .map(|group| {
            Group::new(
                format!("{:?}", group.reason),
                advice::failure(group.reason),
                group.count,
                &group.examples,
            )
        })
        .collect()
}

fn warnings(report: &Report) -> Vec<Group> {
    (report.warnings.iter())
        .map(|group| {
            Group::new(
                format!("{:?}", group.reason),
                advice::warning(group.reason),
                group.count,
                &group.examples,
            )
        })
        .collect()
}

impl Group {
    fn new(reason: String, advice: Advice, count: u64, examples: &[Example]) -> Self {
        let rows: Vec<_> = (examples.iter())
            .map(|example| ExampleRow {
                sensor: shown(&example.sensor),
                message: format::shortened(&example.message, 1000),
            })
            .collect();
        let more = match count.saturating_sub(rows.len() as u64) {
            0 => String::new(),
            more => format!("and {} more", format::count(more)),
        };
        Self {
            reason,
            advice,
            count: format::count(count),
            examples: rows,
            more,
        }
    }
}

impl SensorRow {
    fn new(sensor: &AnomalousSensor, plots: &[&SensorKey]) -> Self {
        let scores = sensor.score.map_or_else(
            || ["–", "–", "–"].map(String::from),
            |score| [score.min, score.mean, score.max].map(format::number),
        );
        Self {
            sensor: shown(&sensor.key),
            plot: plots
                .iter()
                .position(|key| **key == sensor.key)
                .map(|position| position + 1),
            is_suspect: sensor.mostly_anomalous,
            anomalies: format::count(sensor.anomalies),
            rows: format::count(sensor.rows),
            share: format::percent(sensor.share),
            share_width: format!("{:.1}%", (sensor.share * 100.0).clamp(0.0, 100.0)),
            scores,
            output: format::shortened(sensor.output.as_deref().unwrap_or("–"), KEY_CHARS),
        }
    }
}

impl QualityView {
    fn new(quality: &Quality) -> Self {
        let tile = |name, share: Option<f64>, note: &str| Tile {
            name,
            value: share.map_or_else(|| "–".into(), format::percent),
            note: note.into(),
            class: "",
        };
        let confusion = &quality.confusion;
        Self {
            tiles: vec![
                tile("Precision", quality.precision, "of the alarms are right"),
                tile("Recall", quality.recall, "of the anomalies are found"),
                tile("F1", quality.f1, "the two in one"),
            ],
            hits: format::count(confusion.true_positives),
            false_alarms: format::count(confusion.false_positives),
            missed: format::count(confusion.false_negatives),
            rightly_normal: format::count(confusion.true_negatives),
            sensors: format::counted(quality.sensors, "sensor"),
        }
    }
}

fn shards(report: &Report) -> Vec<Fact> {
    let shards = &report.shards;
    let mut facts = vec![Fact {
        name: "Shards",
        value: format::count(shards.total),
    }];
    if let Some(seconds) = &report.timing.shard_seconds {
        let values = [seconds.min, seconds.median, seconds.p95, seconds.max].map(format::duration);
        let names = ["Shortest", "Median", "95th percentile", "Longest"];
        facts.extend(
            names
                .into_iter()
                .zip(values)
                .map(|(name, value)| Fact { name, value }),
        );
    }
    if shards.interrupted > 0 {
        facts.push(Fact {
            name: "Interrupted",
            value: format::count(shards.interrupted),
        });
    }
    if shards.missing.count > 0 {
        let first: Vec<_> = shards
            .missing
            .first
            .iter()
            .map(ToString::to_string)
            .collect();
        let more = if shards.missing.count > first.len() as u64 {
            ", …"
        } else {
            ""
        };
        let value = format!(
            "{} (number {}{more})",
            format::count(shards.missing.count),
            first.join(", ")
        );
        facts.push(Fact {
            name: "Without a ledger",
            value,
        });
    }
    facts
}

fn slowest(report: &Report) -> Vec<ShardRow> {
    (report.timing.slowest_shards.iter())
        .map(|shard| ShardRow {
            shard: shard.shard,
            sensors: format::count(shard.sensors),
            seconds: format::duration(shard.seconds),
            bytes_read: format::bytes(shard.bytes_read),
        })
        .collect()
}

fn shown(key: &SensorKey) -> String {
    format::shortened(&key.to_string(), KEY_CHARS)
}
