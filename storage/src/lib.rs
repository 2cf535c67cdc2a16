//! Objects behind a URL: blobs in Azure, files of a mounted volume, or memory.
//!
//! [`ObjectUrl`] is a parsed location. [`Storage`] is opened once a run and reads, lists and writes objects; a write becomes
//! visible as a whole or not at all ([`Storage::put`], [`Upload`]). Requests are limited in number and tried again with
//! exponential backoff, both as [`StorageOptions`] says. [`StorageError`] tells what can be tried again from what cannot and
//! never holds a secret.

mod azure;
mod clock;
mod credentials;
mod error;
mod foreign;
mod http;
mod local;
mod lock;
mod options;
mod secret;
mod store;
mod swap;
mod transport;
mod upload;
mod url;

pub use error::StorageError;
pub use foreign::translate;
pub use lock::Lock;
pub use options::{Environment, StorageOptions};
pub use store::{ObjectInfo, Storage};
pub use swap::Etag;
pub use upload::Upload;
pub use url::{ObjectUrl, StoreKind};

/// Makes ring the process's provider of cryptography for TLS, unless it has one. To be called once, early in `main`.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only when another thread was faster, with the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
