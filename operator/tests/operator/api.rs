//! An API server on the loopback device: lists in pages, watches, and writes what it is told. It notes every request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::objects::{Change, Key, Objects, Patch, Refusal, not_found};

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which of the server's addresses it came to.
    pub by: &'static str,
    /// When it came.
    pub at: jiff::Timestamp,
    /// Its verb, as RBAC calls it.
    pub verb: &'static str,
    /// Such as `batch/v1/jobs` or `version`.
    pub resource: String,
    /// The namespace, where the path names one.
    pub namespace: Option<String>,
    /// The name of the object, where the path or the body names one.
    pub name: Option<String>,
    /// The parameters.
    pub query: BTreeMap<String, String>,
}

/// The server. A copy of it is the same server.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    objects: Mutex<Objects>,
    version: watch::Sender<u64>,
    asked: Mutex<Vec<Asked>>,
    /// Namespaces of which nothing may be read.
    closed: Mutex<Vec<String>>,
    /// Rights that nobody has: verb and resource with its subresource, without its group.
    refused: Mutex<Vec<(String, String)>>,
    /// Writes that are still answered; none: all are.
    answered: Mutex<Option<Cut>>,
    cut: watch::Sender<bool>,
}

/// After so many writes that are answered, one is not, whether or not it is `done`.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Writes that are still answered.
    pub after: usize,
    /// Whether the one that gets no answer is done.
    pub done: bool,
}

impl Api {
    /// A server without objects.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            objects: Mutex::default(),
            version: watch::Sender::new(0),
            asked: Mutex::default(),
            closed: Mutex::default(),
            refused: Mutex::default(),
            answered: Mutex::default(),
            cut: watch::Sender::new(false),
        }))
    }

    /// Opens an address of its own for `by`.
    pub async fn listen(&self, by: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .fallback(answer)
            .with_state((self.clone(), by));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.asked.lock().unwrap().clone()
    }

    /// Every request so far to the address of `by`.
    pub fn asked_by(&self, by: &str) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|asked| asked.by == by);
        asked
    }

    /// Says that these namespaces, and no others, may not be read.
    pub fn close(&self, namespaces: &[&str]) {
        let names = namespaces.iter().map(|name| (*name).to_owned()).collect();
        *self.0.closed.lock().unwrap() = names;
    }

    /// Says that nobody may do this, such as `list` and `pods`.
    #[allow(dead_code, reason = "for the tests of kubectl fleetscore")]
    pub fn refuse(&self, verb: &str, resource: &str) {
        let right = (verb.to_owned(), resource.to_owned());
        self.0.refused.lock().unwrap().push(right);
    }

    /// Whether somebody may do this.
    fn allows(&self, verb: &str, resource: &str) -> bool {
        let refused = self.0.refused.lock().unwrap();
        refused
            .iter()
            .all(|right| (right.0.as_str(), right.1.as_str()) != (verb, resource))
    }

    /// Has one of the next writes never answered. Those after it are again.
    pub fn cut(&self, cut: Cut) {
        *self.0.answered.lock().unwrap() = Some(cut);
        self.0.cut.send_replace(false);
    }

    /// Whether that write has come.
    pub fn is_cut(&self) -> bool {
        *self.0.cut.borrow()
    }

    /// Whether this request gets no answer, and whether it is done all the same.
    fn breaks(&self, asked: &Asked) -> Option<bool> {
        if !["create", "patch", "delete"].contains(&asked.verb) {
            return None;
        }
        let mut answered = self.0.answered.lock().unwrap();
        let cut = answered.as_mut()?;
        if cut.after > 0 {
            cut.after -= 1;
            return None;
        }
        answered.take().map(|cut| cut.done)
    }

    /// Does something to the objects; whoever watches them sees it.
    pub fn with<T>(&self, work: impl FnOnce(&mut Objects) -> T) -> T {
        let mut objects: MutexGuard<_> = self.0.objects.lock().unwrap();
        let done = work(&mut objects);
        let now = objects.version();
        let is_new = |version: &mut u64| std::mem::replace(version, now) != now;
        self.0.version.send_if_modified(is_new);
        done
    }

    /// An object, if it is there.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        self.with(|objects| objects.get(&key(resource, namespace, name)).cloned())
    }

    /// Creates an object.
    pub fn create(&self, resource: &str, namespace: &str, name: &str, object: Value) {
        self.with(|objects| objects.create(key(resource, namespace, name), object))
            .unwrap();
    }

    /// Merges something into an object.
    pub fn merge(&self, resource: &str, namespace: &str, name: &str, patch: Value) {
        let key = key(resource, namespace, name);
        self.with(|objects| objects.patch(&key, Patch::Merge, false, patch))
            .unwrap();
    }

    /// Resolves when an object has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }
}

/// The place of an object.
pub fn key(resource: &str, namespace: &str, name: &str) -> Key {
    Key {
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

async fn answer(State((api, by)): State<(Api, &'static str)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let media = parts.headers.get("content-type");
    let applied = media.is_some_and(|media| media.to_str().unwrap().contains("apply-patch"));
    let query = parts.uri.query().unwrap_or_default();
    let mut asked = asked(by, parts.method.as_str(), parts.uri.path(), query);
    let status = parts.uri.path().ends_with("/status");
    if asked.verb == "create" {
        asked.name = body["metadata"]["name"].as_str().map(str::to_owned);
    }
    api.0.asked.lock().unwrap().push(asked.clone());
    let kind = if applied { Patch::Apply } else { Patch::Merge };
    if let Some(is_done) = api.breaks(&asked) {
        if is_done {
            let _ = done(&api, &asked, kind, status, body);
        }
        api.0.cut.send_replace(true);
        return std::future::pending().await;
    }
    let log = parts.uri.path().ends_with("/log");
    match done(&api, &asked, kind, status, body) {
        // A pod's log is what its annotation says.
        Ok(Answer::Object(pod)) if log => {
            let text = pod["metadata"]["annotations"]["log"].as_str();
            response(200, text.unwrap_or_default().to_owned())
        }
        Ok(Answer::Object(object)) => {
            let mut response = response(200, object.to_string());
            // The time that a version's `date` says is the server's clock.
            if let Some(date) = object["date"].as_str() {
                let date = date.parse().unwrap();
                response.headers_mut().insert("date", date);
            }
            response
        }
        Ok(Answer::Watch(since)) => response(200, watched(&api, asked, since)),
        Err((code, reason, message)) => {
            let object = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "code": code, "reason": reason, "message": message,
            });
            response(code, object.to_string())
        }
    }
}

enum Answer {
    Object(Value),
    Watch(u64),
}

fn response(code: u16, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

fn asked(by: &'static str, method: &str, path: &str, query: &str) -> Asked {
    let segments: Vec<_> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] => ((*version).to_owned(), rest),
        ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
        _ => (String::new(), segments.as_slice()),
    };
    let (namespace, rest) = match rest {
        // The namespace itself.
        ["namespaces", _] => (None, rest),
        ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let query: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let name = rest.get(1).map(|name| (*name).to_owned());
    let verb = match method {
        "GET" if query.get("watch").is_some_and(|watch| watch == "true") => "watch",
        "GET" if name.is_none() => "list",
        "GET" => "get",
        "POST" => "create",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "other",
    };
    let resource = format!("{group}/{}", rest.first().unwrap_or(&""));
    Asked {
        by,
        at: jiff::Timestamp::now(),
        verb,
        resource: resource.trim_start_matches('/').to_owned(),
        namespace,
        name,
        query,
    }
}

fn done(
    api: &Api,
    asked: &Asked,
    kind: Patch,
    status: bool,
    body: Value,
) -> Result<Answer, Refusal> {
    if asked.resource == "version" {
        let own = api.get("version", "", "");
        if let Some(version) = own {
            return Ok(Answer::Object(version));
        }
        let version = json!({
            "major": "1", "minor": "33", "gitVersion": "v1.33.0", "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
        });
        return Ok(Answer::Object(version));
    }
    let key = key(
        &asked.resource,
        asked.namespace.as_deref().unwrap_or_default(),
        asked.name.as_deref().unwrap_or_default(),
    );
    let closed = api.0.closed.lock().unwrap().clone();
    if asked
        .namespace
        .as_ref()
        .is_some_and(|name| closed.contains(name))
    {
        return Err((403, "Forbidden", format!("{key:?}: no right to it")));
    }
    if asked.resource == "authorization.k8s.io/v1/selfsubjectaccessreviews" {
        let right = &body["spec"]["resourceAttributes"];
        let text = |field: &str| right[field].as_str().unwrap_or_default();
        let resource = match text("subresource") {
            "" => text("resource").to_owned(),
            sub => format!("{}/{sub}", text("resource")),
        };
        let allowed = api.allows(text("verb"), &resource);
        let object = json!({"metadata": {}, "spec": body["spec"], "status": {"allowed": allowed}});
        return Ok(Answer::Object(object));
    }
    let plural = asked.resource.rsplit('/').next().unwrap_or_default();
    if !api.allows(asked.verb, plural) {
        return Err((
            403,
            "Forbidden",
            format!("no right to {} {plural}", asked.verb),
        ));
    }
    if asked.verb == "list" && api.get("absent", "", plural).is_some() {
        return Err((404, "NotFound", format!("there is no kind {plural}")));
    }
    let object = match asked.verb {
        "watch" => {
            let since = asked
                .query
                .get("resourceVersion")
                .and_then(|since| since.parse().ok());
            return Ok(Answer::Watch(since.unwrap_or(0)));
        }
        "list" => api.with(|objects| page(objects, asked)),
        "get" => api.with(|objects| objects.get(&key).cloned().ok_or_else(|| not_found(&key)))?,
        "create" if asked.query.contains_key("dryRun") => body,
        "create" => api.with(|objects| objects.create(key, body))?,
        "patch" => api.with(|objects| objects.patch(&key, kind, status, body))?,
        "delete" => api.with(|objects| objects.delete(&key, &body["preconditions"]["uid"]))?,
        verb => return Err((405, "MethodNotAllowed", verb.to_owned())),
    };
    Ok(Answer::Object(object))
}

/// One page of a list; the token of the next is where it begins.
fn page(objects: &Objects, asked: &Asked) -> Value {
    let number = |name: &str| {
        asked
            .query
            .get(name)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let mut items = objects.list(&asked.resource, asked.namespace.as_deref());
    items.retain(|item| is_meant(asked, item));
    let mut items = items.split_off(number("continue").unwrap_or(0));
    let mut meta = json!({"resourceVersion": objects.version().to_string()});
    if let Some(limit) = number("limit")
        && items.len() > limit
    {
        items.truncate(limit);
        meta["continue"] = json!((number("continue").unwrap_or(0) + limit).to_string());
    }
    let (group, _) = asked.resource.rsplit_once('/').unwrap();
    json!({"kind": "List", "apiVersion": group, "metadata": meta, "items": items})
}

/// Whether the request's selectors fit an object.
fn is_meant(asked: &Asked, object: &Value) -> bool {
    let terms = |name: &str| {
        let text = asked.query.get(name).map_or("", String::as_str);
        let terms = text.split(',').filter(|term| !term.is_empty());
        terms.map(|term| {
            term.split_once('=')
                .map_or((term, None), |(name, value)| (name, Some(value)))
        })
    };
    let labels = &object["metadata"]["labels"];
    terms("labelSelector").all(|(name, value)| {
        let found = labels[name].as_str();
        value.map_or(found.is_some(), |value| found == Some(value))
    }) && terms("fieldSelector").all(|(name, value)| {
        let (name, equal) = match name.strip_suffix('!') {
            Some(name) => (name, false),
            None => (name, true),
        };
        let found = object.pointer(&format!("/{}", name.replace('.', "/")));
        (found.and_then(Value::as_str) == value) == equal
    })
}

/// What happens from `since` on, a line each, until the client goes.
fn watched(api: &Api, asked: Asked, since: u64) -> Body {
    let state = (api.clone(), api.changes(), asked, since);
    Body::from_stream(stream::unfold(
        state,
        |(api, mut changes, asked, since)| async move {
            loop {
                changes.borrow_and_update();
                let (lines, now) = api.with(|objects| {
                    let meant = objects
                        .since(since)
                        .filter(|change| is_watched(&asked, change));
                    let lines: String = meant.map(line).collect();
                    (lines, objects.version())
                });
                if !lines.is_empty() {
                    let item = Ok::<_, std::convert::Infallible>(Bytes::from(lines));
                    return Some((item, (api, changes, asked, now)));
                }
                changes.changed().await.ok()?;
            }
        },
    ))
}

fn line(change: &Change) -> String {
    let event = json!({"type": change.kind, "object": change.object});
    format!("{event}\n")
}

fn is_watched(asked: &Asked, change: &Change) -> bool {
    change.key.resource == asked.resource
        && asked
            .namespace
            .as_ref()
            .is_none_or(|namespace| change.key.namespace == *namespace)
        && is_meant(asked, &change.object)
}
