use fleetscore_cluster::view::Objects;
use fleetscore_cluster::{Object, Run, Schedule};

use super::State;
use crate::history::Trouble;

/// What is known of a cluster at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Runs, schedules and streams.
    pub objects: Objects,
    /// Whether all of them have been heard of.
    pub is_whole: bool,
    /// Why the cluster cannot be asked, and since when; what is shown is what was heard before.
    pub trouble: Option<Trouble>,
    /// Another one each time that something has changed.
    pub version: u64,
}

impl Snapshot {
    pub(super) fn new(state: &State) -> Self {
        let troubles = state.troubles.values().map(|(trouble, _)| trouble);
        Self {
            objects: Objects {
                runs: all(&state.runs),
                schedules: all(&state.schedules),
                streams: all(&state.streams),
                more: false,
            },
            is_whole: state.runs.iter().all(|known| known.is_whole)
                && state.schedules.iter().all(|known| known.is_whole),
            trouble: troubles.min_by_key(|trouble| trouble.since).cloned(),
            version: state.version,
        }
    }

    /// What of it is in namespaces that are `seen`.
    #[must_use]
    pub fn within(&self, seen: impl Fn(&str) -> bool) -> Self {
        let mut own = self.clone();
        own.objects.runs.retain(|run| seen(run.namespace()));
        own.objects
            .schedules
            .retain(|schedule| seen(schedule.namespace()));
        own.objects
            .streams
            .retain(|stream| seen(stream.namespace()));
        own
    }

    /// The run of this name.
    pub fn run(&self, namespace: &str, name: &str) -> Option<&Run> {
        let mut runs = self.objects.runs.iter();
        runs.find(|run| run.namespace() == namespace && run.name() == name)
    }

    /// The schedule of this name.
    pub fn schedule(&self, namespace: &str, name: &str) -> Option<&Schedule> {
        let mut schedules = self.objects.schedules.iter();
        schedules.find(|schedule| schedule.namespace() == namespace && schedule.name() == name)
    }

    /// The runs of a schedule, newest first.
    pub fn runs_of(&self, namespace: &str, schedule: &str) -> Vec<&Run> {
        let of = |run: &&Run| run.namespace() == namespace && run.schedule() == Some(schedule);
        let mut runs: Vec<_> = self.objects.runs.iter().filter(of).collect();
        runs.sort_by(|one, other| {
            let key = |run: &Run| (run.created(), run.name().to_owned());
            key(other).cmp(&key(one))
        });
        runs
    }

    /// The namespaces of all objects.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        let runs = self.objects.runs.iter().map(Object::namespace);
        let schedules = self.objects.schedules.iter().map(Object::namespace);
        let streams = self.objects.streams.iter().map(Object::namespace);
        runs.chain(schedules).chain(streams)
    }
}

fn all<S: Clone, T: Clone>(
    known: &[fleetscore_cluster::Followed<Object<S, T>>],
) -> Vec<Object<S, T>> {
    let objects = known.iter().flat_map(fleetscore_cluster::Followed::objects);
    objects.cloned().collect()
}
