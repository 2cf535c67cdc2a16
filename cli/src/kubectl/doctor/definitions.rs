//! The custom resource definitions: whether they are there, served, and of this program's release.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use fleetscore_cluster::{Scope, Selector};
use fleetscore_crds::{GROUP, Kind, RELEASE, RELEASE_ANNOTATION, SCHEMA_ANNOTATION, schema_digest};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use super::Ask;
use super::check::{Check, Findings};

const CATEGORY: &str = "definitions";
/// The kinds, by their plural names.
const KINDS: [(&str, Kind); 3] = [
    ("scoringruns", Kind::ScoringRun),
    ("scoringschedules", Kind::ScoringSchedule),
    ("readingstreams", Kind::ReadingStream),
];

/// Fleetscore's definitions by plural name; none where they may not be read.
pub type Definitions = Option<BTreeMap<String, CustomResourceDefinition>>;

/// Reads them.
pub async fn read(ask: &Ask<'_>, findings: &mut Findings) -> Definitions {
    let all = Selector::default();
    let list = ask
        .cluster
        .list::<CustomResourceDefinition>(&Scope::All, &all);
    let found = findings.read(CATEGORY, "customresourcedefinitions", list.await)?;
    let ours = found
        .items
        .into_iter()
        .filter(|found| found.spec.group == GROUP);
    Some(
        ours.map(|found| (found.spec.names.plural.clone(), found))
            .collect(),
    )
}

/// Checks them; `absent` are the kinds that the API server does not know.
pub fn check(found: &Definitions, absent: &[&str], findings: &mut Findings) {
    let Some(found) = found else {
        for (plural, _) in KINDS {
            if absent.contains(&plural) {
                findings.add(missing(plural));
            }
        }
        return;
    };
    for (plural, kind) in KINDS {
        findings.add(match found.get(plural) {
            None => missing(plural),
            Some(definition) => one(plural, kind, definition),
        });
    }
}

fn missing(plural: &str) -> Check {
    Check::fail(
        CATEGORY,
        format!("{plural} is missing"),
        "install the chart's custom resource definitions (docs/cluster/install.md)",
    )
}

fn one(plural: &str, kind: Kind, definition: &CustomResourceDefinition) -> Check {
    let conditions = definition.status.as_ref();
    let conditions = conditions.and_then(|status| status.conditions.as_ref());
    let refused = conditions.into_iter().flatten().find(|found| {
        ["Established", "NamesAccepted"].contains(&found.type_.as_str()) && found.status == "False"
    });
    if let Some(refused) = refused {
        let message = refused.message.as_deref().unwrap_or_default();
        return Check::fail(
            CATEGORY,
            format!("{plural} is not served: {message}"),
            format!("kubectl describe crd {plural}.{GROUP}"),
        );
    }
    let annotation = |name: &str| definition.metadata.annotations.as_ref()?.get(name);
    if annotation(SCHEMA_ANNOTATION).is_some_and(|found| *found == schema_digest(kind)) {
        return Check::ok(CATEGORY, format!("{plural} is of this program's release"));
    }
    let theirs = annotation(RELEASE_ANNOTATION).map_or("unknown", String::as_str);
    let hint = match (numbers(theirs), numbers(RELEASE)) {
        (Some(cluster), Some(own)) => match cluster.cmp(&own) {
            Ordering::Less => format!("upgrade the chart to {RELEASE} (docs/cluster/install.md), or use fleetscore {theirs} here"),
            Ordering::Greater => format!("upgrade this program to {theirs}"),
            Ordering::Equal => "somebody changed the definition: install the chart's again (docs/cluster/install.md)".to_owned(),
        },
        _ => format!("install the definitions of the chart {RELEASE} (docs/cluster/install.md)"),
    };
    Check::warn(
        CATEGORY,
        format!("{plural} is of release {theirs} with another schema, this program of {RELEASE}"),
        hint,
    )
}

/// The numbers of a version such as `0.3.1`.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let plain = version.split(['-', '+']).next()?;
    plain.split('.').map(|part| part.parse().ok()).collect()
}
