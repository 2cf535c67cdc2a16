use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fleetscore_crds::contract::{ProcessStatus, stream_pod};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use reqwest::redirect::Policy;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::picture::Picture;
use super::pod_view::StreamPodView;

/// How long a pod may take to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// How long all pods of a stream may take. Those that were not asked by then have not answered.
const ALL: Duration = Duration::from_secs(20);
/// Pods of a stream that are asked at the same time.
const FEW: usize = 4;
/// Pods of all streams that are asked at the same time: what their answers may take of memory.
const MANY: usize = 16;
/// Pods of a stream that are asked at all: as many as it may have.
const MOST_PODS: usize = 1024;

/// Asks the pods of streams how they do.
pub struct Poller {
    client: reqwest::Client,
    port: u16,
    turns: Semaphore,
}

impl Poller {
    /// A poller that asks at `port`.
    ///
    /// # Errors
    ///
    /// No client can be made.
    pub fn new(port: u16) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(ANSWER)
            .connect_timeout(ANSWER)
            // A pod's address may be another's soon.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self {
            client,
            port,
            turns: Semaphore::new(MANY),
        })
    }

    /// What the ready ones of the pods of the stream `id` say.
    pub async fn ask(&self, id: &str, pods: &[StreamPodView], now: Timestamp) -> Picture {
        let mut picture = Picture::default();
        let end = Instant::now() + ALL;
        let ready = pods.iter().filter(|pod| pod.ready).take(MOST_PODS);
        let questions: Vec<_> = ready.cloned().map(|pod| self.in_time(pod, end)).collect();
        let mut answers = std::pin::pin!(stream::iter(questions).buffer_unordered(FEW));
        while let Some((pod, answer)) = answers.next().await {
            picture.add(&pod, answer, id, now);
        }
        picture
    }

    async fn in_time(
        &self,
        pod: StreamPodView,
        end: Instant,
    ) -> (String, Result<ProcessStatus, String>) {
        let answer = tokio::time::timeout_at(end, self.answer(&pod)).await;
        let late = |_| Err("there was no time to ask it".to_owned());
        (pod.name, answer.unwrap_or_else(late))
    }

    async fn answer(&self, pod: &StreamPodView) -> Result<ProcessStatus, String> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let ip = pod.ip.as_deref().unwrap_or_default();
        let ip: IpAddr = ip.parse().map_err(|_| format!("{ip:?} is no address"))?;
        let url = format!(
            "http://{}{}",
            SocketAddr::new(ip, self.port),
            stream_pod::STATUS
        );
        let response = self.client.get(url).send().await;
        let mut response = response.map_err(|error| cause(&error.without_url()))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!(
                "{} answers {}",
                stream_pod::STATUS,
                response.status()
            ));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| cause(&error.without_url()))?
        {
            if body.len() + chunk.len() > ProcessStatus::MAX_BYTES {
                return Err(format!(
                    "its answer has more than {} bytes",
                    ProcessStatus::MAX_BYTES
                ));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body)
            .map_err(|error| format!("{} cannot be read: {error}", stream_pod::STATUS))
    }
}

/// What is at the bottom of an error.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", ANSWER.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
