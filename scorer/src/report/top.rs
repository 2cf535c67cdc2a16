use std::collections::BTreeSet;

/// The smallest `limit` of the items offered, whatever their order: bounded memory for any number.
///
/// "Smallest" is by `Ord`, so an item that should come first compares as less. Of equal items one is kept.
#[derive(Clone, Debug)]
pub(super) struct Top<T> {
    limit: usize,
    items: BTreeSet<T>,
}

impl<T: Ord> Top<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            items: BTreeSet::new(),
        }
    }

    /// Keeps `item` if it is among the smallest so far.
    pub(super) fn offer(&mut self, item: T) {
        self.items.insert(item);
        if self.items.len() > self.limit {
            self.items.pop_last();
        }
    }

    /// The items, the smallest first.
    pub(super) fn into_sorted(self) -> impl Iterator<Item = T> {
        self.items.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Top;

    proptest! {
        #[test]
        fn keeps_the_smallest(mut items in prop::collection::hash_set(any::<u32>(), 0..50), limit in 0usize..20) {
            let mut top = Top::new(limit);
            for item in &items {
                top.offer(*item);
            }
            let mut sorted: Vec<_> = items.drain().collect();
            sorted.sort_unstable();
            sorted.truncate(limit);
            prop_assert_eq!(top.into_sorted().collect::<Vec<_>>(), sorted);
        }
    }
}
