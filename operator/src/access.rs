//! Which storage the runs and streams of a namespace may name.
//!
//! The pods of all namespaces may share one identity, which reaches what any of them needs. What keeps one namespace from the others'
//! storage is then this list alone; with an identity for each namespace it is a second bolt.

use fleetscore_crds::{AzureStorage, ReadingStreamSpec, ScoringRunSpec};
use serde::Deserialize;

/// Where an Azure account of the public cloud answers.
const PUBLIC: &str = "blob.core.windows.net";

/// Which storage the runs and streams of a namespace may name. Without an entry: any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageAccess {
    /// What is allowed; what no entry allows is refused.
    #[serde(default)]
    pub allowed: Vec<Allowance>,
}

/// What the runs and streams of some namespaces may name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// These namespaces; `*` is every one.
    pub namespaces: Vec<String>,
    /// These storage accounts.
    pub accounts: Vec<String>,
    /// These containers of theirs; without one: all.
    #[serde(default)]
    pub containers: Vec<String>,
    /// Endpoints other than the public cloud's own, which get the pods' tokens.
    #[serde(default)]
    pub endpoints: Vec<String>,
}

impl StorageAccess {
    /// Why a run of this namespace may not name what its spec names: field, value, and who may allow it.
    pub fn refusal(&self, namespace: &str, spec: &ScoringRunSpec) -> Option<String> {
        let wait = spec.input.wait_for.as_ref();
        let locations = [
            ("model.location", Some(&spec.model.location)),
            ("model.scaler", spec.model.scaler.as_ref()),
            ("input.location", Some(&spec.input.location)),
            ("output.location", Some(&spec.output.location)),
            (
                "logs.location",
                spec.logs.as_ref().map(|logs| &logs.location),
            ),
            ("sensors.manifest", spec.sensors.manifest.as_ref()),
            (
                "input.waitFor.object",
                wait.and_then(|wait| wait.object.as_ref()),
            ),
        ];
        self.refused("runs", namespace, spec.storage.azure.as_ref()?, &locations)
    }

    /// The same for a stream.
    pub fn stream_refusal(&self, namespace: &str, spec: &ReadingStreamSpec) -> Option<String> {
        let refused = spec.dead_letter.as_ref();
        let locations = [
            ("output.location", Some(&spec.output.location)),
            (
                "deadLetter.location",
                refused.map(|refused| &refused.location),
            ),
        ];
        self.refused(
            "streams",
            namespace,
            spec.storage.azure.as_ref()?,
            &locations,
        )
    }

    fn refused(
        &self,
        who: &str,
        namespace: &str,
        azure: &AzureStorage,
        locations: &[Location<'_>],
    ) -> Option<String> {
        if self.allowed.is_empty() {
            return None;
        }
        let here = self.allowed.iter().filter(|entry| entry.serves(namespace));
        let (field, value, known) = named_wrongly(&here.collect::<Vec<_>>(), azure, locations)?;
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        Some(format!(
            "spec.{field}: the {who} of the namespace {namespace} may not use `{value}` (they may use: {known}); \
             whoever installs the operator may allow it, in the chart's value storage.allowed"
        ))
    }
}

/// A field with a location, and what it names.
type Location<'a> = (&'static str, Option<&'a String>);

impl Allowance {
    fn serves(&self, namespace: &str) -> bool {
        let mut names = self.namespaces.iter();
        names.any(|name| name == "*" || name == namespace)
    }

    fn holds(&self, container: &str) -> bool {
        self.containers.is_empty() || self.containers.iter().any(|name| name == container)
    }
}

/// The first field that names something else than the entries allow, its value, and what would be allowed there.
fn named_wrongly(
    entries: &[&Allowance],
    azure: &AzureStorage,
    locations: &[Location<'_>],
) -> Option<(&'static str, String, Vec<String>)> {
    let every = |part: fn(&Allowance) -> &Vec<String>| {
        let mut all: Vec<_> = entries
            .iter()
            .flat_map(|entry| part(entry))
            .cloned()
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let account = &azure.account;
    let of_account = entries
        .iter()
        .filter(|entry| entry.accounts.contains(account));
    let of_account: Vec<_> = of_account.collect();
    if of_account.is_empty() {
        let accounts = every(|entry| &entry.accounts);
        return Some(("storage.azure.account", account.clone(), accounts));
    }
    if let Some(endpoint) = &azure.endpoint {
        let bare = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
        let own = bare(endpoint) == format!("https://{account}.{PUBLIC}");
        let mut named = of_account.iter().flat_map(|entry| &entry.endpoints);
        if !own && !named.any(|named| bare(named) == bare(endpoint)) {
            let endpoints = every(|entry| &entry.endpoints);
            return Some(("storage.azure.endpoint", endpoint.clone(), endpoints));
        }
    }
    locations.iter().find_map(|(field, location)| {
        let path = (*location)?.strip_prefix("az://")?;
        let container = path.split('/').next().unwrap_or_default();
        let allowed = of_account.iter().any(|entry| entry.holds(container));
        (!allowed).then(|| {
            (
                *field,
                container.to_owned(),
                every(|entry| &entry.containers),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn access(allowed: &Value) -> StorageAccess {
        serde_json::from_value(json!({ "allowed": allowed })).unwrap()
    }

    fn spec(azure: &Value, output: &str) -> ScoringRunSpec {
        serde_json::from_value(json!({
            "model": {"location": "az://models/{device}"},
            "input": {"location": "az://data/i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
            "output": {"location": output, "file": "{device}.csv"},
            "storage": {"azure": azure},
        }))
        .unwrap()
    }

    #[test]
    fn without_a_list_everything_may_be_named() {
        let spec = spec(&json!({"account": "any"}), "az://predictions/");
        assert_eq!(StorageAccess::default().refusal("plant-a", &spec), None);
    }

    #[test]
    fn a_namespace_names_what_it_is_given_and_nothing_else() {
        let access = access(&json!([
            {"namespaces": ["plant-a"], "accounts": ["astore"], "endpoints": ["https://azurite.test:10000/astore/"]},
            {"namespaces": ["plant-b"], "accounts": ["shared"], "containers": ["models", "data", "b-out"]},
            {"namespaces": ["*"], "accounts": ["public"]},
        ]));
        let out = "az://predictions/{run}/";
        for (namespace, azure, output, refused) in [
            ("plant-a", json!({"account": "astore"}), out, None),
            ("plant-c", json!({"account": "public"}), out, None),
            (
                "plant-b",
                json!({"account": "astore"}),
                out,
                Some(
                    "storage.azure.account: the runs of the namespace plant-b may not use `astore` (they may use: public, shared)",
                ),
            ),
            (
                "plant-b",
                json!({"account": "shared"}),
                "az://b-out/{run}/",
                None,
            ),
            ("plant-b", json!({"account": "shared"}), "az://b-out", None),
            (
                "plant-b",
                json!({"account": "shared"}),
                "az://b-out-of-a/",
                Some("output.location: the runs of the namespace plant-b may not use `b-out-of-a`"),
            ),
            (
                "plant-b",
                json!({"account": "shared"}),
                out,
                Some("output.location: "),
            ),
            // Whoever answers at an endpoint gets a token.
            (
                "plant-a",
                json!({"account": "astore", "endpoint": "https://evil.test"}),
                out,
                Some("storage.azure.endpoint: "),
            ),
            (
                "plant-a",
                json!({"account": "astore", "endpoint": "https://astore.blob.core.windows.net.evil.test"}),
                out,
                Some("storage.azure.endpoint: "),
            ),
            (
                "plant-a",
                json!({"account": "astore", "endpoint": "https://azurite.test:10000/astore"}),
                out,
                None,
            ),
            (
                "plant-a",
                json!({"account": "astore", "endpoint": "https://astore.blob.core.windows.net/"}),
                out,
                None,
            ),
        ] {
            let found = access.refusal(namespace, &spec(&azure, output));
            match (&found, refused) {
                (Some(found), Some(words)) => assert!(found.contains(words), "{found}"),
                (found, refused) => assert_eq!(
                    found.is_none(),
                    refused.is_none(),
                    "{azure} {output}: {found:?}"
                ),
            }
        }
    }

    #[test]
    fn logs_and_other_objects_count_too() {
        let access = access(
            &json!([{"namespaces": ["*"], "accounts": ["s"], "containers": ["models", "data", "out"]}]),
        );
        let mut spec = spec(&json!({"account": "s"}), "az://out/");
        assert_eq!(access.refusal("a", &spec), None);
        spec.sensors.manifest = Some("az://others/list.csv".to_owned());
        let found = access.refusal("a", &spec).unwrap();
        assert!(found.starts_with("spec.sensors.manifest: "), "{found}");
        spec.sensors.manifest = None;
        spec.input.wait_for =
            Some(serde_json::from_value(json!({"object": "az://others/done"})).unwrap());
        let found = access.refusal("a", &spec).unwrap();
        assert!(found.starts_with("spec.input.waitFor.object: "), "{found}");
        spec.logs = Some(serde_json::from_value(json!({"location": "az://others/"})).unwrap());
        let found = access.refusal("a", &spec).unwrap();
        assert!(found.starts_with("spec.logs.location: "), "{found}");
    }

    #[test]
    fn a_stream_is_held_to_the_same_list() {
        let access = access(
            &json!([{"namespaces": ["*"], "accounts": ["plantstore"], "containers": ["readings"]}]),
        );
        let mut spec: ReadingStreamSpec = serde_json::from_value(json!({
            "source": {"eventHub": {"namespace": "plant", "name": "telemetry"}},
            "event": {
                "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
                "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
            },
            "output": {"location": "az://readings/pumps/"},
            "storage": {"azure": {"account": "plantstore"}},
        }))
        .unwrap();
        assert_eq!(access.stream_refusal("a", &spec), None);
        spec.dead_letter = Some(serde_json::from_value(json!({"location": "az://dead/"})).unwrap());
        let found = access.stream_refusal("a", &spec).unwrap();
        assert!(
            found.starts_with(
                "spec.deadLetter.location: the streams of the namespace a may not use `dead`"
            ),
            "{found}"
        );
        spec.storage.azure.as_mut().unwrap().account = "others".to_owned();
        let found = access.stream_refusal("a", &spec).unwrap();
        assert!(found.starts_with("spec.storage.azure.account: "), "{found}");
    }
}
