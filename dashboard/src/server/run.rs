//! The page of a run: of its record, of what the cluster says, or of both.

use std::sync::Arc;

use fleetscore_cluster::Run as Object;
use fleetscore_cluster::view;
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;

use super::App;
use crate::history::{History, Index, Run};
use crate::live::Live;
use crate::pages::{Page, PageError};
use crate::sight::Sight;
use crate::views::{
    LiveRun, LogName, LogText, Query, RunTab as Tab, RunView, Sensors, Shards, Shown, Text, Ties,
    ending,
};

/// Makes the page of the run with this namespace and name, and where it is said, this start.
pub(super) async fn run(
    app: &App,
    sight: &Sight,
    (namespace, name, start): (&str, &str, Option<Timestamp>),
    query: &Query,
    now: Timestamp,
) -> Result<Page, PageError> {
    let index = &sight.index;
    let object = sight
        .live
        .as_deref()
        .and_then(|live| live.run(namespace, name));
    // A run that was made anew has no record yet.
    let current = object.and_then(|object| index.record_of(object));
    let record = match start {
        Some(_) => index.find(namespace, name, start),
        None if object.is_some() => current,
        None => index.find(namespace, name, None),
    };
    // An older run of the same name is not what the cluster tells of.
    let is_current = match (record, current) {
        (Some(record), Some(current)) => Arc::ptr_eq(record, current),
        (Some(_), None) => false,
        (None, _) => start.is_none(),
    };
    let object = object.filter(|_| is_current);
    let tab = Tab::asked(query, record.is_some(), object.is_some());
    let live = match (&app.live, object) {
        (Some(live), Some(object)) => Some(live_run(live, object, tab, query, now).await),
        _ => None,
    };
    let history = match record {
        Some(record) => {
            let tree = live.as_ref().and_then(|live| live.tree.as_ref().ok());
            Some(recorded(app, index, record, (tab, query), tree).await)
        }
        None => None,
    };
    if history.is_none() && live.is_none() {
        let name = format::shortened(name, 80);
        return Err(PageError::NotFound(format!(
            "No run {name} has left a record in the folders that this program reads. A run that never reached its last step leaves none."
        )));
    }
    Ok(Page::run(history, live, tab))
}

/// A run of the cluster, with what a tab shows of it that is asked of the cluster.
async fn live_run(live: &Live, run: &Object, tab: Tab, query: &Query, now: Timestamp) -> LiveRun {
    let tree = live.tree(run).await.map_err(|error| error.to_string());
    let namespace = run.namespace();
    let text = match tab {
        Tab::Manifest => {
            let manifest = live.manifest(namespace, run.name()).await;
            let text = manifest.map_err(|error| error.to_string());
            let text = text.and_then(|manifest| {
                serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())
            });
            Some(("Manifest".to_owned(), text))
        }
        Tab::Logs => {
            let pods = tree.as_ref().map(pods).unwrap_or_default();
            // Only pods of this run: an address must not read the log of another one.
            let asked = query.get("log");
            let asked = asked.filter(|pod| live.has_logs() && pods.contains(pod));
            match asked {
                Some(pod) => {
                    let log = live.log(namespace, pod).await;
                    let log = log.map_err(|error| error.to_string());
                    Some((format!("Log of {pod}, its end"), log))
                }
                None => None,
            }
        }
        Tab::Sensors | Tab::Shards => None,
    };
    let text = text.map(|(title, text)| Text {
        title,
        text: text.map(|text| ending(&text).text),
    });
    let shards = (tab == Tab::Shards).then(|| {
        let total = run.status.as_ref().ok().and_then(|status| status.pods);
        let page = Shards::page(query, total.map_or(0, |pods| pods.total.into()));
        Shards::new(query, page, None, tree.as_ref().ok())
    });
    LiveRun::new(run, tree, text, live.has_logs(), now).with_shards(shards)
}

fn pods(tree: &view::TreeView) -> Vec<&str> {
    let groups = tree.jobs.iter().flat_map(|job| &job.pods);
    let pods = groups.flat_map(|group| &group.pods);
    pods.map(|pod| pod.name.as_str()).collect()
}

/// A run that has left a record, with what a tab shows of it.
async fn recorded(
    app: &App,
    index: &Index,
    run: &Arc<Run>,
    (tab, query): (Tab, &Query),
    tree: Option<&view::TreeView>,
) -> RunView {
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
    let shown = match tab {
        Tab::Sensors => match app.history.sensors(run).await {
            Ok(rows) => Some(Shown::Sensors(Sensors::new(&run.series(), &rows, query))),
            Err(error) => {
                missing.push(format!("The table of sensors cannot be read: {error}"));
                None
            }
        },
        Tab::Shards => {
            let page = Shards::page(query, run.record.shards.total);
            let ledgers = History::ledgers(run, page.1.clone()).await.into_iter();
            let ledgers = ledgers.map(|read| read.map_err(|error| error.to_string()));
            Some(Shown::Shards(Shards::new(
                query,
                page,
                Some(ledgers.collect()),
                tree,
            )))
        }
        Tab::Logs => match query.get("log").and_then(LogName::parse) {
            Some(name) => Some(Shown::Log(stored_log(run, name).await)),
            None => None,
        },
        Tab::Manifest => None,
    };
    RunView::new(run, report.as_ref(), shown, missing, Ties::new(index, run))
}

/// The end of a log in storage.
async fn stored_log(run: &Run, name: LogName) -> LogText {
    match History::log(run, &name.file()).await {
        Ok(tail) => LogText::new(name, tail.url, &tail.bytes, tail.left_out),
        Err(error) if error.is_not_found() => LogText::unread(
            name,
            "there is no such log in the run's own folder: that step never began, or spec.logs.location names another one".into(),
        ),
        Err(error) => LogText::unread(name, error.to_string()),
    }
}
