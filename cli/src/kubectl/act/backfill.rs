//! `backfill`.

use anyhow::anyhow;
use clap::Args;
use fleetscore_cluster::act::{Backfilling, backfill, git};
use fleetscore_cluster::{Schedule, Target};
use fleetscore_crds::{Backfill, BackfillStatus, ScoringSchedule};
use fleetscore_ticks::time_zone;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::commands::{Result, output, usage};
use crate::kubectl::format::FormatArgs;
use crate::kubectl::login::LoginArgs;
use crate::kubectl::screen::{Cell, Page};
use crate::kubectl::{exit, words};

/// Run the ticks of a past range
///
/// Each tick of the range that has no run gets one, oldest first, beside the schedule's
/// own. Shows the ticks, and asks before it writes `spec.backfill`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore backfill pumps --from 2026-01-01 --to 2026-02-01 --max-concurrent 4
  kubectl fleetscore backfill pumps --status
  kubectl fleetscore backfill pumps --cancel

Exit codes: 0 done, or nothing was changed; 1 the schedule was changed meanwhile; 2 the range is
wrong; 4 no such schedule; 5 cannot tell.")]
pub struct BackfillArgs {
    /// The schedule
    #[arg(value_name = "SCHEDULE")]
    target: Target,
    /// Ticks at this time or later: RFC 3339, or a day, which begins at midnight in the schedule's time zone
    #[arg(long, value_name = "TIME", requires = "to", required_unless_present_any = ["status", "cancel"])]
    from: Option<String>,
    /// Ticks before this time, given in the same way
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<String>,
    /// How many runs of the backfill may go on at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    max_concurrent: u32,
    /// Do not ask whether to write it
    #[arg(short, long)]
    yes: bool,
    /// Show how far the backfill is
    #[arg(long, conflicts_with_all = ["from", "cancel"])]
    status: bool,
    /// End the backfill; its runs that have begun go on
    #[arg(long, conflicts_with = "from")]
    cancel: bool,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// How far a backfill is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackfillView {
    /// Version of this form: 1.
    version: u32,
    /// The schedule.
    schedule: String,
    /// What is asked for; none: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Backfill>,
    /// How far it is; none: it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<BackfillStatus>,
}

/// Runs the command.
pub fn run(args: &BackfillArgs) -> Result {
    super::interruptible(async {
        let (cluster, scope) = args.login.connect().await?;
        let schedule = super::schedule(&cluster, &scope, &args.target).await?;
        let (namespace, name) = (schedule.namespace(), schedule.name());
        if args.status {
            return progress(args, &schedule);
        }
        let object = cluster.raw::<ScoringSchedule>(namespace, name).await;
        let object = object.map_err(exit::cluster)?;
        let version = object["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default();
        let spec = schedule.spec.as_ref().map_err(exit::cannot_tell)?;
        let patch = if args.cancel {
            if spec.backfill.is_none() {
                output::print(format!("schedule/{name} has no backfill\n"))?;
                return Ok(0);
            }
            warn(&object, "null");
            json!({"metadata": {"resourceVersion": version}, "spec": {"backfill": null}})
        } else {
            let (Some(from), Some(to)) = (&args.from, &args.to) else {
                return Err(usage(anyhow!("give --from and --to")));
            };
            let range = Backfill {
                from: time(from, &spec.time_zone)?,
                to: time(to, &spec.time_zone)?,
                max_concurrent: args.max_concurrent,
            };
            let going = schedule
                .status
                .as_ref()
                .ok()
                .and_then(|status| status.backfill);
            let going = going.filter(|_| spec.backfill.is_some());
            let asked = backfill(spec, going, range, version, Timestamp::now());
            let asked = asked.map_err(|words| usage(anyhow!("{words}")))?;
            args.format.print(
                &asked,
                |_| vec![format!("schedule/{name}")],
                |asked, page| draw(asked, name, page),
            )?;
            let text = format!(
                "{{from: {}, to: {}, maxConcurrent: {}}}",
                range.from, range.to, range.max_concurrent
            );
            warn(&object, &text);
            if !super::confirmed(
                &format!("Run these {}?", words::counted(asked.ticks, "tick")),
                args.yes,
            )? {
                output::note("nothing was changed");
                return Ok(0);
            }
            asked.patch
        };
        let changed = cluster
            .merge::<ScoringSchedule>(namespace, name, &patch)
            .await;
        changed.map_err(|error| {
            super::written(error, || format!("schedule {name} was changed meanwhile: nothing was done; look at it, and try again"))
        })?;
        output::note(&if args.cancel {
            format!("the backfill of schedule/{name} is over; runs of it that go on, go on")
        } else {
            format!(
                "schedule/{name} runs them now; how far it is: kubectl fleetscore backfill {name} -n {namespace} --status"
            )
        });
        Ok(0)
    })
}

fn warn(object: &serde_json::Value, value: &str) {
    if let Some(git) = git(object) {
        output::note(&format!("warning: {}", git.warning("spec.backfill", value)));
    }
}

/// A time of RFC 3339, or the midnight with which a day begins there.
fn time(text: &str, zone: &str) -> Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong = || {
        usage(anyhow!(
            "{text:?} is neither a time such as 2026-01-01T00:00:00Z nor a day such as 2026-01-01"
        ))
    };
    let day = text.parse::<Date>().map_err(|_| wrong())?;
    let zone = time_zone(zone).map_err(usage)?;
    let midnight = day.to_zoned(zone).map_err(|_| wrong())?;
    Ok(midnight.timestamp())
}

fn draw(asked: &Backfilling, name: &str, page: &mut Page) {
    let Backfill {
        from,
        to,
        max_concurrent,
    } = asked.backfill;
    page.paragraph(
        &Cell::default(),
        &format!(
            "schedule/{name}: {} from {from} to before {to}, {max_concurrent} at a time",
            words::counted(asked.ticks, "tick")
        )
        .into(),
    );
    for tick in &asked.first {
        page.line([format!("  {tick}").into()]);
    }
    if !asked.last.is_empty() {
        let between = asked.ticks - (asked.first.len() + asked.last.len()) as u64;
        page.line([format!("  ... {between} more").into()]);
    }
    for tick in &asked.last {
        page.line([format!("  {tick}").into()]);
    }
    if asked.to_come > 0 {
        page.paragraph(
            &Cell::default(),
            &format!(
                "{} of them yet to come: the schedule runs them itself",
                words::counted(asked.to_come, "tick")
            )
            .into(),
        );
    }
    if let Some(before) = asked.replaces {
        page.paragraph(
            &Cell::default(),
            &format!(
                "it takes the place of the backfill from {}, of which {} of {} are done",
                before.from, before.done, before.total
            )
            .into(),
        );
    }
    if asked.suspended {
        page.paragraph(
            &Cell::default(),
            &"the schedule is suspended: nothing begins before it is resumed".into(),
        );
    }
}

fn progress(args: &BackfillArgs, schedule: &Schedule) -> Result {
    let spec = schedule.spec.as_ref().map_err(exit::cannot_tell)?;
    let status = schedule.status.as_ref().map_err(exit::cannot_tell)?;
    let view = BackfillView {
        version: 1,
        schedule: schedule.name().to_owned(),
        asked: spec.backfill,
        status: status.backfill,
    };
    let names = |view: &BackfillView| vec![format!("schedule/{}", view.schedule)];
    args.format.print(&view, names, |view, page| {
        let text = match (view.asked, view.status) {
            (None, _) => "no backfill is asked for".to_owned(),
            (Some(asked), None) => format!("from {} to before {}: not begun", asked.from, asked.to),
            (Some(asked), Some(status)) => {
                let state = if status.done >= status.total {
                    "over"
                } else {
                    "goes on"
                };
                format!(
                    "from {} to before {}: {} of {} ticks done, {state}",
                    asked.from, asked.to, status.done, status.total
                )
            }
        };
        page.paragraph(
            &Cell::default(),
            &format!("schedule/{}  {text}", view.schedule).into(),
        );
    })?;
    Ok(0)
}
