//! What few runs at one place come to, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};

use super::{Owner, Place, PlaceError, Times};
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};

fn place(store: Arc<dyn ObjectStore>, uid: &str) -> Place {
    let mut owner = Owner::unknown();
    uid.clone_into(&mut owner.run.uid);
    let output = ObjectUrl::parse("memory:///out/").unwrap();
    let storage = Storage::over(store, StorageOptions::default());
    Place::new(&storage, &output, owner, Times::default())
}

/// Its claim gets a number that was taken and freed meanwhile: a later claim has it beaten already.
#[tokio::test(start_paused = true)]
async fn a_claim_that_comes_late_is_no_claim() {
    let shared: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let late = ThrottleConfig {
        wait_put_per_call: Duration::from_secs(5),
        ..ThrottleConfig::default()
    };
    let slow = place(
        Arc::new(ThrottledStore::new(Arc::clone(&shared), late)),
        "slow",
    );
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let first = place(Arc::clone(&shared), "first");
        first.claim().await.unwrap();
        first.release().await.unwrap();
        let second = place(Arc::clone(&shared), "second");
        second.claim().await.unwrap();
        second
    };
    let (claimed, second) = tokio::join!(slow.claim(), others);
    let url = ObjectUrl::parse("memory:///out/_SUCCESS").unwrap();
    let written = match claimed {
        Ok(_) => slow.put(&url, Bytes::new()).await,
        Err(error) => Err(error),
    };
    assert!(
        matches!(written, Err(PlaceError::Lost { .. })),
        "{written:?}"
    );
    second.put(&url, Bytes::new()).await.unwrap();
}
