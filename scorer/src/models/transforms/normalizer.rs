/// The size of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The sum of the numbers' sizes.
    L1,
    /// The root of the sum of their squares.
    L2,
    /// The largest of their sizes.
    Max,
}

/// Divides each row by its size, unless that is 0 or next to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalizer {
    /// Which size.
    pub norm: Norm,
    /// Rows of a smaller size stay as they are.
    pub least: f64,
}

impl Normalizer {
    /// Which size it divides by.
    pub(super) fn described(self) -> String {
        let norm = match self.norm {
            Norm::L1 => "l1",
            Norm::L2 => "l2",
            Norm::Max => "max",
        };
        format!("Normalizer, {norm}")
    }

    pub(super) fn append(self, row: &[f64], out: &mut Vec<f64>) {
        let sizes = row.iter().map(|x| x.abs());
        let size = match self.norm {
            Norm::L1 => sizes.sum(),
            Norm::L2 => row.iter().map(|x| x * x).sum::<f64>().sqrt(),
            Norm::Max => sizes.fold(0.0, f64::max),
        };
        let size = if size < self.least || size == 0.0 {
            1.0
        } else {
            size
        };
        out.extend(row.iter().map(|x| x / size));
    }
}
