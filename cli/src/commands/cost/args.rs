use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use fleetscore_crds::thousandths;
use fleetscore_scorer::outputs;
use fleetscore_scorer::report::Report;

use crate::commands::{Result, usage};
use crate::kubectl::duration;

/// Largest report, in bytes.
const REPORT_BYTES: u64 = 64 * 1024 * 1024;

/// What a node costs and holds. With a price, the plan also tells what runs take.
#[derive(Args, Debug)]
#[command(next_help_heading = "Time and cost on a cluster")]
pub struct CostArgs {
    /// The price of a node for an hour
    #[arg(long, value_name = "PRICE", value_parser = price, requires = "node_cpus")]
    pub price: Option<f64>,
    /// What the price is in, such as EUR
    #[arg(long, value_name = "CODE", requires = "price")]
    pub currency: Option<String>,
    /// CPUs of a node, of which 0.2 are taken to be the system's
    #[arg(long, value_name = "N", value_parser = cpus, requires = "price")]
    pub node_cpus: Option<u64>,
    /// Memory of a node, such as 16Gi; without it, memory is not looked at
    #[arg(long, value_name = "SIZE", value_parser = bytes, requires = "price")]
    pub node_memory: Option<u64>,
    /// Nodes that the pool has at most [default: 100]
    #[arg(long, value_name = "N", requires = "price", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_nodes: Option<u32>,
    /// The longest that a run may take, such as 15m; the fewest nodes for it are marked
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "price")]
    pub deadline: Option<Duration>,
    /// How long a node takes to start
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "120s", requires = "price")]
    pub start: Duration,
    /// How long the autoscaler keeps a node without pods
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "600s", requires = "price")]
    pub idle: Duration,
    /// Sensors of a run, where the manifest does not list them
    #[arg(long, value_name = "N", requires = "price", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub sensors: Option<u64>,
    /// A report.json, or the folder of a run: a sensor takes as long as it took there
    #[arg(long, value_name = "REPORT", requires = "price")]
    pub like: Option<PathBuf>,
}

/// What an earlier run took.
pub struct Like {
    /// Its report.
    pub source: String,
    /// Its sensors.
    pub sensors: u64,
    /// Seconds of one sensor.
    pub sensor_seconds: f64,
}

impl CostArgs {
    /// Whether any of the options was given that only make sense with a price.
    pub fn given(&self) -> bool {
        self.price.is_some()
    }

    /// What the report says that `--like` names.
    pub fn like(&self) -> Result<Option<Like>> {
        let Some(path) = &self.like else {
            return Ok(None);
        };
        let path = if path.is_dir() {
            path.join(outputs::REPORT_JSON)
        } else {
            path.clone()
        };
        let source = path.display().to_string();
        let wrong = |words: &str| usage(anyhow!("--like {source}: {words}"));
        let told = || format!("--like {source}");
        let size = std::fs::metadata(&path)
            .with_context(told)
            .map_err(usage)?
            .len();
        if size > REPORT_BYTES {
            return Err(wrong("is larger than any report"));
        }
        let bytes = std::fs::read(&path).with_context(told).map_err(usage)?;
        let report = Report::from_json(&bytes)
            .with_context(told)
            .map_err(usage)?;
        let timing = report.timing.shard_seconds;
        let seconds = timing
            .ok_or_else(|| wrong("no shard of that run left its times"))?
            .median;
        let (sensors, shards) = (report.sensors.total, report.shards.total);
        if sensors == 0 || shards == 0 || !seconds.is_finite() || seconds < 0.0 {
            return Err(wrong("that run scored no sensor"));
        }
        Ok(Some(Like {
            source,
            sensors,
            sensor_seconds: seconds * shards as f64 / sensors as f64,
        }))
    }
}

fn price(text: &str) -> std::result::Result<f64, String> {
    let price: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if price.is_finite() && (0.0..=1_000_000.0).contains(&price) {
        Ok(price)
    } else {
        Err("is not a price from 0 to 1000000".to_owned())
    }
}

fn cpus(text: &str) -> std::result::Result<u64, String> {
    thousandths(text).ok_or_else(|| "is not a number of CPUs such as 4 or 3800m".to_owned())
}

fn bytes(text: &str) -> std::result::Result<u64, String> {
    let found = thousandths(text).map(|found| found / 1000);
    found.ok_or_else(|| "is not a size such as 16Gi".to_owned())
}
