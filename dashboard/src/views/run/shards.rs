use std::collections::BTreeMap;

use fleetscore_cluster::view::{PodState, TreeView};
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::ledger::LedgerHeader;
use fleetscore_scorer::report::Report;
use schemars::JsonSchema;
use serde::Serialize;

use super::LogName;
use crate::history::Run;
use crate::views::{Mood, Pager, Query};

/// Shards on a page.
pub const PAGE: usize = 50;

/// A page of a run's shards.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shards {
    /// The shards of this page, by number.
    pub lines: Vec<ShardLine>,
    /// Which page of how many.
    pub pager: Pager,
    /// The query.
    #[serde(skip)]
    pub query: Query,
}

/// One shard.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShardLine {
    /// Its number, from 0.
    pub shard: u32,
    /// What became of it, in a word.
    pub state: &'static str,
    /// How that is.
    #[serde(skip)]
    pub mood: Mood,
    /// The node of its last pod, while that pod is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Pods that were made for it, as far as they are there, with starts again of their containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u64>,
    /// Seconds of its work, as its ledger says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Its sensors, as its ledger says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensors: Option<u64>,
    /// Bytes of readings that it read, as its ledger says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_read: Option<u64>,
    /// Why it stands where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is known of a shard by its pods.
#[derive(Clone, Debug, Default)]
struct OfPods {
    node: Option<String>,
    tries: u64,
    state: Option<PodState>,
    reason: Option<String>,
}

/// What the ledger of a shard says; none where it is not there; or why that cannot be told.
pub type Ledger = Result<Option<LedgerHeader>, String>;

impl Shards {
    /// The page that `query` asks for of `total` shards: their first number, and how many.
    pub fn page(query: &Query, total: u64) -> (Pager, std::ops::Range<u32>) {
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let pager = Pager::new(query, total, PAGE);
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let end = pager.first().saturating_add(PAGE).min(total);
        let range = number(pager.first())..number(end);
        (pager, range)
    }

    /// The shards of the page by their `ledgers`, in their order (none where these are not read), and by the pods of `tree`.
    pub fn new(
        query: &Query,
        (pager, shards): (Pager, std::ops::Range<u32>),
        ledgers: Option<Vec<Ledger>>,
        tree: Option<&TreeView>,
    ) -> Self {
        let mut pods = of_pods(tree);
        let ledgers = match ledgers {
            Some(ledgers) => ledgers.into_iter().map(Some).collect(),
            None => vec![None; shards.len()],
        };
        let lines = shards.zip(ledgers).map(|(shard, ledger)| {
            ShardLine::new(shard, ledger, pods.remove(&shard).unwrap_or_default())
        });
        Self {
            lines: lines.collect(),
            pager,
            query: query.clone(),
        }
    }
}

/// The shards by the pods of `tree` that are there.
fn of_pods(tree: Option<&TreeView>) -> BTreeMap<u32, OfPods> {
    let mut found: BTreeMap<u32, OfPods> = BTreeMap::new();
    let groups = tree
        .into_iter()
        .flat_map(|tree| &tree.jobs)
        .flat_map(|job| &job.pods);
    for group in groups {
        for pod in &group.pods {
            let Some(shard) = pod.shard else { continue };
            let own = found.entry(shard).or_default();
            own.tries += 1 + u64::from(pod.restarts);
            // A pod whose place another one took says nothing of where the shard is.
            if group.state != PodState::Retried || own.state.is_none() {
                own.state = Some(group.state);
                own.node.clone_from(&pod.node);
                own.reason.clone_from(&pod.reason);
            }
        }
    }
    found
}

impl ShardLine {
    fn new(shard: u32, ledger: Option<Ledger>, pods: OfPods) -> Self {
        let is_read = ledger.is_some();
        let (header, error) = match ledger {
            Some(Ok(header)) => (header, None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let (state, mood) = match (&header, pods.state) {
            _ if error.is_some() => ("unknown", Mood::Fair),
            (Some(header), _) if header.interrupted => ("interrupted", Mood::Bad),
            (Some(_), _) => ("scored", Mood::Good),
            (None, Some(PodState::Running)) => ("running", Mood::Plain),
            (None, Some(PodState::Pending)) => ("pending", Mood::Fair),
            (None, Some(PodState::Failed | PodState::Retried)) => ("failed", Mood::Bad),
            (None, Some(PodState::Succeeded)) => ("succeeded", Mood::Good),
            (None, Some(PodState::Ending)) => ("ending", Mood::Plain),
            (None, _) if is_read => ("no ledger", Mood::Fair),
            (None, _) => ("no pod", Mood::Plain),
        };
        let reason = error.or(pods.reason);
        Self {
            shard,
            state,
            mood,
            node: pods.node.map(|node| format::shortened(&node, 60)),
            tries: Some(pods.tries).filter(|tries| *tries > 0),
            seconds: header.as_ref().map(|header| header.seconds),
            sensors: header.as_ref().map(|header| header.sensors),
            bytes_read: header.as_ref().map(|header| header.bytes_read),
            reason: reason.map(|reason| format::shortened(&reason, 300)),
        }
    }

    /// Node, tries, sensors, readings and seconds as text.
    pub fn cells(&self) -> [String; 5] {
        let dash = || "–".to_owned();
        [
            self.node.clone().unwrap_or_else(dash),
            self.tries.map_or_else(dash, format::count),
            self.sensors.map_or_else(dash, format::count),
            self.bytes_read.map_or_else(dash, format::bytes),
            self.seconds.map_or_else(dash, format::duration),
        ]
    }

    /// Its log in an address.
    pub fn log(&self) -> String {
        LogName::Shard(self.shard).to_string()
    }
}

/// How long shards took, as name and value.
pub fn facts(run: &Run, report: Option<&Report>) -> Vec<(String, String)> {
    let (shards, timing) = (&run.record.shards, run.record.timing);
    let work = format!("{} added up", format::duration(timing.shard_seconds));
    let mut facts = vec![("Shards", format::count(shards.total)), ("Work", work)];
    if let Some(seconds) = report.and_then(|report| report.timing.shard_seconds) {
        facts.push(("Median", format::duration(seconds.median)));
        facts.push(("Longest", format::duration(seconds.max)));
    }
    if shards.interrupted > 0 {
        facts.push(("Interrupted", format::count(shards.interrupted)));
    }
    if shards.missing > 0 {
        facts.push(("Without a ledger", format::count(shards.missing)));
    }
    let facts = facts.into_iter();
    facts
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
