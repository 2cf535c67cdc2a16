//! The names of everything a run writes, below its output location.

// The folder of all that is the run's own, and the default one of its logs.
pub use fleetscore_crds::contract::run_pod::{LOGS, RUN_FOLDER};

/// The plan: a line a sensor.
pub const PLAN: &str = "_run/plan.jsonl";
/// The machine-readable report.
pub const REPORT_JSON: &str = "_run/report.json";
/// The report to look at.
pub const REPORT_HTML: &str = "_run/report.html";
/// The sensors to retry: a line a failed sensor.
pub const FAILED: &str = "_run/failed.jsonl";
/// What became of each sensor, as a table.
pub const SENSORS: &str = "_run/sensors.parquet";
/// The folder of the records of all runs, below the root of their output locations.
pub const RUNS_FOLDER: &str = "_runs/";
/// Put last, and only when the run's failure policy holds.
pub const SUCCESS: &str = "_SUCCESS";
/// The folder of the claims of the runs that have written here, the newest of which is the owner.
pub const OWNERS: &str = "_run/owner/";
/// The folder of the own files of retries in place, a folder a run.
pub const RETRIES: &str = "_run/retry/";
/// The folder of the ledgers.
pub const LEDGERS: &str = "_run/ledger/";

/// The ledger of a shard: a line a sensor.
pub fn ledger(shard: u32) -> String {
    format!("{LEDGERS}{shard:06}.jsonl")
}

/// The log of a shard, below the logs' location.
pub fn shard_log(shard: u32) -> String {
    format!("{shard:06}.log")
}

/// The folder of the own files of a run that scores failed sensors again in the place of an earlier one.
pub fn retry_folder(run: &str) -> String {
    format!("{RETRIES}{run}/")
}

/// Whether predictions at `path` would overwrite the run's own files, or the records of runs.
pub fn is_reserved(path: &str) -> bool {
    path == SUCCESS || path.starts_with(RUN_FOLDER) || path.starts_with(RUNS_FOLDER)
}

/// The same of a path without differences of upper and lower case, which some file systems do not make.
pub fn is_reserved_folded(path: &str) -> bool {
    path == "_success" || path.starts_with(RUN_FOLDER) || path.starts_with(RUNS_FOLDER)
}
