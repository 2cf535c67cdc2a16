use std::collections::BTreeSet;

use fleetscore_crds::{FailureReason, SensorKey};
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::history::{ReasonCount, SensorRow};
use fleetscore_scorer::ledger::{ScoreSummary, SensorState, WarningReason};
use fleetscore_scorer::report::{Report, advice};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Mood, Query, RunLine, SeriesName, Tile, VERSION};
use crate::history::{Run, RunTable, Series, TableLine};
use crate::links;

/// Sensors on a page.
const PAGE: usize = 50;
/// Reasons to choose from.
const REASONS: usize = 40;
/// How sensors can be sorted.
pub const SORTS: [(&str, &str); 4] = [
    ("share", "Largest share of anomalies"),
    ("min", "Lowest score"),
    ("rows", "Fewest readings"),
    ("key", "Order of the plan"),
];

/// One run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// Version of this format: 1.
    pub version: u32,
    /// The run.
    pub run: RunLine,
    /// Its schedule.
    pub series: SeriesName,
    /// When it ended.
    pub end_time: Timestamp,
    /// Where its predictions are.
    pub output: String,
    /// The numbers on top.
    pub tiles: Vec<Tile>,
    /// Why sensors failed, the most frequent reason first.
    pub failures: Vec<Group>,
    /// What to look at though sensors were scored.
    pub warnings: Vec<Group>,
    /// How long shards took, as name and value.
    pub shards: Vec<(String, String)>,
    /// The sensors, where the table of them can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensors: Option<Sensors>,
    /// Why parts of the page are missing.
    pub missing: Vec<String>,
    /// Address of the run before it in its schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier: Option<String>,
    /// Address of the run after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<String>,
}

/// Sensors that share a reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The reason.
    pub reason: String,
    /// The reason in a few words.
    pub title: String,
    /// What to do.
    pub action: String,
    /// How many.
    pub count: u64,
    /// The first of them: the sensor, what happened, and the address of its page.
    pub examples: Vec<(String, String, String)>,
}

impl Group {
    /// The number as text.
    pub fn count_text(&self) -> String {
        format::count(self.count)
    }

    /// How many there are beyond the examples; empty where there are none.
    pub fn more(&self) -> String {
        match self.count.saturating_sub(self.examples.len() as u64) {
            0 => String::new(),
            more => format!("and {} more", format::count(more)),
        }
    }
}

/// A page of a run's sensors.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sensors {
    /// The sensors of this page.
    pub lines: Vec<SensorLine>,
    /// Which page of how many.
    pub pager: Pager,
    /// Reasons of failures and kinds of warnings, to filter by.
    pub reasons: Vec<String>,
    /// The order.
    pub sort: String,
    /// The reason that is asked for; empty: all.
    pub reason: String,
    /// The text that the key has to hold; empty: any.
    pub key: String,
    /// The query.
    #[serde(skip)]
    pub query: Query,
}

/// One sensor of a run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorLine {
    /// The sensor's keys.
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub key: SensorKey,
    /// Whether it failed.
    pub failed: bool,
    /// Why, or what to look at.
    pub reasons: Vec<String>,
    /// Readings scored.
    pub rows: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// `anomalies` / `rows`; absent without rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Range of the scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreSummary>,
    /// Address of its page.
    pub link: String,
}

impl SensorLine {
    fn new(series: &Series, row: &SensorRow) -> Self {
        Self {
            key: row.key.clone(),
            failed: row.state == SensorState::Failed,
            reasons: row.reason.iter().chain(&row.warnings).cloned().collect(),
            rows: row.rows,
            anomalies: row.anomalies,
            share: row.share(),
            score: row.score,
            link: links::sensor(series, &row.key),
        }
    }

    /// The key as text.
    pub fn title(&self) -> String {
        format::shortened(&self.key.to_string(), 120)
    }

    /// The reasons as text.
    pub fn reasons_text(&self) -> String {
        format::shortened(&self.reasons.join(", "), 120)
    }

    /// The mood.
    pub fn mood(&self) -> Mood {
        if self.failed {
            Mood::Bad
        } else if self.reasons.is_empty() {
            Mood::Good
        } else {
            Mood::Fair
        }
    }

    /// The share as text.
    pub fn share_text(&self) -> String {
        super::shared::share(self.share)
    }

    /// The width of the share's bar.
    pub fn bar(&self) -> String {
        format!(
            "{:.1}%",
            self.share.unwrap_or_default().clamp(0.0, 1.0) * 100.0
        )
    }

    /// Readings as text.
    pub fn rows_text(&self) -> String {
        format::count(self.rows)
    }

    /// Anomalies as text.
    pub fn anomalies_text(&self) -> String {
        format::count(self.anomalies)
    }

    /// Lowest, mean and highest score as text.
    pub fn scores(&self) -> [String; 3] {
        self.score.map_or_else(
            || ["–", "–", "–"].map(String::from),
            |score| [score.min, score.mean, score.max].map(format::number),
        )
    }
}

/// A page of a longer list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pager {
    /// Number of the page, from 1.
    pub page: usize,
    /// Number of pages, at least 1.
    pub pages: usize,
    /// Entries on all pages.
    pub total: usize,
    #[serde(skip)]
    per_page: usize,
}

impl Pager {
    /// The page that `query` asks for of a list of `total` entries.
    pub fn new(query: &Query, total: usize, per_page: usize) -> Self {
        let pages = total.div_ceil(per_page).max(1);
        Self {
            page: query.number("page").unwrap_or(1).min(pages),
            pages,
            total,
            per_page,
        }
    }

    /// Position of the page's first entry.
    pub fn first(&self) -> usize {
        (self.page - 1) * self.per_page
    }

    /// `51 – 100 of 1,234`.
    pub fn text(&self) -> String {
        let last = (self.first() + self.per_page).min(self.total);
        let number = |number: usize| format::count(number as u64);
        if self.total == 0 {
            return "none".into();
        }
        format!(
            "{} – {} of {}",
            number(self.first() + 1),
            number(last),
            number(self.total)
        )
    }

    /// The query of the page before.
    pub fn before(&self, query: &Query) -> Option<String> {
        (self.page > 1).then(|| query.with("page", &(self.page - 1).to_string()))
    }

    /// The query of the page after.
    pub fn after(&self, query: &Query) -> Option<String> {
        (self.page < self.pages).then(|| query.with("page", &(self.page + 1).to_string()))
    }
}

impl Sensors {
    /// The sensors of `table` that `query` asks for.
    pub fn new(series: &Series, table: &RunTable, query: &Query) -> Self {
        let text = |name| query.get(name).unwrap_or_default().to_owned();
        let (reason, key) = (text("reason"), text("key"));
        let sort = query.one_of("sort", &SORTS.map(|(name, _)| name));
        let fits = |line: &&TableLine| {
            (reason.is_empty()
                || (reason == "failed" && line.failed)
                || line.reasons.contains(&reason))
                && (key.is_empty() || table.key(line).to_string().contains(&key))
        };
        let mut found: Vec<_> = table.lines().iter().filter(fits).collect();
        let low = |line: &TableLine| line.lowest.unwrap_or(f64::INFINITY);
        match sort {
            "share" => found.sort_by(|one, other| {
                let share = |line: &TableLine| line.share.unwrap_or(-1.0);
                share(other).total_cmp(&share(one))
            }),
            "min" => found.sort_by(|one, other| low(one).total_cmp(&low(other))),
            "rows" => found.sort_by_key(|line| line.rows),
            _ => {}
        }
        let pager = Pager::new(query, found.len(), PAGE);
        let reasons = table.lines().iter().flat_map(|line| line.reasons.iter());
        let reasons: BTreeSet<&String> = reasons.collect();
        let shown = found.iter().skip(pager.first()).take(PAGE);
        Self {
            lines: shown
                .filter_map(|line| Some(SensorLine::new(series, &table.row(line)?)))
                .collect(),
            pager,
            reasons: reasons.into_iter().take(REASONS).cloned().collect(),
            sort: sort.into(),
            reason,
            key,
            query: query.clone(),
        }
    }

    /// The choices of an order.
    pub fn sorts(&self) -> Vec<(&'static str, &'static str, bool)> {
        SORTS
            .map(|(name, words)| (name, words, name == self.sort))
            .into()
    }

    /// The choices of a reason.
    pub fn choices(&self) -> Vec<(String, bool)> {
        let choices = self.reasons.iter();
        choices
            .map(|reason| (reason.clone(), *reason == self.reason))
            .collect()
    }
}

impl RunView {
    /// The view of `run` with what could be read of it.
    pub fn new(
        run: &Run,
        report: Option<&Report>,
        sensors: Option<Sensors>,
        missing: Vec<String>,
        (earlier, later): (Option<&Run>, Option<&Run>),
    ) -> Self {
        let series = run.series();
        let record = &run.record;
        let timing = record.timing;
        let shards = &record.shards;
        let mut facts = vec![
            ("Shards".to_owned(), format::count(shards.total)),
            (
                "Work".to_owned(),
                format!("{} added up", format::duration(timing.shard_seconds)),
            ),
        ];
        if let Some(seconds) = report.and_then(|report| report.timing.shard_seconds) {
            facts.push(("Median".into(), format::duration(seconds.median)));
            facts.push(("Longest".into(), format::duration(seconds.max)));
        }
        if shards.interrupted > 0 {
            facts.push(("Interrupted".into(), format::count(shards.interrupted)));
        }
        if shards.missing > 0 {
            facts.push(("Without a ledger".into(), format::count(shards.missing)));
        }
        Self {
            version: VERSION,
            run: RunLine::new(run),
            series: SeriesName::new(&series),
            end_time: timing.completion_time,
            output: record.run.output.clone(),
            tiles: tiles(run),
            failures: failures(&series, run, report),
            warnings: warnings(&series, run, report),
            shards: facts,
            sensors,
            missing,
            earlier: earlier.map(links::run),
            later: later.map(links::run),
        }
    }

    /// What the end means.
    pub fn lead(&self) -> String {
        self.run.sensors.lead()
    }

    /// The output location as text.
    pub fn output_text(&self) -> String {
        format::shortened(&self.output, 500)
    }

    /// When it ended, as text.
    pub fn ended_at(&self) -> String {
        super::shared::minute(self.end_time)
    }

    /// The command that shows the report, to copy.
    pub fn command(&self) -> String {
        // In single quotes nothing but a single quote means anything to a shell.
        let output = format::harmless(&self.output).replace('\'', "'\\''");
        format!("fleetscore report '{output}'")
    }
}

fn tiles(run: &Run) -> Vec<Tile> {
    let record = &run.record;
    let sensors = record.sensors;
    vec![
        Tile::new(
            "Sensors scored",
            format::count(sensors.succeeded),
            format!("of {}", format::count(sensors.total)),
            Mood::Plain,
        ),
        Tile::new(
            "Sensors failed",
            format::count(sensors.failed),
            format!("{} allowed", format::count(sensors.limit)),
            if sensors.failed > 0 {
                Mood::Bad
            } else {
                Mood::Plain
            },
        ),
        Tile::new(
            "Readings",
            format::count(record.rows),
            match record.skipped {
                0 => "none left out".into(),
                skipped => format!("{} left out", format::count(skipped)),
            },
            Mood::Plain,
        ),
        Tile::new(
            "Anomalies",
            format::count(record.anomalies),
            format!(
                "{} of readings",
                format::percent_of(record.anomalies, record.rows)
            ),
            Mood::Plain,
        ),
        Tile::new(
            "Duration",
            format::duration(record.timing.seconds),
            format!("{} read", format::bytes(record.bytes_read)),
            Mood::Plain,
        ),
    ]
}

fn failures(series: &Series, run: &Run, report: Option<&Report>) -> Vec<Group> {
    let Some(report) = report else {
        return counts(&run.record.failures, |reason| {
            let reason: FailureReason = serde_json::from_value(reason.into()).ok()?;
            Some(advice::failure(reason))
        });
    };
    let groups = report.failures.iter();
    groups
        .map(|group| {
            let advice = advice::failure(group.reason);
            group_of(
                series,
                format!("{:?}", group.reason),
                advice,
                group.count,
                &group.examples,
            )
        })
        .collect()
}

fn warnings(series: &Series, run: &Run, report: Option<&Report>) -> Vec<Group> {
    let Some(report) = report else {
        return counts(&run.record.warnings, |reason| {
            let reason: WarningReason = serde_json::from_value(reason.into()).ok()?;
            Some(advice::warning(reason))
        });
    };
    let groups = report.warnings.iter();
    groups
        .map(|group| {
            let advice = advice::warning(group.reason);
            group_of(
                series,
                format!("{:?}", group.reason),
                advice,
                group.count,
                &group.examples,
            )
        })
        .collect()
}

fn group_of(
    series: &Series,
    reason: String,
    advice: advice::Advice,
    count: u64,
    examples: &[fleetscore_scorer::report::Example],
) -> Group {
    let examples = examples.iter().map(|example| {
        let name = format::shortened(&example.sensor.to_string(), 120);
        let message = format::shortened(&example.message, 1000);
        (name, message, links::sensor(series, &example.sensor))
    });
    Group {
        reason,
        title: advice.title.into(),
        action: advice.action.into(),
        count,
        examples: examples.collect(),
    }
}

fn counts(groups: &[ReasonCount], advice: impl Fn(&str) -> Option<advice::Advice>) -> Vec<Group> {
    let groups = groups.iter().map(|group| {
        let advice = advice(&group.reason);
        Group {
            reason: format::shortened(&group.reason, 60),
            title: advice.map_or("", |advice| advice.title).into(),
            action: advice.map_or("", |advice| advice.action).into(),
            count: group.count,
            examples: Vec::new(),
        }
    });
    groups.collect()
}
