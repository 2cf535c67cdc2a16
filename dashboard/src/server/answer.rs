use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use fleetscore_cluster::Person;
use jiff::Timestamp;

use super::make::make;
use super::route::Route;
use super::{App, Verdict, events};
use crate::pages::{Frame, Page, PageError};
use crate::sight::Sight;
use crate::views::Query;

/// The title of what is not there.
const NOT_HERE: &str = "Not here";

/// Where changes are told.
const EVENTS: &str = "/events";

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
            let person = app.guard.person(&request);
            allowed(app, request.uri.path(), query, person).await
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

async fn allowed(app: Arc<App>, path: &str, query: Query, person: Option<Person>) -> Response {
    if let Some((kind, content)) = app.assets.get(path) {
        let headers = [
            (CONTENT_TYPE, kind),
            (CACHE_CONTROL, "private, max-age=31536000, immutable"),
        ];
        return (headers, content).into_response();
    }
    if path == EVENTS {
        return events::stream(app, &query, person);
    }
    let sight = match app.sight(person.as_ref()).await {
        Ok(sight) => sight,
        Err(error) => {
            tracing::error!("a person's rights are not known: {error}");
            let text = "The API server does not say what you may see. Try again in a moment.\n";
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        }
    };
    let (page, status, is_json) = match Route::parse(path) {
        None => (
            Page::problem(NOT_HERE, "There is no page at this address.".into()),
            StatusCode::NOT_FOUND,
            path.strip_suffix(".json").is_some(),
        ),
        Some((route, is_json)) => match make(&app, &sight, &route, &query).await {
            Ok(page) => (page, StatusCode::OK, is_json),
            Err(error) => {
                let status = error.status();
                let title = if status == StatusCode::NOT_FOUND {
                    NOT_HERE
                } else {
                    "Not now"
                };
                (Page::problem(title, error.to_string()), status, is_json)
            }
        },
    };
    let rendered = if is_json {
        page.json().map(|bytes| ("application/json", bytes))
    } else {
        let is_page = status == StatusCode::OK;
        let json = if is_page {
            Route::json(path) + &query.with("part", "")
        } else {
            String::new()
        };
        html(&app, &page, &sight, &query, &json)
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

/// The whole page, or the part of it that `query` asks for.
fn html(
    app: &App,
    page: &Page,
    sight: &Sight,
    query: &Query,
    json: &str,
) -> Result<String, PageError> {
    let Some(id) = query.get("part") else {
        let frame = Frame::render_page(page, sight, json, &app.assets, Timestamp::now());
        return Ok(frame?);
    };
    let parts = page.parts(sight)?;
    let part = parts.into_iter().find(|part| part.id == id);
    Ok(part.map(|part| part.html).unwrap_or_default())
}
