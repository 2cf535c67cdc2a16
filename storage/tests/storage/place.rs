use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use fleetscore_crds::{AzureAuth, AzureStorage, StorageSpec};
use fleetscore_storage::{Environment, ObjectUrl, Storage, StorageError, StorageOptions};
use futures::TryStreamExt;
use tempfile::TempDir;

/// The container that the tests use, each in a folder of its own.
pub const CONTAINER: &str = "storage-tests";

/// A folder in some store, empty at first.
pub struct Place {
    pub storage: Storage,
    pub root: ObjectUrl,
    // Removed at the end of the test.
    _folder: Option<Arc<TempDir>>,
}

impl Place {
    #[allow(clippy::unnecessary_wraps)]
    pub fn memory(test: &str) -> Option<Self> {
        let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
        Some(Self {
            storage,
            root: url(&format!("memory:///{test}/")),
            _folder: None,
        })
    }

    #[allow(clippy::unnecessary_wraps)]
    pub fn files(_: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
        // A base folder that does not exist yet.
        let root = url(&format!("file://{}/base/", folder.path().display()));
        Some(Self {
            storage,
            root,
            _folder: Some(Arc::new(folder)),
        })
    }

    pub fn azurite(test: &str) -> Option<Self> {
        let endpoint = azurite()?;
        let storage = Storage::new(
            &spec(&endpoint, AzureAuth::Emulator),
            StorageOptions::default(),
        )
        .unwrap();
        Some(Self {
            storage,
            root: root(test),
            _folder: None,
        })
    }

    pub fn of(storage: Storage, root: ObjectUrl) -> Self {
        Self {
            storage,
            root,
            _folder: None,
        }
    }

    pub fn url(&self, name: &str) -> ObjectUrl {
        self.root.join(name).unwrap()
    }

    pub async fn put(&self, name: &str, content: impl Into<Bytes>) {
        self.storage
            .put(&self.url(name), content.into())
            .await
            .unwrap();
    }

    pub async fn get(&self, name: &str) -> Result<Bytes, StorageError> {
        self.storage.get(&self.url(name), u64::MAX).await
    }

    /// The names in the folder, in the order of the listing.
    pub async fn names(&self) -> Vec<String> {
        let listed: Vec<_> = self.storage.list(&self.root).try_collect().await.unwrap();
        listed
            .iter()
            .map(|info| info.url.relative_to(&self.root).unwrap().to_owned())
            .collect()
    }
}

pub fn url(text: &str) -> ObjectUrl {
    ObjectUrl::parse(text).unwrap()
}

/// A test's own folder in the container.
pub fn root(test: &str) -> ObjectUrl {
    url(&format!("az://{CONTAINER}/{test}-{}/", std::process::id()))
}

/// Azurite's endpoint, with the container in it.
pub fn azurite() -> Option<String> {
    static READY: OnceLock<Option<String>> = OnceLock::new();
    let ready = READY.get_or_init(|| {
        let endpoint = std::env::var("FLEETSCORE_AZURITE_ENDPOINT").ok()?;
        azurite_script(&["container", CONTAINER]);
        Some(endpoint)
    });
    if ready.is_none() {
        println!("skipped: FLEETSCORE_AZURITE_ENDPOINT absent");
    }
    ready.clone()
}

/// What `scripts/azurite.sh` prints.
pub fn azurite_script(arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/azurite.sh");
    let output = Command::new(script).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn spec(endpoint: &str, auth: AzureAuth) -> StorageSpec {
    let account = "devstoreaccount1".to_owned();
    StorageSpec {
        azure: Some(AzureStorage {
            account,
            endpoint: Some(endpoint.to_owned()),
            auth,
            secret_ref: None,
        }),
        ..StorageSpec::default()
    }
}

/// Azurite with a secret from the environment.
pub fn with_secret<const N: usize>(endpoint: &str, variables: [(&str, &str); N]) -> Storage {
    let environment = Environment::from(variables);
    Storage::with_environment(
        &spec(endpoint, AzureAuth::Secret),
        impatient(),
        &environment,
    )
    .unwrap()
}

/// Gives up after four tries and a second.
pub fn impatient() -> StorageOptions {
    StorageOptions {
        max_retries: 3,
        retry_timeout: Duration::from_secs(1),
        first_backoff: Duration::from_millis(10),
        max_backoff: Duration::from_millis(50),
        ..StorageOptions::default()
    }
}

/// Bytes that differ from place to place.
pub fn content(size: usize) -> Bytes {
    let word = |index: usize| {
        (index as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .to_le_bytes()
    };
    (0..size.div_ceil(8)).flat_map(word).take(size).collect()
}
