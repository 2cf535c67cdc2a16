//! `wait`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use fleetscore_cluster::act::{Goal, Pace, Waited, wait};
use fleetscore_cluster::view::{self, RunView};
use fleetscore_cluster::{Cluster, Run, Target};
use jiff::Timestamp;

use crate::commands::{Result, output};
use crate::kubectl::format::FormatArgs;
use crate::kubectl::login::{LoginArgs, duration};
use crate::kubectl::screen::{Cell, Page};
use crate::kubectl::{exit, words};

/// Wait until a run has ended, or is planned, or is being scored
///
/// It also stops when the run ends before that or is deleted: it never waits for what cannot
/// come any more. Every 30 seconds it says what it waits for, on standard error.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore wait pumps-1764324000 --timeout 30m
  kubectl fleetscore wait pumps --for planned        the schedule's newest run

Exit codes: 0 it is there; of a run that has ended, whatever was waited for: 0 succeeded, 1 failed,
3 partially succeeded; 4 no such run, or it was deleted; 5 cannot tell; 124 not there in time.")]
pub struct WaitArgs {
    /// The run, or a schedule for its newest one
    #[arg(value_name = "RUN")]
    target: Target,
    /// What to wait for
    #[arg(long = "for", value_enum, value_name = "GOAL", default_value_t = For::Ended)]
    goal: For,
    /// How long to wait, such as 90s, 30m or 2h; then it is code 124
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    timeout: Duration,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    /// The end, whichever it is
    Ended,
    /// The plan is made
    Planned,
    /// Sensors are being scored
    Scoring,
}

/// Options of commands that may wait for their run.
#[derive(Args, Debug)]
pub struct Waiting {
    /// Wait for the run's end; the exit code tells how it ended
    #[arg(long)]
    pub wait: bool,
    /// How long to wait for it, such as 90s, 30m or 2h; then it is code 124
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h", requires = "wait")]
    timeout: Duration,
}

impl Waiting {
    /// Waits for the end of the run, if that was asked for. Prints how it ended.
    pub async fn end(&self, cluster: &Cluster, run: &Run, format: &FormatArgs) -> Result {
        if !self.wait {
            return Ok(0);
        }
        until(cluster, run, Goal::Ended, self.timeout, format).await
    }
}

/// Runs the command.
pub fn run(args: &WaitArgs) -> Result {
    super::interruptible(async {
        let (cluster, scope) = args.login.connect().await?;
        let run = cluster
            .run(&scope, &args.target)
            .await
            .map_err(exit::cluster)?;
        let goal = match args.goal {
            For::Ended => Goal::Ended,
            For::Planned => Goal::Planned,
            For::Scoring => Goal::Scoring,
        };
        until(&cluster, &run, goal, args.timeout, &args.format).await
    })
}

async fn until(
    cluster: &Cluster,
    run: &Run,
    goal: Goal,
    timeout: Duration,
    format: &FormatArgs,
) -> Result {
    let tell = |run: &Run| {
        let view = view::run(run, Timestamp::now());
        output::note(&format!(
            "waiting until {} is {}: {}",
            run.name(),
            goal.word(),
            line(&view)
        ));
    };
    let waited = wait(cluster, run, goal, timeout, Pace::default(), tell).await;
    match waited.map_err(exit::cluster)? {
        Waited::Gone => Err(exit::not_found(format!(
            "run {} is gone: it was deleted",
            run.name()
        ))),
        Waited::TimedOut(run) => {
            let view = view::run(&run, Timestamp::now());
            output::note(&format!(
                "error: run {} is not {} after {}: {}",
                run.name(),
                goal.word(),
                words::duration(timeout.as_secs()),
                line(&view)
            ));
            Ok(exit::TIMED_OUT)
        }
        Waited::Reached(run) => {
            let view = view::run(&run, Timestamp::now());
            let names = |view: &RunView| vec![format!("run/{}", view.run.name)];
            format.print(&view, names, draw)?;
            Ok(exit::of(run.phase()))
        }
    }
}

fn draw(view: &RunView, page: &mut Page) {
    let text = format!("run/{}  {}", view.run.name, line(view));
    page.paragraph(&Cell::default(), &text.into());
    let commands = view.notices.iter().filter_map(|told| told.command.as_ref());
    for command in commands.filter(|_| view.run.has_ended()) {
        page.line([format!("  -> kubectl fleetscore {command}").into()]);
    }
}

/// How a run stands, in a line.
fn line(view: &RunView) -> String {
    let run = &view.run;
    let scored = run.sensors.map(|sensors| {
        format!(
            ", {} of {} sensors scored, {} failed",
            sensors.succeeded, sensors.total, sensors.failed
        )
    });
    let verb = if run.has_ended() { "took" } else { "for" };
    let time = run
        .seconds
        .map(|seconds| format!(", {verb} {}", words::duration(seconds)));
    let message = run.message.as_ref().map(|message| format!(": {message}"));
    let parts = [scored, time, message].into_iter().flatten();
    words::phase(run.phase).text().to_owned() + &parts.collect::<String>()
}
