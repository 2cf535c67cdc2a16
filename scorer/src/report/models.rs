use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::document::ModelGroup;
use crate::ledger::{Engine, LedgerEntry};

/// Kinds of models, and labels, that a report lists.
const LISTED: usize = 32;
/// Those that are counted: of more none are listed, so that memory is bounded, and the order of the ledgers does not matter.
const COUNTED: usize = 10_000;

/// The models and labels so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Models {
    kinds: Counts<(String, Engine)>,
    classes: Counts<String>,
}

/// How often there was each of some things; none once they are too many.
#[derive(Clone, Debug)]
struct Counts<K>(Option<BTreeMap<K, u64>>);

impl Models {
    /// Adds those of a sensor that succeeded.
    pub(super) fn add(&mut self, entry: &LedgerEntry) {
        if let Some(model) = &entry.model {
            self.kinds.add(&(model.class.clone(), model.engine), 1);
        }
        for (label, rows) in &entry.classes {
            self.classes.add(label, *rows);
        }
    }

    /// The report's lists.
    pub(super) fn into_parts(self) -> (Vec<ModelGroup>, BTreeMap<String, u64>) {
        let groups = self
            .kinds
            .most()
            .map(|((class, engine), count)| ModelGroup {
                class,
                engine,
                count,
            });
        (groups.collect(), self.classes.most().collect())
    }
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Some(BTreeMap::new()))
    }
}

impl<K: Ord + Clone> Counts<K> {
    fn add(&mut self, key: &K, more: u64) {
        let Some(counts) = &mut self.0 else {
            return;
        };
        if let Some(count) = counts.get_mut(key) {
            *count = count.saturating_add(more);
        } else if counts.len() < COUNTED {
            counts.insert(key.clone(), more);
        } else {
            self.0 = None;
        }
    }

    /// The most frequent, the first of them in order where they are as frequent.
    fn most(self) -> impl Iterator<Item = (K, u64)> {
        let mut all: Vec<(K, u64)> = self.0.into_iter().flatten().collect();
        all.sort_by_key(|(_, count)| Reverse(*count));
        all.into_iter().take(LISTED)
    }
}
