//! Who writes where: of the runs whose places are the same, one at a time is planned.
//!
//! A run's own files are in `_run/` and `_SUCCESS` of its output location, and its logs have the same names as another's: two runs at once
//! in one place would score each other's plan. So a run that is to be planned claims its place first. The index of all unfinished
//! runs, of all namespaces that are watched, is kept by their watches; nothing is searched through.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::stored::Stored;
use fleetscore_crds::{Phase, ScoringRun, Step};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use kube::runtime::watcher::Event;

use super::build::{GENERATION_ANNOTATION, STEP_LABEL, step_name};
use super::place::{Place, Territory};
use super::snapshot::RunSnapshot;
use crate::config::Config;

/// The run that has the place another one writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it writes to.
    pub output: String,
    /// Since when it does; none where it has not begun and only comes first.
    pub since: Option<Timestamp>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
}

impl Occupant {
    /// What a person should know of it.
    pub fn message(&self) -> String {
        let Self {
            namespace,
            name,
            output,
            ..
        } = self;
        let owns = match self.since {
            Some(since) => {
                format!(
                    "the ScoringRun {namespace}/{name} has been writing to {output} since {since}"
                )
            }
            None => format!(
                "the ScoringRun {namespace}/{name}, created before, writes to {output}, too"
            ),
        };
        let rest = if self.deleting {
            "this run begins once that one is gone; it is being deleted"
        } else if self.suspended {
            "this run begins once that one has ended; it is suspended: set its spec.suspend to false, or delete it"
        } else {
            "this run begins once that one has ended; give each run a place of its own, such as by {namespace} and {run}, to have both at once"
        };
        format!("{owns}: {rest}")
    }
}

/// The places of all unfinished runs. A clone is the same index.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<PlaceIndex>>);

#[derive(Default)]
struct PlaceIndex {
    runs: HashMap<String, Entry>,
    /// Runs by the places where they write.
    written: BTreeMap<Place, BTreeSet<String>>,
    /// Runs by the folder that is theirs with all in it.
    held: BTreeMap<Place, BTreeSet<String>>,
    /// The generation that the plan Job of a run was created for.
    jobs: HashMap<String, i64>,
    scopes: usize,
    /// What has not been listed yet: scopes, and whether it is their Jobs.
    unlisted: HashSet<(usize, bool)>,
}

/// An unfinished run.
struct Entry {
    scope: usize,
    namespace: String,
    name: String,
    created: Timestamp,
    generation: i64,
    /// Where it writes; none where nobody else can.
    territory: Option<Territory>,
    /// What the objects say of whether it has begun.
    begun: bool,
    /// What it was planned for by this process.
    claimed: Option<Territory>,
    since: Option<Timestamp>,
    suspended: bool,
    deleting: bool,
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The place is the run's.
    Granted,
    /// It is another's.
    Owned(Occupant),
    /// It cannot be told before all runs are listed.
    Unknown,
}

/// What one watch tells the index.
pub struct Scope {
    places: Places,
    id: usize,
    config: Config,
    listed: Option<HashSet<String>>,
}

impl Places {
    /// A part of the cluster that is watched by itself. Nothing is granted before all parts are listed.
    pub fn scope(&self, config: Config) -> Scope {
        let id = self.with(|index| {
            index.scopes += 1;
            index
                .unlisted
                .extend([(index.scopes, false), (index.scopes, true)]);
            index.scopes
        });
        Scope {
            places: self.clone(),
            id,
            config,
            listed: None,
        }
    }

    /// Asks for the place of a run that is to be planned now. Once granted, it is the run's until that has ended or is gone.
    pub fn claim(&self, run: &RunSnapshot, config: &Config, now: Timestamp) -> Claim {
        self.with(|index| {
            if !index.unlisted.is_empty() {
                return Claim::Unknown;
            }
            if !index.runs.contains_key(&run.uid) {
                // The watch has just told of its end, or will tell of it.
                index.put(run.uid.clone(), Entry::new(0, run, config));
            }
            if let Some(owner) = index.owner(&run.uid) {
                return Claim::Owned(owner);
            }
            if let Some(entry) = index.runs.get_mut(&run.uid) {
                entry.claimed.clone_from(&entry.territory);
                entry.since.get_or_insert(now);
            }
            Claim::Granted
        })
    }

    /// Forgets Jobs of runs that are gone.
    pub fn forget(&self) {
        self.with(|index| {
            if index.unlisted.is_empty() {
                let PlaceIndex { jobs, runs, .. } = index;
                jobs.retain(|uid, _| runs.contains_key(uid));
            }
        });
    }

    fn with<R>(&self, work: impl FnOnce(&mut PlaceIndex) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Scope {
    /// Takes an event of the watch of runs in.
    pub fn note(&mut self, event: &Event<Stored<ScoringRun>>) {
        match event {
            Event::Init => self.listed = Some(HashSet::new()),
            Event::InitApply(run) => {
                if let Some(listed) = &mut self.listed {
                    listed.extend(run.uid());
                }
                self.put(run);
            }
            Event::Apply(run) => self.put(run),
            Event::Delete(run) => {
                let uid = run.uid().unwrap_or_default();
                self.places.with(|index| index.remove(&uid));
            }
            Event::InitDone => {
                let listed = self.listed.take().unwrap_or_default();
                self.places.with(|index| {
                    let here = index.runs.iter().filter(|(_, run)| run.scope == self.id);
                    let gone = here.filter(|(uid, _)| !listed.contains(*uid));
                    let gone: Vec<_> = gone.map(|(uid, _)| uid.clone()).collect();
                    gone.iter().for_each(|uid| index.remove(uid));
                    index.unlisted.remove(&(self.id, false));
                });
            }
        }
    }

    fn put(&self, run: &Stored<ScoringRun>) {
        // Where it writes cannot be told of an object that cannot be read; what was known of it stays.
        let Ok(run) = &run.0 else { return };
        let Some(run) = RunSnapshot::of(run) else {
            return;
        };
        self.places.with(|index| {
            if run.has_ended() {
                index.remove(&run.uid);
            } else {
                index.put(run.uid.clone(), Entry::new(self.id, &run, &self.config));
            }
        });
    }

    /// What takes the events of the watch of Jobs in: a run that has a plan Job has begun, whatever its status says.
    pub fn jobs(&self) -> impl FnMut(&Event<Job>) + Send + use<> {
        let (places, id) = (self.places.clone(), self.id);
        move |event| match event {
            Event::InitApply(job) | Event::Apply(job) => {
                if let Some((uid, generation)) = planned(job) {
                    places.with(|index| index.jobs.insert(uid, generation));
                }
            }
            Event::Delete(job) => {
                if let Some((uid, _)) = planned(job) {
                    places.with(|index| index.jobs.remove(&uid));
                }
            }
            Event::InitDone => {
                places.with(|index| index.unlisted.remove(&(id, true)));
            }
            Event::Init => {}
        }
    }

    /// What to call when it turns out that this part of the cluster may not be read: the others do not wait for it.
    pub fn unreadable(&self) -> impl Fn() + Send + use<> {
        let (places, id) = (self.places.clone(), self.id);
        move || {
            places.with(|index| index.unlisted.retain(|(scope, _)| *scope != id));
        }
    }
}

/// The run whose plan Job this is, and the generation that it was created for.
fn planned(job: &Job) -> Option<(String, i64)> {
    let meta = &job.metadata;
    let step = meta.labels.as_ref()?.get(STEP_LABEL)?;
    let owner = meta
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))?;
    let generation = meta.annotations.as_ref()?.get(GENERATION_ANNOTATION)?;
    (step == step_name(Step::Plan)).then_some((owner.uid.clone(), generation.parse().ok()?))
}

impl Entry {
    fn new(scope: usize, run: &RunSnapshot, config: &Config) -> Self {
        let status = &run.status;
        let in_progress = !matches!(status.phase, Phase::Pending | Phase::Suspended);
        let of_this_spec = status.observed_generation == Some(run.generation);
        Self {
            scope,
            namespace: run.namespace.clone(),
            name: run.name.clone(),
            created: run.created,
            generation: run.generation,
            territory: Territory::of(run, config),
            begun: run.plan().is_some()
                || (of_this_spec && (in_progress || !status.jobs.is_empty())),
            claimed: None,
            since: status.start_time,
            suspended: run.spec.suspend,
            deleting: run.deleting,
        }
    }
}

impl PlaceIndex {
    fn put(&mut self, uid: String, mut entry: Entry) {
        if let Some(old) = self.take(&uid) {
            entry.claimed = old
                .claimed
                .filter(|claimed| entry.territory.as_ref() == Some(claimed));
            entry.since = entry.since.or(old.since);
        }
        if let Some(territory) = &entry.territory {
            for place in &territory.written {
                self.written
                    .entry(place.clone())
                    .or_default()
                    .insert(uid.clone());
            }
            let held = self.held.entry(territory.held.clone()).or_default();
            held.insert(uid.clone());
        }
        self.runs.insert(uid, entry);
    }

    fn remove(&mut self, uid: &str) {
        self.take(uid);
        self.jobs.remove(uid);
    }

    fn take(&mut self, uid: &str) -> Option<Entry> {
        let entry = self.runs.remove(uid)?;
        if let Some(territory) = &entry.territory {
            for place in &territory.written {
                drop_from(&mut self.written, place, uid);
            }
            drop_from(&mut self.held, &territory.held, uid);
        }
        Some(entry)
    }

    fn has_begun(&self, uid: &str, entry: &Entry) -> bool {
        entry.begun || entry.claimed.is_some() || self.jobs.get(uid) == Some(&entry.generation)
    }

    /// Who has the place of a run: one that has begun, or one that comes first. Two never wait for each other: what has begun waits for
    /// none, and the others are in one order.
    fn owner(&self, uid: &str) -> Option<Occupant> {
        let run = self.runs.get(uid)?;
        if self.has_begun(uid, run) {
            return None;
        }
        let others = self.beside(uid, run.territory.as_ref()?);
        let others = others.into_iter().filter_map(|other| {
            let entry = self.runs.get(other)?;
            let begun = self.has_begun(other, entry);
            let first = (entry.created, other) < (run.created, uid);
            let comes_first = first && !entry.suspended && !entry.deleting;
            (begun || comes_first).then_some((!begun, entry.created, other, entry))
        });
        let (waits, _, _, owner) =
            others.min_by_key(|(waits, created, uid, _)| (*waits, *created, *uid))?;
        Some(Occupant {
            namespace: owner.namespace.clone(),
            name: owner.name.clone(),
            output: owner.territory.as_ref()?.output.clone(),
            since: (!waits).then(|| owner.since.unwrap_or(owner.created)),
            suspended: owner.suspended,
            deleting: owner.deleting,
        })
    }

    /// The runs that write where this one does, or one of them into what is the other's.
    fn beside(&self, uid: &str, territory: &Territory) -> BTreeSet<&str> {
        let same = territory
            .written
            .iter()
            .filter_map(|place| self.written.get(place));
        let around = territory
            .written
            .iter()
            .flat_map(Place::folders)
            .filter_map(|folder| self.held.get(&folder));
        let within = self
            .written
            .range(territory.held.clone()..)
            .take_while(|(place, _)| place.is_in(&territory.held))
            .map(|(_, runs)| runs);
        let found = same.chain(around).chain(within).flatten();
        found
            .map(String::as_str)
            .filter(|other| *other != uid)
            .collect()
    }
}

fn drop_from(runs: &mut BTreeMap<Place, BTreeSet<String>>, place: &Place, uid: &str) {
    if let Some(found) = runs.get_mut(place) {
        found.remove(uid);
        if found.is_empty() {
            runs.remove(place);
        }
    }
}

#[cfg(test)]
mod tests;
