use crate::models::check::check_finite;
use crate::models::trees::Ensemble;

/// Steps on any path of a tree; real ones have some tens.
const DEEPEST: u32 = 1000;

/// Decision trees as a layer: what their leaves give is added up, from a start on.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    trees: Ensemble,
    start: Vec<f64>,
}

impl Trees {
    /// From the trees, which compare numbers of single precision, and where each sum starts.
    ///
    /// Errors when there are no trees, one is deeper than any that is of use, they give another number of sums, or a number is not
    /// finite.
    pub fn new(trees: Ensemble, start: Vec<f64>) -> Result<Self, String> {
        if trees.count() == 0 {
            return Err("it has no trees".into());
        }
        if trees.depth() > DEEPEST {
            return Err(format!("a tree is more than {DEEPEST} steps deep"));
        }
        if trees.width() != start.len() {
            return Err(format!(
                "its trees give {} sums, and {} start",
                trees.width(),
                start.len()
            ));
        }
        if !trees.values_are_finite() {
            return Err("what a leaf gives is not finite".into());
        }
        check_finite("starts", &start)?;
        Ok(Self { trees, start })
    }

    /// Columns that it looks at; rows may have more.
    pub fn columns(&self) -> usize {
        self.trees.features()
    }

    /// Sums that it leaves.
    pub fn outputs(&self) -> usize {
        self.start.len()
    }

    /// Number of trees.
    pub fn count(&self) -> usize {
        self.trees.count()
    }

    /// Number of nodes of all trees.
    pub fn nodes(&self) -> usize {
        self.trees.nodes()
    }

    pub(super) fn bytes(&self) -> usize {
        self.trees.bytes() + size_of_val(self.start.as_slice())
    }

    /// Writes the sums of `count` rows, which lie one after the other.
    pub(super) fn apply(&self, count: usize, rows: &[f64], sums: &mut Vec<f64>) {
        #[allow(clippy::cast_possible_truncation)] // Trees compare single precision.
        let readings: Vec<f32> = rows.iter().map(|number| *number as f32).collect();
        sums.clear();
        for _ in 0..count {
            sums.extend_from_slice(&self.start);
        }
        self.trees.add_sums(&readings, sums);
    }
}
