use std::collections::{BTreeMap, BTreeSet};

use fleetscore_cluster::view::Objects;
use fleetscore_crds::{AzureAuth, AzureStorage, ScoringRunSpec, StorageSpec};
use fleetscore_dashboard::history::{Place, Unasked};
use fleetscore_scorer::history::root;
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions, StoreKind};

use crate::kubectl::storage::{StorageArgs, account, is_azures};

/// Folders that are read at most: whoever may write runs may name any number of them.
const PLACES: usize = 200;

/// Which storage is asked. Whoever wrote a run wrote its account and endpoint, too.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Any account at Azure's own service, with the login of the person at the terminal; others only where that person names them.
    Person(StorageArgs),
    /// These accounts alone, with the program's own identity.
    Listed {
        /// Their names.
        accounts: BTreeSet<String>,
        /// How to sign in.
        auth: AzureAuth,
        /// URL of the service, where it is not Azure's own.
        endpoint: Option<String>,
    },
}

/// Finds the folders that runs leave their records in, and keeps their storage open.
pub struct Places {
    trust: Trust,
    options: StorageOptions,
    opened: BTreeMap<(String, Option<String>), Storage>,
}

impl Places {
    /// Will open storage with `options`.
    pub fn new(trust: Trust, options: StorageOptions) -> Self {
        Self {
            trust,
            options,
            opened: BTreeMap::new(),
        }
    }

    /// The folders that `objects` name, and why others are not read.
    pub fn of(&mut self, objects: &Objects) -> (Vec<Place>, Vec<Unasked>) {
        let runs = objects.runs.iter().filter_map(|run| {
            let spec = run.spec.as_ref().ok()?;
            Some((run.namespace(), spec, run.schedule().map(str::to_owned)))
        });
        let schedules = objects.schedules.iter().filter_map(|schedule| {
            let spec = &schedule.spec.as_ref().ok()?.run_template.spec;
            Some((schedule.namespace(), spec, Some(schedule.name().to_owned())))
        });
        let (mut found, mut unasked) = (BTreeMap::new(), BTreeSet::new());
        for (namespace, spec, schedule) in schedules.chain(runs) {
            let because = |reason| Unasked {
                namespace: namespace.to_owned(),
                reason,
            };
            let Some(root) = root(&spec.output.location, schedule.as_deref()) else {
                continue;
            };
            let root = root.as_prefix();
            match self.open(spec, &root) {
                Ok(place) => {
                    if found.len() < PLACES {
                        found.insert((place.account.clone(), root.to_string()), place);
                    } else {
                        unasked
                            .insert(because(format!("only the first {PLACES} folders are read")));
                    }
                }
                Err(reason) if unasked.len() < PLACES => {
                    unasked.insert(because(reason));
                }
                Err(_) => {}
            }
        }
        (found.into_values().collect(), unasked.into_iter().collect())
    }

    fn open(&mut self, spec: &ScoringRunSpec, root: &ObjectUrl) -> Result<Place, String> {
        let azure = self.azure(spec, root)?;
        let name = azure
            .as_ref()
            .map_or("", |azure| azure.account.as_str())
            .to_owned();
        let endpoint = azure.as_ref().and_then(|azure| azure.endpoint.clone());
        let key = (name.clone(), endpoint);
        let storage = if let Some(storage) = self.opened.get(&key) {
            storage.clone()
        } else {
            let spec = StorageSpec {
                azure,
                ..StorageSpec::default()
            };
            let opened = Storage::new(&spec, self.options.clone());
            let opened = opened.map_err(|error| format!("{root}: {error}"))?;
            self.opened.insert(key, opened.clone());
            opened
        };
        Ok(Place {
            storage,
            account: name,
            root: root.clone(),
        })
    }

    /// The account behind `root`; none for local files.
    fn azure(
        &self,
        spec: &ScoringRunSpec,
        root: &ObjectUrl,
    ) -> Result<Option<AzureStorage>, String> {
        match (root.kind(), &self.trust) {
            (StoreKind::Azure, Trust::Person(args)) => {
                let account = account(&spec.storage, args);
                account
                    .map(Some)
                    .map_err(|error| format!("{root}: {}", error.error))
            }
            (
                StoreKind::Azure,
                Trust::Listed {
                    accounts,
                    auth,
                    endpoint,
                },
            ) => {
                let azure = spec.storage.azure.as_ref();
                let azure = azure.ok_or_else(|| format!("{root}: the run names no account"))?;
                let name = &azure.account;
                if !accounts.contains(name) {
                    return Err(format!(
                        "{root}: the account {name:?} is none of those that this dashboard may ask (dashboard.storage.accounts)"
                    ));
                }
                // The same name at another service is another account.
                let theirs = azure.endpoint.as_deref();
                let is_known = theirs.is_none_or(|theirs| {
                    is_azures(theirs, name) || endpoint.as_deref() == Some(theirs)
                });
                if !is_known {
                    return Err(format!(
                        "{root}: the run's endpoint {theirs:?} is not Azure's own, so it is not asked"
                    ));
                }
                Ok(Some(AzureStorage {
                    account: name.clone(),
                    endpoint: endpoint.clone(),
                    auth: *auth,
                    secret_ref: None,
                }))
            }
            (StoreKind::File, Trust::Person(args)) if args.local_files => Ok(None),
            (StoreKind::File, Trust::Person(_)) => Err(format!(
                "{root} is a volume of the run's pods; where it is mounted at the same path here, add --local-files"
            )),
            _ => Err(format!("{root} cannot be read from here")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use fleetscore_cluster::Run;
    use serde_json::json;

    use super::*;

    fn run(account: &str, endpoint: Option<&str>) -> Run {
        serde_json::from_value(json!({
            "metadata": {"name": "r", "namespace": "a", "labels": {"scoring.fleetscore.io/schedule": "pumps"}},
            "spec": {
                "model": {"location": "az://models/{device}"},
                "input": {"location": "az://data/i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                "output": {"location": "az://predictions/{schedule}/{run}/", "file": "{device}.csv"},
                "storage": {"azure": {"account": account, "endpoint": endpoint}},
            },
        }))
        .unwrap()
    }

    #[test]
    fn only_what_is_trusted_is_asked() {
        let person = || Trust::Person(StorageArgs::default());
        let listed = || Trust::Listed {
            accounts: BTreeSet::from(["plantstore".to_owned()]),
            auth: AzureAuth::WorkloadIdentity,
            endpoint: None,
        };
        let azures = "https://plantstore.blob.core.windows.net";
        for (trust, account, endpoint, is_asked) in [
            (person(), "plantstore", None, true),
            (person(), "plantstore", Some(azures), true),
            (person(), "plantstore", Some("https://evil.example"), false),
            (person(), "a@evil.example/", None, false),
            (listed(), "plantstore", None, true),
            (listed(), "plantstore", Some(azures), true),
            (listed(), "plantstore", Some("https://evil.example"), false),
            (listed(), "otherstore", None, false),
        ] {
            let run = run(account, endpoint);
            let spec = run.spec.as_ref().unwrap();
            let root = root(&spec.output.location, run.schedule()).unwrap();
            assert_eq!(root.to_string(), "az://predictions/pumps/");
            let places = Places::new(trust, StorageOptions::default());
            let asked = places.azure(spec, &root);
            assert_eq!(asked.is_ok(), is_asked, "{account} {endpoint:?} {asked:?}");
            if let Ok(Some(azure)) = asked {
                assert_eq!(azure.account, "plantstore");
                assert!(azure.endpoint.is_none_or(|endpoint| endpoint == azures));
            }
        }
    }

    #[test]
    fn files_of_this_machine_are_read_only_where_the_person_says_so() {
        let root = ObjectUrl::parse("file:///data/").unwrap();
        let run = run("plantstore", None);
        let asked = |trust| {
            let places = Places::new(trust, StorageOptions::default());
            places.azure(run.spec.as_ref().unwrap(), &root).is_ok()
        };
        let person = |local_files| {
            Trust::Person(StorageArgs {
                local_files,
                ..StorageArgs::default()
            })
        };
        let listed = Trust::Listed {
            accounts: BTreeSet::new(),
            auth: AzureAuth::WorkloadIdentity,
            endpoint: None,
        };
        assert!(asked(person(true)));
        assert!(!asked(person(false)));
        assert!(!asked(listed));
    }
}
