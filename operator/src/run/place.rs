//! Where a run writes, in a form that can be compared with another's. Pure.

use fleetscore_crds::contract::run_pod::{LOGS, RUN_FOLDER};
use fleetscore_crds::{RunNames, SCHEDULE_LABEL, Step, fill};
use serde_json::Value;

use super::build::{CONTAINER, pod};
use super::snapshot::RunSnapshot;
use crate::config::Config;

/// A folder in some storage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What keeps it: an account, or a volume.
    store: String,
    /// Its path, which ends in `/`.
    path: String,
}

impl Place {
    /// The folders named `_run` that it is in, or is itself.
    pub fn folders(&self) -> impl Iterator<Item = Self> + use<> {
        let Self { store, path } = self.clone();
        let ends: Vec<_> = path
            .match_indices(RUN_FOLDER)
            .filter(|(at, _)| *at == 0 || path[..*at].ends_with('/'))
            .map(|(at, _)| at + RUN_FOLDER.len())
            .collect();
        ends.into_iter().map(move |end| Self {
            store: store.clone(),
            path: path[..end].to_owned(),
        })
    }

    /// Whether it is in this folder, or is it.
    pub fn is_in(&self, folder: &Self) -> bool {
        self.store == folder.store && self.path.starts_with(&folder.path)
    }
}

/// The places of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Territory {
    /// Where its predictions and logs go.
    pub written: Vec<Place>,
    /// What is its own, with all in it.
    pub held: Place,
    /// Its output location, for people.
    pub output: String,
}

impl Territory {
    /// The places of `run`. None where nobody else can write there: the memory or the file system of its own pods. None, too, where a
    /// placeholder has no value: its pod will say so.
    pub fn of(run: &RunSnapshot, config: &Config) -> Option<Self> {
        let names = RunNames {
            run: &run.name,
            namespace: Some(&run.namespace),
            schedule: run.labels.get(SCHEDULE_LABEL).map(String::as_str),
            window: run.spec.window,
        };
        let output = fill(&run.spec.output.location, names)?;
        let place = |url: &str| place(run, config, url);
        let logs = match &run.spec.logs {
            Some(logs) => fill(&logs.location, names)?,
            None => format!("{output}{LOGS}"),
        };
        Some(Self {
            written: [place(&output), place(&logs)]
                .into_iter()
                .flatten()
                .collect(),
            held: place(&format!("{output}{RUN_FOLDER}"))?,
            output,
        })
    }
}

fn place(run: &RunSnapshot, config: &Config, url: &str) -> Option<Place> {
    let (scheme, path) = url.split_once("://")?;
    match scheme {
        "az" => Some(Place {
            store: account(run)?,
            path: folder(path),
        }),
        "file" => volume(run, config, &folder(path)),
        _ => None,
    }
}

/// The path with `/` at its end alone, and each of its folders once.
fn folder(path: &str) -> String {
    let segments = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."));
    segments.flat_map(|segment| [segment, "/"]).collect()
}

/// The storage account and where it is served.
fn account(run: &RunSnapshot) -> Option<String> {
    let azure = run.spec.storage.azure.as_ref()?;
    let account = &azure.account;
    let public = || format!("https://{account}.blob.core.windows.net");
    let endpoint = azure.endpoint.clone().unwrap_or_else(public);
    let endpoint = endpoint.to_ascii_lowercase();
    let endpoint = endpoint.trim_end_matches('/');
    let host = endpoint
        .strip_suffix(account.as_str())
        .map_or(endpoint, |host| host.strip_suffix('/').unwrap_or(endpoint));
    Some(format!("{account} {host}"))
}

/// The place in the volume that the run's pods have mounted there.
fn volume(run: &RunSnapshot, config: &Config, path: &str) -> Option<Place> {
    let template = pod(config, run, Step::Collect, None);
    let spec = &template["spec"];
    let container = spec["containers"]
        .as_array()?
        .iter()
        .find(|container| container["name"] == CONTAINER)?;
    let mounts = container["volumeMounts"].as_array()?;
    let (mounted, mount) = mounts
        .iter()
        .filter_map(|mount| Some((folder(mount["mountPath"].as_str()?), mount)))
        .filter(|(mounted, _)| path.starts_with(mounted))
        .max_by_key(|(mounted, _)| mounted.len())?;
    let volumes = spec["volumes"].as_array()?;
    let volume = volumes
        .iter()
        .find(|volume| volume["name"] == mount["name"])?;
    let below = folder(mount["subPath"].as_str().unwrap_or_default());
    Some(Place {
        store: source(run, volume)?,
        path: format!("{below}{}", &path[mounted.len()..]),
    })
}

/// What is behind a volume, where other pods can have it, too.
fn source(run: &RunSnapshot, volume: &Value) -> Option<String> {
    let (kind, source) = volume
        .as_object()?
        .iter()
        .find(|(field, _)| *field != "name")?;
    match kind.as_str() {
        "emptyDir" | "ephemeral" | "configMap" | "secret" | "projected" | "downwardAPI" => None,
        "persistentVolumeClaim" => {
            let claim = source["claimName"].as_str()?;
            Some(format!("claim {}/{claim}", run.namespace))
        }
        kind => Some(format!("{kind} {source}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{config, snapshot};
    use serde_json::json;

    fn on(azure: &Value, output: &str) -> Option<Territory> {
        let mut run = snapshot();
        run.spec.storage.azure = serde_json::from_value(azure.clone()).unwrap();
        run.spec.output.location = output.to_owned();
        Territory::of(&run, &config())
    }

    fn output(azure: &Value, output: &str) -> Place {
        on(azure, output).unwrap().written[0].clone()
    }

    #[test]
    fn one_place_may_be_written_in_several_ways() {
        let plant = json!({"account": "plantstore"});
        let place = output(&plant, "az://p/a/");
        for (azure, location) in [
            (plant.clone(), "az://p//a/./"),
            (
                json!({"account": "plantstore", "endpoint": "https://PlantStore.blob.core.windows.net/"}),
                "az://p/a/",
            ),
        ] {
            assert_eq!(output(&azure, location), place, "{azure} {location}");
        }
        let emulator = |endpoint: &str| {
            output(
                &json!({"account": "devstoreaccount1", "endpoint": endpoint}),
                "az://p/a/",
            )
        };
        assert_eq!(
            emulator("http://10.99.0.1:10000"),
            emulator("http://10.99.0.1:10000/devstoreaccount1/")
        );
        for other in [
            output(&json!({"account": "otherstore"}), "az://p/a/"),
            output(&plant, "az://p/b/"),
            output(&plant, "az://q/a/"),
        ] {
            assert_ne!(other, place);
        }
    }

    #[test]
    fn a_file_is_in_a_volume() {
        let with = |namespace: &str, volume: Value, mount: Value| {
            let mut run = snapshot();
            run.namespace = namespace.to_owned();
            let template = json!({
                "volumes": [volume],
                "containers": [{"name": "scorer", "volumeMounts": [mount]}],
            });
            run.spec.coordinator_template.spec = template.as_object().unwrap().clone();
            run.spec.output.location = "file:///data/out/".to_owned();
            Territory::of(&run, &config()).map(|territory| territory.held)
        };
        let claim = || json!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
        let nfs = || json!({"name": "v", "nfs": {"server": "s", "path": "/x"}});
        let mount = || json!({"name": "v", "mountPath": "/data"});
        assert!(with("a", claim(), mount()).is_some());
        assert_eq!(with("a", claim(), mount()), with("a", claim(), mount()));
        assert_ne!(with("a", claim(), mount()), with("b", claim(), mount()));
        assert_eq!(with("a", nfs(), mount()), with("b", nfs(), mount()));
        let sub = json!({"name": "v", "mountPath": "/data/out", "subPath": "out"});
        assert_eq!(with("a", claim(), mount()), with("a", claim(), sub));
        assert_eq!(
            with("a", json!({"name": "v", "emptyDir": {}}), mount()),
            None
        );
        assert_eq!(
            with("a", claim(), json!({"name": "v", "mountPath": "/other"})),
            None
        );
    }

    #[test]
    fn what_has_no_value_or_is_memory_is_no_place() {
        let azure = json!({"account": "plantstore"});
        assert_eq!(on(&azure, "az://p/{schedule}/"), None);
        assert_eq!(on(&azure, "memory:///p/"), None);
    }

    #[test]
    fn the_folders_around_are_whole_segments() {
        let place = output(
            &json!({"account": "plantstore"}),
            "az://p/_run/a_run/_run/x/",
        );
        let folders: Vec<_> = place.folders().map(|folder| folder.path).collect();
        assert_eq!(folders, ["p/_run/", "p/_run/a_run/_run/"]);
    }
}
