use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SecretRef;

/// Where the events come from: exactly one of `eventHub` and `kafka`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::source()))]
pub struct SourceSpec {
    /// An event hub of Azure Event Hubs (tier Standard and up), read through its Kafka endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_hub: Option<EventHubSource>,
    /// A topic of Apache Kafka 2.1 and newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<KafkaSource>,
    /// Which windows are written: `Latest` (those that begin after the stream's first start), `Earliest` (all that the hub still has), or
    /// a time (RFC 3339): those that begin then or later.
    #[serde(default)]
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = crate::rules::start_at()))]
    pub start_at: StartAt,
}

/// An event hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::event_hub()))]
pub struct EventHubSource {
    /// The Event Hubs namespace: the first part of `plant.servicebus.windows.net`.
    #[schemars(length(min = 1, max = 50), regex(pattern = "^[A-Za-z][A-Za-z0-9-]*$"))]
    pub namespace: String,
    /// The event hub.
    #[schemars(
        length(min = 1, max = 256),
        regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    )]
    pub name: String,
    /// The endpoint (`HOST:9093`), where it is not that of the public cloud: sovereign clouds, private links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 3, max = 256),
        regex(pattern = "^[^,/[:space:]]+:[0-9]{1,5}$")
    )]
    pub endpoint: Option<String>,
    /// How to sign in.
    #[serde(default)]
    pub auth: EventHubAuth,
    /// The secret with the key `connectionString`; with `auth: Secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
}

/// How to sign in to Event Hubs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EventHubAuth {
    /// A federated token of the pod's service account. On a laptop: the Azure CLI's login.
    #[default]
    WorkloadIdentity,
    /// The identity of the machine.
    ManagedIdentity,
    /// A connection string from a secret. On a laptop: from the environment.
    Secret,
}

/// A topic of Kafka.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::kafka()))]
pub struct KafkaSource {
    /// Brokers to ask first, as `HOST:PORT`.
    #[schemars(
        length(min = 1, max = 32),
        inner(
            length(min = 3, max = 256),
            regex(pattern = "^[^,/[:space:]]+:[0-9]{1,5}$")
        )
    )]
    pub bootstrap_servers: Vec<String>,
    /// The topic.
    #[schemars(length(min = 1, max = 249), regex(pattern = "^[A-Za-z0-9._-]+$"))]
    pub topic: String,
    /// Whether the connection is encrypted, and the brokers' certificates are checked.
    #[serde(default)]
    pub tls: bool,
    /// How to sign in. Without it: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl: Option<Sasl>,
}

/// How to sign in to Kafka.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::sasl()))]
pub struct Sasl {
    /// The mechanism.
    pub mechanism: SaslMechanism,
    /// The secret with the keys `username` and `password`; not with `OAuthBearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
    /// The scope that a token is asked for with `OAuthBearer`, from Microsoft Entra ID with the pod's federated token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub scope: Option<String>,
}

/// A mechanism of signing in to Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SaslMechanism {
    /// User and password as they are; only with TLS, or to brokers on this machine.
    Plain,
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-512.
    ScramSha512,
    /// A token of OAuth 2; only with TLS, or to brokers on this machine.
    OAuthBearer,
}

/// The first window that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum StartAt {
    /// That of the stream's first start.
    #[default]
    Latest,
    /// That of the oldest event that the hub has.
    Earliest,
    /// The first that begins then or later.
    Instant(Timestamp),
}

impl From<StartAt> for String {
    fn from(start: StartAt) -> Self {
        match start {
            StartAt::Latest => "Latest".to_owned(),
            StartAt::Earliest => "Earliest".to_owned(),
            StartAt::Instant(time) => time.to_string(),
        }
    }
}

impl TryFrom<String> for StartAt {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "Latest" => Ok(Self::Latest),
            "Earliest" => Ok(Self::Earliest),
            time => time.parse().map(Self::Instant).map_err(|_| {
                format!(
                    "{text:?} is none of Latest, Earliest and a time such as 2026-11-28T09:00:00Z"
                )
            }),
        }
    }
}
