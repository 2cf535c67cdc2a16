use std::sync::Arc;

use fleetscore_crds::Phase;
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{Run, Series};
use crate::views::shared::{ago, median};
use crate::views::{RunLine, SeriesName};

/// Runs in the strip of a schedule.
const STRIP: usize = 48;
/// Earlier runs that the last one is compared with.
pub const EARLIER: usize = 24;

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

impl SeriesLine {
    /// The line of the runs of `series`, newest first; none without a run.
    pub fn new(series: &Series, runs: &[Arc<Run>], now: Timestamp) -> Option<Self> {
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
pub fn usual_share(runs: &[Arc<Run>]) -> Option<f64> {
    let earlier = runs.iter().skip(1).take(EARLIER);
    let shares: Vec<f64> = earlier.filter_map(|run| run.share()).collect();
    if shares.len() < 3 {
        None
    } else {
        median(shares)
    }
}
