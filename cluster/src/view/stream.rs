use fleetscore_crds::{
    Condition, PartitionCounts, PublishedSegment, ReadingCounts, ReadingStreamStatus, StreamLag,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use super::advice::{Notice, Subject};
use crate::Stream;
use crate::object::{condition, holds};

/// Where a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum StreamState {
    /// Everything is read.
    Ready,
    /// It is on its way there.
    Reconciling,
    /// Something keeps it from reading, or from reading all.
    NotReady,
    /// It goes no further until somebody does something.
    Stalled,
    /// Stopped by `suspend`, or without replicas.
    Suspended,
    /// Its spec or status cannot be read by this program.
    Unreadable,
    /// The operator has not looked at it yet.
    New,
}

/// A stream in one line.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: StreamState,
    /// All segments that end at this instant or before are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_through: Option<Timestamp>,
    /// How far it is behind the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<StreamLag>,
    /// The hub's partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionCounts>,
    /// Pods that there are.
    pub pods: u32,
    /// Pods that there are to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u32>,
    /// Why it stands where it stands, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl StreamLine {
    /// The line of a stream.
    pub fn of(stream: &Stream) -> Self {
        let blank = ReadingStreamStatus::default();
        let status = stream.status.as_ref().unwrap_or(&blank);
        let (state, told) = state(stream, status);
        Self {
            namespace: stream.namespace().to_owned(),
            name: stream.name().to_owned(),
            state,
            complete_through: status.complete_through,
            lag: status.lag,
            partitions: status.partitions,
            pods: status.replicas,
            wanted: stream.spec.as_ref().ok().map(|spec| spec.replicas),
            reason: told.as_ref().map(|(reason, _)| reason.clone()),
            message: told
                .map(|(_, message)| message)
                .filter(|text| !text.is_empty()),
        }
    }

    /// What a person should know about it.
    pub fn notice(&self) -> Option<Notice> {
        let told = matches!(
            self.state,
            StreamState::NotReady | StreamState::Stalled | StreamState::Unreadable
        );
        told.then(|| Notice {
            kind: Subject::Stream,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            reason: self
                .reason
                .clone()
                .unwrap_or_else(|| format!("{:?}", self.state)),
            message: self.message.clone().unwrap_or_default(),
            command: Some(format!("status stream/{} -n {}", self.name, self.namespace)),
        })
    }
}

fn state(stream: &Stream, status: &ReadingStreamStatus) -> (StreamState, Option<(String, String)>) {
    let unreadable = |error: &String| {
        let told = ("Unreadable".to_owned(), error.clone());
        (StreamState::Unreadable, Some(told))
    };
    if let Err(error) = &stream.status {
        return unreadable(error);
    }
    let spec = match &stream.spec {
        Ok(spec) => spec,
        Err(error) => return unreadable(error),
    };
    let conditions = &status.conditions;
    let Some(ready) = condition(conditions, "Ready") else {
        return (StreamState::New, None);
    };
    let state = if holds(conditions, "Stalled") {
        StreamState::Stalled
    } else if spec.suspend || spec.replicas == 0 {
        StreamState::Suspended
    } else if holds(conditions, "Ready") {
        StreamState::Ready
    } else if holds(conditions, "Reconciling") {
        StreamState::Reconciling
    } else {
        StreamState::NotReady
    };
    (state, Some((ready.reason.clone(), ready.message.clone())))
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamView {
    /// Version of this form: 1.
    pub version: u32,
    /// The stream in one line.
    pub stream: StreamLine,
    /// Where the readings go, as the manifest says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What became of the readings since the stream's first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readings: Option<ReadingCounts>,
    /// The latest segment that is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_segment: Option<PublishedSegment>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What a person should look at.
    pub notices: Vec<Notice>,
}

/// The view of one stream.
pub fn stream(stream: &Stream) -> StreamView {
    let line = StreamLine::of(stream);
    let status = stream.status.clone().unwrap_or_default();
    StreamView {
        version: VERSION,
        output: stream
            .spec
            .as_ref()
            .ok()
            .map(|spec| spec.output.location.clone()),
        readings: status.counts,
        last_segment: status.last_segment,
        conditions: status.conditions,
        notices: line.notice().map(Notice::on_own_page).into_iter().collect(),
        stream: line,
    }
}
