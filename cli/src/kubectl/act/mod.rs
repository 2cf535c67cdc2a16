//! The commands that do something to runs, schedules and streams, or wait for it.

pub mod backfill;
pub mod retry;
pub mod suspend;
pub mod trigger;
pub mod wait;

use std::future::Future;
use std::io::IsTerminal as _;

use anyhow::anyhow;
use fleetscore_cluster::{Cluster, ClusterError, Found, Kinds, Schedule, Scope, Target, find};

use super::exit;
use crate::commands::{CommandError, FAILED, Result, block_on, output, usage};

/// Runs `work` until it is done or Ctrl-C is pressed.
fn interruptible(work: impl Future<Output = Result>) -> Result {
    block_on(stoppable(work))?
}

/// The same of what runs already.
pub(super) async fn stoppable(work: impl Future<Output = Result>) -> Result {
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Ok(exit::INTERRUPTED),
    }
}

/// The error of what the cluster is not asked for, since nothing good would come of it.
fn refused(message: impl std::fmt::Display) -> CommandError {
    CommandError {
        error: anyhow!("{message}"),
        code: FAILED,
    }
}

/// The error of a request that writes: a conflict is told as `taken` says.
fn written(error: ClusterError, taken: impl FnOnce() -> String) -> CommandError {
    if error.is_conflict() {
        return refused(taken());
    }
    match error {
        // What the API server finds wrong with an object is no trouble of the connection.
        ClusterError::Refused {
            code: 400 | 422, ..
        } => refused(error),
        error => exit::cluster(error),
    }
}

/// The schedule that `target` means.
pub(super) async fn schedule(
    cluster: &Cluster,
    scope: &Scope,
    target: &Target,
) -> Result<Schedule> {
    let kinds = Kinds {
        runs: false,
        streams: false,
        ..Kinds::ALL
    };
    match find(cluster, scope, target, kinds).await {
        Ok(Found::Schedule(schedule)) => Ok(*schedule),
        Ok(_) => Err(exit::not_found(format!(
            "schedule {} not found",
            target.name
        ))),
        Err(error) => Err(exit::cluster(error)),
    }
}

/// Asks on the terminal whether to go on.
fn confirmed(question: &str, yes: bool) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(usage(anyhow!("nobody is there to ask; add --yes to do it")));
    }
    // Standard output may go into a pipe.
    output::ask(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(usage)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
