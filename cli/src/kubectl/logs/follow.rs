//! Logs as pods write them.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetscore_cluster::{Cluster, Run, Scope, Target};
use fleetscore_crds::Phase;
use futures::{AsyncBufReadExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Log, LogsArgs, StepName, children};
use crate::commands::{Result, output};
use crate::kubectl::exit;

/// How often is looked for new pods.
const AGAIN: Duration = Duration::from_secs(2);
/// Pods that are followed at the same time.
const PODS: usize = 20;
/// Lines that wait to be printed.
const LINES: usize = 1000;

/// Prints lines until the run has ended, or its object is gone.
pub(super) async fn run(args: &LogsArgs, cluster: &Cluster, mut run: Run) -> Result {
    let scope = Scope::Namespace(run.namespace().to_owned());
    let target: Target = format!("run/{}", run.name())
        .parse()
        .map_err(exit::cannot_tell)?;
    let (sender, mut lines) = mpsc::channel::<String>(LINES);
    let mut followed = BTreeSet::new();
    let mut tasks = JoinSet::new();
    let mut told = false;
    loop {
        let ended = run.phase().is_some_and(Phase::is_end);
        let (_, pods, _) = children(cluster, &run).await?;
        for pod in pods.iter().filter(|pod| pod.phase() != "Pending") {
            let Some(log) = Log::of(pod).filter(|log| is_meant(args, *log)) else {
                continue;
            };
            if followed.contains(pod.name()) {
                continue;
            }
            if tasks.len() >= PODS {
                if !told {
                    output::note(&format!(
                        "note: {PODS} pods are followed; others when these have ended"
                    ));
                }
                told = true;
                break;
            }
            followed.insert(pod.name().to_owned());
            let (cluster, sender) = (cluster.clone(), sender.clone());
            let (namespace, name) = (run.namespace().to_owned(), pod.name().to_owned());
            let tail = args.tail;
            tasks.spawn(async move {
                let stream = match cluster.follow(&namespace, &name, tail).await {
                    Ok(stream) => stream,
                    Err(error) => {
                        output::note(&format!(
                            "note: the log of {name} cannot be followed: {error}"
                        ));
                        return;
                    }
                };
                let mut stream = stream.lines();
                while let Some(line) = stream.next().await {
                    let line = match line {
                        Ok(line) => line,
                        Err(error) => {
                            output::note(&format!("note: the log of {name} broke off: {error}"));
                            return;
                        }
                    };
                    if sender
                        .send(format!("[{}] {line}\n", log.words()))
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
        if ended && tasks.is_empty() && lines.is_empty() {
            return Ok(exit::of(run.phase()));
        }
        let until = tokio::time::sleep(AGAIN);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => break,
                Some(line) = lines.recv() => output::print(line)?,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            }
        }
        run = cluster.run(&scope, &target).await.map_err(exit::cluster)?;
    }
}

fn is_meant(args: &LogsArgs, log: Log) -> bool {
    match (args.shard, args.step) {
        (Some(shard), _) => log == Log::Shard(shard),
        (None, Some(StepName::Plan)) => log == Log::Plan,
        (None, Some(StepName::Collect)) => log == Log::Collect,
        (None, Some(StepName::Score)) => matches!(log, Log::Shard(_)),
        (None, None) => true,
    }
}
