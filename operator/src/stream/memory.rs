use jiff::{SignedDuration, Timestamp};

use super::picture::Picture;
use super::pod_view::StreamPodView;
use super::sighting::Sighting;
use crate::by_uid::ByUid;
use crate::controller::{AFTER_REFUSAL, Refusal, after};

/// How often a stream's pods are asked.
const POLL: SignedDuration = SignedDuration::from_secs(15);
/// How often children are written without a reason that was seen: someone may have changed them.
const REWRITE: SignedDuration = SignedDuration::from_mins(10);

/// What the operator remembers of a stream between two looks at it. All of it may be forgotten: it saves calls, and bridges the moments
/// in which a pod does not answer.
#[derive(Clone, Debug, Default)]
pub struct StreamMemory {
    /// What the pods said last.
    pub picture: Picture,
    /// When the status was written last.
    pub written: Option<Timestamp>,
    /// The reason of the last event about how the stream is.
    pub told: Option<String>,
    asked: Option<(Timestamp, Vec<String>)>,
    children: Option<Written>,
}

/// The children as they were written last.
#[derive(Clone, Debug)]
struct Written {
    /// What tells them from others.
    digest: String,
    /// What came of it: the Deployment's generation.
    result: Result<i64, Refusal>,
    /// When.
    at: Timestamp,
}

impl StreamMemory {
    /// Whether the children are to be written: others than before, or what the cache holds is not what was written.
    pub fn must_write(&self, digest: &str, seen: &Sighting, now: Timestamp) -> bool {
        let Some(last) = &self.children else {
            return true;
        };
        let past = now.duration_since(last.at);
        let differs = match (&last.result, &seen.deployment) {
            (Ok(generation), Some(view)) => view.generation > *generation,
            // Refused; or gone, unless the cache is only behind.
            _ => true,
        };
        // Whoever else writes them, too, is not raced with.
        let differs = differs && past >= AFTER_REFUSAL;
        differs || last.digest != digest || past >= REWRITE
    }

    /// Remembers what came of writing the children.
    pub fn wrote(&mut self, digest: String, result: Result<i64, Refusal>, at: Timestamp) {
        self.children = Some(Written { digest, result, at });
    }

    /// What the API server has refused.
    pub fn refusal(&self) -> Option<Refusal> {
        self.children.as_ref()?.result.clone().err()
    }

    /// The generation of the Deployment that was written last.
    pub fn generation(&self) -> i64 {
        let last = self.children.as_ref();
        last.and_then(|last| last.result.clone().ok()).unwrap_or(0)
    }

    /// Whether it is time to ask the pods: now and then, and whenever others are ready.
    pub fn must_ask(&self, pods: &[StreamPodView], now: Timestamp) -> bool {
        self.asked
            .as_ref()
            .is_none_or(|(at, names)| now.duration_since(*at) >= POLL || *names != ready(pods))
    }

    /// Remembers what the pods have said.
    pub fn asked(&mut self, pods: &[StreamPodView], mut picture: Picture, now: Timestamp) {
        picture.follow(&self.picture, now);
        self.picture = picture;
        self.asked = Some((now, ready(pods)));
    }

    /// When to look again: the pods are asked then.
    pub fn again(&self) -> Option<Timestamp> {
        after(self.asked.as_ref().map(|(at, _)| *at), POLL)
    }
}

fn ready(pods: &[StreamPodView]) -> Vec<String> {
    let ready = pods.iter().filter(|pod| pod.ready);
    ready.map(|pod| pod.name.clone()).collect()
}

/// The memories of all streams, by UID.
#[derive(Debug, Default)]
pub struct StreamMemories(ByUid<StreamMemory>);

impl StreamMemories {
    /// The memory of a stream.
    pub fn get(&self, uid: &str) -> StreamMemory {
        self.0.with(|all| all.get(uid).cloned().unwrap_or_default())
    }

    /// Keeps the memory of a stream.
    pub fn put(&self, uid: &str, memory: StreamMemory) {
        self.0.with(|all| all.insert(uid.to_owned(), memory));
    }

    /// Forgets a stream.
    pub fn forget(&self, uid: &str) {
        self.0.forget(uid);
    }

    /// Forgets the streams that are none of these.
    pub fn retain(&self, known: impl Fn(&str) -> bool) {
        self.0.retain(known);
    }
}
