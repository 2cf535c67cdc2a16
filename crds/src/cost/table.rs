use serde::Serialize;

use super::{Month, Pool, Run, Work};

/// Seconds that a node without pods stays at least: no autoscaler is asked for less.
const SHORTEST_IDLE: f64 = 60.0;
/// Seconds that it stays at most where nodes are let go.
const LONGEST_IDLE: f64 = 180.0;

/// What a run, and a month of runs, take on more and more nodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// By nodes, ascending: 1, 2, 4, 8, those that the deadline needs, and as many as the pool has and the run makes use of.
    pub rows: Vec<Row>,
    /// The fewest nodes within the deadline; absent without a deadline, and where none are enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_deadline: Option<u32>,
    /// How long nodes should stay; absent without ticks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleAdvice>,
}

/// One number of nodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The nodes.
    pub nodes: u32,
    /// Score pods at a time.
    pub pods: u32,
    /// Seconds of a run where the nodes have to come first.
    pub seconds: f64,
    /// Seconds of a run on nodes that are there.
    pub warm_seconds: f64,
    /// Seconds of a node that a run is paid for, where the nodes come for it and leave after it.
    pub node_seconds: f64,
    /// Their price.
    pub price: f64,
    /// The month; absent without ticks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<MonthRow>,
}

/// A month on one number of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthRow {
    /// Runs.
    pub runs: u32,
    /// Runs that find the nodes of the run before them.
    pub warm: u32,
    /// Ticks without a run, since the run before goes on.
    pub skipped: u32,
    /// Seconds of a node that are paid for.
    pub node_seconds: f64,
    /// Their price.
    pub price: f64,
    /// Whether the nodes never leave between two runs.
    pub always_warm: bool,
}

/// What it costs to let nodes go soon, as now, and never.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdleAdvice {
    /// The nodes that are spoken of.
    pub nodes: u32,
    /// The idle time that costs little at any rhythm: about as long as a node takes to start.
    pub let_go_seconds: f64,
    /// A month with it.
    pub let_go: MonthRow,
    /// A month with the pool's own idle time.
    pub now: MonthRow,
    /// A month of nodes that are always there.
    pub warm: MonthRow,
    /// Seconds by which each run ends sooner on nodes that are there.
    pub saved_seconds: f64,
}

impl From<Month> for MonthRow {
    fn from(month: Month) -> Self {
        Self {
            runs: month.runs,
            warm: month.warm,
            skipped: month.skipped,
            node_seconds: month.node_seconds,
            price: month.price,
            always_warm: month.is_always_warm(),
        }
    }
}

impl Table {
    /// The table of a run on a pool of at most `max_nodes` nodes. `deadline` is in seconds from the start of a run to its end;
    /// `ticks` are a month of a schedule, in seconds and ascending, empty for a run of its own.
    pub fn new(
        pool: &Pool,
        work: &Work,
        max_nodes: u32,
        deadline: Option<f64>,
        ticks: &[f64],
    ) -> Self {
        let most = pool.useful_nodes(work).min(max_nodes.max(1));
        let within_deadline = deadline.and_then(|deadline| pool.nodes_within(work, deadline, most));
        let mut counts: Vec<_> = [1, 2, 4, 8]
            .into_iter()
            .filter(|count| *count < most)
            .collect();
        counts.extend(within_deadline);
        counts.push(most);
        counts.sort_unstable();
        counts.dedup();
        let rows: Vec<_> = counts
            .into_iter()
            .map(|nodes| Row::new(pool.run(work, nodes), months(pool, work, nodes, ticks)))
            .collect();
        let nodes = within_deadline.or_else(|| cheapest(&rows));
        let idle = nodes.and_then(|nodes| IdleAdvice::new(pool, work, nodes, ticks));
        Self {
            rows,
            within_deadline,
            idle,
        }
    }
}

/// The nodes whose month costs least; of several, the most.
fn cheapest(rows: &[Row]) -> Option<u32> {
    let priced = rows
        .iter()
        .rev()
        .filter_map(|row| Some((row.nodes, row.month?)));
    let whole = priced.filter(|(_, month)| month.skipped == 0);
    let least =
        whole.min_by(|(_, one), (_, other)| one.node_seconds.total_cmp(&other.node_seconds));
    least
        .map(|(nodes, _)| nodes)
        .or(rows.last().map(|row| row.nodes))
}

fn months(pool: &Pool, work: &Work, nodes: u32, ticks: &[f64]) -> Option<MonthRow> {
    (!ticks.is_empty()).then(|| pool.month(work, nodes, ticks.iter().copied()).into())
}

impl Row {
    fn new(run: Run, month: Option<MonthRow>) -> Self {
        Self {
            nodes: run.nodes,
            pods: run.pods,
            seconds: run.seconds,
            warm_seconds: run.warm_seconds,
            node_seconds: run.node_seconds,
            price: run.price,
            month,
        }
    }
}

impl IdleAdvice {
    /// None with fewer than two ticks: there is no gap.
    fn new(pool: &Pool, work: &Work, nodes: u32, ticks: &[f64]) -> Option<Self> {
        let gaps = ticks.windows(2).map(|pair| pair[1] - pair[0]);
        let longest = gaps.max_by(f64::total_cmp)?;
        let idle_of = |idle_seconds| {
            let pool = Pool {
                idle_seconds,
                ..*pool
            };
            months(&pool, work, nodes, ticks)
        };
        let let_go_seconds = pool.start_seconds.clamp(SHORTEST_IDLE, LONGEST_IDLE);
        Some(Self {
            nodes,
            let_go_seconds,
            let_go: idle_of(let_go_seconds)?,
            now: idle_of(pool.idle_seconds)?,
            warm: idle_of(longest + work.plan_seconds)?,
            saved_seconds: pool.start_seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_doubles_up_to_the_deadline_and_the_most() {
        let work = Work {
            shards: 300,
            parallelism: 100,
            shard_seconds: 60.0,
            plan_seconds: 10.0,
            collect_seconds: 10.0,
        };
        let pool = Pool {
            pods_per_node: 3,
            start_seconds: 120.0,
            idle_seconds: 600.0,
            price_per_hour: 0.19,
        };
        let ticks: Vec<_> = (0..720).map(|hour| f64::from(hour) * 3600.0).collect();
        let table = Table::new(&pool, &work, 1000, Some(900.0), &ticks);
        let nodes: Vec<_> = table.rows.iter().map(|row| row.nodes).collect();
        // 12 rounds of 60 s fit into 900 s less 140 s: 25 pods, nine nodes.
        assert_eq!(nodes, [1, 2, 4, 8, 9, 34]);
        assert_eq!(table.within_deadline, Some(9));
        // One node takes 100 minutes, so every other hour has no run.
        let month = table.rows[0].month.unwrap();
        assert_eq!((month.runs, month.skipped), (360, 360));
        let idle = table.idle.unwrap();
        assert_eq!((idle.nodes, idle.let_go_seconds), (9, 120.0));
        assert!(idle.let_go.price < idle.now.price && idle.now.price < idle.warm.price);
        assert!(idle.warm.always_warm && idle.let_go.warm == 0);

        let table = Table::new(&pool, &work, 2, Some(900.0), &[]);
        assert_eq!((table.rows.len(), table.within_deadline), (2, None));
        assert!(table.idle.is_none() && table.rows[0].month.is_none());
    }
}
