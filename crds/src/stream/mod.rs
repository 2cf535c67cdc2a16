//! `ReadingStream`: from the events of a hub to complete windows of readings in storage.
#![allow(
    clippy::duplicated_attributes,
    reason = "printer columns share their types"
)]

mod event;
mod output;
mod source;
mod status;
mod window;

pub use event::{EventColumns, EventFormat, EventSpec, Field, FieldType, Unpivot};
pub use output::{DeadLetter, StreamLimits, StreamOutput};
pub use source::{
    EventHubAuth, EventHubSource, KafkaSource, Sasl, SaslMechanism, SourceSpec, StartAt,
};
pub use status::{
    PartitionCounts, PublishedSegment, ReadingCounts, ReadingStreamStatus, StreamLag,
};
pub use window::{Aggregate, AggregateFunction, Duplicates, Lateness, StreamWindow};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{PodTemplate, StorageSpec};

/// Reads the events of a hub, filters and aggregates them, and stores complete windows of readings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "kube", derive(kube::CustomResource))]
#[cfg_attr(
    feature = "kube",
    kube(
        group = "scoring.fleetscore.io",
        version = "v1alpha1",
        kind = "ReadingStream",
        shortname = "rstream",
        namespaced,
        status = "crate::ReadingStreamStatus",
        scale(
            spec_replicas_path = ".spec.replicas",
            status_replicas_path = ".status.replicas",
            label_selector_path = ".status.selector"
        ),
        printcolumn(
            json_path = ".status.conditions[?(@.type==\"Ready\")].status",
            name = "Ready",
            type_ = "string"
        ),
        printcolumn(
            json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
            name = "Reason",
            type_ = "string"
        ),
        printcolumn(
            json_path = ".status.completeThrough",
            name = "Complete through",
            type_ = "string"
        ),
        printcolumn(json_path = ".status.lag.seconds", name = "Lag", type_ = "integer"),
        printcolumn(
            json_path = ".status.partitions.total",
            name = "Partitions",
            type_ = "integer",
            priority = 1
        ),
        printcolumn(
            json_path = ".status.partitions.owned",
            name = "Owned",
            type_ = "integer",
            priority = 1
        ),
        printcolumn(
            json_path = ".status.replicas",
            name = "Pods",
            type_ = "integer",
            priority = 1
        ),
        printcolumn(
            json_path = ".metadata.creationTimestamp",
            name = "Age",
            type_ = "date"
        )
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::stream()))]
pub struct ReadingStreamSpec {
    /// Where the events come from.
    pub source: SourceSpec,
    /// What an event holds, and which parts of it make a reading.
    pub event: EventSpec,
    /// Which readings are kept: a condition in CEL over the fields. A reading for which it is false or unknown (it asks for a value that is
    /// missing) is left out. Without it: all are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub filter: Option<String>,
    /// The intervals over which readings are aggregated. Without it readings stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<StreamWindow>,
    /// The columns of an aggregated reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 256), extend("x-kubernetes-validations" = crate::rules::aggregates()))]
    pub aggregates: Vec<Aggregate>,
    /// How long is waited for events that come late.
    #[serde(default)]
    pub lateness: Lateness,
    /// What happens to readings that came before.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// Where refused readings are kept. Without it they are only counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<DeadLetter>,
    /// Where the readings go.
    pub output: StreamOutput,
    /// When the stream stops rather than go on with something wrong.
    #[serde(default)]
    pub limits: StreamLimits,
    /// Progress is saved every so many seconds.
    #[serde(default = "checkpoint")]
    #[schemars(range(min = 1, max = 3600))]
    pub checkpoint_seconds: u32,
    /// Pods that share the hub's partitions. A manifest leaves it out where an autoscaler sets it.
    // The API server puts the default in: the subresource scale needs a number there.
    #[serde(default = "one")]
    #[schemars(range(max = 1024))]
    pub replicas: u32,
    /// Stops the stream's pods until it is false again.
    #[serde(default)]
    pub suspend: bool,
    /// How storage is reached.
    #[serde(default)]
    pub storage: StorageSpec,
    /// Merged over the defaults of the stream's pods.
    #[serde(default)]
    pub pod_template: PodTemplate,
}

fn checkpoint() -> u32 {
    30
}

fn one() -> u32 {
    1
}
