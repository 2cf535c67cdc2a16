//! The Lease by which one of several replicas works.

use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A lease that is not renewed for so many seconds goes to another replica.
const DURATION: u64 = 30;
/// So many seconds before that it is renewed.
const GRACE: u64 = 20;

/// This replica's claim to the Lease.
pub struct Lease {
    leads: watch::Receiver<bool>,
    task: JoinHandle<Result<LeaseManager, LeaseManagerError>>,
}

impl Lease {
    /// Begins to claim the Lease `name`.
    ///
    /// # Errors
    ///
    /// A Lease that cannot be read or created.
    pub async fn claim(
        client: Client,
        name: &str,
        namespace: &str,
        identity: &str,
    ) -> Result<Self, LeaseManagerError> {
        let manager = LeaseManagerBuilder::new(client, name)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_field_manager(identity)
            .with_duration(DURATION)
            .with_grace(GRACE)
            .build()
            .await?;
        let (leads, task) = manager.watch().await;
        Ok(Self { leads, task })
    }

    /// Resolves once this replica leads, or once the claim has ended, with false.
    pub async fn gained(&mut self) -> bool {
        self.leads.wait_for(|leads| *leads).await.is_ok()
    }

    /// Resolves once this replica leads no more.
    pub async fn lost(&mut self) {
        // An error means that nobody renews the Lease any more.
        let _ = self.leads.wait_for(|leads| !*leads).await;
    }

    /// Gives the Lease to whoever wants it.
    pub async fn release(self) {
        drop(self.leads);
        match self.task.await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!("the lease is not released: {error}"),
            Err(error) => tracing::warn!("the lease is not released: {error}"),
        }
    }
}
