//! The cost of runs against brute force: nodes and pods that are looked at every second, without any code of what they check.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use fleetscore_crds::cost::{Pool, Work};

/// A node: when it takes pods, when each of its pods ends, and since when it has none.
struct Node {
    ready: u32,
    pods: Vec<u32>,
    empty_since: u32,
}

/// What happened.
#[derive(Debug, Default)]
struct Seen {
    runs: u32,
    skipped: u32,
    cold: u32,
    ends: Vec<u32>,
    node_seconds: u32,
    /// Runs in whose last moments some node had nothing to do.
    uneven: bool,
}

/// Whole seconds, as the simulation steps.
#[derive(Clone, Copy, Debug)]
struct Case {
    shards: u32,
    parallelism: u32,
    shard: u32,
    plan: u32,
    collect: u32,
    pods_per_node: u32,
    nodes: u32,
    start: u32,
    idle: u32,
}

/// The state of the one run that goes on.
struct Going {
    begun: u32,
    left: u32,
    active: u32,
    scored: Option<u32>,
}

fn simulate(case: &Case, ticks: &[u32]) -> Seen {
    let mut seen = Seen::default();
    let mut nodes: Vec<Node> = Vec::new();
    let mut going: Option<Going> = None;
    let mut ticks = ticks.iter().peekable();
    let mut now = 0;
    loop {
        // Pods end.
        for node in &mut nodes {
            let before = node.pods.len();
            node.pods.retain(|end| *end > now);
            let ended = before - node.pods.len();
            if ended > 0 {
                if let Some(run) = &mut going {
                    run.active -= u32::try_from(ended).unwrap();
                }
                if node.pods.is_empty() {
                    node.empty_since = now;
                }
            }
        }
        if let Some(run) = &mut going {
            if run.left == 0 && run.active == 0 && run.scored.is_none() {
                run.scored = Some(now);
            }
            if run
                .scored
                .is_some_and(|scored| scored + case.collect <= now)
            {
                seen.ends.push(now);
                going = None;
            }
        }
        // Ticks come.
        while ticks.peek().is_some_and(|tick| **tick == now) {
            ticks.next();
            if going.is_some() {
                seen.skipped += 1;
            } else {
                seen.runs += 1;
                going = Some(Going {
                    begun: now,
                    left: case.shards,
                    active: 0,
                    scored: None,
                });
            }
        }
        // Nodes that had nothing to do for long enough leave.
        nodes.retain(|node| {
            let idle = node.pods.is_empty() && node.ready <= now;
            !(idle
                && now >= node.empty_since + case.idle
                && node.empty_since + case.idle > node.ready)
        });
        // Pods are placed, one by one on the node with most room.
        if let Some(run) = going.as_mut().filter(|run| run.begun + case.plan <= now) {
            if run.left == case.shards && nodes.is_empty() {
                seen.cold += 1;
            }
            while run.left > 0 && run.active < case.parallelism {
                let free = nodes.iter_mut().filter(|node| {
                    node.ready <= now && node.pods.len() < case.pods_per_node as usize
                });
                let Some(node) = free.min_by_key(|node| node.pods.len()) else {
                    break;
                };
                node.pods.push(now + case.shard);
                run.left -= 1;
                run.active += 1;
            }
            // What waits makes nodes.
            let waits = run.left.min(case.parallelism - run.active);
            let mut coming = nodes.iter().filter(|node| node.ready > now).count();
            while waits as usize > coming * case.pods_per_node as usize
                && nodes.len() < case.nodes as usize
            {
                nodes.push(Node {
                    ready: now + case.start,
                    pods: Vec::new(),
                    empty_since: now + case.start,
                });
                coming += 1;
            }
            let is_last = run.left == 0 && run.active > 0;
            if is_last
                && nodes
                    .iter()
                    .any(|node| node.pods.is_empty() && node.ready <= now)
            {
                seen.uneven = true;
            }
        }
        if going.is_none() && ticks.peek().is_none() && nodes.is_empty() {
            return seen;
        }
        seen.node_seconds += u32::try_from(nodes.len()).unwrap();
        now += 1;
    }
}

impl Case {
    fn work(&self) -> Work {
        Work {
            shards: self.shards,
            parallelism: self.parallelism,
            shard_seconds: self.shard.into(),
            plan_seconds: self.plan.into(),
            collect_seconds: self.collect.into(),
        }
    }

    fn pool(&self) -> Pool {
        Pool {
            pods_per_node: self.pods_per_node,
            start_seconds: self.start.into(),
            idle_seconds: self.idle.into(),
            price_per_hour: 1.0,
        }
    }
}

prop_compose! {
    fn case()(
        shards in 1_u32..40,
        parallelism in 1_u32..30,
        shard in 1_u32..20,
        plan in 0_u32..5,
        collect in 0_u32..5,
        pods_per_node in 1_u32..5,
        nodes in 1_u32..8,
        start in 1_u32..30,
        idle in 1_u32..60,
    ) -> Case {
        Case { shards, parallelism, shard, plan, collect, pods_per_node, nodes, start, idle }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_run_is_what_happens_second_by_second(case in case()) {
        let seen = simulate(&case, &[0]);
        let run = case.pool().run(&case.work(), case.nodes);
        prop_assert_eq!(f64::from(seen.ends[0]), run.seconds);
        let paid = f64::from(seen.node_seconds);
        prop_assert!(paid <= run.node_seconds, "{} > {}", paid, run.node_seconds);
        let spare = f64::from(run.nodes * case.shard);
        prop_assert!(paid >= run.node_seconds - spare, "{} < {} - {}", paid, run.node_seconds, spare);
        if !seen.uneven {
            prop_assert_eq!(paid, run.node_seconds);
        }
    }

    /// Of runs that fill their nodes to the end.
    #[test]
    fn a_month_is_what_happens_second_by_second(
        case in case(),
        rounds in 1_u32..4,
        gaps in prop::collection::vec(1_u32..200, 1..12),
    ) {
        let pods = (case.nodes * case.pods_per_node).min(case.parallelism);
        let case = Case { shards: rounds * pods, ..case };
        let mut ticks = vec![0];
        for gap in gaps {
            ticks.push(ticks[ticks.len() - 1] + gap);
        }
        let seen = simulate(&case, &ticks);
        let month = case.pool().month(&case.work(), case.nodes, ticks.iter().map(|tick| f64::from(*tick)));
        prop_assert_eq!((month.runs, month.skipped), (seen.runs, seen.skipped));
        prop_assert_eq!(month.runs - month.warm, seen.cold);
        prop_assert_eq!(f64::from(seen.node_seconds), month.node_seconds);
    }

    #[test]
    fn the_fewest_nodes_are_those_that_trying_all_finds(case in case(), deadline in 0_u32..400) {
        let (work, pool) = (case.work(), case.pool());
        let found = (1..=case.nodes).find(|nodes| pool.run(&work, *nodes).seconds <= deadline.into());
        prop_assert_eq!(pool.nodes_within(&work, deadline.into(), case.nodes), found);
    }
}
