/// Sorts rows by sensor, so that those of one sensor can be handed over together.
pub(super) struct BySensor {
    /// For each sensor where its next row goes.
    places: Vec<u32>,
    sorted: Vec<u32>,
}

/// Rows of a sensor in succession, on average, from which on they are left as they are.
const LONG: usize = 16;

impl BySensor {
    pub fn new(sensors: usize) -> Self {
        Self {
            places: vec![0; sensors],
            sorted: Vec::new(),
        }
    }

    /// Sorts `rows` by their sensors in `found`; those of one sensor stay in their order.
    pub fn sort(&mut self, found: &[u32], rows: &mut Vec<u32>) {
        let sensor = |row: u32| found.get(row as usize).copied().unwrap_or_default();
        let runs = rows
            .windows(2)
            .filter(|pair| matches!(pair, [one, next] if sensor(*one) != sensor(*next)));
        if runs.count() < rows.len() / LONG {
            return;
        }
        if self.places.len() > rows.len() {
            rows.sort_by_key(|row| sensor(*row));
            return;
        }
        self.places.fill(0);
        for row in rows.iter() {
            if let Some(count) = self.places.get_mut(sensor(*row) as usize) {
                *count += 1;
            }
        }
        let mut start = 0;
        for place in &mut self.places {
            start += std::mem::replace(place, start);
        }
        self.sorted.clear();
        self.sorted.resize(rows.len(), 0);
        for row in rows.iter() {
            if let Some(place) = self.places.get_mut(sensor(*row) as usize) {
                if let Some(slot) = self.sorted.get_mut(*place as usize) {
                    *slot = *row;
                }
                *place += 1;
            }
        }
        std::mem::swap(rows, &mut self.sorted);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_sorted_and_stay_in_order(
            found in prop::collection::vec(0_u32..20, 0..500),
            sensors in 20_usize..600,
            every in 1_usize..4,
        ) {
            let mut rows: Vec<u32> = (0..).take(found.len()).step_by(every).collect();
            let mut expected = rows.clone();
            expected.sort_by_key(|row| found[*row as usize]);
            BySensor::new(sensors).sort(&found, &mut rows);
            prop_assert_eq!(rows, expected);
        }
    }

    #[test]
    fn long_runs_stay_where_they_are() {
        let found: Vec<u32> = (0..400).map(|row| 3 - row / 100).collect();
        let mut rows: Vec<u32> = (0..400).collect();
        BySensor::new(4).sort(&found, &mut rows);
        assert!(rows.iter().copied().eq(0..400));
    }
}
