//! Before anything is installed: whether the chart can be, and whether what pods will need is there.

use fleetscore_cluster::{ClusterError, Scope};
use k8s_openapi::api::core::v1::Namespace;

use super::check::{Check, Findings};
use super::rights::{self, Right};
use super::template::{Demand, Template};
use super::values::{Identity, Values};
use super::{Ask, cluster, definitions, identity, nodes};
use crate::commands::Result;

const CATEGORY: &str = "install";
const RBAC: &str = "rbac.authorization.k8s.io";
/// What the chart creates in its own namespace.
const OWN: [Right; 7] = [
    ("create", "apps", "deployments"),
    ("create", "", "configmaps"),
    ("create", "", "secrets"),
    ("create", "", "serviceaccounts"),
    ("create", "", "services"),
    ("create", RBAC, "roles"),
    ("create", RBAC, "rolebindings"),
];
/// What it creates in each namespace that it is to serve, where these are named.
const SERVED: [Right; 2] = [("create", RBAC, "roles"), ("create", RBAC, "rolebindings")];
/// What it creates for the whole cluster, where no namespaces are named.
const WHOLE: [Right; 2] = [
    ("create", RBAC, "clusterroles"),
    ("create", RBAC, "clusterrolebindings"),
];

/// Checks the cluster, what is left of an earlier installation, the rights to install, and nodes and identity for the pods.
pub async fn check(ask: &Ask<'_>, values: &Values, findings: &mut Findings) -> Result<()> {
    cluster::check(ask, findings).await?;
    earlier(ask, values, findings).await;
    namespaces(ask, values, findings).await;
    may_install(ask, values, findings).await;
    let chart = Template::default();
    let demand = Demand::of(&chart, &values.scorer.pod_template);
    nodes::of(ask, &[("scorer.podTemplate".to_owned(), demand)], findings).await;
    signs_in(ask, values, findings).await;
    Ok(())
}

/// Definitions that are there already.
async fn earlier(ask: &Ask<'_>, values: &Values, findings: &mut Findings) {
    let found = definitions::read(ask, findings).await;
    match &found {
        Some(there) if there.is_empty() && values.crds.install => {
            findings.add(Check::ok(
                "definitions",
                "none is there yet; the chart installs them",
            ));
        }
        // The chart does not install them: somebody else has to.
        Some(_) => definitions::check(&found, &[], findings),
        None => {}
    }
}

/// The namespaces of the operator and those that it is to serve.
async fn namespaces(ask: &Ask<'_>, values: &Values, findings: &mut Findings) {
    let own = ask.operator.namespace().unwrap_or_default();
    for name in std::iter::once(own).chain(values.watch_namespaces.iter().map(String::as_str)) {
        let answer = ask.cluster.get::<Namespace>(&Scope::All, name).await;
        match answer {
            Err(ClusterError::NotFound(_)) if name == own => {
                let right = ("create", "", "namespaces");
                let may = rights::ask_all(ask, &Scope::All, [&right]).await;
                findings.add(if may.get(&right) == Some(&true) {
                    Check::ok(CATEGORY, format!("namespace {name} is not there yet; helm install --create-namespace makes it"))
                } else {
                    Check::fail(
                        CATEGORY,
                        format!("namespace {name} is not there, and you may not create it"),
                        "have it created, or name another with --operator-namespace",
                    )
                });
            }
            Err(ClusterError::NotFound(_)) => findings.add(Check::fail(
                CATEGORY,
                format!("namespace {name} of watchNamespaces is not there"),
                format!("kubectl create namespace {name}"),
            )),
            answer => {
                if findings.read(CATEGORY, "namespaces", answer).is_some() {
                    findings.add(Check::ok(CATEGORY, format!("namespace {name} is there")));
                }
            }
        }
    }
}

/// The rights to create what the chart consists of.
async fn may_install(ask: &Ask<'_>, values: &Values, findings: &mut Findings) {
    let definition = (
        "create",
        "apiextensions.k8s.io",
        "customresourcedefinitions",
    );
    let mut whole: Vec<Right> = Vec::new();
    if values.crds.install {
        whole.push(definition);
    }
    if values.rbac.user_roles {
        whole.push(("create", RBAC, "clusterroles"));
    }
    let mut own = OWN.to_vec();
    if values.rbac.create && values.watch_namespaces.is_empty() {
        whole.extend(WHOLE);
    }
    if !values.rbac.create {
        own.retain(|(_, group, _)| *group != RBAC);
    }
    let mut asked = vec![(Scope::All, whole), (ask.operator.clone(), own)];
    if values.rbac.create {
        let served = values
            .watch_namespaces
            .iter()
            .cloned()
            .map(Scope::Namespace);
        asked.extend(served.map(|scope| (scope, SERVED.to_vec())));
    }
    for (scope, rights) in asked {
        if !rights.is_empty() {
            let found = rights::ask_all(ask, &scope, &rights).await;
            findings.add(allowed(&scope, &rights, &found));
        }
    }
}

fn allowed(
    scope: &Scope,
    rights: &[Right],
    found: &std::collections::BTreeMap<Right, bool>,
) -> Check {
    let place = scope.namespace().map_or_else(
        || "for the whole cluster".to_owned(),
        |name| format!("in namespace {name}"),
    );
    let missing = rights
        .iter()
        .filter(|right| found.get(right) != Some(&true));
    let mut missing: Vec<_> = missing.map(rights::words).collect();
    missing.dedup();
    if missing.is_empty() {
        return Check::ok(
            CATEGORY,
            format!("you may create what the chart needs {place}"),
        );
    }
    let hint = match scope {
        Scope::All => {
            "have a cluster administrator install the chart; or name watchNamespaces and set rbac.userRoles and crds.install to false, so that only the definitions take an administrator"
        }
        Scope::Namespace(_) => "ask for the role admin in that namespace",
    };
    Check::fail(
        CATEGORY,
        format!("you may not {} {place}", missing.join(", ")),
        hint,
    )
}

/// The identity with which pods will sign in to storage by default.
async fn signs_in(ask: &Ask<'_>, values: &Values, findings: &mut Findings) {
    let category = "identity";
    let Identity {
        client_id,
        client_ids,
    } = &values.scorer.workload_identity;
    let ids: Vec<_> = client_ids
        .values()
        .chain(Some(client_id).filter(|id| !id.is_empty()))
        .collect();
    if ids.is_empty() {
        findings.add(Check::warn(
            category,
            "no identity is named, so pods sign in to storage with what each run's storage.azure.secretRef names",
            "set scorer.serviceAccount.create and scorer.workloadIdentity.clientId in the values, given with -f (docs/cluster/aks.md)",
        ));
        return;
    }
    if !values.scorer.service_account.create {
        findings.add(Check::fail(
            category,
            "scorer.workloadIdentity needs scorer.serviceAccount.create: the service account carries the client ID",
            "set scorer.serviceAccount.create to true",
        ));
    }
    for id in ids {
        if !is_uuid(id) {
            findings.add(Check::fail(
                category,
                format!("{id:?} is not a client ID"),
                "az identity show --name NAME --resource-group GROUP --query clientId",
            ));
        }
    }
    identity::webhook(ask, findings).await;
}

/// Whether it has the form of a UUID, as client IDs have.
fn is_uuid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    let digits = text
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    digits && lengths == [8, 4, 4, 4, 12]
}
