use std::sync::Arc;

use fleetscore_crds::Phase;
use fleetscore_scorer::drawing::format;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::{ago, median, share};
use super::{Mood, Now, RunLine, SeriesName, Tile, VERSION};
use crate::history::{Index, Run, Series};
use crate::live::Snapshot;

/// Runs in the strip of a schedule.
const STRIP: usize = 48;
/// Earlier runs that the last one is compared with.
const EARLIER: usize = 24;
/// Schedules that are shown.
const LINES: usize = 200;
/// Things to look at that are shown.
const LOOKS: usize = 20;

/// The first page: is all right, and what needs a person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Version of this format: 1.
    pub version: u32,
    /// Numbers over all schedules.
    pub tiles: Vec<Tile>,
    /// What needs a person, the worst first.
    pub looks: Vec<Look>,
    /// Schedules, by namespace and name.
    pub series: Vec<SeriesLine>,
    /// Schedules that are left out, since there are too many.
    pub series_left_out: usize,
    /// The newest runs.
    pub newest: Vec<RunLine>,
    /// The folders that are read.
    pub roots: Vec<String>,
    /// What goes on in the cluster, as `kubectl fleetscore status -A -o json` has it; absent without a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<fleetscore_cluster::view::Overview>,
    /// The same in words.
    #[serde(skip)]
    pub now: Option<Now>,
}

/// Something that needs a person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// How bad it is.
    pub mood: Mood,
    /// What it is about.
    pub subject: String,
    /// What there is.
    pub text: String,
    /// Address of the page that tells more.
    pub link: String,
}

/// A schedule and its newest runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesLine {
    /// The schedule.
    pub series: SeriesName,
    /// Its newest run.
    pub last: RunLine,
    /// How long ago that began, roughly.
    pub ago: String,
    /// Median of the share of anomalies in the 24 runs before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual_share: Option<f64>,
    /// The newest 48 runs, oldest first.
    pub strip: Vec<RunLine>,
}

impl Overview {
    /// The overview of all runs in `index`.
    pub fn new(index: &Index, live: Option<&Snapshot>, now: Timestamp) -> Self {
        let all = index.series();
        let goes_on = live.map(|live| Now::new(live, now));
        let mut looks: Vec<_> = all
            .iter()
            .filter_map(|(series, runs)| look(series, runs, now))
            .collect();
        looks.sort_by_key(|look| look.mood != Mood::Bad);
        looks.truncate(LOOKS);
        let lines = all.iter().take(LINES);
        let series: Vec<_> = lines
            .filter_map(|(series, runs)| SeriesLine::new(series, runs, now))
            .collect();
        Self {
            version: VERSION,
            tiles: tiles(index, &all, now),
            looks,
            series_left_out: all.len() - series.len(),
            series,
            newest: (index.runs.iter().take(8))
                .map(|run| RunLine::new(run))
                .collect(),
            roots: index.roots.clone(),
            cluster: goes_on.as_ref().map(|now| now.overview.clone()),
            now: goes_on,
        }
    }
}

impl SeriesLine {
    fn new(series: &Series, runs: &[Arc<Run>], now: Timestamp) -> Option<Self> {
        let last = runs.first()?;
        Some(Self {
            series: SeriesName::new(series),
            last: RunLine::new(last),
            ago: ago(now, last.record.timing.start_time),
            usual_share: usual_share(runs),
            strip: (runs.iter().take(STRIP).rev())
                .map(|run| RunLine::new(run))
                .collect(),
        })
    }

    /// The strip in words.
    pub fn strip_text(&self) -> String {
        let count = |phase| self.strip.iter().filter(|run| run.phase == phase).count() as u64;
        let (bad, fair) = (count(Phase::Failed), count(Phase::PartiallySucceeded));
        let all = format::counted(self.strip.len() as u64, "run");
        format!("The newest {all}: {bad} failed, {fair} partially succeeded.")
    }

    /// The share that is usual, as text.
    pub fn usual_text(&self) -> String {
        self.usual_share.map_or_else(String::new, |usual| {
            format!("usually {}", format::percent(usual))
        })
    }

    /// Shares of anomalies over the strip.
    pub fn shares(&self) -> Vec<Option<f64>> {
        self.strip.iter().map(|run| run.share).collect()
    }

    /// Durations over the strip.
    pub fn durations(&self) -> Vec<Option<f64>> {
        self.strip.iter().map(|run| Some(run.seconds)).collect()
    }
}

/// Median share of the runs before the newest; none where they are too few.
fn usual_share(runs: &[Arc<Run>]) -> Option<f64> {
    let earlier = runs.iter().skip(1).take(EARLIER);
    let shares: Vec<f64> = earlier.filter_map(|run| run.share()).collect();
    if shares.len() < 3 {
        None
    } else {
        median(shares)
    }
}

/// What is wrong with a series, if anything is: the worst of it.
fn look(series: &Series, runs: &[Arc<Run>], now: Timestamp) -> Option<Look> {
    let last = runs.first()?;
    let name = SeriesName::new(series);
    let (record, sensors) = (&last.record, last.record.sensors);
    let subject = match name.place().as_str() {
        "" => name.name.clone(),
        place => format!("{place} / {}", name.name),
    };
    let found = |mood, text, link: &str| {
        Some(Look {
            mood,
            subject: subject.clone(),
            text,
            link: link.to_owned(),
        })
    };
    let line = RunLine::new(last);
    if record.phase == Phase::Failed {
        let failed = runs
            .iter()
            .take_while(|run| run.record.phase == Phase::Failed)
            .count();
        let times = match failed {
            1 => "The last run failed".to_owned(),
            more => format!("The last {more} runs failed"),
        };
        let text = format!(
            "{times}: {} of {}.",
            format::count(sensors.failed),
            format::counted(sensors.total, "sensor") + " failed"
        );
        return found(Mood::Bad, text, &line.link);
    }
    if let Some(gap) = stale(series, runs, now) {
        let text = format!(
            "No run began for {}; usually one begins every {}.",
            ago(now, record.timing.start_time),
            format::duration(gap.as_secs_f64())
        );
        return found(Mood::Bad, text, &name.link);
    }
    if let (Some(now_share), Some(usual)) = (last.share(), usual_share(runs))
        && now_share > 0.05
        && now_share > 3.0 * usual
    {
        let text = format!(
            "{} of the readings are anomalies; usually {}.",
            share(Some(now_share)),
            share(Some(usual))
        );
        return found(Mood::Fair, text, &name.health);
    }
    if sensors.failed > 0 {
        let reasons: Vec<_> = (record.failures.iter().take(3))
            .map(|group| {
                format!(
                    "{} {}",
                    format::shortened(&group.reason, 40),
                    format::count(group.count)
                )
            })
            .collect();
        let failed = format::counted(sensors.failed, "sensor");
        let text = format!("{failed} failed in the last run ({}).", reasons.join(", "));
        return found(Mood::Fair, text, &line.link);
    }
    None
}

/// The usual time between the starts of a schedule's runs, where the newest began more than twice that long ago.
fn stale(series: &Series, runs: &[Arc<Run>], now: Timestamp) -> Option<SignedDuration> {
    if !series.is_schedule() {
        return None;
    }
    let start = |run: &Arc<Run>| run.record.timing.start_time;
    let starts: Vec<_> = runs.iter().take(EARLIER).map(start).collect();
    let gaps = starts.windows(2).filter_map(|pair| match pair {
        [later, earlier] => Some(later.duration_since(*earlier).as_secs_f64()),
        _ => None,
    });
    let gap = median(gaps).filter(|gap| starts.len() > 3 && *gap > 1.0)?;
    let since = now.duration_since(*starts.first()?).as_secs_f64();
    (since > 2.0 * gap + 1_800.0).then(|| SignedDuration::from_secs_f64(gap))
}

fn tiles(index: &Index, all: &[(Series, Vec<Arc<Run>>)], now: Timestamp) -> Vec<Tile> {
    let day_ago = now.as_second() - 86_400;
    let recent: Vec<_> = (index.runs.iter())
        .filter(|run| run.record.timing.start_time.as_second() >= day_ago)
        .collect();
    let phase = |phase| {
        recent
            .iter()
            .filter(|run| run.record.phase == phase)
            .count() as u64
    };
    let (failed, partial) = (phase(Phase::Failed), phase(Phase::PartiallySucceeded));
    let last = || all.iter().filter_map(|(_, runs)| runs.first());
    let failing: u64 = last().map(|run| run.record.sensors.failed).sum();
    let sensors: u64 = last().map(|run| run.record.sensors.total).sum();
    let (anomalies, rows) = last().fold((0_u64, 0_u64), |(anomalies, rows), run| {
        (
            anomalies.saturating_add(run.record.anomalies),
            rows.saturating_add(run.record.rows),
        )
    });
    let seconds: f64 = recent
        .iter()
        .map(|run| run.record.timing.shard_seconds)
        .sum();
    let readings: u64 = recent
        .iter()
        .map(|run| run.record.rows)
        .fold(0, u64::saturating_add);
    vec![
        Tile::new(
            "Runs in 24 hours",
            format::count(recent.len() as u64),
            match (failed, partial) {
                (0, 0) => "all succeeded".to_owned(),
                (failed, partial) => format!("{failed} failed, {partial} partially"),
            },
            match (failed, partial) {
                (0, 0) => Mood::Plain,
                (0, _) => Mood::Fair,
                _ => Mood::Bad,
            },
        ),
        Tile::new(
            "Sensors failing now",
            format::count(failing),
            format!("of {} in the last runs", format::count(sensors)),
            if failing > 0 { Mood::Bad } else { Mood::Plain },
        ),
        Tile::new(
            "Anomalies now",
            format::percent_of(anomalies, rows),
            format!("of {}", format::counted(rows, "reading")),
            Mood::Plain,
        ),
        Tile::new(
            "Readings in 24 hours",
            format::count(readings),
            format!("{} scored", format::counted(sensors, "sensor")),
            Mood::Plain,
        ),
        Tile::new(
            "Work in 24 hours",
            format::duration(seconds),
            "all shards added up",
            Mood::Plain,
        ),
    ]
}
