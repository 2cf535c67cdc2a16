use std::error::Error;

/// Why the cluster could not be asked, or what it answered.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no usable login: kubeconfig, context, credentials.
    #[error("no login to a cluster: {0}")]
    Login(String),
    /// The object is not there.
    #[error("{0} not found")]
    NotFound(String),
    /// A name means more than one object.
    #[error("{0}")]
    Ambiguous(String),
    /// The API server does not know the kind of object.
    #[error(
        "the cluster has no {0}: are Fleetscore's custom resource definitions installed there? `kubectl fleetscore doctor` tells"
    )]
    NoSuchKind(String),
    /// The API server refuses.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The API server does not know who asks.
    #[error("the API server does not accept the login: {0}")]
    Unauthorized(String),
    /// The API server cannot be reached.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// No answer came in time.
    #[error("no answer within {0} s (--request-timeout)")]
    TimedOut(u64),
    /// Anything else that the API server answers.
    #[error("the API server answers with code {code}: {message}")]
    Refused {
        /// The code of HTTP.
        code: u16,
        /// In its words.
        message: String,
    },
    /// The answer cannot be read.
    #[error("the API server's answer cannot be read: {0}")]
    Unreadable(String),
}

impl ClusterError {
    /// Whether the object or its kind is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::NoSuchKind(_))
    }

    /// Whether a right is missing.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Forbidden(_))
    }

    /// What became of a request about `what`, such as `scoringruns/pumps`.
    pub(crate) fn of(error: &kube::Error, what: &str, named: bool) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                401 => Self::Unauthorized(status.message.clone()),
                403 => Self::Forbidden(status.message.clone()),
                404 if named && status.reason == "NotFound" => Self::NotFound(what.to_owned()),
                404 => Self::NoSuchKind(what.to_owned()),
                code => Self::Refused {
                    code,
                    message: status.message.clone(),
                },
            },
            kube::Error::SerdeError(error) => Self::Unreadable(error.to_string()),
            kube::Error::Auth(error) => Self::Login(causes(error)),
            error => Self::Unreachable(causes(error)),
        }
    }
}

/// An error with its causes, each of which many errors name themselves.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        next = cause.source();
    }
    told
}

/// The error of a request that cannot be made, or of an answer that cannot be read.
pub(crate) fn unreadable(error: impl std::fmt::Display) -> ClusterError {
    ClusterError::Unreadable(error.to_string())
}
