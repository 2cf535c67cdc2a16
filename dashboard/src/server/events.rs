use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use fleetscore_cluster::Person;
use futures::stream;
use tokio::sync::watch;

use super::App;
use super::make::make;
use super::route::Route;
use crate::sight::Sight;
use crate::views::Query;

/// Changes are told at most so often.
const PAUSE: Duration = Duration::from_secs(2);
/// Pods and nodes that somebody looks at are asked for so often.
const AGAIN: Duration = Duration::from_secs(5);
/// The same of the first page, which only counts them.
const COUNTED_AGAIN: Duration = Duration::from_secs(30);
/// An idle connection says so often that it is there.
const ALIVE: Duration = Duration::from_secs(15);

/// What one browser's window looks at.
struct Watcher {
    app: Arc<App>,
    person: Option<Person>,
    route: Route,
    query: Query,
    /// Tells of what has ended.
    history: watch::Receiver<u64>,
    /// Tells of what goes on; none without a cluster.
    live: Option<watch::Receiver<u64>>,
    /// Fingerprints of the parts as they were told last; none before the first look.
    parts: Option<HashMap<String, u64>>,
    /// The version that the window shows.
    shown: Option<u64>,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

/// Tells a window, whose address is `page` in the query, which parts of its page have changed.
pub fn stream(app: Arc<App>, query: &Query, person: Option<Person>) -> Response {
    let page = query.get("page").unwrap_or("/");
    let (path, rest) = page.split_once('?').unwrap_or((page, ""));
    let Some((route, false)) = Route::parse(path) else {
        return (StatusCode::NOT_FOUND, "There is no such page.\n").into_response();
    };
    let Ok(permit) = app.streams.clone().try_acquire_owned() else {
        let text = "Too many windows are open.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let history = app.history.changes();
    let live = app.live.as_ref().map(|live| live.changes());
    let watcher = Watcher {
        app,
        person,
        route,
        query: Query::parse(rest),
        history,
        live,
        parts: None,
        shown: query
            .get("version")
            .and_then(|version| version.parse().ok()),
        _permit: permit,
    };
    let events = stream::unfold(watcher, |mut watcher| async {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    let alive = KeepAlive::new().interval(ALIVE);
    Sse::new(events).keep_alive(alive).into_response()
}

impl Watcher {
    /// The next thing to tell; none when the program ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.parts.is_some() {
                tokio::time::sleep(PAUSE).await;
                self.changed().await?;
            }
            self.history.borrow_and_update();
            if let Some(live) = &mut self.live {
                live.borrow_and_update();
            }
            let Ok(sight) = self.app.sight(self.person.as_ref()).await else {
                // Whoever cannot be asked about sees nothing new.
                self.parts.get_or_insert_default();
                continue;
            };
            let version = sight.version();
            let (now, order) = self.look(&sight).await;
            let before = self.parts.replace(now.clone());
            let changed: Vec<_> = match &before {
                // The window may show an older state than the first that is seen here.
                None if self.shown.is_some_and(|shown| shown == version) => Vec::new(),
                None => order,
                // A part that has come or gone changes the page as a whole.
                Some(before) if before.len() != now.len() => vec!["main".into()],
                Some(before) => (order.into_iter())
                    .filter(|id| before.get(id) != now.get(id))
                    .collect(),
            };
            if before.is_none() || !changed.is_empty() {
                let event = Event::default().event("parts");
                // A browser drops an event without data, so a list is sent also where it is empty.
                let ids = serde_json::to_string(&changed).unwrap_or_else(|_| "[]".into());
                return Some(event.id(version.to_string()).data(ids));
            }
        }
    }

    /// Waits until the page may be another one; none when the program ends.
    async fn changed(&mut self) -> Option<()> {
        let live = async {
            match &mut self.live {
                Some(live) => live.changed().await,
                None => std::future::pending().await,
            }
        };
        // Pods and nodes are asked for when somebody looks, so nobody tells of them.
        let pause = match self.route {
            Route::Run(..) | Route::Nodes => Some(AGAIN),
            Route::Overview => Some(COUNTED_AGAIN),
            _ => None,
        };
        let is_live = self.app.live.is_some();
        let again = async {
            match pause.filter(|_| is_live) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending::<()>().await,
            }
        };
        tokio::select! {
            changed = self.history.changed() => changed.ok(),
            changed = live => changed.ok(),
            () = again => Some(()),
        }
    }

    async fn look(&self, sight: &Sight) -> (HashMap<String, u64>, Vec<String>) {
        let Ok(page) = make(&self.app, sight, &self.route, &self.query).await else {
            return (HashMap::new(), Vec::new());
        };
        let parts = page.parts(sight).unwrap_or_default();
        let order = parts.iter().map(|part| part.id.clone()).collect();
        let fingerprints = parts.iter();
        let fingerprints = fingerprints.map(|part| (part.id.clone(), part.fingerprint()));
        (fingerprints.collect(), order)
    }
}
