/// A node of a tree as scikit-learn holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// The nodes that follow, by their positions in the tree; nothing for a leaf.
    pub children: Option<[u32; 2]>,
    /// The feature that is compared; nothing is read of a leaf's.
    pub feature: u32,
    /// A reading goes to the first child when its feature is at most this; nothing is read of a leaf's.
    pub threshold: f64,
    /// What a leaf gives; nothing is read of another node's.
    pub value: f64,
}

/// The largest number of single precision that is at most `threshold`: exactly the same numbers of single precision are at most
/// either of them.
pub fn floor(threshold: f64) -> f32 {
    #[allow(clippy::cast_possible_truncation)] // It is rounded, and set right below.
    let nearest = threshold as f32;
    // Half of all thresholds are rounded up, and nobody can foresee which: so a step down, or none, and no branch.
    let step = i32::from(f64::from(nearest) > threshold);
    let step = if nearest.is_sign_negative() {
        step
    } else {
        -step
    };
    f32::from_bits(nearest.to_bits().wrapping_add_signed(step))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_same_side(threshold: f64, reading: f32) {
        assert_eq!(
            reading <= floor(threshold),
            f64::from(reading) <= threshold,
            "{reading:e} and {threshold:e}"
        );
    }

    /// Numbers of every size, with the readings on and beside them.
    #[test]
    fn a_threshold_parts_the_same_readings() {
        let numbers = [
            0.0, 1e-320, 1e-46, 1e-45, 1.1e-38, 0.1, 1.0, 1e9, 3.4e38, 3.5e38, 1e300,
        ];
        for number in numbers.into_iter().chain([f64::INFINITY]) {
            for threshold in [number, -number, number.next_up(), -number.next_up()] {
                #[allow(clippy::cast_possible_truncation)]
                let near = threshold as f32;
                for reading in [near, near.next_up(), near.next_down(), f32::INFINITY] {
                    assert_same_side(threshold, reading);
                    assert_same_side(threshold, -reading);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_threshold_parts_the_same_readings(threshold in any::<f64>(), reading in any::<f32>(), steps in 0..3_u32) {
            #[allow(clippy::cast_possible_truncation)]
            let near = f32::from_bits((threshold as f32).to_bits().wrapping_add(steps));
            assert_same_side(threshold, reading);
            assert_same_side(threshold, near);
            assert_same_side(f64::from(reading), reading);
        }
    }
}
