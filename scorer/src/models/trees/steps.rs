use super::Ensemble;

/// The sums of an ensemble over one feature, which are the same between neighbouring thresholds: a function of steps.
#[derive(Debug)]
pub struct Steps {
    /// The thresholds, each once, in order: a step reaches up to its border, that included.
    borders: Vec<f32>,
    /// The steps' values, one more than borders.
    values: Vec<f64>,
}

impl Steps {
    /// Works the steps out; `of_sum` makes the value of a step of its sum.
    pub fn new(trees: &Ensemble, of_sum: impl Fn(f64) -> f64) -> Self {
        let inner = trees.nodes.iter().map(|node| node.threshold);
        let mut borders: Vec<f32> = inner.filter(|border| *border < f32::INFINITY).collect();
        borders.sort_unstable_by(f32::total_cmp);
        // 0 and -0 are the same border.
        borders.dedup();
        let mut sums = vec![0.0; borders.len() + 1];
        // A step's sum grows in the order of the trees.
        for tree in 0..trees.count() {
            add_tree(trees, tree, &borders, &mut sums);
        }
        let values = sums.into_iter().map(of_sum).collect();
        Self { borders, values }
    }

    /// The value for a reading of its one feature.
    pub fn of(&self, reading: f32) -> f64 {
        self.values[self.borders.partition_point(|border| reading > *border)]
    }

    /// Bytes of memory at most.
    pub fn bytes(trees: &Ensemble) -> usize {
        trees.nodes.len() / 2 * (size_of::<f32>() + size_of::<f64>())
    }
}

/// Adds to the sum of each step what a tree gives there.
fn add_tree(trees: &Ensemble, tree: usize, borders: &[f32], sums: &mut [f64]) {
    let (nodes, values) = trees.of_tree(tree);
    let root = trees.trees[tree].root;
    // Nodes with the steps that come to them.
    let mut open = vec![(0, 0, sums.len())];
    while let Some((at, from, until)) = open.pop() {
        let node = nodes[at as usize];
        let child = node.child - root;
        if child == at {
            for sum in &mut sums[from..until] {
                *sum += values[at as usize];
            }
            continue;
        }
        let left = 1 + borders.partition_point(|border| *border < node.threshold);
        let middle = left.clamp(from, until);
        if from < middle {
            open.push((child, from, middle));
        }
        if middle < until {
            open.push((child + 1, middle, until));
        }
    }
}
