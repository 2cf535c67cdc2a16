use std::hint;

/// The nodes of a tree by distance from its root, children side by side.
pub struct Queue {
    /// Positions in the tree: those taken, and behind them those whose parent is; two more have no meaning.
    order: Vec<u32>,
    taken: u32,
    /// Positions that have a meaning.
    added: u32,
    /// The nodes behind this position of the order are one step farther from the root.
    level_end: u32,
    depth: u32,
    /// Whether a node has a parent, one for each node of the tree and one more.
    has_parent: Vec<bool>,
}

impl Queue {
    /// The root of a tree of so many nodes.
    pub fn new(nodes: usize) -> Self {
        Self {
            order: vec![0; nodes + 2],
            taken: 0,
            added: 1,
            level_end: 1,
            depth: 0,
            has_parent: vec![false; nodes + 1],
        }
    }

    /// Takes the next node: its place in this order, and its position in the tree.
    pub fn next(&mut self) -> Option<(u32, u32)> {
        let place = self.taken;
        if place == self.added {
            return None;
        }
        let at = *self.order.get(place as usize)?;
        if place == self.level_end {
            self.level_end = self.added;
            self.depth += 1;
        }
        self.taken += 1;
        Some((place, at))
    }

    /// Adds the children of node `at`, if it has some, and says which place in the order comes first.
    ///
    /// Nothing where one is not behind its parent, or has another one too.
    #[inline]
    pub fn add(&mut self, at: u32, children: Option<[u32; 2]>) -> Option<u32> {
        let (first, is_leaf) = (self.added, children.is_none());
        // A leaf's go to a place that nobody looks at.
        let nobody = self.has_parent.len() - 1;
        for (child, place) in children
            .unwrap_or_default()
            .into_iter()
            .zip(first as usize..)
        {
            let slot = hint::select_unpredictable(is_leaf, nobody, child as usize);
            let has_parent = self.has_parent.get_mut(slot)?;
            let is_next = !*has_parent && child > at && slot < nobody;
            if !is_leaf && !is_next {
                return None;
            }
            *has_parent = true;
            *self.order.get_mut(place)? = child;
        }
        self.added += 2 * u32::from(!is_leaf);
        Some(first)
    }

    /// Steps from the root to the nodes farthest from it, once all are taken.
    ///
    /// Errors when there are nodes where no path leads.
    pub fn depth(&self) -> Result<u32, String> {
        let (nodes, reached) = (self.has_parent.len() - 1, self.added as usize);
        if reached == nodes {
            return Ok(self.depth);
        }
        Err(format!(
            "has {} of {nodes} nodes where no path leads",
            nodes - reached
        ))
    }
}
