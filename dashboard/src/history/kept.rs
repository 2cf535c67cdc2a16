use std::collections::VecDeque;

/// The things that were used last, up to a weight.
pub struct Kept<K, V> {
    /// The one that was used last is at the back.
    entries: VecDeque<(K, V, usize)>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
        }
    }
}

impl<K: PartialEq, V: Clone> Kept<K, V> {
    /// The thing of this name.
    pub fn get(&mut self, key: &K) -> Option<V> {
        let position = self.entries.iter().position(|(own, ..)| own == key)?;
        let entry = self.entries.remove(position)?;
        let value = entry.1.clone();
        self.entries.push_back(entry);
        Some(value)
    }

    /// Takes the thing of this name out.
    pub fn take(&mut self, key: &K) -> Option<V> {
        let position = self.entries.iter().position(|(own, ..)| own == key)?;
        self.entries.remove(position).map(|(_, value, _)| value)
    }

    /// Keeps a thing of so much `weight`, and lets go of the others that were used longest ago, until all weigh no more than `limit`.
    pub fn put(&mut self, key: K, value: V, weight: usize, limit: usize) {
        self.take(&key);
        self.entries.push_back((key, value, weight));
        while self.entries.len() > 1 && self.weight() > limit {
            self.entries.pop_front();
        }
    }

    fn weight(&self) -> usize {
        self.entries.iter().map(|(.., weight)| weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut kept = Kept::default();
        for name in ["a", "b"] {
            kept.put(name, name, 1, 2);
        }
        assert_eq!(kept.get(&"a"), Some("a"));
        kept.put("c", "c", 1, 2);
        assert_eq!(kept.get(&"b"), None);
        assert_eq!((kept.get(&"a"), kept.get(&"c")), (Some("a"), Some("c")));
        kept.put("large", "large", 9, 2);
        assert_eq!((kept.get(&"a"), kept.take(&"large")), (None, Some("large")));
    }
}
