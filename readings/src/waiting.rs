use super::interleaved::Interleaved;
use super::rows::SensorRows;

/// A sensor's rows are handed over once there are about so many of them, and never more in one piece: enough for the scorer's vector
/// units, small enough to stay in the processor's cache, and soon enough to be scored while the rest is read.
const BATCH_ROWS: usize = 512;

/// Rows of many sensors that wait to be handed over.
///
/// They stay as they were read, which costs nothing, until there are enough of them. Only then they are sorted, so that each sensor's are
/// copied once, into room of the right size.
#[derive(Default)]
pub(super) struct Waiting {
    /// Rows in the order of their object.
    blocks: Vec<Interleaved>,
    /// Blocks that had rows, for their room.
    spare: Vec<Interleaved>,
    /// What there is of each sensor.
    sensors: Vec<Share>,
    /// The sensors of which there is something, in the order in which it came.
    touched: Vec<u32>,
    /// Rows in the blocks.
    rows: usize,
    /// Bytes that the blocks take.
    bytes: usize,
}

/// What there is of a sensor.
#[derive(Clone, Debug, Default)]
struct Share {
    is_touched: bool,
    /// Stretches of successive rows in one block.
    stretches: usize,
    rows: usize,
    /// Readings left out.
    skipped: u64,
    /// Where its next stretch goes while all are sorted.
    next: usize,
}

/// Where successive rows of a sensor begin.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    block: u32,
    row: u32,
}

impl Waiting {
    /// No rows yet of so many sensors.
    pub fn new(sensors: usize) -> Self {
        Self {
            sensors: vec![Share::default(); sensors],
            ..Self::default()
        }
    }

    /// Takes `rows`, and leaves room for others in their place.
    pub fn add(&mut self, rows: &mut Interleaved) {
        for stretch in stretches(rows) {
            if let Some(share) = self.share(stretch.sensor) {
                share.stretches += 1;
                share.rows += stretch.rows;
            }
        }
        if rows.rows.is_empty() {
            return;
        }
        self.rows += rows.rows.len();
        self.bytes += rows.bytes();
        let room = self.spare.pop().unwrap_or_default();
        self.blocks.push(std::mem::replace(rows, room));
    }

    /// Notes a reading of `sensor` that is left out.
    pub fn skip(&mut self, sensor: u32) {
        if let Some(share) = self.share(sensor) {
            share.skipped += 1;
        }
    }

    /// Whether it is time to hand the rows over: batches are full, or they take more than `memory` bytes.
    pub fn is_due(&self, memory: usize) -> bool {
        self.bytes > memory || (self.rows > 0 && self.rows >= BATCH_ROWS * self.touched.len())
    }

    /// Hands all over but what is of `failed` sensors, one sensor after the other.
    pub fn hand_over(&mut self, failed: &[bool], take: &mut dyn FnMut(SensorRows)) {
        let sorted = self.sort();
        for sensor in std::mem::take(&mut self.touched) {
            let Some(share) = self.sensors.get_mut(sensor as usize) else {
                continue;
            };
            let share = std::mem::take(share);
            if failed.get(sensor as usize).is_none_or(|failed| *failed) {
                continue;
            }
            let own = sorted.get(share.next - share.stretches..share.next);
            self.gather(sensor, &share, own.unwrap_or_default(), take);
        }
        for mut block in self.blocks.drain(..) {
            block.clear();
            self.spare.push(block);
        }
        (self.rows, self.bytes) = (0, 0);
    }

    fn share(&mut self, sensor: u32) -> Option<&mut Share> {
        let share = self.sensors.get_mut(sensor as usize)?;
        if !share.is_touched {
            share.is_touched = true;
            self.touched.push(sensor);
        }
        Some(share)
    }

    /// The stretches of all sensors, each sensor's one after the other and in their order, up to its `next`.
    fn sort(&mut self) -> Vec<Stretch> {
        let mut all = 0;
        for sensor in &self.touched {
            if let Some(share) = self.sensors.get_mut(*sensor as usize) {
                share.next = all;
                all += share.stretches;
            }
        }
        let mut sorted = vec![Stretch::default(); all];
        for (number, block) in (0..).zip(&self.blocks) {
            let mut row = 0;
            for stretch in stretches(block) {
                if let Some(share) = self.sensors.get_mut(stretch.sensor as usize)
                    && let Some(place) = sorted.get_mut(share.next)
                {
                    *place = Stretch { block: number, row };
                    share.next += 1;
                }
                // A block has fewer than 4 billion rows.
                row += u32::try_from(stretch.rows).unwrap_or(u32::MAX);
            }
        }
        sorted
    }

    /// Copies the rows of a sensor, in pieces of about the same size.
    fn gather(
        &self,
        sensor: u32,
        share: &Share,
        stretches: &[Stretch],
        take: &mut dyn FnMut(SensorRows),
    ) {
        let pieces = share.rows.div_ceil(BATCH_ROWS).max(1);
        let size = share.rows.div_ceil(pieces);
        let mut left = share.rows;
        let mut piece = SensorRows::default();
        for stretch in stretches {
            let Some(block) = self.blocks.get(stretch.block as usize) else {
                continue;
            };
            let mut row = stretch.row as usize;
            let end = row + same_sensor(block, row);
            while row < end {
                if piece.is_empty() {
                    piece = SensorRows::with_room(size.min(left), block, row);
                }
                let rows = row..end.min(row + size - piece.len());
                row = rows.end;
                left -= rows.len();
                piece.add(block, rows);
                if piece.len() == size && left > 0 {
                    piece.sensor = sensor;
                    take(std::mem::take(&mut piece));
                }
            }
        }
        piece.sensor = sensor;
        piece.skipped = share.skipped;
        take(piece);
    }
}

/// Successive rows of one sensor.
struct OfSensor {
    sensor: u32,
    rows: usize,
}

/// The rows of a block, by stretches of one sensor.
fn stretches(block: &Interleaved) -> impl Iterator<Item = OfSensor> {
    let same = block.rows.chunk_by(|one, next| one.sensor == next.sensor);
    same.filter_map(|rows| {
        let sensor = rows.first()?.sensor;
        let rows = rows.len();
        Some(OfSensor { sensor, rows })
    })
}

/// How many rows from row `row` on are of one sensor.
fn same_sensor(block: &Interleaved, row: usize) -> usize {
    let rows = block.rows.get(row..).unwrap_or_default();
    let sensor = rows.first().map(|row| row.sensor);
    let same = rows.iter().take_while(|row| Some(row.sensor) == sensor);
    same.count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const SENSORS: u32 = 5;

    /// Rows of these sensors, numbered from `first`: each has a time, a feature and a label that go by its number.
    fn block(sensors: &[u32], first: u64) -> Interleaved {
        let mut block = Interleaved {
            first,
            ..Interleaved::default()
        };
        for (number, sensor) in (0..).zip(sensors) {
            let time = i64::try_from(first + number).unwrap();
            let text = time.to_string();
            let label = Some(time % 3 == 0);
            block.push(
                *sensor,
                number,
                time,
                Some(text.as_bytes()),
                &[time as f64, 0.5],
                label,
            );
        }
        block
    }

    /// The numbers of the rows of a piece, all of whose columns have to say the same.
    fn numbers(rows: &SensorRows) -> Vec<u64> {
        let of_row = |row: usize| {
            let number = rows.numbers.get(row);
            let time = i64::try_from(number).unwrap();
            assert_eq!(rows.times.nanos[row], time);
            let text = rows.times.text.as_ref().unwrap().get(row);
            assert_eq!(text, time.to_string().as_bytes());
            assert_eq!(rows.features[2 * row..2 * row + 2], [time as f64, 0.5]);
            assert_eq!(rows.labels.as_ref().unwrap()[row], time % 3 == 0);
            number
        };
        let numbers = (0..rows.len()).map(of_row).collect();
        assert_eq!(rows.features.len(), 2 * rows.len());
        numbers
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add(Vec<(u32, usize)>),
        Skip(u32),
        HandOver,
    }

    fn step() -> impl Strategy<Value = Step> {
        // Runs of one row as where sensors take turns, and some that are longer than a batch.
        let run = (
            0..SENSORS,
            prop_oneof![4 => Just(1_usize), 1 => 0..1500_usize],
        );
        prop_oneof![
            4 => prop::collection::vec(run, 0..40).prop_map(Step::Add),
            1 => (0..SENSORS).prop_map(Step::Skip),
            1 => Just(Step::HandOver),
        ]
    }

    proptest! {
        /// Each sensor gets its rows in their order, in pieces that are not too large, and the readings left out once.
        #[test]
        fn rows_go_to_their_sensors(
            steps in prop::collection::vec(step(), 0..20),
            failed in prop::collection::vec(prop::bool::weighted(0.2), SENSORS as usize),
        ) {
            let mut waiting = Waiting::new(SENSORS as usize);
            let mut expected: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
            let mut got = expected.clone();
            let (mut skipped, mut left_out) = ([0; SENSORS as usize], [0; SENSORS as usize]);
            let mut next = 7;
            for step in steps.into_iter().chain([Step::HandOver]) {
                match step {
                    Step::Add(runs) => {
                        let sensors: Vec<u32> = runs
                            .into_iter()
                            .flat_map(|(sensor, rows)| std::iter::repeat_n(sensor, rows))
                            .collect();
                        for (number, sensor) in (next..).zip(&sensors) {
                            expected.entry(*sensor).or_default().push(number);
                        }
                        let mut block = block(&sensors, next);
                        waiting.add(&mut block);
                        prop_assert!(block.rows.is_empty());
                        next += sensors.len() as u64;
                    }
                    Step::Skip(sensor) => {
                        waiting.skip(sensor);
                        skipped[sensor as usize] += 1;
                    }
                    Step::HandOver => waiting.hand_over(&failed, &mut |rows| {
                        assert!(rows.len() <= BATCH_ROWS);
                        left_out[rows.sensor as usize] += rows.skipped;
                        if !rows.is_empty() {
                            got.entry(rows.sensor).or_default().extend(numbers(&rows));
                        }
                    }),
                }
            }
            for sensor in 0..SENSORS {
                if failed[sensor as usize] {
                    expected.remove(&sensor);
                    skipped[sensor as usize] = 0;
                }
            }
            prop_assert_eq!(got, expected);
            prop_assert_eq!(left_out, skipped);
        }
    }

    #[test]
    fn full_batches_are_due_and_so_are_rows_that_take_too_much() {
        let mut waiting = Waiting::new(2);
        assert!(!waiting.is_due(usize::MAX));
        waiting.add(&mut block(&[0, 1].repeat(BATCH_ROWS / 2), 0));
        assert!(!waiting.is_due(usize::MAX));
        assert!(waiting.is_due(1000));
        waiting.add(&mut block(&[0, 1].repeat(BATCH_ROWS / 2), 0));
        assert!(waiting.is_due(usize::MAX));
        waiting.hand_over(&[false, false], &mut |_| {});
        assert!(!waiting.is_due(1000));
    }
}
