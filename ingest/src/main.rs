//! `fleetscore-ingest`: what a pod of a `ReadingStream` runs.

mod pod;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use fleetscore_ingest::log::LogArgs;

/// As for the scorer: faster than the C library's where much is made and dropped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code: the manifest, its secrets or the command line are wrong.
const WRONG: u8 = 64;

/// Reads the events of a `ReadingStream` and publishes its readings, sharing the hub's partitions with the stream's other pods: what a pod
/// does. On one machine, use `fleetscore ingest`.
///
/// Exit codes: 0 stopped by a signal; 1 a defect, or what is served cannot be; 64 the manifest, its secrets or the command line are wrong.
/// Whatever may pass, or is mended elsewhere, is tried again and told by /status.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The stream as JSON: apiVersion, kind, metadata and spec.
    #[arg(
        long,
        env = "FLEETSCORE_STREAM",
        default_value = "/etc/fleetscore/stream.json",
        value_name = "FILE"
    )]
    stream: PathBuf,
    /// The pod's UID, by which a container that is started again takes up its claims at once; default: another one for each start.
    #[arg(long, env = "FLEETSCORE_POD_UID")]
    pod_uid: Option<String>,
    /// Memory for events that are fetched ahead, in MiB.
    #[arg(long, env = "FLEETSCORE_MEMORY_MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(16..))]
    memory_mib: u32,
    /// Threads that read; default: one a core.
    #[arg(long, env = "FLEETSCORE_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Where /healthz, /readyz, /status and /metrics are served; default: port 8080 of all addresses.
    #[arg(long, env = "FLEETSCORE_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    log: LogArgs,
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // There is nobody to tell where the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { WRONG } else { 0 });
        }
    };
    match pod::run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleetscore-ingest: {error:#}");
            ExitCode::from(match error {
                pod::PodError::Wrong(_) => WRONG,
                pod::PodError::Failed(_) => 1,
            })
        }
    }
}
