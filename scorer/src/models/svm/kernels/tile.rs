#![allow(
    clippy::inline_always,
    reason = "the instructions are those of the function that it becomes a part of"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "a loop over a fixed number of lanes is what the compiler vectorises"
)]

use crate::models::Scaler;

/// Coordinates in which K = 2^-|z - w|^2, with the support vectors' mean as origin.
#[derive(Debug)]
pub(super) struct Frame {
    /// Taken off first.
    pub center: Vec<f64>,
    /// Multiplied by afterwards.
    pub scale: f64,
}

/// Some rows, scaled and transposed: each row is a lane of every column.
pub(super) struct Tile<const L: usize> {
    /// One column a feature.
    pub columns: Vec<[f64; L]>,
    /// |z|^2 of every row.
    pub squares: [f64; L],
    /// 0 for a row of finite numbers, otherwise NaN, so that added to a score it leaves the row to the reference.
    pub poison: [f64; L],
}

impl<const L: usize> Tile<L> {
    /// Room for rows of `features` numbers.
    pub fn new(features: usize) -> Self {
        Self {
            columns: vec![[0.0; L]; features],
            squares: [0.0; L],
            poison: [0.0; L],
        }
    }

    /// Takes up to `L` unscaled rows and scales them. Lanes without a row keep any numbers.
    #[inline(always)]
    pub fn fill(&mut self, scaler: &Scaler, rows: &[f64]) {
        let features = self.columns.len();
        if let ([column], Ok(rows)) = (self.columns.as_mut_slice(), <&[f64; L]>::try_from(rows)) {
            *column = *rows;
        } else {
            for (lane, row) in (0..L).zip(rows.chunks_exact(features)) {
                for (column, value) in self.columns.iter_mut().zip(row) {
                    column[lane] = *value;
                }
            }
        }
        self.squares = [0.0; L];
        self.poison = [0.0; L];
        for (feature, column) in self.columns.iter_mut().enumerate() {
            scaler.apply_to_feature(feature, column);
            for lane in 0..L {
                self.squares[lane] += column[lane] * column[lane];
                self.poison[lane] += column[lane] * 0.0;
            }
        }
    }

    /// Moves the rows into the frame. Those so far off that their |z|^2 is infinite are poisoned.
    #[inline(always)]
    pub fn enter(&mut self, frame: &Frame) {
        self.squares = [0.0; L];
        for (column, center) in self.columns.iter_mut().zip(&frame.center) {
            for lane in 0..L {
                let value = (column[lane] - center) * frame.scale;
                column[lane] = value;
                self.squares[lane] += value * value;
            }
        }
        for lane in 0..L {
            self.poison[lane] += self.squares[lane] * 0.0;
        }
    }
}
