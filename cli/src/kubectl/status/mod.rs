//! `status`.

pub mod draw;

use std::time::Duration;

use clap::Args;
use fleetscore_cluster::view::{self, Objects, Overview, RunView, ScheduleView, StreamView};
use fleetscore_cluster::{
    Cluster, Found, Kinds, Listing, Run, Schedule, Scope, Selector, Stream, Target, find,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::act::stoppable;
use super::exit;
use super::format::FormatArgs;
use super::login::{LoginArgs, duration};
use super::screen::Page;
use crate::commands::{Result, block_on};

/// How often is looked again with `--watch`: one object, and all of them.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(5));
/// A terminal's screen from its top, without what was on it.
const CLEARED: &str = "\u{1b}[H\u{1b}[2J";

/// Show what goes on, and what needs a person
///
/// Without a name: all schedules with their last run, streams, runs that go on, and what
/// somebody should look at. With a name: that run, schedule or stream.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore status -n plant-a
  kubectl fleetscore status pumps                    a schedule, a run or a stream
  kubectl fleetscore status run/pumps-1764324000 -w
  kubectl fleetscore status -A -o json | jq .notices

Exit codes: of a run 0 good or not ended, 1 failed, 3 partially succeeded; of all else 0 shown;
4 no such object; 5 cannot tell.")]
pub struct StatusArgs {
    /// The run, schedule or stream: NAME, run/NAME, schedule/NAME or stream/NAME
    #[arg(value_name = "NAME")]
    target: Option<Target>,
    /// Look again and again; a run until it has ended
    #[arg(short, long)]
    watch: bool,
    /// Tell of runs that ended, and ticks that were missed, no longer ago than this
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
    since: Duration,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// What is shown.
#[derive(PartialEq, Serialize)]
#[serde(untagged)]
enum View {
    All(Box<Overview>),
    Run(Box<RunView>),
    Schedule(Box<ScheduleView>),
    Stream(Box<StreamView>),
}

/// Runs the command.
pub fn run(args: &StatusArgs) -> Result {
    block_on(stoppable(show(args)))?
}

async fn show(args: &StatusArgs) -> Result {
    let (cluster, scope) = args.login.connect().await?;
    let mut before = None;
    loop {
        let now = Timestamp::now();
        let view = look(args, &cluster, &scope, now).await?;
        let drawn = drawn(args, &scope, &view, now);
        if before.as_ref() != Some(&drawn) {
            print(args, &view, &drawn)?;
        }
        let (code, ended) = match &view {
            View::Run(view) => (exit::of(view.run.phase), view.run.has_ended()),
            _ => (0, false),
        };
        if !args.watch || ended {
            return Ok(code);
        }
        before = Some(drawn);
        let one = !matches!(view, View::All(_));
        tokio::time::sleep(if one { AGAIN.0 } else { AGAIN.1 }).await;
    }
}

async fn look(args: &StatusArgs, cluster: &Cluster, scope: &Scope, now: Timestamp) -> Result<View> {
    let ago = SignedDuration::try_from(args.since).unwrap_or(SignedDuration::MAX);
    let since = now.checked_sub(ago).unwrap_or(Timestamp::MIN);
    let Some(target) = &args.target else {
        let objects = objects(cluster, scope).await?;
        return Ok(View::All(Box::new(view::overview(&objects, since, now))));
    };
    let found = find(cluster, scope, target, Kinds::ALL).await;
    Ok(match found.map_err(exit::cluster)? {
        Found::Run(run) => View::Run(Box::new(view::run(&run, now))),
        Found::Stream(stream) => View::Stream(Box::new(view::stream(&stream))),
        Found::Schedule(schedule) => {
            let place = Scope::Namespace(schedule.namespace().to_owned());
            let runs = cluster.runs_of(&place, schedule.name()).await;
            let runs = runs.map_err(exit::cluster)?;
            let runs: Vec<_> = runs.iter().collect();
            View::Schedule(Box::new(view::schedule(&schedule, &runs, since, now)))
        }
    })
}

/// All runs, schedules and streams there.
pub async fn objects(cluster: &Cluster, scope: &Scope) -> Result<Objects> {
    let all = Selector::default();
    let (runs, schedules, streams) = tokio::join!(
        cluster.list::<Run>(scope, &all),
        cluster.list::<Schedule>(scope, &all),
        cluster.list::<Stream>(scope, &all),
    );
    let runs = runs.map_err(exit::cluster)?;
    let schedules = schedules.map_err(exit::cluster)?;
    // An older cluster has no streams.
    let streams = match streams {
        Err(error) if error.is_missing() => Listing {
            items: Vec::new(),
            more: false,
        },
        streams => streams.map_err(exit::cluster)?,
    };
    Ok(Objects {
        more: runs.more || schedules.more || streams.more,
        runs: runs.items,
        schedules: schedules.items,
        streams: streams.items,
    })
}

/// The view as text; with the times that are told relative to now, so that it changes as they do.
fn drawn(args: &StatusArgs, scope: &Scope, view: &View, now: Timestamp) -> String {
    let mut page = Page::new(args.format.screen());
    match view {
        View::All(view) => draw::all(view, scope, now, &mut page),
        View::Run(view) => draw::run(view, now, &mut page),
        View::Schedule(view) => draw::schedule(view, now, &mut page),
        View::Stream(view) => draw::stream(view, now, &mut page),
    }
    page.text().to_owned()
}

fn print(args: &StatusArgs, view: &View, drawn: &str) -> Result<()> {
    args.format.print(view, names, |_, page| {
        if args.watch && page.screen().color {
            page.raw(CLEARED);
        }
        page.raw(drawn);
    })
}

fn names(view: &View) -> Vec<String> {
    let run = |line: &view::RunLine| format!("run/{}", line.name);
    match view {
        View::Run(view) => vec![run(&view.run)],
        View::Schedule(view) => vec![format!("schedule/{}", view.schedule.name)],
        View::Stream(view) => vec![format!("stream/{}", view.stream.name)],
        View::All(view) => {
            let schedules = view.schedules.iter();
            let schedules = schedules.map(|line| format!("schedule/{}", line.name));
            let streams = view.streams.iter();
            let streams = streams.map(|line| format!("stream/{}", line.name));
            let runs = view.running.iter().chain(&view.ended).map(run);
            schedules.chain(streams).chain(runs).collect()
        }
    }
}
