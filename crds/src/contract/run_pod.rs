//! Names that a run's pods and whoever starts them have in common, and how a pod ends.

use crate::Step;

/// Environment variable: the file with the run's manifest, as JSON.
pub const MANIFEST: &str = "FLEETSCORE_RUN";
/// The folder in a pod with that file.
pub const FOLDER: &str = "/etc/fleetscore";
/// The name of that file.
pub const FILE: &str = "run.json";
/// That file, where [`MANIFEST`] does not say otherwise.
pub const MANIFEST_FILE: &str = "/etc/fleetscore/run.json";
/// Environment variable: what is added to a score pod's index, where one run is split into several Jobs.
pub const SHARD_OFFSET: &str = "FLEETSCORE_SHARD_OFFSET";
/// Environment variable: memory of the whole process, in MiB.
pub const MEMORY_MIB: &str = "FLEETSCORE_MEMORY_MIB";
/// [`MEMORY_MIB`] where nothing else is said.
pub const DEFAULT_MEMORY_MIB: u32 = 256;
/// Environment variable: threads that compute.
pub const THREADS: &str = "FLEETSCORE_THREADS";
/// The CPU that a score pod requests where no template says otherwise.
pub const SCORE_CPU: &str = "1";
/// The memory that it requests.
pub const SCORE_MEMORY: &str = "384Mi";
/// The prefix of the environment variables that the secret of a storage account becomes.
pub const AZURE_SECRET: &str = "FLEETSCORE_AZURE_";

/// The label that names a child's run.
pub const RUN_LABEL: &str = "scoring.fleetscore.io/run";
/// The label that names a child's step.
pub const STEP_LABEL: &str = "scoring.fleetscore.io/step";
/// The label that numbers the score Jobs of a run.
pub const PART_LABEL: &str = "scoring.fleetscore.io/part";
/// Shards that one Job scores. Its status, and every update of it, lists its indexes: at 10,000 these lists stay below 60 KB.
///
/// Up to there a Job's time grows with its pods, not faster: 30.2 s per 1,000 pods for a Job of 1,000, 29.8 s for a score step of
/// 10,000 (`bench/cluster.sh`, parallelism 500, 2 CPUs for all of the cluster, one run each). Larger ones are not measured.
pub const SHARDS_PER_JOB: u32 = 10_000;
/// The container of a run's pods.
pub const CONTAINER: &str = "scorer";

/// The folder of a run's own files, below its output location.
pub const RUN_FOLDER: &str = "_run/";
/// The default folder of its logs there.
pub const LOGS: &str = "_run/logs/";

/// Exit code: done.
pub const DONE: u8 = 0;
/// Exit code: some sensors failed for good, the others are scored.
pub const SENSORS_FAILED: u8 = 10;
/// Exit code: the run or the command line is wrong, nothing can succeed.
pub const REFUSED: u8 = 64;
/// Exit code: a defect of the program.
pub const INTERNAL: u8 = 70;
/// Exit code: a temporary failure; another try may succeed.
pub const TRY_AGAIN: u8 = 75;
/// Exit code: stopped by a signal; another try may succeed.
pub const STOPPED: u8 = 143;

/// The step's name on the scorer's command line, in labels and in Jobs' names.
pub const fn step_name(step: Step) -> &'static str {
    match step {
        Step::Plan => "plan",
        Step::Score => "score",
        Step::Collect => "collect",
    }
}
