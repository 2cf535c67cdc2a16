//! The status as text.

use fleetscore_cluster::Scope;
use fleetscore_cluster::view::{
    Notice, Overview, RunLine, RunView, ScheduleLine, ScheduleState, ScheduleView, StreamLine,
    StreamState, StreamView, Subject,
};
use fleetscore_crds::{Condition, ConditionStatus, JobState, PodCounts, ReadingCounts};
use jiff::Timestamp;

use crate::kubectl::screen::{Cell, Page, Tone};
use crate::kubectl::table::Table;
use crate::kubectl::words::{NONE, age, counted, duration, or_dash, percent, phase, time, until};

/// Draws all that goes on.
pub fn all(view: &Overview, scope: &Scope, now: Timestamp, page: &mut Page) {
    let everywhere = *scope == Scope::All;
    if !view.schedules.is_empty() {
        page.table(&schedules(&view.schedules, everywhere, now));
    }
    if !view.streams.is_empty() {
        page.gap();
        page.table(&streams(&view.streams, everywhere, now));
    }
    if !view.running.is_empty() {
        page.gap();
        page.table(&running(&view.running, everywhere, now));
    }
    if !view.ended.is_empty() {
        page.gap();
        page.table(&ended("ENDED", &view.ended, everywhere, now));
    }
    if page.is_empty() {
        let place = scope.namespace().map_or_else(
            || "in any namespace".to_owned(),
            |name| format!("in namespace {name}"),
        );
        page.line([Cell::from(format!(
            "No runs, schedules or streams {place}."
        ))]);
    }
    notices(&view.notices, page);
    if view.more {
        page.gap();
        page.line([Cell::new(
            "There are more objects than were read: name a namespace with -n.",
            Tone::Warn,
        )]);
    }
}

/// What somebody should look at.
pub fn notices(notices: &[Notice], page: &mut Page) {
    if !notices.is_empty() {
        page.gap();
    }
    for notice in notices {
        let kind = match notice.kind {
            Subject::Run => "run",
            Subject::Schedule => "schedule",
            Subject::Stream => "stream",
        };
        let label = Cell::new("! ", Tone::Warn);
        let text = match notice.message.as_str() {
            "" => format!("{kind}/{}: {}", notice.name, notice.reason),
            message => format!("{kind}/{}: {} ({message})", notice.name, notice.reason),
        };
        page.paragraph(&label, &Cell::from(text));
        if let Some(command) = &notice.command {
            let command = format!("kubectl fleetscore {command}");
            page.line([Cell::from("  -> "), Cell::new(command, Tone::Dim)]);
        }
    }
}

fn schedules(lines: &[ScheduleLine], everywhere: bool, now: Timestamp) -> Table {
    let mut table = Table::new();
    if everywhere {
        table = table.column("NAMESPACE", 0);
    }
    table = table
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
        let mut cells = vec![
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
        if everywhere {
            cells.insert(0, line.namespace.as_str().into());
        }
        table.row(cells);
    }
    table
}

fn streams(lines: &[StreamLine], everywhere: bool, now: Timestamp) -> Table {
    let mut table = Table::new();
    if everywhere {
        table = table.column("NAMESPACE", 0);
    }
    table = table
        .column("STREAM", 0)
        .column("STATE", 0)
        .column("REASON", 3)
        .column("COMPLETE THROUGH", 1)
        .column("LAG", 1)
        .column("PARTITIONS", 2)
        .column("PODS", 3);
    for line in lines {
        let mut cells = vec![
            line.name.as_str().into(),
            stream_state(line.state),
            or_dash(line.reason.as_deref()).into(),
            or_dash(
                line.complete_through
                    .map(|through| format!("{} ({} ago)", time(through), age(through, now))),
            )
            .into(),
            lag(line).into(),
            partitions(line).into(),
            pods_of(line).into(),
        ];
        if everywhere {
            cells.insert(0, line.namespace.as_str().into());
        }
        table.row(cells);
    }
    table
}

fn stream_state(state: StreamState) -> Cell {
    let (word, tone) = match state {
        StreamState::Ready => ("ready", Tone::Good),
        StreamState::Reconciling => ("on its way", Tone::Plain),
        StreamState::NotReady => ("not ready", Tone::Bad),
        StreamState::Stalled => ("stalled", Tone::Bad),
        StreamState::Suspended => ("suspended", Tone::Warn),
        StreamState::Unreadable => ("unreadable", Tone::Bad),
        StreamState::New => ("not yet seen", Tone::Plain),
    };
    Cell::new(word, tone)
}

fn lag(line: &StreamLine) -> String {
    or_dash(line.lag.map(|lag| match lag.events {
        0 => "none".to_owned(),
        events => format!("{}, {}", counted(events, "event"), duration(lag.seconds)),
    }))
}

fn partitions(line: &StreamLine) -> String {
    or_dash(line.partitions.map(|counts| {
        let stalled = match counts.stalled {
            0 => String::new(),
            stalled => format!(", {stalled} stalled"),
        };
        format!("{}/{}{stalled}", counts.owned, counts.total)
    }))
}

fn pods_of(line: &StreamLine) -> String {
    let wanted = line
        .wanted
        .map_or_else(String::new, |wanted| format!("/{wanted}"));
    format!("{}{wanted}", line.pods)
}

fn running(lines: &[RunLine], everywhere: bool, now: Timestamp) -> Table {
    let mut table = Table::new();
    if everywhere {
        table = table.column("NAMESPACE", 0);
    }
    table = table
        .column("RUNNING", 0)
        .column("PHASE", 0)
        .column("SENSORS", 2)
        .column("PODS", 1)
        .column("FOR", 1)
        .wide("SCHEDULE")
        .wide("CAUSE");
    for line in lines {
        let since = line.waiting_since.or(line.started).or(line.created);
        let mut cells = vec![
            line.name.as_str().into(),
            phase(line.phase),
            or_dash(line.sensors.map(|counts| counts.total.to_string())).into(),
            or_dash(line.pods.map(|pods| progress(&pods))).into(),
            or_dash(since.map(|since| age(since, now))).into(),
            or_dash(line.schedule.as_deref()).into(),
            or_dash(line.cause.as_deref()).into(),
        ];
        if everywhere {
            cells.insert(0, line.namespace.as_str().into());
        }
        table.row(cells);
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

fn ended(title: &'static str, lines: &[RunLine], everywhere: bool, now: Timestamp) -> Table {
    let mut table = Table::new();
    if everywhere {
        table = table.column("NAMESPACE", 0);
    }
    table = table
        .column(title, 0)
        .column("PHASE", 0)
        .column("SENSORS", 1)
        .column("ANOMALIES", 2)
        .column("TOOK", 3)
        .column("AGO", 2)
        .wide("SCHEDULE")
        .wide("CAUSE");
    for line in lines {
        let mut cells = vec![
            line.name.as_str().into(),
            phase(line.phase),
            sensors(line).into(),
            anomalies(line, None).into(),
            or_dash(line.seconds.map(duration)).into(),
            or_dash(line.ended.map(|ended| age(ended, now))).into(),
            or_dash(line.schedule.as_deref()).into(),
            or_dash(line.cause.as_deref()).into(),
        ];
        if everywhere {
            cells.insert(0, line.namespace.as_str().into());
        }
        table.row(cells);
    }
    table
}

fn sensors(run: &RunLine) -> String {
    or_dash(
        run.sensors
            .map(|counts| format!("{}/{}", counts.succeeded, counts.total)),
    )
}

fn anomalies(run: &RunLine, usual: Option<f64>) -> String {
    let usual = usual.map_or_else(String::new, |usual| format!(" ({})", percent(usual)));
    or_dash(run.anomaly_share.map(|share| percent(share) + &usual))
}

fn fact(label: &str, text: impl Into<Cell>, page: &mut Page) {
    let label = Cell::new(format!("{label:<12}"), Tone::Dim);
    page.paragraph(&label, &text.into());
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

fn conditions(conditions: &[Condition], now: Timestamp, page: &mut Page) {
    if conditions.is_empty() {
        return;
    }
    page.gap();
    let mut table = Table::new()
        .column("CONDITION", 0)
        .column("HOLDS", 0)
        .column("FOR", 2)
        .column("REASON", 0)
        .column("MESSAGE", 0);
    for condition in conditions {
        let holds = match condition.status {
            ConditionStatus::True => "yes",
            ConditionStatus::False => "no",
            ConditionStatus::Unknown => "unknown",
        };
        table.row([
            condition.kind.as_str().into(),
            holds.into(),
            age(condition.last_transition_time, now).into(),
            condition.reason.as_str().into(),
            condition.message.as_str().into(),
        ]);
    }
    page.table(&table);
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

/// Draws one stream.
pub fn stream(view: &StreamView, now: Timestamp, page: &mut Page) {
    let line = &view.stream;
    page.line([
        Cell::new(format!("stream/{}", line.name), Tone::Head),
        "  ".into(),
        stream_state(line.state),
    ]);
    fact("namespace", line.namespace.as_str(), page);
    if let Some(through) = line.complete_through {
        let text = format!("through {} ({} ago)", time(through), age(through, now));
        fact("complete", text, page);
    }
    fact("lag", lag(line), page);
    if let Some(counts) = line.partitions {
        let idle = format!(
            "{} read, {} of them without new events",
            partitions(line),
            counts.idle
        );
        fact("partitions", idle, page);
    }
    fact("pods", pods_of(line), page);
    if let Some(segment) = view.last_segment {
        let gaps = if segment.gaps { ", with gaps" } else { "" };
        let text = format!(
            "{}: {} in {}{gaps}",
            time(segment.start),
            counted(segment.rows, "reading"),
            counted(segment.files.into(), "file"),
        );
        fact("segment", text, page);
    }
    if let Some(counts) = &view.readings {
        fact("readings", readings(counts), page);
    }
    if let Some(output) = &view.output {
        fact("output", output.as_str(), page);
    }
    conditions(&view.conditions, now, page);
    notices(&view.notices, page);
}

/// What became of the readings; what there was none of is left out.
fn readings(counts: &ReadingCounts) -> String {
    let known = [
        (counts.filtered, "filtered"),
        (counts.late, "late"),
        (counts.early, "early"),
        (counts.too_old, "too old"),
        (counts.before_start, "before the start"),
        (counts.duplicate, "duplicate"),
    ];
    let known = known
        .into_iter()
        .map(|(count, word)| (count, word.to_owned()));
    let invalid = counts.invalid.iter();
    let invalid = invalid.map(|(reason, count)| (*count, format!("invalid ({reason})")));
    let parts = known.chain(invalid).filter(|(count, _)| *count > 0);
    let parts = parts.map(|(count, word)| format!(", {count} {word}"));
    format!("{} accepted{}", counts.accepted, parts.collect::<String>())
}
