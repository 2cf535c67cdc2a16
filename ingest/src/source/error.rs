/// Why a hub cannot be read. The variants' names are also reasons of conditions and labels of metrics. No message holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The manifest or the environment does not say how to reach the hub.
    #[error("{reason}")]
    Config {
        /// What is wrong and what to do.
        reason: String,
    },
    /// The hub does not let us in, or not read.
    #[error("{reason}")]
    AccessDenied {
        /// What was refused, where, and what to do.
        reason: String,
    },
    /// There is no such topic or partition.
    #[error("{reason}")]
    SourceNotFound {
        /// What is missing, where, and what to do.
        reason: String,
    },
    /// The hub does not answer, or answers that it cannot now.
    #[error("{reason}")]
    SourceUnavailable {
        /// What happened, where, and what to do.
        reason: String,
    },
    /// The hub deleted records before they were read.
    #[error(
        "partition {partition} of {hub}: the records from offset {next} to {earliest} were deleted before they were read; they are lost. \
         Let the hub keep its events longer"
    )]
    OffsetGone {
        /// The topic and its brokers.
        hub: String,
        /// The partition.
        partition: i32,
        /// The offset to be read next.
        next: i64,
        /// The first offset that is left.
        earliest: i64,
    },
    /// The topic is not the one that was read before.
    #[error(
        "partition {partition} of {hub}: {reason}. The topic was made anew, or the address leads to another hub: let another stream read it, \
         with another output location"
    )]
    SourceRecreated {
        /// The topic and its brokers.
        hub: String,
        /// The partition.
        partition: i32,
        /// What shows it.
        reason: String,
    },
}

impl SourceError {
    /// Its name, as it stands in conditions and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Config { .. } => "Config",
            Self::AccessDenied { .. } => "AccessDenied",
            Self::SourceNotFound { .. } => "SourceNotFound",
            Self::SourceUnavailable { .. } => "SourceUnavailable",
            Self::OffsetGone { .. } => "OffsetGone",
            Self::SourceRecreated { .. } => "SourceRecreated",
        }
    }

    /// Whether it may pass by itself, or by what somebody does at the hub: roles are granted, topics are made.
    pub fn can_retry(&self) -> bool {
        matches!(
            self,
            Self::AccessDenied { .. }
                | Self::SourceNotFound { .. }
                | Self::SourceUnavailable { .. }
        )
    }

    /// The partition that it is of, where it is of one.
    pub fn partition(&self) -> Option<i32> {
        match self {
            Self::OffsetGone { partition, .. } | Self::SourceRecreated { partition, .. } => {
                Some(*partition)
            }
            _ => None,
        }
    }
}
