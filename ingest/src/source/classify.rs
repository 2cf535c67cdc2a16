use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::SourceError;
use super::settings::Settings;

/// Kinds of what goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// We may not.
    Denied,
    /// It is not there.
    NotFound,
    /// It does not work now.
    Unavailable,
    /// What is to be read next is not there.
    Offset,
}

/// The kind of an error; none where the client mends it by itself, as when one of several brokers is away.
pub(super) fn kind(code: Code) -> Option<Kind> {
    match code {
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed => Some(Kind::Denied),
        Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::InvalidTopic => Some(Kind::NotFound),
        Code::AutoOffsetReset | Code::OffsetOutOfRange => Some(Kind::Offset),
        // Of one connection; that of groups is for metrics alone.
        Code::BrokerTransportFailure
        | Code::Resolve
        | Code::SSL
        | Code::GroupAuthorizationFailed
        | Code::PollExceeded => None,
        _ => Some(Kind::Unavailable),
    }
}

/// An error for the reader: of `kind`, and what the client says.
pub(super) fn error(settings: &Settings, kind: Kind, what: &str) -> SourceError {
    let Settings { name, remedy, .. } = settings;
    match kind {
        Kind::Denied => SourceError::AccessDenied {
            reason: format!("{name} refuses access: {what}; {remedy}"),
        },
        Kind::NotFound => SourceError::SourceNotFound {
            reason: format!(
                "{name} is not there: {what}; create it, or correct the name in spec.source"
            ),
        },
        Kind::Unavailable | Kind::Offset => SourceError::SourceUnavailable {
            reason: format!(
                "{name} cannot be reached: {what}; check its address, the network and whether it is up. Reading goes on when it is back"
            ),
        },
    }
}

/// What went wrong, without the settings' values: they may be secrets.
pub(super) fn config_error(settings: &Settings, error: &KafkaError) -> SourceError {
    let what = match error {
        KafkaError::ClientConfig(_, what, setting, _) => format!("{setting}: {what}"),
        other => other.to_string(),
    };
    SourceError::Config {
        reason: format!("no client for {}: {what}", settings.name),
    }
}
