//! What a run would take in time and money, for `fleetscore plan`.

mod args;
mod draw;

use fleetscore_crds::cost::{Pool, Resources, Table, Work, requests};
use fleetscore_crds::{ScoringRunSpec, SensorsSpec};
use serde::Serialize;

pub use args::CostArgs;
pub use draw::text;

use anyhow::anyhow;

use super::{Result, usage};

/// Thousandths of a CPU that the system keeps for itself on each node.
const RESERVED_CPU: u64 = 200;
/// Bytes of memory that it keeps at most; a quarter of a small node. Azure keeps as much for 110 pods.
const RESERVED_MEMORY: u64 = 2300 << 20;
/// Seconds from the place of a pod on a node to its first sensor.
const POD_START: f64 = 10.0;
/// Seconds that one sensor takes where no report tells.
const SENSOR: f64 = 0.1;
/// Seconds of the plan step, and of the collect step.
const STEP: f64 = 10.0;
/// Nodes that a pool has at most where nothing is said.
const MAX_NODES: u32 = 100;

/// The estimate, with all that went into it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Sensors of a run.
    sensors: u64,
    /// Sensors of each pod, but perhaps the last.
    sensors_per_pod: u32,
    /// Pods of a run.
    shards: u32,
    /// Seconds of a pod, its start included.
    shard_seconds: f64,
    /// Seconds of one sensor.
    sensor_seconds: f64,
    /// Where that comes from.
    like: Option<String>,
    /// Pods that fit on a node.
    pods_per_node: u32,
    /// Thousandths of a CPU that a pod requests.
    pod_cpu: u64,
    /// Thousandths of a CPU that are free on a node.
    node_cpu: u64,
    /// Whether memory was looked at.
    by_memory: bool,
    /// Seconds until a node takes pods.
    start_seconds: f64,
    /// Seconds that a node without pods stays.
    idle_seconds: f64,
    /// Seconds of the plan and of the collect step, each.
    step_seconds: f64,
    /// The price of a node for an hour.
    price_per_node_hour: f64,
    /// What prices are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// The most that a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_seconds: Option<f64>,
    /// The estimate by nodes.
    #[serde(flatten)]
    table: Table,
}

/// The estimate for runs of `spec`. `sensors` are known where they were counted; `ticks` are those of thirty days, in seconds.
pub fn estimate(
    args: &CostArgs,
    spec: &ScoringRunSpec,
    sensors: Option<u64>,
    ticks: &[f64],
) -> Result<Option<Cost>> {
    let Some((price, node_cpus)) = args.price.zip(args.node_cpus) else {
        return Ok(None);
    };
    let like = args.like()?;
    let sensors = args
        .sensors
        .or(sensors)
        .or(like.as_ref().map(|like| like.sensors))
        .or(listed(&spec.sensors))
        .ok_or_else(|| {
            usage(anyhow!(
                "how many sensors has a run? Add --sensors N, or --like REPORT of an earlier run"
            ))
        })?;
    let sensors_per_pod = spec.sharding.sensors_per_shard(sensors);
    let shards = sensors.div_ceil(sensors_per_pod.into());
    let shards = u32::try_from(shards).map_err(usage)?;
    let sensor_seconds = like.as_ref().map_or(SENSOR, |like| like.sensor_seconds);
    let in_a_pod = u32::try_from(sensors)
        .unwrap_or(u32::MAX)
        .min(sensors_per_pod);
    let pod = requests(&spec.pod_template, spec.model.worker.as_ref())
        .map_err(|error| usage(anyhow!("podTemplate: resources.requests.{error}")))?;
    let node = Resources {
        cpu: node_cpus.saturating_sub(RESERVED_CPU),
        memory: args
            .node_memory
            .map(|memory| memory - RESERVED_MEMORY.min(memory / 4)),
    };
    let pods_per_node = pod.pods_in(node);
    if pods_per_node == 0 {
        return Err(usage(anyhow!(
            "no pod fits on such a node: a pod requests {} CPUs and {} MiB of memory; {} CPUs{} are free on a node",
            cpus(pod.cpu),
            pod.memory.unwrap_or(0) >> 20,
            cpus(node.cpu),
            node.memory
                .map(|memory| format!(" and {} MiB", memory >> 20))
                .unwrap_or_default(),
        )));
    }
    let work = Work {
        shards,
        parallelism: spec.sharding.parallelism,
        shard_seconds: POD_START + f64::from(in_a_pod) * sensor_seconds,
        plan_seconds: STEP,
        collect_seconds: STEP,
    };
    let pool = Pool {
        pods_per_node,
        start_seconds: args.start.as_secs_f64(),
        idle_seconds: args.idle.as_secs_f64(),
        price_per_hour: price,
    };
    let deadline = args.deadline.map(|deadline| deadline.as_secs_f64());
    let max_nodes = args.max_nodes.unwrap_or(MAX_NODES);
    Ok(Some(Cost {
        sensors,
        sensors_per_pod,
        shards,
        shard_seconds: work.shard_seconds,
        sensor_seconds,
        like: like.map(|like| like.source),
        pods_per_node,
        pod_cpu: pod.cpu,
        node_cpu: node.cpu,
        by_memory: node.memory.is_some(),
        start_seconds: pool.start_seconds,
        idle_seconds: pool.idle_seconds,
        step_seconds: STEP,
        price_per_node_hour: price,
        currency: args.currency.clone(),
        deadline_seconds: deadline,
        table: Table::new(&pool, &work, max_nodes, deadline, ticks),
    }))
}

fn listed(sensors: &SensorsSpec) -> Option<u64> {
    sensors.list.as_ref().map(|list| list.len() as u64)
}

/// CPUs of so many thousandths.
fn cpus(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}
