//! Schedules.

use fleetscore_cluster::view::{ScheduleLine, ScheduleState, ScheduleView};
use jiff::Timestamp;

use super::run::{anomalies, ended, sensors};
use super::{conditions, fact, namespace, notices, table};
use crate::kubectl::screen::{Cell, Page, Tone};
use crate::kubectl::table::Table;
use crate::kubectl::words::{NONE, age, duration, or_dash, percent, phase, time, until};

pub(super) fn schedules(lines: &[ScheduleLine], everywhere: bool, now: Timestamp) -> Table {
    let mut table = table(everywhere)
        .column("SCHEDULE", 0)
        .column("TICKS", 3)
        .wide("TIME ZONE")
        .column("NEXT", 1)
        .column("LAST RUN", 4)
        .column("PHASE", 0)
        .column("SENSORS", 2)
        .column("ANOMALIES", 5)
        .column("TOOK", 6)
        .wide("ACTIVE")
        .wide("MISSED");
    for line in lines {
        let last = line.last_run.as_ref();
        let shown = match line.state {
            ScheduleState::Active => None,
            ScheduleState::Suspended => Some(Cell::new("suspended", Tone::Warn)),
            ScheduleState::Stalled => Some(Cell::new("stalled", Tone::Bad)),
            ScheduleState::Unreadable => Some(Cell::new("unreadable", Tone::Bad)),
            ScheduleState::New => Some(Cell::from("not yet seen")),
        };
        let next =
            shown.unwrap_or_else(|| Cell::from(or_dash(line.next.map(|next| until(next, now)))));
        let cells = [
            line.name.as_str().into(),
            or_dash(line.schedule.as_deref()).into(),
            or_dash(line.time_zone.as_deref()).into(),
            next,
            or_dash(last.map(|run| run.name.as_str())).into(),
            last.map_or_else(|| NONE.into(), |run| phase(run.phase)),
            or_dash(last.map(sensors)).into(),
            or_dash(last.map(|run| anomalies(run, line.usual_anomaly_share))).into(),
            or_dash(last.and_then(|run| run.seconds).map(duration)).into(),
            line.active.to_string().into(),
            line.missed.to_string().into(),
        ];
        table.row(namespace(&line.namespace, everywhere).chain(cells));
    }
    table
}

/// Draws one schedule.
pub fn schedule(view: &ScheduleView, now: Timestamp, page: &mut Page) {
    let line = &view.schedule;
    let state = match line.state {
        ScheduleState::Active => Cell::new("active", Tone::Good),
        ScheduleState::Suspended => Cell::new("suspended", Tone::Warn),
        ScheduleState::Stalled => Cell::new("stalled", Tone::Bad),
        ScheduleState::Unreadable => Cell::new("unreadable", Tone::Bad),
        ScheduleState::New => Cell::from("not yet seen by the operator"),
    };
    page.line([
        Cell::new(format!("schedule/{}", line.name), Tone::Head),
        "  ".into(),
        state,
    ]);
    fact("namespace", line.namespace.as_str(), page);
    if let (Some(ticks), Some(zone)) = (&line.schedule, &line.time_zone) {
        fact("ticks", format!("{ticks} ({zone})"), page);
    }
    if let Some(next) = line.next {
        fact(
            "next",
            format!("{} ({})", time(next), until(next, now)),
            page,
        );
    }
    if let Some(success) = line.last_success {
        let text = format!("tick {} ({} ago)", time(success), age(success, now));
        fact("last good", text, page);
    }
    if let Some(usual) = line.usual_anomaly_share {
        fact("usually", format!("{} anomalies", percent(usual)), page);
    }
    if line.missed > 0 {
        let reasons = view.missed.iter();
        let reasons: Vec<_> = reasons
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        let last = line
            .last_missed
            .as_ref()
            .map_or_else(String::new, |missed| {
                format!("; the last: {} ({})", time(missed.time), missed.reason)
            });
        fact(
            "missed",
            format!("{} ({}){last}", line.missed, reasons.join(", ")),
            page,
        );
    }
    for [from, to] in &view.waiting {
        let text = if from == to {
            time(*from)
        } else {
            format!("{} to {}", time(*from), time(*to))
        };
        fact("waiting", text, page);
    }
    if let Some(backfill) = view.backfill {
        let text = format!("{} of {} ticks done", backfill.done, backfill.total);
        fact("backfill", text, page);
    }
    if !view.runs.is_empty() {
        page.gap();
        page.table(&ended("RUN", &view.runs, false, now));
    }
    conditions(&view.conditions, now, page);
    notices(&view.notices, page);
}
