use std::ops::Range;

use super::prune::Kept;

/// Stretches of a row group that may be shared out among threads. Whoever reads several skips what is between them, which has to be
/// noted; more come from no file but one that is damaged.
const MOST: u64 = 1 << 16;

/// The rows to read, cut into stretches, which are decoded in turns by so many lanes: the first lane takes the first, the
/// second the second, and so on.
pub(super) struct Stretches {
    /// Rows of a stretch; the last one of a row group may have fewer.
    rows: usize,
    lanes: usize,
    groups: Vec<Kept>,
    /// For each row group the number of its first stretch, and at the end how many there are.
    starts: Vec<u64>,
}

impl Stretches {
    pub fn new(groups: Vec<Kept>, rows: usize, lanes: usize) -> Self {
        let rows = rows.max(1);
        let counts = groups
            .iter()
            .map(|kept| kept.count().div_ceil(rows as u64))
            .collect::<Vec<_>>();
        let all = counts.iter().copied().fold(0, u64::saturating_add);
        let lanes = if counts.iter().any(|count| *count > MOST) {
            1
        } else {
            lanes.min(usize::try_from(all).unwrap_or(lanes)).max(1)
        };
        let mut starts = vec![0];
        for count in counts {
            let last = starts.last().copied().unwrap_or(0);
            starts.push(u64::saturating_add(last, count));
        }
        Self {
            rows,
            lanes,
            groups,
            starts,
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Rows of a stretch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many lanes take turns.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The lane of a stretch.
    pub fn lane(&self, stretch: u64) -> usize {
        usize::try_from(stretch % self.lanes as u64).unwrap_or(0)
    }

    /// The row groups.
    pub fn groups(&self) -> &[Kept] {
        &self.groups
    }

    /// The row group of a stretch, as a position in [`Self::groups`].
    pub fn group(&self, stretch: u64) -> usize {
        self.starts
            .partition_point(|start| *start <= stretch)
            .saturating_sub(1)
    }

    /// Whether it is the last one of its row group.
    pub fn is_last(&self, stretch: u64) -> bool {
        self.end(stretch) == stretch + 1
    }

    /// Whether it is the last one that its lane takes of its row group.
    pub fn is_last_of_lane(&self, stretch: u64) -> bool {
        stretch.saturating_add(self.lanes as u64) >= self.end(stretch)
    }

    /// The first stretch of the next row group.
    fn end(&self, stretch: u64) -> u64 {
        let next = self.group(stretch) + 1;
        self.starts.get(next).copied().unwrap_or(u64::MAX)
    }

    /// The rows of a row group that a lane takes, as ranges within it.
    pub fn rows_of(&self, group: usize, lane: usize) -> Vec<Range<usize>> {
        let (Some(kept), Some(first)) = (self.groups.get(group), self.starts.get(group)) else {
            return Vec::new();
        };
        if self.lanes == 1 {
            return kept.rows.clone();
        }
        let mut taken: Vec<Range<usize>> = Vec::new();
        let (mut stretch, mut left) = (*first, self.rows);
        for range in &kept.rows {
            let mut start = range.start;
            while start < range.end {
                let end = range.end.min(start.saturating_add(left));
                if self.lane(stretch) == lane {
                    match taken.last_mut() {
                        Some(last) if last.end == start => last.end = end,
                        _ => taken.push(start..end),
                    }
                }
                left -= end - start;
                if left == 0 {
                    (stretch, left) = (stretch + 1, self.rows);
                }
                start = end;
            }
        }
        taken
    }
}

impl Kept {
    /// Rows that are read.
    fn count(&self) -> u64 {
        let counts = self.rows.iter().map(|range| range.len() as u64);
        counts.fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "one stretch is what is meant"
)]
mod tests {
    use super::*;

    /// A row group of which the rows from each first number to each second one are read.
    fn kept(group: usize, length: usize, rows: &[(usize, usize)]) -> Kept {
        Kept {
            group,
            first: 0,
            length,
            rows: rows.iter().map(|(start, end)| *start..*end).collect(),
        }
    }

    fn rows_of(stretches: &Stretches, group: usize, lane: usize) -> Vec<(usize, usize)> {
        let rows = stretches.rows_of(group, lane).into_iter();
        rows.map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn lanes_take_turns_across_row_groups() {
        let groups = vec![
            kept(0, 25, &[(0, 25)]),
            kept(2, 100, &[(3, 8), (20, 21), (50, 66)]),
            kept(3, 5, &[(0, 0)]),
            kept(4, 5, &[(0, 5)]),
        ];
        let stretches = Stretches::new(groups, 10, 2);
        assert_eq!((stretches.count(), stretches.lanes()), (7, 2));
        let groups: Vec<usize> = (0..7).map(|stretch| stretches.group(stretch)).collect();
        assert_eq!(groups, [0, 0, 0, 1, 1, 1, 3]);
        let last: Vec<u64> = (0..7).filter(|it| stretches.is_last(*it)).collect();
        assert_eq!(last, [2, 5, 6]);
        let last: Vec<u64> = (0..7).filter(|it| stretches.is_last_of_lane(*it)).collect();
        assert_eq!(last, [1, 2, 4, 5, 6]);
        assert_eq!(rows_of(&stretches, 0, 0), [(0, 10), (20, 25)]);
        assert_eq!(rows_of(&stretches, 0, 1), [(10, 20)]);
        // The second row group begins with lane 1.
        assert_eq!(
            rows_of(&stretches, 1, 1),
            [(3, 8), (20, 21), (50, 54), (64, 66)]
        );
        assert_eq!(rows_of(&stretches, 1, 0), [(54, 64)]);
        assert_eq!(rows_of(&stretches, 3, 0), [(0, 5)]);
        assert!(rows_of(&stretches, 3, 1).is_empty());
    }

    #[test]
    fn more_rows_than_a_file_can_have_are_not_shared_out() {
        let stretches = Stretches::new(vec![kept(0, usize::MAX, &[(0, usize::MAX)])], 8192, 4);
        assert_eq!(stretches.lanes(), 1);
        assert_eq!(rows_of(&stretches, 0, 0), [(0, usize::MAX)]);
        let none = Stretches::new(Vec::new(), 10, 4);
        assert_eq!((none.count(), none.lanes()), (0, 1));
    }
}
