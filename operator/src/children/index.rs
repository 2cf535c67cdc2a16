//! The index of the runs of all schedules.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fleetscore_crds::{ScoringRun, ScoringSchedule};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use kube::Resource;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;

use super::child::{Child, OwningSchedule};
use crate::stored::Stored;

/// How long a run that was created here is taken to be there before the watch tells of it. Should it be gone before that, no
/// schedule waits for it for ever.
const EXPECTED: Duration = Duration::from_secs(30);

/// Names a schedule to look at.
pub type Request = ObjectRef<Stored<ScoringSchedule>>;

/// The runs of each schedule by the schedule's UID. A clone is the same index.
#[derive(Clone)]
pub struct Children(Arc<Mutex<ChildIndex>>);

struct ChildIndex {
    runs: Listing,
    /// What a new listing has brought so far.
    listed: Option<Listing>,
    changes: UnboundedSender<Request>,
}

/// Listing by namespace and name, and by owner.
#[derive(Default)]
struct Listing {
    owners: HashMap<(String, String), OwningSchedule>,
    by_owner: HashMap<OwningSchedule, BTreeMap<String, Child>>,
    /// Listing that were created here and that the watch has not told of yet.
    expected: HashMap<OwningSchedule, Vec<(Child, Instant)>>,
}

impl Children {
    /// An empty index, and the schedules whose runs have changed since.
    pub fn new() -> (Self, UnboundedReceiver<Request>) {
        let (changes, changed) = unbounded();
        let index = ChildIndex {
            runs: Listing::default(),
            listed: None,
            changes,
        };
        (Self(Arc::new(Mutex::new(index))), changed)
    }

    /// Takes an event of the watch in.
    pub fn note(&self, event: &Event<Stored<ScoringRun>>) {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => index.listed = Some(Listing::default()),
            Event::InitApply(run) => {
                if let Some(listed) = &mut index.listed {
                    listed.put(run);
                }
            }
            Event::InitDone => index.relist(),
            Event::Apply(run) => {
                let changed = index.runs.put(run);
                index.tell(changed);
            }
            Event::Delete(run) => {
                let changed = index
                    .runs
                    .remove(run.meta().namespace.as_ref(), run.meta().name.as_ref());
                index.tell(changed);
            }
        }
    }

    /// A run has been created, of which the watch will tell.
    pub fn expect(&self, run: &Stored<ScoringRun>) {
        let Some(owner) = OwningSchedule::of(run.meta()) else {
            return;
        };
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = Child::of(run, &owner) {
            let expected = index.runs.expected.entry(owner).or_default();
            expected.push((child, Instant::now()));
        }
    }

    /// The runs of a schedule, by name.
    pub fn of(&self, owner: &OwningSchedule) -> Vec<Child> {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = &mut index.runs;
        let mut children = runs.by_owner.get(owner).cloned().unwrap_or_default();
        if let Some(expected) = runs.expected.get_mut(owner) {
            expected.retain(|(child, since)| {
                since.elapsed() < EXPECTED && !children.contains_key(&child.name)
            });
            let expected = expected.iter().map(|(child, _)| child);
            children.extend(expected.map(|child| (child.name.clone(), child.clone())));
        }
        children.into_values().collect()
    }

    /// Forgets what was expected of schedules that are gone.
    pub fn forget(&self) {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        index.runs.expected.retain(|_, expected| {
            expected.retain(|(_, since)| since.elapsed() < EXPECTED);
            !expected.is_empty()
        });
    }
}

impl ChildIndex {
    fn relist(&mut self) {
        let Some(listed) = self.listed.take() else {
            return;
        };
        let mut old = std::mem::replace(&mut self.runs, listed);
        self.runs.expected = std::mem::take(&mut old.expected);
        let gone = old
            .by_owner
            .into_keys()
            .filter(|owner| !self.runs.by_owner.contains_key(owner));
        let owners: Vec<_> = gone.chain(self.runs.by_owner.keys().cloned()).collect();
        self.tell(owners);
    }

    fn tell(&self, owners: impl IntoIterator<Item = OwningSchedule>) {
        for owner in owners {
            // It fails where nobody looks at schedules any more.
            let _ = self
                .changes
                .unbounded_send(ObjectRef::new(&owner.name).within(&owner.namespace));
        }
    }
}

impl Listing {
    /// Takes a run in; gives the schedules to which this makes a difference.
    fn put(&mut self, run: &Stored<ScoringRun>) -> Vec<OwningSchedule> {
        let meta = run.meta();
        let owned =
            OwningSchedule::of(meta).and_then(|owner| Some((Child::of(run, &owner)?, owner)));
        let Some((child, owner)) = owned else {
            return self.remove(meta.namespace.as_ref(), meta.name.as_ref());
        };
        let key = (owner.namespace.clone(), child.name.clone());
        let before = self.owners.insert(key, owner.clone());
        let mut changed = Vec::new();
        if let Some(before) = before.filter(|before| *before != owner) {
            self.forget(&before, &child.name);
            changed.push(before);
        }
        let children = self.by_owner.entry(owner.clone()).or_default();
        if children.insert(child.name.clone(), child.clone()).as_ref() != Some(&child) {
            changed.push(owner);
        }
        changed
    }

    fn remove(&mut self, namespace: Option<&String>, name: Option<&String>) -> Vec<OwningSchedule> {
        let (Some(namespace), Some(name)) = (namespace, name) else {
            return Vec::new();
        };
        let owner = self.owners.remove(&(namespace.clone(), name.clone()));
        if let Some(owner) = &owner {
            self.forget(owner, name);
        }
        owner.into_iter().collect()
    }

    fn forget(&mut self, owner: &OwningSchedule, name: &str) {
        if let Some(children) = self.by_owner.get_mut(owner) {
            children.remove(name);
            if children.is_empty() {
                self.by_owner.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children::State;
    use fleetscore_crds::API_VERSION;
    use serde_json::json;

    fn run(name: &str, owner: Option<&str>, phase: &str) -> Stored<ScoringRun> {
        let owners: Vec<_> = owner
            .map(|uid| json!({"apiVersion": API_VERSION, "kind": "ScoringSchedule", "name": "pumps", "uid": uid, "controller": true}))
            .into_iter()
            .collect();
        serde_json::from_value(json!({
            "apiVersion": API_VERSION, "kind": "ScoringRun",
            "metadata": {
                "name": name, "namespace": "plant", "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": owners,
            },
            "spec": {
                "model": {"location": "file:///m/{device}"},
                "input": {"location": "file:///i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                "output": {"location": "file:///o/", "file": "{device}.csv"},
            },
            "status": {"phase": phase},
        }))
        .unwrap()
    }

    fn owner(uid: &str) -> OwningSchedule {
        OwningSchedule {
            namespace: "plant".to_owned(),
            name: "pumps".to_owned(),
            uid: uid.to_owned(),
        }
    }

    fn told(changes: &mut UnboundedReceiver<Request>) -> usize {
        std::iter::from_fn(|| changes.try_recv().ok()).count()
    }

    #[test]
    fn runs_are_found_by_their_schedule() {
        let (children, mut changes) = Children::new();
        let name = "pumps-1764324000";
        children.note(&Event::Init);
        children.note(&Event::InitApply(run(name, Some("a"), "Scoring")));
        children.note(&Event::InitApply(run("other", None, "Scoring")));
        assert_eq!(children.of(&owner("a")), []);
        children.note(&Event::InitDone);
        let found = children.of(&owner("a"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].tick, Some("2025-11-28T10:00:00Z".parse().unwrap()));
        assert!(found[0].is_active());
        assert_eq!(children.of(&owner("b")), []);
        assert_eq!(told(&mut changes), 1);

        // Only what matters to a schedule is told.
        children.note(&Event::Apply(run(name, Some("a"), "Collecting")));
        assert_eq!(told(&mut changes), 0);
        children.note(&Event::Apply(run(name, Some("a"), "Failed")));
        assert_eq!(told(&mut changes), 1);
        assert_eq!(children.of(&owner("a"))[0].state, State::Failed);

        // Another owner, no owner, gone.
        children.note(&Event::Apply(run(name, Some("b"), "Failed")));
        assert_eq!(told(&mut changes), 2);
        assert_eq!(children.of(&owner("a")), []);
        children.note(&Event::Apply(run(name, None, "Failed")));
        assert_eq!((children.of(&owner("b")), told(&mut changes)), (vec![], 1));
        children.note(&Event::Apply(run(name, Some("a"), "Failed")));
        children.note(&Event::Delete(run(name, Some("a"), "Failed")));
        assert_eq!((children.of(&owner("a")), told(&mut changes)), (vec![], 2));

        // A run that was created here is there before the watch tells of it.
        children.expect(&run(name, Some("a"), "Pending"));
        assert!(children.of(&owner("a"))[0].is_active());
        children.note(&Event::Apply(run(name, Some("a"), "Failed")));
        assert_eq!(children.of(&owner("a"))[0].state, State::Failed);
        children.note(&Event::Delete(run(name, Some("a"), "Failed")));
        assert_eq!((children.of(&owner("a")), told(&mut changes)), (vec![], 2));

        // One that another version of the API wrote is seen as far as it can be read.
        for (phase, expected) in [
            ("Pending", State::Unreadable),
            ("Dreaming", State::Unreadable),
            ("Scoring", State::Active),
            ("PartiallySucceeded", State::Succeeded),
            ("Failed", State::Failed),
        ] {
            let object = json!({
                "apiVersion": API_VERSION, "kind": "ScoringRun",
                "metadata": run(name, Some("a"), "Pending").meta(),
                "spec": {"model": "of another kind"}, "status": {"phase": phase},
            });
            children.note(&Event::Apply(serde_json::from_value(object).unwrap()));
            assert_eq!(children.of(&owner("a"))[0].state, expected, "{phase}");
        }
        children.note(&Event::Delete(run(name, Some("a"), "Failed")));
        assert!(told(&mut changes) > 0);

        // A new listing replaces all.
        children.note(&Event::Apply(run(name, Some("a"), "Failed")));
        children.note(&Event::Init);
        children.note(&Event::InitApply(run(name, Some("b"), "Failed")));
        children.note(&Event::InitDone);
        assert_eq!(children.of(&owner("a")), []);
        assert_eq!(children.of(&owner("b")).len(), 1);
        assert_eq!(told(&mut changes), 3);
    }
}
