use std::collections::BTreeSet;
use std::sync::Arc;

use fleetscore_cluster::view::{self, NodesView, RunLine, ScheduleState};
use fleetscore_crds::Phase;
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;

use crate::history::{Index, Run, Series};
use crate::live::Snapshot;
use crate::views::live::{SINCE, until};
use crate::views::{Mood, Tile};

/// The series with their runs, newest first.
pub type AllSeries = [(Series, Vec<Arc<Run>>)];

/// A tile that is red where there is anything to count.
fn bad(name: &str, count: u64, note: String) -> Tile {
    let mood = if count > 0 { Mood::Bad } else { Mood::Plain };
    Tile::new(name, format::count(count), note, mood)
}

/// The numbers of what has ended, without a cluster.
pub fn past(index: &Index, all: &AllSeries, now: Timestamp) -> Vec<Tile> {
    let recent = recent(index, now);
    let phase = |phase| {
        recent
            .iter()
            .filter(|run| run.record.phase == phase)
            .count() as u64
    };
    let (failed, partial) = (phase(Phase::Failed), phase(Phase::PartiallySucceeded));
    let (note, mood) = match (failed, partial) {
        (0, 0) => ("all succeeded".to_owned(), Mood::Plain),
        (0, partial) => (format!("{partial} partially succeeded"), Mood::Fair),
        (failed, partial) => (format!("{failed} failed, {partial} partially"), Mood::Bad),
    };
    let seconds = recent
        .iter()
        .map(|run| run.record.timing.shard_seconds)
        .sum();
    let sensors = all
        .iter()
        .filter_map(|(_, runs)| runs.first())
        .map(|run| run.record.sensors);
    let (failing, total) = sensors.fold((0, 0), |(failing, total), sensors| {
        (failing + sensors.failed, total + sensors.total)
    });
    vec![
        Tile::new(
            "Runs in 24 hours",
            format::count(recent.len() as u64),
            note,
            mood,
        ),
        bad("Sensors failing now", failing, of_last(total)),
        anomalies(all),
        readings(&recent),
        Tile::new(
            "Work in 24 hours",
            format::duration(seconds),
            "all shards added up",
            Mood::Plain,
        ),
    ]
}

/// The numbers of what goes on in a cluster, and of what has ended.
pub fn now(
    overview: &view::Overview,
    nodes: Option<&Result<NodesView, String>>,
    live: &Snapshot,
    index: &Index,
    all: &AllSeries,
    now: Timestamp,
) -> Vec<Tile> {
    let recent = recent(index, now);
    vec![
        running(overview),
        waiting(overview, nodes),
        failed(live, &recent, now),
        failing(overview, all),
        of_nodes(nodes),
        cost(live, now),
        next(overview, now),
        missed(overview),
        anomalies(all),
        readings(&recent),
    ]
}

fn recent(index: &Index, now: Timestamp) -> Vec<&Arc<Run>> {
    let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
    let is_recent = |run: &&Arc<Run>| run.record.timing.start_time >= since;
    index.runs.iter().filter(is_recent).collect()
}

fn of_last(total: u64) -> String {
    format!("of {} in the last runs", format::count(total))
}

fn running(overview: &view::Overview) -> Tile {
    let pods = overview.running.iter().filter_map(|run| run.pods);
    let active: u64 = pods.map(|pods| u64::from(pods.active)).sum();
    let note = match active {
        0 => "no pods at work".to_owned(),
        pods => format!("{} at work or waiting", format::counted(pods, "pod")),
    };
    let count = format::count(overview.running.len() as u64);
    Tile::new("Running now", count, note, Mood::Plain)
}

/// Whether a run waits for something.
fn waits(run: &RunLine) -> bool {
    let waits = [
        Phase::WaitingForNodes,
        Phase::WaitingForReadings,
        Phase::Suspended,
    ];
    run.phase.is_some_and(|phase| waits.contains(&phase))
}

fn waiting(overview: &view::Overview, nodes: Option<&Result<NodesView, String>>) -> Tile {
    let waiting: Vec<_> = overview.running.iter().filter(|run| waits(run)).collect();
    let why = waiting.iter().find_map(|run| run.reason.as_deref());
    let pods = nodes.and_then(|nodes| nodes.as_ref().ok());
    let pods: u64 = pods.map_or(0, |view| view.pending.iter().map(|group| group.count).sum());
    let why = format::shortened(why.unwrap_or("nobody says why"), 30);
    let (note, mood) = match (waiting.len(), pods) {
        (0, 0) => ("no run waits".to_owned(), Mood::Plain),
        (0, pods) => (
            format!("{} without a node", format::counted(pods, "pod")),
            Mood::Fair,
        ),
        (_, 0) => (why, Mood::Fair),
        (_, pods) => (
            format!("{why}; {}", format::counted(pods, "pod")),
            Mood::Fair,
        ),
    };
    Tile::new("Waiting", format::count(waiting.len() as u64), note, mood)
}

/// Runs that failed, by their records and by the objects that have none.
fn failed(live: &Snapshot, recent: &[&Arc<Run>], now: Timestamp) -> Tile {
    let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
    let of = |phase: Phase| {
        let recorded = recent.iter().filter(|run| run.record.phase == phase);
        let mut names: BTreeSet<(&str, &str)> = recorded
            .map(|run| (run.namespace(), run.record.run.name.as_str()))
            .collect();
        let objects = live.objects.runs.iter().filter(|run| {
            let status = run.status.as_ref().ok();
            let ended = status.and_then(|status| status.completion_time);
            run.phase() == Some(phase) && ended.is_some_and(|ended| ended >= since)
        });
        names.extend(objects.map(|run| (run.namespace(), run.name())));
        names.len() as u64
    };
    let partial = match of(Phase::PartiallySucceeded) {
        0 => "no run partially".to_owned(),
        partial => format!("{} partially", format::count(partial)),
    };
    bad("Failed in 24 hours", of(Phase::Failed), partial)
}

/// Sensors that failed in the last run of each schedule: of the cluster's schedules by their last run, of others by their last record.
fn failing(overview: &view::Overview, all: &AllSeries) -> Tile {
    let mut last: Vec<(u64, u64)> = Vec::new();
    let mut known = BTreeSet::new();
    for line in &overview.schedules {
        let Some(sensors) = line.last_run.as_ref().and_then(|run| run.sensors) else {
            continue;
        };
        known.insert((line.namespace.as_str(), line.name.as_str()));
        last.push((sensors.failed, sensors.total));
    }
    for (series, runs) in all {
        let is_known = known.contains(&(series.namespace.as_str(), series.name.as_str()));
        if let Some(run) = runs.first().filter(|_| !is_known) {
            last.push((run.record.sensors.failed, run.record.sensors.total));
        }
    }
    let (failing, total) = last.iter().fold((0, 0), |(failing, all), (failed, total)| {
        (failing + failed, all + total)
    });
    bad("Sensors failing now", failing, of_last(total))
}

fn of_nodes(nodes: Option<&Result<NodesView, String>>) -> Tile {
    let name = "Nodes";
    let view = match nodes {
        Some(Ok(view)) => view,
        Some(Err(error)) => {
            let reason = format::shortened(error, 60);
            return Tile::new(name, "–".into(), reason, Mood::Fair);
        }
        None => return Tile::new(name, "–".into(), "not asked", Mood::Plain),
    };
    let idle = view
        .nodes
        .iter()
        .filter(|line| line.idle_since.is_some())
        .count();
    let note = match (view.everywhere, idle) {
        (false, _) => "which are idle is not told".to_owned(),
        (true, 0) => "none idle".to_owned(),
        (true, idle) => format!("{idle} idle"),
    };
    let mood = if idle > 0 { Mood::Fair } else { Mood::Plain };
    Tile::new(name, format::count(view.nodes.len() as u64), note, mood)
}

/// What the runs of the last 24 hours took.
fn cost(live: &Snapshot, now: Timestamp) -> Tile {
    let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
    let recent = live.objects.runs.iter().filter(|run| {
        let status = run.status.as_ref().ok();
        let ended = status.and_then(|status| status.completion_time);
        ended.is_some_and(|ended| ended >= since)
    });
    let lines = view::cost(recent, [], now).lines;
    let seconds: u64 = lines.iter().map(|line| line.node_seconds).sum();
    let mut amounts = lines.iter().map(|line| line.amount);
    let amount: Option<f64> = amounts.try_fold(0.0, |sum, amount| Some(sum + amount?));
    let currencies = lines.iter().map(|line| line.currency.as_deref());
    let mut currencies: Vec<_> = currencies.collect();
    currencies.dedup();
    let took = format::duration(seconds as f64);
    let (value, note) = match (amount, currencies.as_slice()) {
        (Some(amount), [Some(currency)]) => {
            let currency = format::shortened(currency, 8);
            let value = format!("{} {currency}", format::fixed(amount, 2));
            (value, format!("{took} of nodes"))
        }
        _ if seconds > 0 => (took, "of nodes, without a price".into()),
        _ => ("–".into(), "runs do not tell it".into()),
    };
    Tile::new("Cost of 24 hours", value, note, Mood::Plain)
}

fn next(overview: &view::Overview, now: Timestamp) -> Tile {
    let next = overview.schedules.iter().filter_map(|line| line.next).min();
    let schedules = format::counted(overview.schedules.len() as u64, "schedule");
    let value = next.map_or_else(|| "–".into(), |next| until(next, now));
    Tile::new("Next tick", value, format!("of {schedules}"), Mood::Plain)
}

fn missed(overview: &view::Overview) -> Tile {
    let missed = overview.schedules.iter().map(|line| line.missed).sum();
    let states = overview.schedules.iter().map(|line| line.state);
    let stalled = states
        .filter(|state| *state == ScheduleState::Stalled)
        .count();
    let (note, mood) = match stalled {
        0 => ("no schedule is stalled".to_owned(), Mood::Plain),
        stalled => (
            format!("{} stalled", format::counted(stalled as u64, "schedule")),
            Mood::Bad,
        ),
    };
    Tile::new("Missed ticks", format::count(missed), note, mood)
}

fn anomalies(all: &AllSeries) -> Tile {
    let last = all.iter().filter_map(|(_, runs)| runs.first());
    let (anomalies, rows) = last.fold((0_u64, 0_u64), |(anomalies, rows), run| {
        (
            anomalies.saturating_add(run.record.anomalies),
            rows.saturating_add(run.record.rows),
        )
    });
    let note = format!("of {}", format::counted(rows, "reading"));
    let share = format::percent_of(anomalies, rows);
    Tile::new("Anomalies now", share, note, Mood::Plain)
}

fn readings(recent: &[&Arc<Run>]) -> Tile {
    let rows = recent.iter().map(|run| run.record.rows);
    let runs = format::counted(recent.len() as u64, "run");
    let readings = format::count(rows.fold(0, u64::saturating_add));
    Tile::new(
        "Readings in 24 hours",
        readings,
        format!("in {runs}"),
        Mood::Plain,
    )
}
