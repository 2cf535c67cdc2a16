//! What a run takes in time, nodes and money on a pool that an autoscaler makes and removes.
//!
//! Everything is a function of its arguments. The shards of a run are taken to last equally long, all nodes of a run to come at the
//! same time, and each node to be there until the run's last shard has ended and the pool's idle time has passed. Where the last
//! shards fill only some of the nodes, the others leave sooner, so node times are upper bounds: too large by one shard's time a node
//! and run at most.

mod month;
mod requests;
mod table;

pub use month::Month;
pub use requests::requests;
pub use table::{IdleAdvice, MonthRow, Row, Table};

/// Seconds of an hour, which prices are for.
const HOUR: f64 = 3600.0;

/// CPU and memory: what a pod requests, or what is free on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a CPU.
    pub cpu: u64,
    /// Bytes; none: memory does not matter.
    pub memory: Option<u64>,
}

impl Resources {
    /// How many pods with these requests fit into `free`. Pods without any request are as many as `u32` holds.
    pub fn pods_in(self, free: Self) -> u32 {
        let by = |free: u64, request: u64| free.checked_div(request).unwrap_or(u64::MAX);
        let by_memory = match (free.memory, self.memory) {
            (Some(free), Some(request)) => by(free, request),
            _ => u64::MAX,
        };
        u32::try_from(by(free.cpu, self.cpu).min(by_memory)).unwrap_or(u32::MAX)
    }
}

/// The score pods of a run. Times are in seconds, finite and not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Score pods in all.
    pub shards: u32,
    /// Score pods at a time, as `sharding.parallelism` allows.
    pub parallelism: u32,
    /// From the place of a pod on a node to the end of its shard.
    pub shard_seconds: f64,
    /// The plan step, before the score pods exist.
    pub plan_seconds: f64,
    /// The collect step, after the last shard.
    pub collect_seconds: f64,
}

/// The nodes that score pods get. Times are in seconds, finite and not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// Score pods that fit on a node; at least one.
    pub pods_per_node: u32,
    /// From a pod that finds no node to the node that takes it.
    pub start_seconds: f64,
    /// How long a node without pods stays.
    pub idle_seconds: f64,
    /// The price of a node for an hour, in any currency.
    pub price_per_hour: f64,
}

/// What a run takes on so many nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The nodes.
    pub nodes: u32,
    /// Score pods at a time.
    pub pods: u32,
    /// From the first pod to the end of the last shard, on nodes that are there.
    pub score_seconds: f64,
    /// From the start of the run to its end where the nodes have to come first.
    pub seconds: f64,
    /// The same on nodes that are there.
    pub warm_seconds: f64,
    /// What the nodes are paid for: start, work and idle time of all of them.
    pub node_seconds: f64,
    /// Their price.
    pub price: f64,
}

impl Pool {
    /// Nodes that a run makes use of where there is no limit.
    pub fn useful_nodes(&self, work: &Work) -> u32 {
        let pods = work.parallelism.min(work.shards);
        pods.div_ceil(self.pods_per_node.max(1)).max(1)
    }

    /// A run on `nodes` nodes that come for it and leave after it; on as many as it makes use of, where `nodes` are more.
    pub fn run(&self, work: &Work, nodes: u32) -> Run {
        let nodes = nodes.clamp(1, self.useful_nodes(work));
        let room = nodes.saturating_mul(self.pods_per_node.max(1));
        let pods = room.min(work.parallelism).min(work.shards).max(1);
        let score_seconds = f64::from(work.shards.div_ceil(pods)) * work.shard_seconds;
        let warm_seconds = work.plan_seconds + score_seconds + work.collect_seconds;
        let paid = self.start_seconds + score_seconds + self.idle_seconds;
        let node_seconds = f64::from(nodes) * paid;
        Run {
            nodes,
            pods,
            score_seconds,
            seconds: warm_seconds + self.start_seconds,
            warm_seconds,
            node_seconds,
            price: self.price(node_seconds),
        }
    }

    /// The fewest nodes, at most `max`, on which a run ends within `deadline` seconds although the nodes have to come first.
    pub fn nodes_within(&self, work: &Work, deadline: f64, max: u32) -> Option<u32> {
        let most = self.useful_nodes(work).min(max.max(1));
        let ends = |nodes: u32| self.run(work, nodes).seconds <= deadline;
        let (mut low, mut high) = (1, most);
        // More nodes never take longer.
        while low < high {
            let middle = low + (high - low) / 2;
            if ends(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        ends(high).then_some(high)
    }

    /// The price of so many seconds of a node.
    pub fn price(&self, node_seconds: f64) -> f64 {
        node_seconds / HOUR * self.price_per_hour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_pods_fit_as_cpu_and_memory_allow() {
        let pod = |cpu, memory| Resources { cpu, memory };
        let mib = |count: u64| Some(count << 20);
        for (request, free, expected) in [
            (pod(1000, mib(384)), pod(3800, mib(12_000)), 3),
            (pod(900, mib(384)), pod(3800, mib(12_000)), 4),
            (pod(500, mib(4096)), pod(3800, mib(12_000)), 2),
            (pod(500, mib(4096)), pod(3800, None), 7),
            (pod(500, None), pod(3800, mib(1)), 7),
            (pod(4000, None), pod(3800, None), 0),
            (pod(0, None), pod(3800, None), u32::MAX),
            (pod(0, Some(0)), pod(0, Some(0)), u32::MAX),
        ] {
            assert_eq!(request.pods_in(free), expected, "{request:?} {free:?}");
        }
    }

    #[test]
    fn a_run_takes_start_work_and_idle_time_of_its_nodes() {
        let work = Work {
            shards: 60,
            parallelism: 40,
            shard_seconds: 100.0,
            plan_seconds: 10.0,
            collect_seconds: 20.0,
        };
        let pool = Pool {
            pods_per_node: 3,
            start_seconds: 120.0,
            idle_seconds: 600.0,
            price_per_hour: 0.36,
        };
        let run = pool.run(&work, 4);
        assert_eq!((run.nodes, run.pods), (4, 12));
        assert_eq!(run.score_seconds, 500.0);
        assert_eq!((run.warm_seconds, run.seconds), (530.0, 650.0));
        assert_eq!(run.node_seconds, 4.0 * 1220.0);
        assert_eq!(run.price, 4.0 * 1220.0 / 10_000.0);
        // Forty pods at a time need fourteen nodes, whatever the pool holds.
        let most = pool.run(&work, 1000);
        assert_eq!((most.nodes, most.pods, most.score_seconds), (14, 40, 200.0));
        assert_eq!(pool.run(&work, 0), pool.run(&work, 1));
        assert_eq!(pool.nodes_within(&work, 650.0, 100), Some(4));
        assert_eq!(pool.nodes_within(&work, 650.0, 3), None);
        assert_eq!(pool.nodes_within(&work, 349.0, 100), None);
    }
}
