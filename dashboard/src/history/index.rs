use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Run, Series};

/// What is known of all runs at one moment.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The runs, newest first.
    pub runs: Vec<Arc<Run>>,
    /// The folders that are read, as URLs.
    pub roots: Vec<String>,
    /// Another one each time that something has changed.
    pub version: u64,
    /// Older runs that are left out, since there are too many.
    pub left_out: usize,
    /// Records that cannot be read: the first few with the reason, and how many.
    pub unreadable: Unreadable,
    /// Storage that runs of the cluster name and that is not asked.
    pub unasked: Vec<Unasked>,
    /// Why storage cannot be asked, and since when; what is shown is what was read before.
    pub trouble: Option<Trouble>,
}

/// Storage that is not asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unasked {
    /// Of which namespace's runs.
    pub namespace: String,
    /// Where it is, and why it is not asked.
    pub reason: String,
}

/// Records that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How many.
    pub count: usize,
    /// The first of them: what is wrong with each.
    pub first: Vec<String>,
}

/// Storage that cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What went wrong.
    pub message: String,
    /// When it was first seen.
    pub since: Timestamp,
}

impl Index {
    /// The runs of `series`, newest first, without retries in place: these scored what had failed before, not the fleet.
    pub fn of(&self, series: &Series) -> Vec<Arc<Run>> {
        let runs = self.fleet_runs();
        runs.filter(|run| run.series() == *series)
            .cloned()
            .collect()
    }

    /// The series with their runs, newest first, by namespace and name. A run of a cluster that no schedule made is in none.
    pub fn series(&self) -> Vec<(Series, Vec<Arc<Run>>)> {
        let mut found: HashMap<Series, Vec<Arc<Run>>> = HashMap::new();
        for run in self.fleet_runs() {
            let series = run.series();
            if series.is_schedule() || series.namespace.is_empty() {
                found.entry(series).or_default().push(run.clone());
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found
    }

    fn fleet_runs(&self) -> impl Iterator<Item = &Arc<Run>> {
        let all = self.runs.iter();
        all.filter(|run| run.record.run.retries.is_none())
    }

    /// What is known of a cluster's run. One that was made anew with the same name was created after the record was written.
    pub fn record_of(&self, object: &fleetscore_cluster::Run) -> Option<&Arc<Run>> {
        self.runs.iter().find(|run| {
            run.namespace() == object.namespace()
                && run.record.run.name == object.name()
                && (object.created())
                    .is_none_or(|created| created <= run.record.timing.completion_time)
        })
    }

    /// What of it is in namespaces that are `seen`. What cannot be told to be in one of them, such as the address of storage that
    /// does not answer, is left out.
    #[must_use]
    pub fn within(&self, seen: impl Fn(&str) -> bool) -> Self {
        let mut own = self.clone();
        own.runs.retain(|run| seen(run.namespace()));
        own.unasked.retain(|unasked| seen(&unasked.namespace));
        own.unreadable.first.clear();
        own.roots.clear();
        if let Some(trouble) = &mut own.trouble {
            "The log of the dashboard's pod tells why.".clone_into(&mut trouble.message);
        }
        own
    }

    /// The newest run of this name, or the one that began at `start`.
    pub fn find(&self, namespace: &str, name: &str, start: Option<Timestamp>) -> Option<&Arc<Run>> {
        let mut runs = self
            .runs
            .iter()
            .filter(|run| run.namespace() == namespace && run.record.run.name == name);
        runs.find(|run| start.is_none_or(|start| run.record.timing.start_time == start))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::super::run::tests::run;
    use super::*;

    /// Of namespaces that somebody does not see, no word reaches them.
    #[test]
    fn within_namespaces_nothing_is_told_of_others() {
        let unasked = |namespace: &str| Unasked {
            namespace: namespace.to_owned(),
            reason: format!("az://{namespace}/: not asked"),
        };
        let index = Index {
            runs: vec![Arc::new(run("a", "file:///secret/16/", None))],
            roots: vec!["az://secret/".to_owned()],
            unasked: vec![unasked("secret"), unasked("own")],
            unreadable: Unreadable {
                count: 1,
                first: vec!["az://secret/a.json".to_owned()],
            },
            trouble: Some(Trouble {
                message: "az://secret/: not found".to_owned(),
                since: Timestamp::UNIX_EPOCH,
            }),
            ..Index::default()
        };
        let own = index.within(|namespace| namespace == "own");
        assert_eq!(own.unasked, [unasked("own")]);
        assert_eq!(own.unreadable.count, 1);
        assert!(own.trouble.is_some());
        assert!(!format!("{own:?}").contains("secret"), "{own:?}");
    }

    #[test]
    fn a_run_that_was_made_anew_has_no_record_yet() {
        let index = Index {
            runs: vec![Arc::new(run("a", "file:///data/16/", None))],
            ..Index::default()
        };
        let object = |name, created| {
            let object = json!({
                "metadata": {"name": name, "namespace": "plant-a", "creationTimestamp": created},
                "spec": {},
            });
            serde_json::from_value::<fleetscore_cluster::Run>(object).unwrap()
        };
        for (name, created, is_known) in [
            ("a", "2026-11-28T15:59:58Z", true),
            ("a", "2026-11-28T16:30:00Z", false),
            ("b", "2026-11-28T15:59:58Z", false),
        ] {
            let record = index.record_of(&object(name, created));
            assert_eq!(record.is_some(), is_known, "{name} {created}");
        }
    }
}
