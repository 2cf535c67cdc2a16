//! `fleetscore plan` of a schedule: its next ticks.

use std::fmt::Write as _;

use anyhow::anyhow;
use clap::Args;
use fleetscore_crds::{BACKFILL_TICKS, ScheduleWindowKind, ScoringScheduleSpec, Window};
use fleetscore_ticks::{Timetable, window, zones};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::cost::{self, Cost, CostArgs};
use super::{FAILED, Result, output, usage};

/// How many ticks are shown where the command line does not say.
const TICKS: u32 = 10;

/// What a month costs is told of so many days.
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Which ticks of a schedule are shown.
#[derive(Args)]
pub struct TickArgs {
    /// Of a schedule: the ticks after this instant (RFC 3339) instead of after now
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Of a schedule: how many ticks [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    ticks: Option<u32>,
}

impl TickArgs {
    /// Whether any of the options was given.
    pub fn given(&self) -> bool {
        self.from.is_some() || self.ticks.is_some()
    }
}

/// The next ticks of a schedule.
#[derive(Serialize)]
struct Plan {
    ticks: Vec<Tick>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
}

/// A tick and the window that its run scores.
#[derive(Serialize)]
struct Tick {
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

/// Prints the next ticks of a schedule.
pub fn plan(spec: &ScoringScheduleSpec, args: &TickArgs, cost: &CostArgs, json: bool) -> Result {
    let timetable = Timetable::parse(&spec.schedule, &spec.time_zone).map_err(usage)?;
    let backfill = spec
        .backfill
        .map(|backfill| timetable.count(backfill.from, backfill.to));
    if let Some(ticks) = backfill.filter(|ticks| *ticks > BACKFILL_TICKS) {
        return Err(usage(anyhow!(
            "spec.backfill: the range holds {ticks} ticks, more than {BACKFILL_TICKS}; make it shorter, and backfill one part after the other"
        )));
    }
    let from = args.from.unwrap_or_else(Timestamp::now);
    let count = usize::try_from(args.ticks.unwrap_or(TICKS)).unwrap_or(usize::MAX);
    let ticks = timetable.after(from).take(count).map(|time| Tick {
        time,
        window: window(&timetable, time, &spec.window),
    });
    let plan = Plan {
        ticks: ticks.collect(),
        cost: cost::estimate(
            cost,
            &spec.run_template.spec,
            None,
            &month(&timetable, from),
        )?,
    };
    if json {
        output::print_json(&plan)?;
    } else {
        output::print(text(&plan, spec, &timetable, (from, backfill)))?;
    }
    Ok(if plan.ticks.is_empty() { FAILED } else { 0 })
}

fn text(
    plan: &Plan,
    spec: &ScoringScheduleSpec,
    timetable: &Timetable,
    (from, backfill): (Timestamp, Option<u64>),
) -> String {
    let mut text = format!(
        "schedule   {} in {}\nzones      {}\n",
        spec.schedule.trim(),
        spec.time_zone,
        zones()
    );
    // Writing into a text cannot fail.
    if spec.spread_seconds > 1 {
        let _ = writeln!(
            text,
            "start      up to {} s after the tick (spreadSeconds; always the same, known once the schedule is on a cluster)",
            spec.spread_seconds - 1
        );
    }
    if let Some(ticks) = backfill {
        let _ = writeln!(text, "backfill   {ticks} ticks");
    }
    if spec.suspend {
        text += "suspended  no run starts before spec.suspend is false again\n";
    }
    if plan.ticks.is_empty() {
        let _ = writeln!(text, "\nno tick after {from}: no day matches");
        return text;
    }
    let _ = writeln!(text, "\n{:30} {:21} window, UTC", "tick, local time", "UTC");
    for tick in &plan.ticks {
        let local = tick.time.to_zoned(timetable.zone().clone());
        let _ = writeln!(
            text,
            "{:30} {:21} {}",
            local.strftime("%a %Y-%m-%d %H:%M %Z").to_string(),
            tick.time.to_string(),
            readings(tick.window, spec.window.kind)
        );
    }
    if let Some(cost) = &plan.cost {
        text += &cost::text(cost);
    }
    text
}

/// The ticks of the thirty days after `from`, in seconds since 1970.
fn month(timetable: &Timetable, from: Timestamp) -> Vec<f64> {
    let Ok(end) = from.checked_add(MONTH) else {
        return Vec::new();
    };
    let ticks = timetable.after(from).take_while(|tick| *tick <= end);
    ticks.map(|tick| tick.as_second() as f64).collect()
}

fn readings(window: Option<Window>, kind: ScheduleWindowKind) -> String {
    match (window, kind) {
        (Some(window), _) => format!("{} to {}", window.start, window.end),
        (None, ScheduleWindowKind::None) => "all readings".to_owned(),
        (None, ScheduleWindowKind::PreviousInterval) => "none: no tick before".to_owned(),
    }
}
