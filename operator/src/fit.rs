//! Whether the cluster's custom resource definitions are those that this operator was built with. They are upgraded on their own ways:
//! by the chart, by GitOps, by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetscore_crds::{
    GROUP, Kind, RELEASE, RELEASE_ANNOTATION, ReadingStream, SCHEMA_ANNOTATION, ScoringRun,
    ScoringSchedule, schema_digest,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, Resource, ResourceExt};

use crate::api::status_of;
use crate::metrics::Metrics;

/// How often they are looked at.
const EVERY: Duration = Duration::from_mins(5);

/// How a definition fits this operator.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fit {
    /// It is the operator's own.
    Same,
    /// It is of this older release.
    Older(String),
    /// It is of this newer release.
    Newer(String),
    /// It is of the operator's release, and another schema all the same.
    Different,
    /// There is none.
    Missing,
    /// It cannot be looked at.
    Unknown(String),
}

impl Fit {
    /// What the annotations of a definition say.
    fn of(annotations: &BTreeMap<String, String>, kind: Kind) -> Self {
        if annotations.get(SCHEMA_ANNOTATION) == Some(&schema_digest(kind)) {
            return Self::Same;
        }
        let Some(release) = annotations.get(RELEASE_ANNOTATION) else {
            return Self::Older("before 0.1.0, or written by hand".to_owned());
        };
        match (numbers(release), numbers(RELEASE)) {
            (Some(theirs), Some(own)) if theirs < own => Self::Older(release.clone()),
            (Some(theirs), Some(own)) if theirs > own => Self::Newer(release.clone()),
            _ => Self::Different,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Same => "Same",
            Self::Older(_) => "Older",
            Self::Newer(_) => "Newer",
            Self::Different => "Different",
            Self::Missing => "Missing",
            Self::Unknown(_) => "Unknown",
        }
    }

    /// Says how `crd` fits, and what to do where it does not.
    fn tell(&self, crd: &str) {
        let apply = "install it with the chart (crds.install), or kubectl apply --server-side -f crds/yaml of the operator's release";
        match self {
            Self::Same => {
                tracing::info!(crd, "the CustomResourceDefinition is this operator's own");
            }
            Self::Missing => tracing::error!(
                crd,
                "there is no such CustomResourceDefinition, so nothing can be run: {apply}"
            ),
            Self::Older(release) => tracing::warn!(
                crd,
                "the CustomResourceDefinition is older ({release}) than this operator ({RELEASE}): the API server refuses fields and takes values that it should not; {apply}"
            ),
            Self::Newer(release) => tracing::warn!(
                crd,
                "the CustomResourceDefinition is newer ({release}) than this operator ({RELEASE}): what was applied with a field that this operator does not know waits as Unreadable; upgrade the operator"
            ),
            Self::Different => tracing::warn!(
                crd,
                "the CustomResourceDefinition is not the one of this operator ({RELEASE}): {apply}"
            ),
            Self::Unknown(why) => tracing::info!(
                crd,
                "whether the CustomResourceDefinition fits this operator ({RELEASE}) cannot be told: {why}"
            ),
        }
    }
}

/// Looks at the definitions now and then, says in the log what has changed about them, and keeps the metric.
pub async fn watch(client: Client, metrics: Arc<Metrics>) {
    let all = [
        (Kind::ScoringRun, ScoringRun::plural(&())),
        (Kind::ScoringSchedule, ScoringSchedule::plural(&())),
        (Kind::ReadingStream, ReadingStream::plural(&())),
    ]
    .map(|(kind, plural)| (kind, format!("{plural}.{GROUP}")));
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    let mut told: [Option<Fit>; 3] = [None, None, None];
    loop {
        for ((kind, name), told) in all.iter().zip(&mut told) {
            let found = match definitions.get_metadata_opt(name).await {
                Ok(Some(found)) => Fit::of(found.annotations(), *kind),
                Ok(None) => Fit::Missing,
                // It was told once that it may not look; that the API server is away others tell.
                Err(error) if status_of(&error).is_none() && told.is_some() => continue,
                Err(error) => Fit::Unknown(error.to_string()),
            };
            if told.as_ref() != Some(&found) {
                found.tell(name);
                *told = Some(found);
            }
        }
        let fits: Vec<_> = all
            .iter()
            .zip(&told)
            .filter_map(|((_, name), fit)| Some((name.as_str(), fit.as_ref()?.word())))
            .collect();
        metrics.crds(&fits);
        tokio::time::sleep(EVERY).await;
    }
}

/// The three numbers of a release, so that they compare.
fn numbers(release: &str) -> Option<[u64; 3]> {
    let mut numbers = release.split(['-', '+']).next()?.split('.');
    let mut next = || numbers.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_compared_by_schema_and_then_by_release() {
        let kind = Kind::ScoringRun;
        let fit = |release: Option<&str>, schema: &str| {
            let release = release.map(|release| (RELEASE_ANNOTATION, release));
            let all = release.into_iter().chain([(SCHEMA_ANNOTATION, schema)]);
            let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Fit::of(&all.collect(), kind).word()
        };
        let own = schema_digest(kind);
        assert_eq!(fit(Some(RELEASE), &own), "Same");
        // Another release with the same fields and rules.
        assert_eq!(fit(Some("99.0.0"), &own), "Same");
        assert_eq!(fit(Some("99.0.0"), "x"), "Newer");
        assert_eq!(fit(Some("0.0.9"), "x"), "Older");
        assert_eq!(fit(Some("0.0.10-rc.1"), "x"), "Older");
        assert_eq!(fit(Some(RELEASE), "x"), "Different");
        assert_eq!(fit(Some("new"), "x"), "Different");
        assert_eq!(fit(None, "x"), "Older");
        assert_eq!(Fit::of(&BTreeMap::new(), kind).word(), "Older");
        assert_ne!(own, schema_digest(Kind::ScoringSchedule));
    }
}
