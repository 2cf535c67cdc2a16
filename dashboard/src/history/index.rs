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
    /// Why storage cannot be asked, and since when; what is shown is what was read before.
    pub trouble: Option<Trouble>,
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

    /// The newest run of this name, or the one whose readings end at `at`.
    pub fn find(&self, namespace: &str, name: &str, at: Option<Timestamp>) -> Option<&Arc<Run>> {
        self.runs.iter().find(|run| {
            run.namespace() == namespace
                && run.record.run.name == name
                && at.is_none_or(|at| run.at() == at)
        })
    }
}
