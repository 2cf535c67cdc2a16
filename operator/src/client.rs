//! The client of the API server, which counts its requests.

use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use http::{Method, Request};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::timeout::TimeoutLayer;
use tower::{Layer, Service};

use crate::metrics::Metrics;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the head of a response may take to come; the API server gives itself a minute (its `--request-timeout`). A request
/// whose connection is closed just as it goes in may never be answered (hyper's issue 4122): a watch that waited for it would
/// never see anything again.
const RESPONSE: Duration = Duration::from_secs(70);

/// A client that counts its requests in `metrics`, and waits for none without end.
///
/// # Errors
///
/// A configuration with credentials or certificates that cannot be used.
pub fn client(mut config: Config, metrics: Arc<Metrics>) -> Result<Client, kube::Error> {
    config.connect_timeout = Some(CONNECT);
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&TimeoutLayer::new(RESPONSE))
        .with_layer(&Count(metrics))
        .build())
}

/// Counts requests by verb and resource.
#[derive(Clone)]
struct Count(Arc<Metrics>);

impl<S> Layer<S> for Count {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting {
            inner,
            metrics: self.0.clone(),
        }
    }
}

/// A service whose requests are counted.
#[derive(Clone)]
struct Counting<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Counting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        let uri = request.uri();
        let (resource, named) = resource(uri.path());
        self.metrics.requested(
            verb(request.method(), uri.query().unwrap_or_default(), named),
            &resource,
        );
        self.inner.call(request)
    }
}

/// The verb as RBAC calls it.
fn verb(method: &Method, query: &str, named: bool) -> &'static str {
    match *method {
        Method::GET if query.split('&').any(|pair| pair == "watch=true") => "watch",
        Method::GET if named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}

/// The resource in a path of the API, with its subresource, and whether one object of it is named.
fn resource(path: &str) -> (String, bool) {
    let segments: Vec<_> = path.trim_matches('/').split('/').collect();
    let (["api", _, rest @ ..] | ["apis", _, _, rest @ ..]) = segments.as_slice() else {
        return ("none".to_owned(), true);
    };
    match rest {
        ["namespaces", _, resource, rest @ ..] | [resource, rest @ ..] => match rest {
            [_, subresource, ..] => (format!("{resource}/{subresource}"), true),
            rest => ((*resource).to_owned(), !rest.is_empty()),
        },
        [] => ("none".to_owned(), true),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_request_without_an_answer_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let config = Config::new(address.parse().unwrap());
        let client = client(config, Arc::new(Metrics::new())).unwrap();
        let asked = tokio::spawn(async move { client.apiserver_version().await });
        let (mut connection, _) = listener.accept().await.unwrap();
        assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
        tokio::time::pause();
        tokio::time::advance(RESPONSE).await;
        let answer = tokio::time::timeout(RESPONSE, asked).await;
        let error = answer.expect("it ends").unwrap().unwrap_err();
        assert!(
            matches!(&error, kube::Error::Service(why) if why.to_string().contains("timed out")),
            "{error:?}"
        );
    }

    #[test]
    fn paths_name_resources() {
        for (path, expected, named) in [
            ("/api/v1/namespaces/a/pods", "pods", false),
            ("/api/v1/pods", "pods", false),
            ("/apis/batch/v1/namespaces/a/jobs/b", "jobs", true),
            (
                "/apis/scoring.fleetscore.io/v1alpha1/namespaces/a/scoringruns/b/status",
                "scoringruns/status",
                true,
            ),
            ("/version", "none", true),
        ] {
            assert_eq!(resource(path), (expected.to_owned(), named), "{path}");
        }
        assert_eq!(verb(&Method::GET, "limit=5&watch=true", false), "watch");
        assert_eq!(verb(&Method::GET, "limit=5", false), "list");
        assert_eq!(verb(&Method::GET, "", true), "get");
    }
}
