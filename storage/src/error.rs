use fleetscore_crds::{Failure, FailureReason};
use std::error::Error;
use std::io;

use object_store::client::HttpError;
use thiserror::Error;

use super::azure::Account;
use super::secret::redact_signatures;
use super::{ObjectUrl, StoreKind};

/// Why storage did not do what it was asked to. No variant holds a secret, in any of its texts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StorageError {
    /// There is no such object or container.
    #[error("{url} does not exist ({cause}): {remedy}")]
    NotFound {
        #[allow(missing_docs)]
        url: String,
        #[allow(missing_docs)]
        cause: String,
        #[allow(missing_docs)]
        remedy: String,
    },
    /// The credentials are wrong, have expired or do not permit it.
    #[error("access to {url} is denied ({cause}): {remedy}")]
    AccessDenied {
        #[allow(missing_docs)]
        url: String,
        #[allow(missing_docs)]
        cause: String,
        #[allow(missing_docs)]
        remedy: String,
    },
    /// Storage cannot be reached or is overloaded, also after retries.
    #[error("{url} cannot be reached ({cause}): {remedy}")]
    Unavailable {
        #[allow(missing_docs)]
        url: String,
        #[allow(missing_docs)]
        cause: String,
        #[allow(missing_docs)]
        remedy: String,
    },
    /// There is no room left, or the quota is used up.
    #[error(
        "{url} cannot be written ({cause}): free space on the volume, or raise its size or quota"
    )]
    Full {
        #[allow(missing_docs)]
        url: String,
        #[allow(missing_docs)]
        cause: String,
    },
    /// The object is larger than what is read at once.
    #[error(
        "{url} has {size} bytes, more than the {limit} that are read at most: check that it is the right object"
    )]
    TooLarge {
        #[allow(missing_docs)]
        url: String,
        #[allow(missing_docs)]
        size: u64,
        #[allow(missing_docs)]
        limit: u64,
    },
    /// The text is not a location.
    #[error("{url} is not a location: {reason}")]
    InvalidUrl {
        #[allow(missing_docs)]
        url: String,
        #[allow(missing_docs)]
        reason: String,
    },
    /// The spec of the storage or the environment is wrong.
    #[error("storage is not configured: {reason}")]
    Config {
        #[allow(missing_docs)]
        reason: String,
    },
    /// Anything else.
    #[error("{url}: {cause}")]
    Other {
        #[allow(missing_docs)]
        url: String,
        #[allow(missing_docs)]
        cause: String,
    },
}

impl StorageError {
    /// Whether the same may succeed later with nothing changed in the run's spec: storage is away or full.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Full { .. })
    }

    /// Whether nothing can succeed until the run's spec, its credentials or the storage account are changed.
    pub fn is_permanent(&self) -> bool {
        use StorageError::{AccessDenied, Config, InvalidUrl, NotFound, TooLarge};
        matches!(
            self,
            AccessDenied { .. }
                | Config { .. }
                | InvalidUrl { .. }
                | NotFound { .. }
                | TooLarge { .. }
        )
    }

    /// Whether the object or its container does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the credentials are refused.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::AccessDenied { .. })
    }

    /// Whether the object is larger than what is read at once.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }

    /// A sensor's failure from this error; `missing` is the reason where the object itself is the trouble.
    pub fn failure(&self, missing: FailureReason) -> Failure {
        let reason = if self.is_denied() {
            FailureReason::AccessDenied
        } else if self.is_temporary() {
            FailureReason::StorageUnavailable
        } else {
            missing
        };
        Failure {
            reason,
            message: self.to_string(),
        }
    }

    /// The kind of error; stable, for termination messages and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "NotFound",
            Self::AccessDenied { .. } => "AccessDenied",
            Self::Unavailable { .. } => "StorageUnavailable",
            Self::Full { .. } => "StorageFull",
            Self::TooLarge { .. } => "TooLarge",
            Self::InvalidUrl { .. } => "InvalidUrl",
            Self::Config { .. } => "InvalidStorage",
            Self::Other { .. } => "StorageError",
        }
    }

    /// Classifies a store's error. `account` is the one behind an `az://` location.
    pub(super) fn of_store(
        url: &ObjectUrl,
        error: &object_store::Error,
        account: Option<&Account>,
    ) -> Self {
        let kind = match error {
            object_store::Error::NotFound { .. } => Kind::NotFound,
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. } => Kind::AccessDenied,
            object_store::Error::InvalidPath { .. } => Kind::Other,
            // Another process has written the object meanwhile, which drops the parts of this one.
            other if other.to_string().contains("InvalidBlockList") => Kind::Unavailable,
            other => kind_of_chain(other),
        };
        kind.error(url, cause(error, account), account)
    }

    /// Classifies an error of the file system.
    pub(super) fn of_io(url: &ObjectUrl, error: &io::Error) -> Self {
        kind_of_io(error).error(url, error.to_string(), None)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NotFound,
    AccessDenied,
    Unavailable,
    Full,
    InvalidUrl,
    Config,
    Other,
}

impl Kind {
    fn error(self, url: &ObjectUrl, cause: String, account: Option<&Account>) -> StorageError {
        let text = url.to_string();
        match self {
            Self::NotFound => StorageError::NotFound {
                remedy: not_found_remedy(url, &cause),
                url: text,
                cause,
            },
            Self::AccessDenied => {
                let files = || {
                    "check the owner and mode of the file and its folders, and that the volume is not read-only".to_owned()
                };
                let remedy = account.map_or_else(files, |account| account.credentials().remedy());
                StorageError::AccessDenied {
                    url: text,
                    cause,
                    remedy,
                }
            }
            Self::Unavailable => {
                let files = || "check the volume and its server".to_owned();
                let azure = |account: &Account| {
                    format!(
                        "check storage.azure and the network to {}",
                        account.address()
                    )
                };
                StorageError::Unavailable {
                    url: text,
                    cause,
                    remedy: account.map_or_else(files, azure),
                }
            }
            Self::Full => StorageError::Full { url: text, cause },
            Self::InvalidUrl => StorageError::InvalidUrl {
                url: text,
                reason: cause,
            },
            Self::Config => StorageError::Config { reason: cause },
            Self::Other => StorageError::Other {
                url: text,
                cause: with_remedy(cause),
            },
        }
    }
}

/// What a store has answered, and what to do where it is known.
fn with_remedy(cause: String) -> String {
    let remedy = [
        (
            "BlobArchived",
            "move it to the Hot or Cool access tier, and run it again when it is there",
        ),
        (
            "BlobBeingRehydrated",
            "it is on its way out of the Archive tier: run it again when it is there",
        ),
    ];
    match remedy.iter().find(|(code, _)| cause.contains(code)) {
        Some((_, remedy)) => format!("{}: {remedy}", cause.trim_end_matches('.')),
        None => cause,
    }
}

fn not_found_remedy(url: &ObjectUrl, cause: &str) -> String {
    let encoded = url.path().as_ref().as_bytes().windows(3).any(|bytes| {
        matches!(bytes, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    if cause.contains("ContainerNotFound") {
        format!(
            "create the container {}, or correct its name",
            url.container()
        )
    } else if encoded {
        "locations are literal: write a space, not %20".to_owned()
    } else if url.kind() == StoreKind::Azure {
        "check the container and the name, whose case matters".to_owned()
    } else {
        "check the path, and that the volume is mounted".to_owned()
    }
}

/// The first thing in the chain of sources that tells the kind.
fn kind_of_chain(error: &(dyn Error + 'static)) -> Kind {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<HttpError>().is_some() {
            return Kind::Unavailable;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return kind_of_io(error);
        }
        next = error.source();
    }
    kind_of_text(&error.to_string())
}

fn kind_of_io(error: &io::Error) -> Kind {
    use io::ErrorKind as E;
    match error.kind() {
        E::NotFound | E::NotADirectory => Kind::NotFound,
        E::PermissionDenied | E::ReadOnlyFilesystem => Kind::AccessDenied,
        E::StorageFull | E::QuotaExceeded | E::FileTooLarge => Kind::Full,
        E::InvalidFilename => Kind::InvalidUrl,
        E::TimedOut
        | E::StaleNetworkFileHandle
        | E::NetworkDown
        | E::NetworkUnreachable
        | E::HostUnreachable => Kind::Unavailable,
        _ if error
            .raw_os_error()
            .is_some_and(|code| TEMPORARY_CODES.contains(&code)) =>
        {
            Kind::Unavailable
        }
        _ => Kind::Other,
    }
}

/// EIO, ENFILE and EMFILE: a volume's server is away, or too many files are open.
const TEMPORARY_CODES: [i32; 3] = [5, 23, 24];

/// The client does not expose these in its types: the status of a refused listing and of a refused token, and what `az` said.
fn kind_of_text(text: &str) -> Kind {
    if text.contains("federated token file") {
        return Kind::Config;
    }
    if text.contains("az account get-access-token") {
        return Kind::AccessDenied;
    }
    let token = text.contains("Error performing token request");
    match status(text) {
        Some(408 | 429 | 500..=599) => Kind::Unavailable,
        Some(401 | 403) => Kind::AccessDenied,
        Some(400..=499) if token => Kind::AccessDenied,
        Some(404) => Kind::NotFound,
        _ => Kind::Other,
    }
}

/// The HTTP status in the text of a client's error.
fn status(text: &str) -> Option<u16> {
    let rest = text
        .split_once("status code: ")
        .or_else(|| text.split_once("(code: "))?
        .1;
    rest.get(..3)?.parse().ok()
}

/// The error that all others of the chain come from.
pub(super) fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, innermost)
}

/// One line about the error without secrets: the service's code and message, or the innermost source.
fn cause(error: &object_store::Error, account: Option<&Account>) -> String {
    let text = error.to_string();
    let mut out = match (status(&text), tag(&text, "Code"), tag(&text, "Message")) {
        (Some(status), Some(code), Some(message)) => format!("{status} {code}: {message}"),
        (Some(status), ..) => format!("status {status}"),
        _ if is_of_sign_in(&text) => text
            .trim_start_matches("Generic MicrosoftAzure error: ")
            .trim()
            .to_owned(),
        _ => innermost(error).to_string(),
    };
    if let Some(retries) = retries(&text) {
        out = format!("{out}; after {retries} retries");
    }
    if let Some(secret) = account.and_then(|account| account.credentials().secret()) {
        out = secret.redact(&out);
    }
    redact_signatures(&out).chars().take(400).collect()
}

/// Whether only the outermost text tells what is wrong: of `az` or the federated token.
fn is_of_sign_in(text: &str) -> bool {
    text.contains("az account get-access-token") || text.contains("federated token file")
}

/// The first line of the XML element `name`.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.split_once(&format!("<{name}>"))?.1;
    rest.split(['<', '\n']).next().map(str::trim)
}

fn retries(text: &str) -> Option<&str> {
    let rest = text.split_once(", after ")?.1;
    rest.split_once(" retries").map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ObjectUrl {
        ObjectUrl::parse(text).unwrap()
    }

    #[test]
    fn an_archived_blob_is_told_with_the_way_out() {
        let cause = "409 BlobArchived: This operation is not permitted on an archived blob.";
        let error = Kind::Other.error(&url("az://arch/in.csv"), cause.to_owned(), None);
        let expected = "az://arch/in.csv: 409 BlobArchived: This operation is not permitted on an archived blob: \
                        move it to the Hot or Cool access tier, and run it again when it is there";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn the_file_system_s_codes_have_a_kind() {
        for (code, kind) in [
            (2, Kind::NotFound),
            (13, Kind::AccessDenied),
            (30, Kind::AccessDenied),
            (28, Kind::Full),
            (122, Kind::Full),
            (27, Kind::Full),
            (5, Kind::Unavailable),
            (24, Kind::Unavailable),
            (110, Kind::Unavailable),
            (116, Kind::Unavailable),
            (36, Kind::InvalidUrl),
            (22, Kind::Other),
        ] {
            assert_eq!(
                kind_of_io(&io::Error::from_raw_os_error(code)),
                kind,
                "{code}"
            );
        }
    }

    #[test]
    fn only_absence_and_lack_of_space_are_temporary() {
        let temporary = |code| {
            StorageError::of_io(&url("file:///a"), &io::Error::from_raw_os_error(code))
                .is_temporary()
        };
        assert!(temporary(28) && temporary(110));
        assert!(!temporary(2) && !temporary(13) && !temporary(36) && !temporary(22));
    }

    #[test]
    fn a_percent_encoded_location_is_explained() {
        let message =
            |text| StorageError::of_io(&url(text), &io::Error::from_raw_os_error(2)).to_string();
        assert!(message("file:///a%20b").contains("write a space, not %20"));
        assert!(message("file:///a%2").contains("check the path"));
    }

    #[test]
    fn refusals_that_are_only_texts_have_a_kind() {
        for (text, kind) in [
            (
                "Error performing list request: ... - Server returned non-2xx status code: 403 Forbidden: x",
                Kind::AccessDenied,
            ),
            (
                "Error performing list request: ... - Server returned non-2xx status code: 503 Busy: x",
                Kind::Unavailable,
            ),
            (
                "Error performing token request: ... status code: 400 Bad Request: AADSTS700016",
                Kind::AccessDenied,
            ),
            (
                "Error performing GET ... status code: 400 Bad Request",
                Kind::Other,
            ),
            (
                "Bulk delete request failed for key a: Forbidden (code: 403)",
                Kind::AccessDenied,
            ),
            (
                "'az account get-access-token' command failed: Please run 'az login'",
                Kind::AccessDenied,
            ),
            ("Error reading federated token file ", Kind::Config),
        ] {
            assert_eq!(kind_of_text(text), kind, "{text}");
        }
    }
}
