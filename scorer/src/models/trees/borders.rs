/// Borders on a line, each once and in order, of which those below a number are counted fast.
///
/// The line between the first and the last is cut into pieces of one length, some for each border, so that only the few borders in a
/// number's own piece are compared with it. Which piece a number is in never falls as the number grows, however it is rounded:
/// the borders of the pieces before lie below the number, and none of those behind does.
#[derive(Debug)]
pub(super) struct Borders {
    sorted: Vec<f32>,
    /// How many borders lie in the pieces before each; one more than pieces.
    before: Vec<u32>,
    first: f64,
    /// Pieces in a length of 1.
    pieces_per_unit: f64,
}

/// Pieces of the line for each border.
const PIECES: usize = 2;

impl Borders {
    /// The finite borders, which may come in any order and more than once.
    pub fn new(mut borders: Vec<f32>) -> Self {
        borders.sort_unstable_by(f32::total_cmp);
        // 0 and -0 are the same border.
        borders.dedup();
        let (first, last) = match borders.as_slice() {
            [first, .., last] => (f64::from(*first), f64::from(*last)),
            _ => (0.0, 1.0),
        };
        let pieces = borders.len() * PIECES + 1;
        let mut line = Self {
            sorted: borders,
            before: vec![0; pieces + 1],
            first,
            pieces_per_unit: pieces as f64 / (last - first),
        };
        for at in 0..line.sorted.len() {
            let piece = line.piece(line.sorted[at]);
            line.before[piece + 1] += 1;
        }
        let mut sum = 0;
        for before in &mut line.before {
            sum += *before;
            *before = sum;
        }
        line
    }

    /// Number of borders.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// How many borders lie below the number.
    pub fn below(&self, number: f32) -> usize {
        let piece = self.piece(number);
        let (from, until) = (self.before[piece] as usize, self.before[piece + 1] as usize);
        from + self.sorted[from..until].partition_point(|border| *border < number)
    }

    /// The piece of the line that a number is in; the first or last of one beside it.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number beyond the range becomes the least or largest"
    )]
    fn piece(&self, number: f32) -> usize {
        let piece = (f64::from(number) - self.first) * self.pieces_per_unit;
        (piece as usize).min(self.before.len() - 2)
    }

    /// Bytes of memory of so many borders.
    pub fn bytes(borders: usize) -> usize {
        borders * (size_of::<f32>() + PIECES * size_of::<u32>())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// On a border, a hair beside it, and anywhere else: near, far, infinite.
        #[test]
        fn as_many_borders_lie_below_as_are_less(
            borders in prop::collection::vec(prop_oneof![any::<f32>(), -1.0_f32..1.0, (0..40_i16).prop_map(|tenths| f32::from(tenths) / 10.0)], 0..60),
            numbers in prop::collection::vec(any::<f32>(), 0..20),
        ) {
            let borders: Vec<f32> = borders.into_iter().filter(|border| border.is_finite()).collect();
            let line = Borders::new(borders.clone());
            let mut sorted = borders.clone();
            sorted.sort_unstable_by(f32::total_cmp);
            sorted.dedup();
            let beside = borders.iter().flat_map(|border| [border.next_down(), *border, border.next_up()]);
            let far = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::NAN];
            for number in beside.chain(numbers).chain(far) {
                let less = sorted.iter().filter(|border| **border < number).count();
                if number.is_nan() {
                    // No reading that is no number has a score; it only may not end the program.
                    line.below(number);
                } else {
                    prop_assert_eq!(line.below(number), less, "{:e}", number);
                }
            }
        }
    }

    #[test]
    fn the_widest_line_has_pieces_too() {
        let line = Borders::new(vec![f32::MIN, 0.0, 1e-45, f32::MAX]);
        let counts = [
            f32::NEG_INFINITY,
            -1.0,
            0.0,
            1e-45,
            1.0,
            f32::MAX,
            f32::INFINITY,
        ]
        .map(|number| line.below(number));
        assert_eq!(counts, [0, 1, 1, 2, 3, 3, 4]);
    }
}
