//! `logs`.

mod follow;
mod show;
mod stored;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use fleetscore_cluster::view::{PodState, TreeView, tree};
use fleetscore_cluster::{Cluster, Pod, Run, Target};
use fleetscore_crds::contract::run_pod::step_name;
use fleetscore_crds::{Step, visible_lines};
use fleetscore_scorer::outputs;
use jiff::Timestamp;

use super::act::stoppable;
use super::exit;
use super::login::LoginArgs;
use super::sensor::Wanted;
use super::storage::{Place, StorageArgs};
use super::tree::children;
use crate::commands::{CommandError, NOT_FOUND, Result, block_on, failure, output, usage};

/// Failed shards whose logs are shown, where no shard is named.
const SHARDS: usize = 20;

/// Show the logs of a run's steps
///
/// Without options: those of plan, of the failed shards (20 at most) and of collect. A log is
/// read from its pod while that is there, else from storage with your own login; what is
/// read where is told on standard error.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore logs pumps                               the newest run of a schedule
  kubectl fleetscore logs run/pumps-1764324000 --shard 17 --tail 50
  kubectl fleetscore logs pumps --sensor device=3 --sensor tag=9
  kubectl fleetscore logs pumps -f
  kubectl fleetscore logs pumps --step score --out-dir logs
  kubectl fleetscore logs pumps --step plan --via pod         starts a pod that reads it

Exit codes: 0 shown; 4 no such run or log; 5 cannot tell, such as when the pod is gone and
storage gives you no access.")]
pub struct LogsArgs {
    /// The run, or a schedule, meaning its newest run
    #[arg(value_name = "RUN")]
    target: Target,
    /// The log of one step: plan, collect, or score with all shards that have pods
    #[arg(long, value_enum, value_name = "STEP", conflicts_with_all = ["shard", "sensor"])]
    step: Option<StepName>,
    /// The log of one shard
    #[arg(long, value_name = "N", conflicts_with = "sensor")]
    shard: Option<u32>,
    /// The log of the shard with this sensor, whose plan is read from storage; may be repeated, a key each
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "follow")]
    sensor: Vec<Wanted>,
    /// Show lines as pods write them, of 20 pods at most, until the run has ended
    #[arg(short, long, conflicts_with_all = ["out_dir", "via"])]
    follow: bool,
    /// Only so many lines from the end of each log
    #[arg(long, value_name = "LINES")]
    tail: Option<u32>,
    /// Write each log to a file of its own in this folder
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Where logs are read: auto is the pod, else storage; pod starts a short-lived pod with the run's own rights to storage
    #[arg(long, value_enum, value_name = "WAY", default_value_t = Via::Auto)]
    via: Via,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// A step, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StepName {
    /// Lists the sensors
    Plan,
    /// Scores them
    Score,
    /// Makes the report
    Collect,
}

/// Where logs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Via {
    /// From the pod while it is there, else from storage
    Auto,
    /// From storage, by a pod that is started for it
    Pod,
    /// From storage
    Storage,
}

/// One log of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Log {
    Plan,
    Shard(u32),
    Collect,
}

impl Log {
    /// Its file below the logs' location.
    fn file(self) -> String {
        match self {
            Self::Plan => "plan.log".to_owned(),
            Self::Shard(shard) => outputs::shard_log(shard),
            Self::Collect => "collect.log".to_owned(),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Plan => "plan".to_owned(),
            Self::Shard(shard) => format!("shard {shard}"),
            Self::Collect => "collect".to_owned(),
        }
    }

    /// The options that ask for it.
    fn options(self) -> String {
        match self {
            Self::Plan => "--step plan".to_owned(),
            Self::Shard(shard) => format!("--shard {shard}"),
            Self::Collect => "--step collect".to_owned(),
        }
    }

    /// The log that a pod writes.
    fn of(pod: &Pod) -> Option<Self> {
        let is = |step| pod.step() == Some(step_name(step));
        if is(Step::Plan) {
            Some(Self::Plan)
        } else if is(Step::Collect) {
            Some(Self::Collect)
        } else {
            pod.shard().filter(|_| is(Step::Score)).map(Self::Shard)
        }
    }
}

/// Runs the command.
pub fn run(args: &LogsArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let run = cluster
            .run(&scope, &args.target)
            .await
            .map_err(exit::cluster)?;
        if args.follow {
            return Box::pin(stoppable(follow::run(args, &cluster, run))).await;
        }
        let (jobs, pods, more) = children(&cluster, &run).await?;
        let tree = tree(&run, &jobs, &pods, more, Timestamp::now());
        let (logs, asked) = wanted(args, &run, &tree).await?;
        if args.via == Via::Pod {
            return show(args, &cluster, &run, &logs).await;
        }
        let mut shown = 0;
        let mut missed = None;
        for log in &logs {
            match read(args, &cluster, &run, &pods, *log).await {
                Ok(text) => {
                    put(args, *log, &text, logs.len() > 1)?;
                    shown += 1;
                }
                Err(error) => {
                    // What was not asked for by name may be missing: a run may have failed before it.
                    if asked || logs.len() == 1 {
                        return Err(error);
                    }
                    output::note(&format!("note: no log of {}: {}", log.words(), error.error));
                    missed.get_or_insert(error);
                }
            }
        }
        match missed {
            Some(error) if shown == 0 => Err(error),
            _ => Ok(0),
        }
    })?
}

/// The logs that are meant, and whether each was asked for by its name.
async fn wanted(args: &LogsArgs, run: &Run, tree: &TreeView) -> Result<(Vec<Log>, bool)> {
    if let Some(shard) = args.shard {
        return Ok((vec![Log::Shard(shard)], true));
    }
    if !args.sensor.is_empty() {
        let place = Place::of(run, &args.storage)?;
        let shard = stored::shard_of(&place, &args.sensor).await?;
        output::note(&format!("note: that sensor is in shard {shard}"));
        return Ok((vec![Log::Shard(shard)], true));
    }
    let groups = tree.jobs.iter().flat_map(|job| &job.pods);
    let shards = |of: fn(PodState) -> bool| {
        let groups = groups.clone().filter(move |group| of(group.state));
        let mut shards: Vec<_> = groups
            .flat_map(|group| &group.pods)
            .filter_map(|pod| pod.shard)
            .map(Log::Shard)
            .collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    };
    Ok(match args.step {
        Some(StepName::Plan) => (vec![Log::Plan], true),
        Some(StepName::Collect) => (vec![Log::Collect], true),
        Some(StepName::Score) => {
            let mut all = shards(|state| state != PodState::Pending);
            if all.is_empty() {
                all = stored::shards(&Place::of(run, &args.storage)?).await?;
            }
            if all.is_empty() {
                return Err(exit::not_found("no shard of the run has a log yet"));
            }
            (all, false)
        }
        None => {
            let mut failed = shards(|state| state == PodState::Failed);
            if failed.len() > SHARDS {
                output::note(&format!(
                    "note: {} shards failed, the first {SHARDS} are shown; --step score shows all",
                    failed.len()
                ));
                failed.truncate(SHARDS);
            }
            let mut logs = vec![Log::Plan];
            logs.append(&mut failed);
            logs.push(Log::Collect);
            (logs, false)
        }
    })
}

/// A log from its pod while that is there, else from storage.
async fn read(
    args: &LogsArgs,
    cluster: &Cluster,
    run: &Run,
    pods: &[Pod],
    log: Log,
) -> Result<String> {
    let mut newest: Vec<_> = pods
        .iter()
        .filter(|pod| Log::of(pod) == Some(log))
        .collect();
    newest.sort_by_key(|pod| std::cmp::Reverse(pod.created()));
    let mut why = None;
    if args.via == Via::Auto {
        for pod in newest.into_iter().filter(|pod| pod.phase() != "Pending") {
            match cluster.log(run.namespace(), pod.name(), args.tail).await {
                Ok(text) => {
                    output::note(&format!(
                        "note: log of {} from pod {}",
                        log.words(),
                        pod.name()
                    ));
                    return Ok(text);
                }
                Err(error) => why = Some(error),
            }
        }
    }
    let stored = match Place::of(run, &args.storage) {
        Ok(place) => stored::read(&place, log).await,
        Err(error) => Err(error),
    };
    match stored {
        Ok(text) => Ok(tail(&text, args.tail)),
        // It is no matter of rights.
        Err(error) if why.is_none() && error.code == NOT_FOUND => Err(error),
        Err(error) => Err(CommandError {
            error: anyhow!(
                "{}{}\na pod with the run's own rights may read it: kubectl fleetscore logs run/{} {} --via pod -n {}",
                why.map_or_else(String::new, |why| format!("its pod's log: {why}; ")),
                error.error,
                run.name(),
                log.options(),
                run.namespace()
            ),
            code: error.code,
        }),
    }
}

/// A log by a pod that is started for it.
async fn show(args: &LogsArgs, cluster: &Cluster, run: &Run, logs: &[Log]) -> Result {
    let [log] = logs else {
        return Err(usage(anyhow!(
            "--via pod starts one pod for one log; name it with --step plan, --step collect or --shard N"
        )));
    };
    let text = show::run(cluster, run, *log).await?;
    put(args, *log, &tail(&text, args.tail), false)?;
    Ok(0)
}

/// The last lines of a text.
fn tail(text: &str, lines: Option<u32>) -> String {
    let Some(lines) = lines else {
        return text.to_owned();
    };
    let kept = usize::try_from(lines).unwrap_or(usize::MAX);
    let all: Vec<_> = text.lines().collect();
    let from = all.len().saturating_sub(kept);
    let kept = all.get(from..).unwrap_or_default();
    kept.iter()
        .fold(String::new(), |text, line| text + line + "\n")
}

fn put(args: &LogsArgs, log: Log, text: &str, several: bool) -> Result<()> {
    if let Some(folder) = &args.out_dir {
        return write(folder, log, text);
    }
    if !several {
        return output::print(text);
    }
    let label = log.words();
    let lines = text.lines().map(|line| format!("[{label}] {line}\n"));
    output::print(lines.collect::<String>())
}

fn write(folder: &Path, log: Log, text: &str) -> Result<()> {
    let file = folder.join(log.file());
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&file, visible_lines(text).as_bytes()))
        .with_context(|| file.display().to_string())
        .map_err(failure)?;
    output::note(&format!(
        "note: log of {} in {}",
        log.words(),
        file.display()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_whole_lines() {
        let text = "a\nb\nc";
        for (lines, expected) in [
            (None, text),
            (Some(2), "b\nc\n"),
            (Some(9), "a\nb\nc\n"),
            (Some(0), ""),
        ] {
            assert_eq!(tail(text, lines), expected);
        }
    }
}
