use std::sync::Arc;
use std::time::Duration;

use fleetscore_cluster::view::NodesView;
use fleetscore_crds::SensorKey;
use fleetscore_scorer::drawing::{Chart, format};
use jiff::Timestamp;

use super::route::Route;
use super::{App, run};
use crate::history::{History, Index, Run, Series};
use crate::pages::{Page, PageError};
use crate::sight::Sight;
use crate::views::{
    Health, LiveSchedule, Nodes, Overview, Query, Runs, Schedule, SensorView, scaling,
};

/// Runs of a sensor that are shown.
const SENSOR_RUNS: usize = 168;

/// The first page waits so long for nodes.
const NODES_WAIT: Duration = Duration::from_secs(1);

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
        Route::Overview => {
            let nodes = overview_nodes(app, sight).await;
            Ok(Page::overview(Overview::new(
                index,
                live,
                nodes.as_ref(),
                now,
            )))
        }
        Route::Runs => Ok(Page::runs(Runs::new(index, live, query, now))),
        Route::Nodes => nodes(app, sight, now).await,
        Route::Run(namespace, name, start) => {
            run::run(app, sight, (namespace, name, *start), query, now).await
        }
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
    let capacity = live.capacity().await;
    let capacity = capacity.map_err(|error| PageError::Away(error.to_string()))?;
    let view = capacity.nodes(|namespace| sight.sees(namespace));
    let said = capacity.said(|namespace| sight.sees(namespace));
    let said = said.map(|(events, pods)| scaling(events, &pods, now));
    Ok(Page::nodes(Nodes::new(view, said, now)))
}

/// The nodes for the first page, which does not wait long for them; none without a cluster.
async fn overview_nodes(app: &App, sight: &Sight) -> Option<Result<NodesView, String>> {
    let live = Arc::clone(app.live.as_ref()?);
    // It goes on behind the page: who asks next finds the answer.
    let asking = tokio::spawn(async move { live.capacity().await });
    let capacity = match tokio::time::timeout(NODES_WAIT, asking).await {
        Ok(Ok(Ok(capacity))) => capacity,
        Ok(Ok(Err(error))) => return Some(Err(error.to_string())),
        Ok(Err(_)) | Err(_) => return Some(Err("they are still asked for".into())),
    };
    Some(Ok(capacity.nodes(|namespace| sight.sees(namespace))))
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
