use fleetscore_cluster::view::{NodeLine, NodesView};
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Scaling;
use crate::links;
use crate::views::{Mood, Tile, VERSION, ago};

/// Nodes that are shown.
const LINES: usize = 200;

/// The nodes, and what waits for one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Nodes {
    /// Version of this format: 1.
    pub version: u32,
    /// The numbers, as `kubectl fleetscore top -A -o json` has them.
    pub cluster: NodesView,
    /// The numbers on top.
    pub tiles: Vec<Tile>,
    /// What the autoscaler says of pods of runs that wait, the newest first; absent where events may not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<Vec<Scaling>>,
    /// The moment.
    #[serde(skip)]
    pub now: Timestamp,
}

/// A node in words.
pub struct NodeRow {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// `spot` or `regular`.
    pub kind: &'static str,
    /// Whether it takes pods.
    pub ready: (&'static str, Mood),
    /// How long it has been there.
    pub age: String,
    /// CPU that is asked of it.
    pub cpu: String,
    /// The part of its CPU that is asked for.
    pub bar: String,
    /// Since when it has nothing to do.
    pub idle: String,
    /// Runs on it: name, address, pods.
    pub runs: Vec<(String, String, u64)>,
}

impl Nodes {
    /// The nodes by `view`, and what the `autoscaler` says.
    pub fn new(view: NodesView, autoscaler: Option<Vec<Scaling>>, now: Timestamp) -> Self {
        let waiting: u64 = view.pending.iter().map(|group| group.count).sum();
        let idle = view
            .nodes
            .iter()
            .filter(|line| line.idle_since.is_some())
            .count();
        let busy = view
            .nodes
            .iter()
            .filter(|line| !line.runs.is_empty())
            .count();
        let asked: u64 = view.nodes.iter().map(|line| line.asked).sum();
        let tiles = vec![
            Tile::new(
                "Nodes at work",
                format::count(busy as u64),
                format!(
                    "of {} that are seen",
                    format::count(view.nodes.len() as u64)
                ),
                Mood::Plain,
            ),
            Tile::new(
                "Idle nodes",
                format::count(idle as u64),
                "had pods of a run, and have none now",
                Mood::Plain,
            ),
            Tile::new(
                "Pods waiting",
                format::count(waiting),
                if waiting > 0 { "for a node" } else { "none" },
                if waiting > 0 { Mood::Fair } else { Mood::Plain },
            ),
            Tile::new(
                "CPU asked for",
                cores(asked),
                "by pods of runs",
                Mood::Plain,
            ),
        ];
        Self {
            version: VERSION,
            cluster: view,
            tiles,
            autoscaler,
            now,
        }
    }

    /// The rows of the table.
    pub fn rows(&self) -> Vec<NodeRow> {
        let lines = self.cluster.nodes.iter().take(LINES);
        lines.map(|line| self.row(line)).collect()
    }

    /// Nodes that are left out.
    pub fn left_out(&self) -> usize {
        self.cluster.nodes.len().saturating_sub(LINES)
    }

    fn row(&self, line: &NodeLine) -> NodeRow {
        let known = line.cpu.filter(|cpu| *cpu > 0);
        let share = known.map_or(0.0, |cpu| (line.asked as f64 / cpu as f64).min(1.0));
        let runs = line.runs.iter().map(|(run, pods)| {
            let (namespace, name) = run.split_once('/').unwrap_or(("", run));
            (
                format::shortened(run, 100),
                links::run_of(namespace, name),
                *pods,
            )
        });
        let dash = || "–".to_owned();
        NodeRow {
            name: format::shortened(&line.name, 80),
            pool: line
                .pool
                .as_deref()
                .map_or_else(dash, |pool| format::shortened(pool, 40)),
            kind: match line.ready {
                None => "–",
                Some(_) if line.spot => "spot",
                Some(_) => "regular",
            },
            ready: match line.ready {
                None => ("not read", Mood::Plain),
                Some(true) => ("Ready", Mood::Good),
                Some(false) => ("Not ready", Mood::Bad),
            },
            age: line
                .created
                .map_or_else(dash, |created| ago(self.now, created)),
            cpu: known.map_or_else(
                || cores(line.asked),
                |cpu| format!("{} of {}", cores(line.asked), cores(cpu)),
            ),
            bar: format!("{:.1}%", share * 100.0),
            idle: line
                .idle_since
                .map_or_else(dash, |since| ago(self.now, since)),
            runs: runs.collect(),
        }
    }

    /// What waits for a node: run, address, pods, how long, why, in the scheduler's words.
    pub fn waiting(&self) -> Vec<[String; 6]> {
        let groups = self.cluster.pending.iter().take(LINES);
        groups
            .map(|group| {
                [
                    format::shortened(&format!("{}/{}", group.namespace, group.run), 100),
                    links::run_of(&group.namespace, &group.run),
                    format::count(group.count),
                    (group.since).map_or_else(|| "–".into(), |since| ago(self.now, since)),
                    format::shortened(&group.reason, 40),
                    format::shortened(&group.message, 500),
                ]
            })
            .collect()
    }
}

/// Thousandths of a core in cores.
fn cores(thousandths: u64) -> String {
    let text = format::fixed(thousandths as f64 / 1000.0, 2);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
