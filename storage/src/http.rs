use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};

use super::clock::Clock;
use super::error::innermost;

/// Connects as the store does by itself, and knows one more error after which a request may be sent again: a connection that
/// was closed before the request went out. The store takes it for a failure for good. It notes the time of the answers.
#[derive(Debug)]
pub(super) struct Connector {
    inner: ReqwestConnector,
    clock: Arc<Clock>,
}

impl Connector {
    pub(super) fn new(clock: Arc<Clock>) -> Self {
        Self {
            inner: ReqwestConnector::default(),
            clock,
        }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service {
            inner: self.inner.connect(options)?,
            clock: Arc::clone(&self.clock),
        }))
    }
}

#[derive(Debug)]
struct Service {
    inner: HttpClient,
    clock: Arc<Clock>,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.inner.execute(request).await.map_err(|error| {
            // The store's own message, that it tries again, does not say why.
            tracing::warn!("a request to storage failed: {}", innermost(&error));
            classify(error)
        })?;
        let date = response.headers().get("date");
        if let Some(date) = date.and_then(|date| date.to_str().ok()) {
            self.clock.note(date, Timestamp::now());
        }
        Ok(response)
    }
}

/// [`HttpErrorKind::Request`] is that of a request which was not sent.
fn classify(error: HttpError) -> HttpError {
    if error.kind() == HttpErrorKind::Unknown && was_not_sent(&error) {
        return HttpError::new(HttpErrorKind::Request, error);
    }
    error
}

fn was_not_sent(error: &HttpError) -> bool {
    let mut next = error.source();
    while let Some(source) = next {
        if source
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled)
        {
            return true;
        }
        next = source.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper_util::rt::TokioIo;

    /// What a request gets whose connection is closed before it.
    async fn not_sent() -> hyper::Error {
        let (ours, theirs) = tokio::io::duplex(64);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours))
            .await
            .unwrap();
        drop((connection, theirs));
        let request = hyper::Request::new(String::new());
        sender.send_request(request).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_request_that_was_not_sent_may_be_sent_again() {
        let error = HttpError::new(HttpErrorKind::Unknown, not_sent().await);
        assert_eq!(classify(error).kind(), HttpErrorKind::Request);
    }

    #[tokio::test]
    async fn other_errors_stay_what_they_are() {
        let other = || std::io::Error::other("other");
        for kind in [HttpErrorKind::Unknown, HttpErrorKind::Timeout] {
            assert_eq!(classify(HttpError::new(kind, other())).kind(), kind);
        }
        let timeout = HttpError::new(HttpErrorKind::Timeout, not_sent().await);
        assert_eq!(classify(timeout).kind(), HttpErrorKind::Timeout);
    }
}
