//! An API server for tests: it gives the answers it was told to, and notes what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method, path and the parameters by name, without what their encoding adds.
    pub line: String,
    /// The media type of the body.
    pub media: String,
    /// The body, if there is one.
    pub body: Value,
}

/// What the server was asked so far.
#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<Vec<Asked>>>);

/// An answer: a code and a body. With the code 0 there never comes one.
pub type Answer = (u16, Value);

/// A client of a server that gives these answers in turn. To whatever else it is asked it answers with code 418.
pub fn server(answers: impl IntoIterator<Item = Answer>) -> (Client, Server) {
    let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
    let (server, mut answers) = (Server::default(), Vec::from_iter(answers).into_iter());
    let noted = server.clone();
    tokio::spawn(async move {
        let mut unanswered = Vec::new();
        while let Some((request, send)) = handle.next_request().await {
            let asked = asked(request).await;
            let surplus = || failure(418, "Unexpected", &asked.line);
            let (code, body) = answers.next().unwrap_or_else(surplus);
            noted.0.lock().unwrap().push(asked);
            if code == 0 {
                unanswered.push(send);
            } else {
                let response = Response::builder().status(code);
                send.send_response(response.body(body.to_string().into_bytes().into()).unwrap());
            }
        }
    });
    (Client::new(service, "default"), server)
}

async fn asked(request: Request<Body>) -> Asked {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let query: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let mut line = format!("{} {}", parts.method, parts.uri.path());
    for (name, value) in query {
        line = format!("{line} {name}={value}");
    }
    let media = parts.headers.get("content-type");
    Asked {
        line,
        media: media.map_or_else(String::new, |media| media.to_str().unwrap().to_owned()),
        body: serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap_or_default(),
    }
}

impl Server {
    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    /// The lines of every request so far.
    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

/// What the API server says when it does not do what it was asked.
pub fn failure(code: u16, reason: &str, message: &str) -> Answer {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message,
    });
    (code, body)
}

/// The answer to a list: of a kind, with these items. More are to be had with the token `more`.
pub fn list(kind: &str, items: &[Value]) -> Answer {
    let api = if kind == "Job" { "batch/v1" } else { "v1" };
    let body = json!({
        "kind": format!("{kind}List"), "apiVersion": api,
        "metadata": {"resourceVersion": "9", "continue": "more", "remainingItemCount": 100_000}, "items": items,
    });
    (200, body)
}
