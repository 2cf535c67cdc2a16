//! Names that a run's scorer, the worker beside it and whoever starts them have in common.

/// Environment variable of the scorer and the worker: the path of the Unix socket that the worker listens at. Set for the scorer: there
/// is a worker to connect to; absent: the scorer starts one.
pub const SOCKET: &str = "FLEETSCORE_WORKER_SOCKET";
/// Environment variable of both: the folder that both see, in which the scorer puts the files of a model for the worker to read. The
/// scorer makes it.
pub const DIR: &str = "FLEETSCORE_WORKER_DIR";
/// Environment variable of the worker: `spec.model.worker` as JSON.
pub const SPEC: &str = "FLEETSCORE_WORKER";
/// Environment variable of the worker: CPUs for all its processes. Absent: those of the machine.
pub const THREADS: &str = "FLEETSCORE_THREADS";
/// The worker's container.
pub const CONTAINER: &str = "worker";
/// The name of the worker's program, beside the run's manifest.
pub const FILE: &str = "worker.py";
/// That file in a pod.
pub const PROGRAM_FILE: &str = "/etc/fleetscore/worker.py";
/// The folder in a pod that scorer and worker share.
pub const FOLDER: &str = "/run/fleetscore";
/// The socket in it.
pub const SOCKET_FILE: &str = "/run/fleetscore/socket";
/// The folder for models in it.
pub const MODELS: &str = "/run/fleetscore/models";

/// The CPU that the scorer requests beside a worker that scores all models: it reads and writes only.
pub const SCORER_CPU: &str = "250m";
/// Memory of the worker's container beyond that of its processes, in MiB: what starts them and watches them.
pub const MORE_MEMORY_MIB: u32 = 128;
