//! The Lease by which one of several replicas works.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as Object;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// A lease that is not renewed for so many seconds goes to another replica.
const DURATION: u64 = 30;
/// So many seconds before that it is renewed.
const GRACE: u64 = 20;
/// How often the leader makes sure that it still is, and how long it waits for the answer.
const CHECK: Duration = Duration::from_secs(5);

/// This replica's claim to the Lease.
pub struct Lease {
    leads: watch::Receiver<bool>,
    task: JoinHandle<Result<LeaseManager, LeaseManagerError>>,
    objects: Api<Object>,
    name: String,
    identity: String,
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
        let manager = LeaseManagerBuilder::new(client.clone(), name)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_field_manager(identity)
            .with_duration(DURATION)
            .with_grace(GRACE)
            .build()
            .await?;
        let (leads, task) = manager.watch().await;
        Ok(Self {
            leads,
            task,
            objects: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity.to_owned(),
        })
    }

    /// Resolves once this replica leads, or once the claim has ended, with false.
    pub async fn gained(&mut self) -> bool {
        self.leads.wait_for(|leads| *leads).await.is_ok()
    }

    /// Resolves once this replica leads no more, or cannot know. Nobody renews the Lease from then on, and nobody releases it: it may be
    /// another's.
    pub async fn lost(&mut self) {
        let mut leads = self.leads.clone();
        tokio::select! {
            // An error means that nobody renews the Lease any more.
            _ = leads.wait_for(|leads| !*leads) => {}
            () = self.doubted() => {}
        }
        // It releases what it believes to hold once nobody listens to it.
        self.task.abort();
    }

    /// Resolves once another has the Lease, or once it could not be read for so long that another may have it. Whoever renews it
    /// only tries again when the API server does not answer.
    async fn doubted(&self) {
        let mut held = Instant::now();
        loop {
            sleep(CHECK).await;
            let asked = Instant::now();
            match timeout(CHECK, self.objects.get(&self.name)).await {
                Ok(Ok(lease)) if self.holds(&lease) => held = asked,
                Ok(Ok(_)) => return,
                _ if held.elapsed() + CHECK >= Duration::from_secs(DURATION) => return,
                _ => {}
            }
        }
    }

    fn holds(&self, lease: &Object) -> bool {
        let holder = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.holder_identity.as_ref());
        holder == Some(&self.identity)
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use jiff::{SignedDuration, Timestamp};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Answer, Server, failure, server};

    fn lease(holder: &str) -> Answer {
        let spec = json!({"holderIdentity": holder});
        (200, json!({"metadata": {"name": "operator"}, "spec": spec}))
    }

    /// A claim that leads, as far as whoever renews it says.
    fn leading(answers: impl IntoIterator<Item = Answer>) -> (Lease, watch::Sender<bool>, Server) {
        let (client, server) = server(answers);
        let (sender, leads) = watch::channel(true);
        let lease = Lease {
            leads,
            task: tokio::spawn(pending()),
            objects: Api::namespaced(client, "fleetscore"),
            name: "operator".to_owned(),
            identity: "one".to_owned(),
        };
        (lease, sender, server)
    }

    /// After how many seconds it is lost.
    async fn lost(lease: &mut Lease) -> u64 {
        let begun = Instant::now();
        lease.lost().await;
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_reads_another_holder_has_lost_it() {
        let (mut claim, _sender, server) = leading([lease("one"), lease("one"), lease("two")]);
        assert_eq!(lost(&mut claim).await, 15);
        let get = "GET /apis/coordination.k8s.io/v1/namespaces/fleetscore/leases/operator";
        assert_eq!(server.lines(), [get; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_cannot_read_it_gives_up_before_another_may_have_it() {
        let busy = || failure(500, "InternalError", "etcd is away");
        let silent = || (0, Value::Null);
        let recovered = [lease("one"), busy(), silent(), lease("one")];
        let answers = recovered.into_iter().chain([busy(), silent(), silent()]);
        let (mut claim, _sender, server) = leading(answers);
        let seconds = lost(&mut claim).await;
        assert_eq!(server.lines().len(), 7);
        // The last good answer came after 25 s.
        assert!((45..55).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_whose_claim_says_so_or_ends_has_lost_it() {
        let (mut claim, sender, server) = leading([]);
        sender.send(false).unwrap();
        assert_eq!(lost(&mut claim).await, 0);
        let (mut claim, sender, _server) = leading([]);
        drop(sender);
        assert_eq!(lost(&mut claim).await, 0);
        assert!(server.lines().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_of_another_is_not_gained() {
        let renewed = Timestamp::now() + SignedDuration::from_secs(1);
        let spec =
            json!({"holderIdentity": "two", "renewTime": renewed, "leaseDurationSeconds": 30});
        let held = (200, json!({"metadata": {"name": "operator"}, "spec": spec}));
        let (client, server) = server([held.clone(), held]);
        let mut claim = Lease::claim(client, "operator", "fleetscore", "one")
            .await
            .unwrap();
        let gained = timeout(Duration::from_millis(500), claim.gained()).await;
        assert!(gained.is_err());
        assert!(server.lines().iter().all(|line| line.starts_with("GET ")));
    }
}
