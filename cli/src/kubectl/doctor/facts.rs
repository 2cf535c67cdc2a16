//! What the checks look at.

use std::collections::BTreeMap;

use fleetscore_cluster::view::Objects;
use fleetscore_cluster::{Cluster, ClusterError, Pod, Run, Scope, Selector};
use fleetscore_crds::contract::run_pod::RUN_LABEL;
use fleetscore_crds::{AzureAuth, GROUP};
use fleetscore_scorer::outputs;
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ResourceQuota, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use crate::commands::Result;
use crate::kubectl::exit;
use crate::kubectl::status::objects;
use crate::kubectl::storage::{Place, StorageArgs};

/// Rights that commands need: verb, group, resource with its subresource, and the commands.
const RIGHTS: [(&str, &str, &str, &str); 8] = [
    ("list", GROUP, "scoringruns", "all commands"),
    ("list", GROUP, "scoringschedules", "status"),
    ("list", GROUP, "readingstreams", "status"),
    ("list", "batch", "jobs", "tree"),
    ("list", "", "pods", "tree, logs, top"),
    ("get", "", "pods/log", "logs"),
    ("create", GROUP, "scoringruns", "retry"),
    (
        "patch",
        GROUP,
        "scoringschedules",
        "trigger, backfill, suspend",
    ),
];

/// What was found. What could not be read is an error.
pub struct Facts {
    /// Version of the API server.
    pub server: String,
    /// Its clock by its last answer, and this machine's at that time.
    pub clock: Option<(Timestamp, Timestamp)>,
    /// Fleetscore's custom resource definitions by plural name, with their annotations.
    pub definitions: std::result::Result<BTreeMap<String, BTreeMap<String, String>>, ClusterError>,
    /// The operator's Deployments.
    pub operator: std::result::Result<Vec<Deployment>, ClusterError>,
    /// Rights: what they are for, what they are, and whether they are there.
    pub rights: Vec<(String, String, Option<bool>)>,
    /// Runs, schedules, streams.
    pub objects: Objects,
    /// Pods of runs.
    pub pods: std::result::Result<Vec<Pod>, ClusterError>,
    /// Service accounts of runs that sign in by workload identity: namespace, name, and the account if it is there.
    pub accounts: Vec<(
        String,
        String,
        std::result::Result<ServiceAccount, ClusterError>,
    )>,
    /// Quotas.
    pub quotas: std::result::Result<Vec<ResourceQuota>, ClusterError>,
    /// The newest run, and whether its plan is in storage, by the person's login.
    pub storage: Option<(String, std::result::Result<bool, String>)>,
}

impl Facts {
    /// Asks for all of them.
    pub async fn gather(
        cluster: &Cluster,
        scope: &Scope,
        operator: &str,
        storage: &StorageArgs,
    ) -> Result<Self> {
        let server = cluster.version().await.map_err(exit::cluster)?;
        let objects = objects(cluster, scope).await?;
        let all = Selector::default();
        let of_runs = Selector {
            labels: RUN_LABEL.to_owned(),
            ..Selector::default()
        };
        let operators = Scope::Namespace(operator.to_owned());
        let component = Selector::label("app.kubernetes.io/component", "operator");
        let (clock, definitions, deployments, pods, quotas) = tokio::join!(
            cluster.clock(),
            cluster.list::<CustomResourceDefinition>(&Scope::All, &all),
            cluster.list::<Deployment>(&operators, &component),
            cluster.list::<Pod>(scope, &of_runs),
            cluster.list::<ResourceQuota>(scope, &all),
        );
        Ok(Self {
            server,
            clock: clock.ok().flatten(),
            definitions: definitions.map(|found| of_fleetscore(found.items)),
            operator: deployments.map(|found| found.items),
            rights: rights(cluster, scope).await,
            accounts: accounts(cluster, &objects).await,
            storage: stored(&objects, storage).await,
            pods: pods.map(|found| found.items),
            quotas: quotas.map(|found| found.items),
            objects,
        })
    }
}

fn of_fleetscore(all: Vec<CustomResourceDefinition>) -> BTreeMap<String, BTreeMap<String, String>> {
    let ours = all.into_iter().filter(|found| found.spec.group == GROUP);
    ours.map(|found| {
        (
            found.spec.names.plural,
            found.metadata.annotations.unwrap_or_default(),
        )
    })
    .collect()
}

async fn rights(cluster: &Cluster, scope: &Scope) -> Vec<(String, String, Option<bool>)> {
    let asked = RIGHTS.map(|(verb, group, resource, commands)| async move {
        let allowed = cluster.may(scope, verb, group, resource).await.ok();
        (commands.to_owned(), format!("{verb} {resource}"), allowed)
    });
    join_all(asked).await
}

/// The service accounts that runs and schedules name, where they sign in by workload identity.
async fn accounts(
    cluster: &Cluster,
    objects: &Objects,
) -> Vec<(
    String,
    String,
    std::result::Result<ServiceAccount, ClusterError>,
)> {
    let runs = objects
        .runs
        .iter()
        .filter_map(|run| Some((run.namespace(), run.spec.as_ref().ok()?)));
    let schedules = objects.schedules.iter().filter_map(|schedule| {
        Some((
            schedule.namespace(),
            &schedule.spec.as_ref().ok()?.run_template.spec,
        ))
    });
    let mut names: Vec<_> = runs
        .chain(schedules)
        .filter(|(_, spec)| {
            let azure = spec.storage.azure.as_ref();
            azure.is_some_and(|azure| azure.auth == AzureAuth::WorkloadIdentity)
        })
        .filter_map(|(namespace, spec)| {
            let name = spec.pod_template.spec.get("serviceAccountName")?.as_str()?;
            Some((namespace.to_owned(), name.to_owned()))
        })
        .collect();
    names.sort();
    names.dedup();
    let read = names.into_iter().map(|(namespace, name)| async move {
        let scope = Scope::Namespace(namespace.clone());
        let account = cluster.get::<ServiceAccount>(&scope, &name).await;
        (namespace, name, account)
    });
    join_all(read).await
}

/// Whether the plan of the newest run that has one is where it should be.
async fn stored(
    objects: &Objects,
    args: &StorageArgs,
) -> Option<(String, std::result::Result<bool, String>)> {
    let planned = objects.runs.iter().filter(|run| {
        let status = run.status.as_ref().ok();
        status.is_some_and(|status| status.sensors.is_some())
    });
    let run: &Run = planned.max_by_key(|run| run.created())?;
    let there = async {
        let place = Place::of(run, args)?;
        let url = place
            .output
            .join(outputs::PLAN)
            .map_err(crate::kubectl::storage::error)?;
        place
            .storage
            .exists(&url)
            .await
            .map_err(crate::kubectl::storage::error)
    };
    let found = there.await.map_err(|error| error.error.to_string());
    Some((run.name().to_owned(), found))
}
