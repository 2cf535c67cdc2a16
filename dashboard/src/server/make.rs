use std::sync::Arc;

use fleetscore_cluster::{Run as Object, view};
use fleetscore_crds::SensorKey;
use fleetscore_scorer::drawing::{Chart, format};
use jiff::Timestamp;

use super::App;
use super::route::Route;
use crate::history::{History, Index, Run, Series};
use crate::live::Live;
use crate::pages::{Page, PageError};
use crate::sight::Sight;
use crate::views::{
    Health, LiveRun, LiveSchedule, Nodes, Overview, Query, RunView, Runs, Schedule, SensorView,
    Sensors, Text,
};

/// Runs of a sensor that are shown.
const SENSOR_RUNS: usize = 168;

/// Makes the page at `route` of what somebody sees.
pub(super) async fn make(
    app: &App,
    sight: &Sight,
    route: &Route,
    query: &Query,
) -> Result<Page, PageError> {
    // Waiting is better than taking all memory. The semaphore is never closed.
    let _permit = app.pages.acquire().await.ok();
    let (index, live, now) = (&sight.index, sight.live.as_deref(), Timestamp::now());
    match route {
        Route::Overview => Ok(Page::overview(Overview::new(index, live, now))),
        Route::Runs => Ok(Page::runs(Runs::new(index, live, query, now))),
        Route::Nodes => nodes(app, sight, now).await,
        Route::Run(namespace, name) => run(app, sight, (namespace, name), query, now).await,
        Route::Schedule(series) => schedule(app, sight, series, now).await,
        Route::Health(series) => {
            let runs = known(index, series)?;
            let fleet = app.history.fleet(series).await;
            Ok(Page::health(Health::new(series, &runs, &fleet)))
        }
        Route::Sensor(series, key) => sensor(app, index, series, key, query).await,
    }
}

async fn nodes(app: &App, sight: &Sight, now: Timestamp) -> Result<Page, PageError> {
    let Some(live) = &app.live else {
        return Err(PageError::NotFound(
            "Nodes are shown of a cluster: start the dashboard with `kubectl fleetscore dashboard`."
                .into(),
        ));
    };
    let view = live.nodes(|namespace| sight.sees(namespace)).await;
    let view = view.map_err(|error| PageError::Away(error.to_string()))?;
    Ok(Page::nodes(Nodes::new(view, now)))
}

/// The runs of a series, at least one.
fn known(index: &Index, series: &Series) -> Result<Vec<Arc<Run>>, PageError> {
    let runs = index.of(series);
    if runs.is_empty() {
        let name = format::shortened(series.label(), 80);
        return Err(PageError::NotFound(format!(
            "No run of {name} has left a record in the folders that this program reads."
        )));
    }
    Ok(runs)
}

async fn schedule(
    app: &App,
    sight: &Sight,
    series: &Series,
    now: Timestamp,
) -> Result<Page, PageError> {
    let live = sight.live.as_deref().and_then(|live| {
        let object = live.schedule(&series.namespace, &series.name)?;
        Some(LiveSchedule::new(object, live, now))
    });
    let runs = known(&sight.index, series);
    let history = match (runs, &live) {
        (Ok(runs), _) => {
            let fleet = app.history.fleet(series).await;
            Some(Schedule::new(series, &runs, &fleet, now))
        }
        (Err(_), Some(_)) => None,
        (Err(error), None) => return Err(error),
    };
    Ok(Page::schedule(series, history, live))
}

async fn run(
    app: &App,
    sight: &Sight,
    (namespace, name): (&str, &str),
    query: &Query,
    now: Timestamp,
) -> Result<Page, PageError> {
    let at = query.get("at").and_then(|at| at.parse().ok());
    let index = &sight.index;
    let object = sight
        .live
        .as_deref()
        .and_then(|live| live.run(namespace, name));
    // A run that was made anew has no record yet.
    let record = match object {
        Some(object) => index.record_of(object),
        None => index.find(namespace, name, at),
    };
    let live = match (&app.live, object) {
        (Some(live), Some(object)) => Some(live_run(live, object, query, now).await),
        _ => None,
    };
    let history = match record {
        Some(record) => Some(recorded(app, index, record, query).await),
        None => None,
    };
    if history.is_none() && live.is_none() {
        let name = format::shortened(name, 80);
        return Err(PageError::NotFound(format!(
            "No run {name} has left a record in the folders that this program reads. A run that never reached its last step leaves none."
        )));
    }
    Ok(Page::run(history, live))
}

/// A run of the cluster, with a log or its manifest where `query` asks for one.
async fn live_run(live: &Live, run: &Object, query: &Query, now: Timestamp) -> LiveRun {
    let tree = live.tree(run).await.map_err(|error| error.to_string());
    let namespace = run.namespace();
    let text = if query.get("show") == Some("manifest") {
        let manifest = live.manifest(namespace, run.name()).await;
        let text = manifest.map_err(|error| error.to_string());
        let text = text.and_then(|manifest| {
            serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())
        });
        Some(("Manifest".to_owned(), text))
    } else {
        let pods = tree.as_ref().map(pods).unwrap_or_default();
        // Only pods of this run: an address must not read the log of another one.
        let asked = query
            .get("log")
            .filter(|pod| live.has_logs() && pods.contains(pod));
        match asked {
            Some(pod) => {
                let log = live.log(namespace, pod).await;
                let log = log.map_err(|error| error.to_string());
                Some((format!("Log of {pod}, its end"), log))
            }
            None => None,
        }
    };
    let text = text.map(|(title, text)| Text {
        title,
        text: text.map(|text| shown(&text)),
    });
    LiveRun::new(run, tree, text, live.has_logs(), now)
}

fn pods(tree: &view::TreeView) -> Vec<&str> {
    let groups = tree.jobs.iter().flat_map(|job| &job.pods);
    let pods = groups.flat_map(|group| &group.pods);
    pods.map(|pod| pod.name.as_str()).collect()
}

/// Characters of a text that are shown: a page has 200 KB.
const SHOWN: usize = 120_000;

/// The end of a text, without what would not be seen.
fn shown(text: &str) -> String {
    let mut start = text.len().saturating_sub(SHOWN);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let lines = text.get(start..).unwrap_or_default().lines();
    lines.map(format::harmless).collect::<Vec<_>>().join("\n")
}

async fn recorded(app: &App, index: &Index, run: &Arc<Run>, query: &Query) -> RunView {
    let series = run.series();
    let siblings = index.of(&series);
    let position = siblings
        .iter()
        .position(|sibling| Arc::ptr_eq(sibling, run));
    let earlier = position.and_then(|position| siblings.get(position + 1));
    let later = position.and_then(|position| siblings.get(position.checked_sub(1)?));
    let mut missing = Vec::new();
    let report = match History::report(run).await {
        Ok(report) => Some(report),
        Err(error) => {
            missing.push(format!(
                "The report cannot be read, so examples are missing: {error}"
            ));
            None
        }
    };
    let sensors = match app.history.sensors(run).await {
        Ok(rows) => Some(Sensors::new(&series, &rows, query)),
        Err(error) => {
            missing.push(format!("The table of sensors cannot be read: {error}"));
            None
        }
    };
    let neighbours = (earlier.map(Arc::as_ref), later.map(Arc::as_ref));
    RunView::new(run, report.as_ref(), sensors, missing, neighbours)
}

async fn sensor(
    app: &App,
    index: &Index,
    series: &Series,
    key: &SensorKey,
    query: &Query,
) -> Result<Page, PageError> {
    known(index, series)?;
    let past = app.history.past(series, key, SENSOR_RUNS).await;
    let entries = past.entries();
    if entries
        .iter()
        .all(|entry| entry.row.is_none() && entry.error.is_none())
    {
        return Err(PageError::NotFound(format!(
            "None of the newest {} runs has the sensor {key}.",
            entries.len()
        )));
    }
    let mut view = SensorView::new(series, key, &past);
    let asked: Option<Timestamp> = query.get("at").and_then(|at| at.parse().ok());
    let drawn = entries.iter().rposition(|entry| {
        let has_output = entry.row.as_ref().is_some_and(|row| row.output.is_some());
        asked.map_or(has_output, |at| entry.run.at() == at)
    });
    view.drawn = drawn;
    let Some(entry) = drawn.and_then(|drawn| entries.get(drawn)) else {
        view.undrawn =
            Some("There is no such run, or none that wrote predictions of this sensor.".into());
        return Ok(Page::sensor(view));
    };
    let plotted = match &entry.row {
        Some(row) => History::plot(&entry.run, row).await,
        None => Ok(None),
    };
    match plotted {
        Ok(Some(plotted)) => {
            let chart = Chart::new(1, &plotted.plot);
            view.plot = Some(askama::Template::render(&chart)?);
            view.source = Some(plotted.url);
        }
        Ok(None) => view.undrawn = Some("This run wrote no predictions of this sensor.".into()),
        Err(error) => view.undrawn = Some(format!("The predictions cannot be read: {error}")),
    }
    Ok(Page::sensor(view))
}
