use super::Ensemble;
use super::borders::Borders;
use super::spread::spread;

/// The sums of an ensemble over one feature, which are the same between neighbouring thresholds: a function of steps.
#[derive(Debug)]
pub struct Steps {
    /// The thresholds: a step reaches up to its border, that included.
    borders: Borders,
    /// The steps' values, one more than borders.
    values: Vec<f64>,
}

impl Steps {
    /// Works the steps out; `of_sum` makes the value of a step of its sum.
    pub fn new(trees: &Ensemble, of_sum: impl Fn(f64) -> f64) -> Self {
        let inner = trees.nodes.iter().map(|node| node.threshold);
        let borders = Borders::new(inner.filter(|border| *border < f32::INFINITY).collect());
        let mut sums = vec![0.0; borders.len() + 1];
        // A step's sum grows in the order of the trees.
        for tree in 0..trees.count() {
            spread(trees, tree, &mut sums, |threshold, range| {
                (1 + borders.below(threshold)).clamp(range.start, range.end)
            });
        }
        let values = sums.into_iter().map(of_sum).collect();
        Self { borders, values }
    }

    /// The value for a reading of its one feature.
    pub fn of(&self, reading: f32) -> f64 {
        self.values[self.borders.below(reading)]
    }

    /// Bytes of memory at most.
    pub fn bytes(trees: &Ensemble) -> usize {
        let borders = trees.nodes.len() / 2;
        borders * size_of::<f64>() + Borders::bytes(borders)
    }
}
