/// An evenly spaced sample of a stream of unknown length, in bounded memory and without chance.
///
/// Every `stride`-th row is kept. When twice the limit is held, every second row is dropped and the stride doubled, so between
/// one and two times the limit remain, evenly spaced over all that came; [`Sample::finish`] picks the limit from them.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    features: usize,
    limit: usize,
    stride: u64,
    seen: u64,
    rows: Vec<f64>,
}

impl Sample {
    /// An empty sample of at most `limit` rows of `features` numbers.
    pub(super) fn new(limit: usize, features: usize) -> Self {
        Self {
            features,
            limit,
            stride: 1,
            seen: 0,
            rows: Vec::new(),
        }
    }

    /// Rows that came by.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// A row comes by.
    pub(super) fn push(&mut self, row: &[f64]) {
        if self.seen.is_multiple_of(self.stride) {
            self.rows.extend_from_slice(row);
            if self.rows.len() == 2 * self.limit * self.features {
                self.thin();
            }
        }
        self.seen += 1;
    }

    fn thin(&mut self) {
        let features = self.features;
        for kept in 1..self.limit {
            self.rows.copy_within(
                2 * kept * features..(2 * kept + 1) * features,
                kept * features,
            );
        }
        self.rows.truncate(self.limit * features);
        self.stride *= 2;
    }

    /// At most `limit` rows, row-major.
    pub(super) fn finish(self) -> Vec<f64> {
        let held = self.rows.len() / self.features;
        if held <= self.limit {
            return self.rows;
        }
        let mut rows = Vec::with_capacity(self.limit * self.features);
        for index in 0..self.limit {
            let from = index * held / self.limit;
            rows.extend_from_slice(&self.rows[from * self.features..(from + 1) * self.features]);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;
    use proptest::prelude::*;

    fn sample(limit: usize, count: u32) -> Vec<f64> {
        let mut sample = Sample::new(limit, 2);
        for index in 0..count {
            sample.push(&[f64::from(index), -f64::from(index)]);
            assert!(sample.rows.len() <= 4 * limit);
        }
        assert_eq!(sample.seen(), u64::from(count));
        sample.finish()
    }

    proptest! {
        #[test]
        fn is_complete_or_full_and_evenly_spaced(limit in 1_usize..40, count in 0_u32..2000) {
            let rows = sample(limit, count);
            prop_assert_eq!(rows.len(), 2 * limit.min(count as usize));
            let indices: Vec<f64> = rows.chunks_exact(2).map(|row| row[0]).collect();
            prop_assert!(rows.chunks_exact(2).all(|row| (row[0] + row[1]).abs() < 0.5));
            let steps: Vec<f64> = indices.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let ideal = f64::from(count) / indices.len().max(1) as f64;
            prop_assert!(steps.iter().all(|step| *step > 0.0 && *step <= 2.0 * ideal + 1.0), "{:?}", steps);
            // Nothing of the end is forgotten.
            if let Some(last) = indices.last() {
                prop_assert!(f64::from(count) - last <= 4.0 * ideal + 1.0);
            }
        }
    }
}
