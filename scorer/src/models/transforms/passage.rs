use super::Transform;

/// Rows on their way through a chain of steps; its room is used again.
#[derive(Debug, Default)]
pub struct Passage {
    rows: Vec<f64>,
    next: Vec<f64>,
    /// The rows that had a number in them that was not finite, in order.
    broken: Vec<usize>,
}

impl Passage {
    /// Takes rows of `features` numbers, row-major, through the steps; the rows that come out.
    pub fn through(&mut self, steps: &[Transform], features: usize, rows: &[f64]) -> &[f64] {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.broken.clear();
        let mut width = features;
        for step in steps {
            self.next.clear();
            for (number, row) in self.rows.chunks_exact(width).enumerate() {
                let start = self.next.len();
                step.append(row, &mut self.next);
                let made = self.next.get(start..).unwrap_or_default();
                if !made.iter().all(|number| number.is_finite()) {
                    self.broken.push(number);
                }
            }
            std::mem::swap(&mut self.rows, &mut self.next);
            width = step.outputs(width);
        }
        &self.rows
    }

    /// The positions of rows that a step made infinite numbers or none of, such as by the logarithm of a negative one; a later
    /// step may have hidden it. scikit-learn ends with an error there, so that such a row has no score.
    pub fn broken(&self) -> &[usize] {
        &self.broken
    }
}
