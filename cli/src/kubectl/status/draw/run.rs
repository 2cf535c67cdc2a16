//! Runs.

use fleetscore_cluster::view::{RunLine, RunView};
use fleetscore_crds::{JobState, PodCounts};
use jiff::Timestamp;

use super::{conditions, fact, namespace, notices, table};
use crate::kubectl::screen::{Cell, Page, Tone};
use crate::kubectl::table::Table;
use crate::kubectl::words::{age, duration, or_dash, percent, phase, time};

pub(super) fn running(lines: &[RunLine], everywhere: bool, now: Timestamp) -> Table {
    let mut table = table(everywhere)
        .column("RUNNING", 0)
        .column("PHASE", 0)
        .column("SENSORS", 2)
        .column("PODS", 1)
        .column("FOR", 1)
        .wide("SCHEDULE")
        .wide("CAUSE");
    for line in lines {
        let since = line.waiting_since.or(line.started).or(line.created);
        let cells = [
            line.name.as_str().into(),
            phase(line.phase),
            or_dash(line.sensors.map(|counts| counts.total.to_string())).into(),
            or_dash(line.pods.map(|pods| progress(&pods))).into(),
            or_dash(since.map(|since| age(since, now))).into(),
            or_dash(line.schedule.as_deref()).into(),
            or_dash(line.cause.as_deref()).into(),
        ];
        table.row(namespace(&line.namespace, everywhere).chain(cells));
    }
    table
}

fn progress(pods: &PodCounts) -> String {
    let failed = match pods.failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    format!(
        "{} done, {} active{failed} of {}",
        pods.succeeded, pods.active, pods.total
    )
}

pub(super) fn ended(
    title: &'static str,
    lines: &[RunLine],
    everywhere: bool,
    now: Timestamp,
) -> Table {
    let mut table = table(everywhere)
        .column(title, 0)
        .column("PHASE", 0)
        .column("SENSORS", 1)
        .column("ANOMALIES", 2)
        .column("TOOK", 3)
        .column("AGO", 2)
        .wide("SCHEDULE")
        .wide("CAUSE");
    for line in lines {
        let cells = [
            line.name.as_str().into(),
            phase(line.phase),
            sensors(line).into(),
            anomalies(line, None).into(),
            or_dash(line.seconds.map(duration)).into(),
            or_dash(line.ended.map(|ended| age(ended, now))).into(),
            or_dash(line.schedule.as_deref()).into(),
            or_dash(line.cause.as_deref()).into(),
        ];
        table.row(namespace(&line.namespace, everywhere).chain(cells));
    }
    table
}

pub(super) fn sensors(run: &RunLine) -> String {
    or_dash(
        run.sensors
            .map(|counts| format!("{}/{}", counts.succeeded, counts.total)),
    )
}

pub(super) fn anomalies(run: &RunLine, usual: Option<f64>) -> String {
    let usual = usual.map_or_else(String::new, |usual| format!(" ({})", percent(usual)));
    or_dash(run.anomaly_share.map(|share| percent(share) + &usual))
}

/// Draws one run.
pub fn run(view: &RunView, now: Timestamp, page: &mut Page) {
    let line = &view.run;
    page.line([
        Cell::new(format!("run/{}", line.name), Tone::Head),
        "  ".into(),
        phase(line.phase),
        if line.leaving { "  being deleted" } else { "" }.into(),
    ]);
    fact("namespace", line.namespace.as_str(), page);
    if let Some(schedule) = &line.schedule {
        let cause = line.cause.as_ref();
        let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
        fact("schedule", format!("{schedule}{cause}"), page);
    }
    if let Some(window) = view.window {
        let text = format!("{} to {}", time(window.start), time(window.end));
        fact("window", text, page);
    }
    if let Some(counts) = line.sensors {
        let text = format!(
            "{} of {} scored, {} failed",
            counts.succeeded, counts.total, counts.failed
        );
        fact("sensors", text, page);
    }
    if let Some(pods) = line.pods.filter(|_| !line.has_ended()) {
        fact("pods", progress(&pods), page);
    }
    if let (Some(rows), Some(anomalies)) = (line.rows, line.anomalies) {
        let share = or_dash(line.anomaly_share.map(percent));
        fact(
            "anomalies",
            format!("{anomalies} of {rows} readings ({share})"),
            page,
        );
    }
    match (line.started, line.ended, line.seconds) {
        (_, Some(ended), Some(seconds)) => {
            let text = format!("{}, ended {} ago", duration(seconds), age(ended, now));
            fact("took", text, page);
        }
        (Some(started), ..) => fact("begun", format!("{} ago", age(started, now)), page),
        _ => {
            let created = line.created.map(|created| age(created, now));
            fact("created", format!("{} ago", or_dash(created)), page);
        }
    }
    if let Some(output) = &view.output {
        fact("output", output.as_str(), page);
    }
    if let Some(report) = &view.report {
        fact("report", report.as_str(), page);
    }
    if !view.steps.is_empty() {
        page.gap();
        page.table(&steps(view));
    }
    if !view.failures.is_empty() {
        page.gap();
        page.table(&failures(view));
    }
    conditions(&view.conditions, now, page);
    notices(&view.notices, page);
}

fn steps(view: &RunView) -> Table {
    let mut table = Table::new()
        .column("STEP", 0)
        .column("STATE", 0)
        .column("TOOK", 1)
        .column("JOB", 2);
    for step in &view.steps {
        let state = match step.state {
            None => Cell::new("not yet", Tone::Dim),
            Some(JobState::Succeeded) => Cell::new("Succeeded", Tone::Good),
            Some(JobState::Failed) => Cell::new("Failed", Tone::Bad),
            Some(state) => Cell::from(format!("{state:?}")),
        };
        table.row([
            format!("{:?}", step.step).to_lowercase().into(),
            state,
            or_dash(step.seconds.map(duration)).into(),
            or_dash(step.job.as_deref()).into(),
        ]);
    }
    table
}

fn failures(view: &RunView) -> Table {
    let mut table = Table::new()
        .column("FAILED", 0)
        .column("REASON", 0)
        .column("EXAMPLE", 1)
        .column("MESSAGE", 0);
    for group in &view.failures {
        table.row([
            group.count.to_string().into(),
            Cell::new(&group.reason, Tone::Bad),
            group.example.as_str().into(),
            group.message.as_str().into(),
        ]);
    }
    table
}
