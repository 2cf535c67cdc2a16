use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use fleetscore_crds::SensorKey;
use fleetscore_scorer::drawing::Chart;
use jiff::Timestamp;

use super::route::Route;
use super::{App, Verdict, events};
use crate::history::{Index, Run, Series};
use crate::pages::{Frame, Page, PageError};
use crate::views::{Health, Overview, Query, RunView, Runs, Schedule, SensorView, Sensors};

/// Where changes are told.
const EVENTS: &str = "/events";
/// Runs of a sensor that are shown.
const SENSOR_RUNS: usize = 168;

/// No page loads or runs anything that is not ours, and none may be shown within another.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Answers a request.
pub async fn answer(State(app): State<Arc<App>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let mut response = match app.guard.judge(&request) {
        Verdict::Refused(status, text) => refusal(status, text),
        Verdict::SignIn { location, cookie } => {
            let headers = [(LOCATION, location), (SET_COOKIE, cookie)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Verdict::Allowed => {
            let query = Query::parse(request.uri.query().unwrap_or_default());
            allowed(app, request.uri.path(), query).await
        }
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(status: StatusCode, text: &'static str) -> Response {
    let mut response = (status, format!("{text}\n")).into_response();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let methods = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

async fn allowed(app: Arc<App>, path: &str, query: Query) -> Response {
    if let Some((kind, content)) = app.assets.get(path) {
        let headers = [
            (CONTENT_TYPE, kind),
            (CACHE_CONTROL, "private, max-age=31536000, immutable"),
        ];
        return (headers, content).into_response();
    }
    if path == EVENTS {
        return events::stream(app, &query);
    }
    let (page, status, is_json) = match Route::parse(path) {
        None => (
            not_found("There is no page at this address.".into()),
            StatusCode::NOT_FOUND,
            path.strip_suffix(".json").is_some(),
        ),
        Some((route, is_json)) => match make(&app, &route, &query).await {
            Ok(page) => (page, StatusCode::OK, is_json),
            Err(error) => {
                let status = error.status();
                (not_found(error.to_string()), status, is_json)
            }
        },
    };
    let rendered = if is_json {
        page.json().map(|bytes| ("application/json", bytes))
    } else {
        let index = app.history.index().await;
        let is_page = status == StatusCode::OK;
        let json = if is_page {
            Route::json(path) + &query.with("part", "")
        } else {
            String::new()
        };
        html(&app, &page, &index, &query, &json)
            .map(|text| ("text/html; charset=utf-8", text.into()))
    };
    match rendered {
        Ok((kind, bytes)) => (status, [(CONTENT_TYPE, kind)], Body::from(bytes)).into_response(),
        Err(error) => {
            tracing::error!(path, "{error}");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            (status, "The page cannot be made.\n").into_response()
        }
    }
}

fn not_found(text: String) -> Page {
    Page::problem("Not here", text)
}

/// The whole page, or the part of it that `query` asks for.
fn html(
    app: &App,
    page: &Page,
    index: &Index,
    query: &Query,
    json: &str,
) -> Result<String, PageError> {
    let Some(id) = query.get("part") else {
        return Ok(Frame::render_page(
            page,
            index,
            json,
            &app.assets,
            Timestamp::now(),
        )?);
    };
    let parts = page.parts(index)?;
    let part = parts.into_iter().find(|part| part.id == id);
    Ok(part.map(|part| part.html).unwrap_or_default())
}

/// Makes the page at `route`.
pub(super) async fn make(app: &App, route: &Route, query: &Query) -> Result<Page, PageError> {
    // Waiting is better than taking all memory. The semaphore is never closed.
    let _permit = app.pages.acquire().await.ok();
    let index = app.history.index().await;
    let now = Timestamp::now();
    match route {
        Route::Overview => Ok(Page::overview(Overview::new(&index, now))),
        Route::Runs => Ok(Page::runs(Runs::new(&index, query, now))),
        Route::Run(namespace, name) => run(app, &index, namespace, name, query).await,
        Route::Schedule(series) => {
            let runs = known(&index, series)?;
            let fleet = app.history.fleet(series).await;
            Ok(Page::schedule(Schedule::new(series, &runs, &fleet, now)))
        }
        Route::Health(series) => {
            let runs = known(&index, series)?;
            let fleet = app.history.fleet(series).await;
            Ok(Page::health(Health::new(series, &runs, &fleet)))
        }
        Route::Sensor(series, key) => sensor(app, &index, series, key, query).await,
    }
}

/// The runs of a series, at least one.
fn known(index: &Index, series: &Series) -> Result<Vec<Arc<Run>>, PageError> {
    let runs = index.of(series);
    if runs.is_empty() {
        let name = fleetscore_scorer::drawing::format::shortened(series.label(), 80);
        return Err(PageError::NotFound(format!(
            "No run of {name} has left a record in the folders that this program reads."
        )));
    }
    Ok(runs)
}

async fn run(
    app: &App,
    index: &Index,
    namespace: &str,
    name: &str,
    query: &Query,
) -> Result<Page, PageError> {
    let at = query.get("at").and_then(|at| at.parse().ok());
    let run = index.find(namespace, name, at).ok_or_else(|| {
        let name = fleetscore_scorer::drawing::format::shortened(name, 80);
        PageError::NotFound(format!(
            "No run {name} has left a record in the folders that this program reads. A run that never reached its last step leaves none."
        ))
    })?;
    let series = run.series();
    let siblings = index.of(&series);
    let position = siblings
        .iter()
        .position(|sibling| Arc::ptr_eq(sibling, run));
    let earlier = position.and_then(|position| siblings.get(position + 1));
    let later = position.and_then(|position| siblings.get(position.checked_sub(1)?));
    let mut missing = Vec::new();
    let report = match app.history.report(run).await {
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
    let view = RunView::new(run, report.as_ref(), sensors, missing, neighbours);
    Ok(Page::run(view))
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
        Some(row) => app.history.plot(&entry.run, row).await,
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
