//! The first page.

mod looks;
mod rows;
mod series;
mod tiles;

use fleetscore_cluster::view::{self, NodesView};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Mood, Now, RunLine, Tile, VERSION};
use crate::history::Index;
use crate::links;
use crate::live::Snapshot;

pub use looks::Look;
pub use rows::{LastRun, OverviewRow};
pub use series::SeriesLine;

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
    pub cluster: Option<view::Overview>,
    /// The same in words.
    #[serde(skip)]
    pub now: Option<Now>,
    /// The schedules of the cluster and of the records together.
    #[serde(skip)]
    pub rows: Vec<OverviewRow>,
}

impl Overview {
    /// The overview of all runs in `index`, and of a cluster with its `nodes`, where these could be asked for.
    pub fn new(
        index: &Index,
        live: Option<&Snapshot>,
        nodes: Option<&Result<NodesView, String>>,
        now: Timestamp,
    ) -> Self {
        let all = index.series();
        let goes_on = live.map(|live| Now::new(live, now));
        let cluster = goes_on.as_ref().map(|now| &now.overview);
        let told = |link: &str| {
            let mut told = goes_on.iter().flat_map(|now| &now.told);
            told.any(|told| told.link == link)
        };
        let mut looks: Vec<_> = all
            .iter()
            // What the cluster tells of the run is not told again.
            .filter(|(_, runs)| {
                let last = runs.first();
                last.is_none_or(|run| !told(&links::run_of(run.namespace(), &run.record.run.name)))
            })
            .filter_map(|(series, runs)| looks::look(series, runs, now))
            .collect();
        looks.sort_by_key(|look| look.mood != Mood::Bad);
        looks.truncate(LOOKS);
        let lines = all.iter().take(LINES);
        let series: Vec<_> = lines
            .filter_map(|(series, runs)| SeriesLine::new(series, runs, now))
            .collect();
        let tiles = match (live, cluster) {
            (Some(live), Some(cluster)) => tiles::now(cluster, nodes, live, index, &all, now),
            _ => tiles::past(index, &all, now),
        };
        Self {
            version: VERSION,
            tiles,
            looks,
            series_left_out: all.len() - series.len(),
            rows: rows::rows(&series, cluster, now, LINES),
            series,
            newest: (index.runs.iter().take(8))
                .map(|run| RunLine::new(run))
                .collect(),
            roots: index.roots.clone(),
            cluster: cluster.cloned(),
            now: goes_on,
        }
    }

    /// Whether there is nothing at all to tell of.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.now.is_none()
    }

    /// Whether nothing needs a person.
    pub fn is_calm(&self) -> bool {
        self.looks.is_empty() && self.now.as_ref().is_none_or(|now| now.told.is_empty())
    }
}
