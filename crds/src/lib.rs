//! The API `scoring.fleetscore.io/v1alpha1`: `ScoringRun`, `ScoringSchedule` and `ReadingStream`.
//!
//! These types are the one definition of the manifest: the command line parses it with them, a pod is handed its run as
//! their JSON, and (with the feature `kube`) the custom resource definitions are generated from them. Parsing is strict:
//! an unknown field is an error. Who reads what another version may have stored takes such fields out first ([`take_unknown`]).

mod condition;
pub mod contract;
pub mod cost;
#[cfg(feature = "kube")]
mod definition;
mod digest;
mod failure;
mod fill;
mod input;
mod key;
mod lenient;
mod manifest;
mod model;
mod output;
mod pod;
mod quantity;
mod reason;
#[cfg(feature = "kube")]
mod reference;
mod rules;
mod run;
mod schedule;
mod sensors;
mod sharding;
mod status;
mod storage;
mod stream;
mod totals;
mod validation;
mod visible;
mod window;
mod worker;

pub use condition::{Condition, ConditionStatus};
pub use digest::digest;
pub use failure::{FailurePolicy, Limit};
pub use fill::{RunNames, fill};
pub use input::{
    Columns, InputSpec, OnInvalidReading, OnNoReadings, OnTimeout, ReadingFormat, WaitFor,
};
pub use key::SensorKey;
pub use lenient::{UnknownField, misfits, take_unknown};
pub use manifest::{Kind, Manifest, ManifestError, ManifestMetadata, Spec};
pub use model::{ModelBundle, ModelFormat, ModelOutput, ModelSpec, Residual};
pub use output::{LogsSpec, OutputSpec, PredictionFormat};
pub use pod::PodTemplate;
pub use quantity::thousandths;
pub use reason::{Failure, FailureReason, OTHER_REASON, SENSOR_REASONS, known_reason};
pub use run::ScoringRunSpec;
pub use schedule::{
    BACKFILL_TICKS, BACKFILL_YEARS, Backfill, ConcurrencyPolicy, History, MissedRuns,
    MissedRunsPolicy, RunTemplate, RunTemplateMetadata, ScheduleWindow, ScheduleWindowKind,
    ScoringScheduleSpec,
};
pub use sensors::{FailedIn, FromModels, SensorsSpec};
pub use sharding::Sharding;
pub use status::{
    BackfillStatus, FailureGroup, HandledTrigger, JobState, MissedTick, Phase, PodCounts,
    ScorerVersion, ScoringRunStatus, ScoringScheduleStatus, SensorCounts, SettledTicks, Step,
    StepJob, TickRange, Usage,
};
pub use storage::{AzureAuth, AzureStorage, CsiVolume, NfsVolume, SecretRef, StorageSpec, Volume};
pub use stream::{
    Aggregate, AggregateFunction, DeadLetter, Duplicates, EventColumns, EventFormat, EventHubAuth,
    EventHubSource, EventSpec, Field, FieldType, KafkaSource, Lateness, PartitionCounts,
    PublishedSegment, ReadingCounts, ReadingStreamSpec, ReadingStreamStatus, Sasl, SaslMechanism,
    SourceSpec, StartAt, StreamLag, StreamLimits, StreamOutput, StreamWindow, Unpivot,
};
pub use totals::{Left, Totals};
pub use validation::{
    Violation, schema_digest, validate, validate_object, validate_schedule, validate_stream,
    without_nulls,
};
pub use visible::{VisibleLines, visible, visible_lines};
pub use window::Window;
pub use worker::{MiniBatch, WorkerSpec, WorkerUse};

#[cfg(feature = "kube")]
pub use definition::{bare_schema, definition};
#[cfg(feature = "kube")]
pub use reference::reference;
#[cfg(feature = "kube")]
pub use run::ScoringRun;
#[cfg(feature = "kube")]
pub use schedule::ScoringSchedule;
#[cfg(feature = "kube")]
pub use stream::ReadingStream;

/// The API group.
pub const GROUP: &str = "scoring.fleetscore.io";
/// The API version inside [`GROUP`].
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` as a manifest writes it.
pub const API_VERSION: &str = "scoring.fleetscore.io/v1alpha1";
/// The label that names the schedule a run came from; it fills the placeholder `{schedule}`.
pub const SCHEDULE_LABEL: &str = "scoring.fleetscore.io/schedule";
/// The label that tells why a run was created: `tick`, `backfill` or `trigger` by its schedule, or [`RETRY_CAUSE`].
pub const CAUSE_LABEL: &str = "scoring.fleetscore.io/cause";
/// The cause of a run that scores again what failed in an earlier one. It carries the earlier run's schedule label and is gone with that
/// run, which owns it without being its controller: so it is no tick's run, and no schedule waits for it.
pub const RETRY_CAUSE: &str = "retry";
/// The annotation of a schedule's run with the tick (RFC 3339) whose window it scores.
pub const TICK_ANNOTATION: &str = "scoring.fleetscore.io/tick";
/// The annotation of a schedule whose every new value makes one run; the run carries the value, too.
pub const TRIGGER_ANNOTATION: &str = "scoring.fleetscore.io/trigger";
/// The annotation of a custom resource definition with the release that it comes from.
pub const RELEASE_ANNOTATION: &str = "scoring.fleetscore.io/release";
/// The annotation of a custom resource definition with the digest of its schema ([`schema_digest`]).
pub const SCHEMA_ANNOTATION: &str = "scoring.fleetscore.io/schema";
/// The release that these types belong to.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// The largest count: whatever reads JSON keeps whole numbers up to here.
pub const LARGEST_COUNT: u64 = (1 << 53) - 1;
/// The annotation in which `kubectl apply` keeps what was applied.
pub const LAST_APPLIED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
