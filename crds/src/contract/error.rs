use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a document of a stream cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// It is of a later release.
    #[error(
        "{name} is of version {version}, and this release reads version {known}: install the release that wrote it, or a later one"
    )]
    UnknownVersion {
        /// The document.
        name: &'static str,
        /// Its version.
        version: u64,
        /// The version that is known here.
        known: u64,
    },
    /// It is not such a document.
    #[error("{name} is not what a stream writes ({cause}): check that nothing else writes there")]
    Malformed {
        /// The document.
        name: &'static str,
        /// What is wrong, and where.
        cause: String,
    },
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// Reads a document of `known` version, strictly: an unknown field is an error.
pub(super) fn parse<T: DeserializeOwned>(
    name: &'static str,
    known: u64,
    bytes: &[u8],
) -> Result<T, DocumentError> {
    let malformed = |error: serde_json::Error| DocumentError::Malformed {
        name,
        cause: error.to_string(),
    };
    let Versioned { version } = serde_json::from_slice(bytes).map_err(malformed)?;
    if version != known {
        return Err(DocumentError::UnknownVersion {
            name,
            version,
            known,
        });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

/// The document as it is stored.
pub(super) fn bytes(document: &impl serde::Serialize) -> Vec<u8> {
    // Documents are structures, lists and texts, of which JSON can be made.
    let mut bytes = serde_json::to_vec_pretty(document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
