use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use tokio::sync::watch;

use super::App;
use super::answer::make;
use super::route::Route;
use crate::views::Query;

/// Changes are told at most so often.
const PAUSE: Duration = Duration::from_secs(2);
/// An idle connection says so often that it is there.
const ALIVE: Duration = Duration::from_secs(15);

/// What one browser's window looks at.
struct Watcher {
    app: Arc<App>,
    route: Route,
    query: Query,
    changes: watch::Receiver<u64>,
    /// Fingerprints of the parts as they were told last; none before the first look.
    parts: Option<HashMap<String, u64>>,
    /// The version that the window shows.
    shown: Option<u64>,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

/// Tells a window, whose address is `page` in the query, which parts of its page have changed.
pub fn stream(app: Arc<App>, query: &Query) -> Response {
    let page = query.get("page").unwrap_or("/");
    let (path, rest) = page.split_once('?').unwrap_or((page, ""));
    let Some((route, false)) = Route::parse(path) else {
        return (StatusCode::NOT_FOUND, "There is no such page.\n").into_response();
    };
    let Ok(permit) = app.streams.clone().try_acquire_owned() else {
        let text = "Too many windows are open.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let changes = app.history.changes();
    let watcher = Watcher {
        app,
        route,
        query: Query::parse(rest),
        changes,
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
                self.changes.changed().await.ok()?;
            }
            let version = *self.changes.borrow_and_update();
            let (now, order) = self.look().await;
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

    async fn look(&self) -> (HashMap<String, u64>, Vec<String>) {
        let index = self.app.history.index().await;
        let Ok(page) = make(&self.app, &self.route, &self.query).await else {
            return (HashMap::new(), Vec::new());
        };
        let parts = page.parts(&index).unwrap_or_default();
        let order = parts.iter().map(|part| part.id.clone()).collect();
        let fingerprints = parts.iter();
        let fingerprints = fingerprints.map(|part| (part.id.clone(), part.fingerprint()));
        (fingerprints.collect(), order)
    }
}
