use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::phase_words;
use super::{LiveLine, Pager, Query, RunLine, VERSION};
use crate::history::{Index, Run};
use crate::live::Snapshot;
use fleetscore_crds::Phase;

/// Runs on a page.
const PAGE: usize = 50;
/// Schedules to choose from.
const CHOICES: usize = 200;

/// How the list can be sorted.
pub const SORTS: [(&str, &str); 4] = [
    ("newest", "Newest first"),
    ("failed", "Most failed sensors"),
    ("share", "Largest share of anomalies"),
    ("took", "Longest"),
];
/// Phases to choose from.
pub const PHASES: [Phase; 3] = [Phase::Failed, Phase::PartiallySucceeded, Phase::Succeeded];

/// The list of all runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Runs {
    /// Version of this format: 1.
    pub version: u32,
    /// The runs of this page.
    pub runs: Vec<RunLine>,
    /// Which page of how many.
    pub pager: Pager,
    /// Runs without any filter.
    pub total: usize,
    /// Runs of the cluster that have left no record: those that go on, and those that never reached their last step.
    pub cluster: Vec<fleetscore_cluster::view::RunLine>,
    /// The same in words.
    #[serde(skip)]
    pub live: Vec<LiveLine>,
    /// Schedules to choose from.
    pub schedules: Vec<String>,
    /// What is asked for: the schedule, the phase, the days, the order; empty: all.
    #[serde(skip)]
    pub asked: Asked,
    /// The query.
    #[serde(skip)]
    pub query: Query,
}

/// What a list of runs is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The schedule; empty: all.
    pub schedule: String,
    /// The phase's name; empty: all.
    pub phase: String,
    /// Runs that began in so many days; empty: all.
    pub days: String,
    /// The order.
    pub sort: String,
}

/// The runs of a cluster of which `index` has no record, newest first.
fn unrecorded(
    index: &Index,
    objects: &[fleetscore_cluster::Run],
    now: Timestamp,
) -> Vec<fleetscore_cluster::view::RunLine> {
    let mut ends: HashMap<(&str, &str), Timestamp> = HashMap::new();
    for run in &index.runs {
        let name = (run.namespace(), run.record.run.name.as_str());
        let end = run.record.timing.completion_time;
        let known = ends.entry(name).or_insert(end);
        *known = (*known).max(end);
    }
    // One that was made anew with the same name was created after the record was written.
    let has_record = |run: &&fleetscore_cluster::Run| {
        let end = ends.get(&(run.namespace(), run.name()));
        end.is_some_and(|end| run.created().is_none_or(|created| created <= *end))
    };
    let lines = objects.iter().filter(|run| !has_record(run));
    let mut lines: Vec<_> = lines
        .map(|run| fleetscore_cluster::view::RunLine::of(run, now))
        .collect();
    lines.sort_by(|one, other| (other.created, &other.name).cmp(&(one.created, &one.name)));
    lines
}

impl Runs {
    /// The runs of `index` that `query` asks for.
    pub fn new(index: &Index, live: Option<&Snapshot>, query: &Query, now: Timestamp) -> Self {
        let text = |name| query.get(name).unwrap_or_default().to_owned();
        let asked = Asked {
            schedule: text("schedule"),
            phase: text("phase"),
            days: query
                .number("days")
                .map_or_else(String::new, |days| days.to_string()),
            sort: query.one_of("sort", &SORTS.map(|(name, _)| name)).into(),
        };
        let since = query.number("days").and_then(|days| {
            let seconds = i64::try_from(days).ok()?.checked_mul(86_400)?;
            Timestamp::from_second(now.as_second().checked_sub(seconds)?).ok()
        });
        let fits = |run: &&std::sync::Arc<Run>| {
            let record = &run.record;
            (asked.schedule.is_empty() || record.run.schedule.as_deref() == Some(&asked.schedule))
                && (asked.phase.is_empty() || format!("{:?}", record.phase) == asked.phase)
                && since.is_none_or(|since| record.timing.start_time >= since)
        };
        let mut found: Vec<_> = index.runs.iter().filter(fits).collect();
        match asked.sort.as_str() {
            "failed" => found.sort_by_key(|run| std::cmp::Reverse(run.record.sensors.failed)),
            "share" => found.sort_by(|one, other| {
                other
                    .share()
                    .unwrap_or(-1.0)
                    .total_cmp(&one.share().unwrap_or(-1.0))
            }),
            "took" => found.sort_by(|one, other| {
                other
                    .record
                    .timing
                    .seconds
                    .total_cmp(&one.record.timing.seconds)
            }),
            _ => {}
        }
        let pager = Pager::new(query, found.len(), PAGE);
        let objects = live.map_or(&[][..], |live| &live.objects.runs);
        let known = index.runs.iter();
        let schedules: BTreeSet<_> = known
            .filter_map(|run| run.record.run.schedule.clone())
            .chain(
                objects
                    .iter()
                    .filter_map(|run| run.schedule().map(str::to_owned)),
            )
            .collect();
        let unrecorded = unrecorded(index, objects, now);
        let shown = unrecorded.into_iter().filter(|line| {
            let began = line.started.or(line.created);
            (asked.schedule.is_empty() || line.schedule.as_deref() == Some(&asked.schedule))
                && (asked.phase.is_empty()
                    || line
                        .phase
                        .is_some_and(|phase| format!("{phase:?}") == asked.phase))
                && since.is_none_or(|since| began.is_none_or(|began| began >= since))
        });
        let cluster: Vec<_> = shown.take(PAGE).collect();
        Self {
            version: VERSION,
            runs: (found.iter().skip(pager.first()).take(PAGE))
                .map(|run| RunLine::new(run))
                .collect(),
            pager,
            total: index.runs.len(),
            live: cluster.iter().map(LiveLine::new).collect(),
            cluster,
            schedules: schedules.into_iter().take(CHOICES).collect(),
            asked,
            query: query.clone(),
        }
    }

    /// The choices of a phase: its name, its words, and whether it is chosen.
    pub fn phases(&self) -> Vec<(String, &'static str, bool)> {
        let choice = |phase: Phase| {
            let name = format!("{phase:?}");
            let is_chosen = name == self.asked.phase;
            (name, phase_words(phase), is_chosen)
        };
        PHASES.map(choice).into()
    }

    /// The choices of an order.
    pub fn sorts(&self) -> Vec<(&'static str, &'static str, bool)> {
        SORTS
            .map(|(name, words)| (name, words, name == self.asked.sort))
            .into()
    }

    /// The choices of days.
    pub fn days(&self) -> Vec<(&'static str, &'static str, bool)> {
        let choices = [
            ("1", "Last 24 hours"),
            ("7", "Last 7 days"),
            ("30", "Last 30 days"),
        ];
        choices
            .map(|(days, words)| (days, words, days == self.asked.days))
            .into()
    }
}
