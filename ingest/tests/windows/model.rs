use std::collections::{BTreeMap, BTreeSet};

use fleetscore_ingest::{Counts, Partition, Rows};
use proptest::prelude::*;

use crate::history::{Event, events, shape};
use crate::manifest::Shape;
use crate::oracle::{Oracle, Row};

/// A partition and what it has given so far, with what it goes back to after a crash.
struct Run {
    shape: Shape,
    partition: Partition,
    rows: Vec<Row>,
    saved: Vec<u8>,
    rows_saved: usize,
    saved_at: usize,
}

impl Run {
    fn new(shape: &Shape) -> Self {
        let partition = Partition::new(shape.rules());
        Self {
            saved: partition.save().unwrap(),
            shape: shape.clone(),
            partition,
            rows: Vec::new(),
            rows_saved: 0,
            saved_at: 0,
        }
    }

    fn checkpoint(&mut self, limit: usize, next: usize) {
        // Not always all that there are.
        for _ in 0..limit {
            if let Some(rows) = self.partition.take_rows(limit) {
                self.take(&rows, limit);
            }
        }
        self.saved = self.partition.save().unwrap();
        self.rows_saved = self.rows.len();
        self.saved_at = next;
        // It goes on from what was saved, so that a difference shows in all that follows.
        self.partition = Partition::load(&self.saved, self.shape.rules()).unwrap();
        assert!(self.partition.save().unwrap() == self.saved);
    }

    fn take(&mut self, rows: &Rows, limit: usize) {
        let rules = self.partition.rules().clone();
        let is_closed = self
            .partition
            .closed_through()
            .is_some_and(|end| rows.segment + rules.segment <= end);
        assert!(!rows.is_empty() && rows.len() <= limit);
        assert!(is_closed || rows.len() == limit);
        assert!(rows.partials.has_columns_of(&rules.partials()));
        for row in 0..rows.len() {
            let number = |output: &fleetscore_ingest::Output| {
                rows.partials
                    .value(row, output.feature, output.function)
                    .map(f64::to_bits)
            };
            let numbers = rules.outputs.iter().map(number).collect();
            self.rows.push((
                rows.segment,
                rows.times[row],
                rows.key(row).to_vec(),
                numbers,
            ));
        }
    }

    fn crash(&mut self) -> usize {
        self.partition = Partition::load(&self.saved, self.shape.rules()).unwrap();
        self.rows.truncate(self.rows_saved);
        self.saved_at
    }
}

fn happens(partition: &mut Partition, event: &Event) -> Option<fleetscore_ingest::Verdict> {
    match event {
        Event::Reading(sent) => {
            let key = sent.packed();
            return Some(partition.add(sent.arrival, &sent.reading(&key)).unwrap());
        }
        Event::Idle(now) => partition.idle(*now),
        Event::CloseAll => partition.close_all(),
        Event::Checkpoint(_) | Event::Crash => (),
    }
    None
}

/// By segments; windows in an order that does not depend on when rows were taken, readings in the log's.
fn by_segment(rows: &[Row], has_windows: bool) -> BTreeMap<i64, Vec<Row>> {
    let mut segments = BTreeMap::<_, Vec<Row>>::new();
    for row in rows {
        segments.entry(row.0).or_default().push(row.clone());
    }
    if has_windows {
        segments.values_mut().for_each(|rows| rows.sort());
    }
    segments
}

fn compare(run: &Run, oracle: &Oracle) {
    let has_windows = run.shape.window.is_some();
    let mut taken = by_segment(&run.rows, has_windows);
    for (segment, expected) in by_segment(&oracle.rows(), has_windows) {
        let taken = taken.remove(&segment).unwrap_or_default();
        if oracle.is_closed(segment) {
            assert_eq!(taken, expected);
        } else if has_windows {
            let mut left = expected.iter();
            assert!(taken.iter().all(|row| left.any(|expected| expected == row)));
        } else {
            assert!(expected.starts_with(&taken));
        }
    }
    assert!(taken.is_empty(), "{taken:?}");
}

fn check(shape: &Shape, events: &[Event]) {
    let mut run = Run::new(shape);
    let mut oracle = Oracle::new(shape);
    let mut verdicts = Vec::new();
    let mut crashes = BTreeSet::new();
    let mut next = 0;
    while next < events.len() {
        let event = &events[next];
        let before = run.partition.watermark();
        if matches!(event, Event::Crash) && crashes.insert(next) {
            next = run.crash();
            continue;
        }
        let verdict = happens(&mut run.partition, event);
        assert!(run.partition.watermark() >= before);
        if next == verdicts.len() {
            verdicts.push(oracle.happens(event));
            assert_eq!(run.partition.watermark(), oracle.watermark);
            if let Some(end) = run.partition.closed_through() {
                let segment = run.partition.rules().segment;
                assert!(oracle.is_closed(end - segment) && !oracle.is_closed(end));
            }
        }
        assert_eq!(verdict, verdicts[next], "{event:?}");
        next += 1;
        if let Event::Checkpoint(limit) = event {
            run.checkpoint(*limit, next);
        }
    }
    compare_counts(&run, &oracle, events);
    for _ in 0..2 {
        while let Some(rows) = run.partition.take_rows(7) {
            run.take(&rows, 7);
        }
        compare(&run, &oracle);
        happens(&mut run.partition, &Event::CloseAll);
        oracle.happens(&Event::CloseAll);
    }
    assert_eq!(run.partition.open_rows(), 0);
}

fn compare_counts(run: &Run, oracle: &Oracle, events: &[Event]) {
    let tally = run.partition.tally();
    assert_eq!(tally.segments, oracle.segments);
    assert_eq!(tally.apart, oracle.apart);
    assert_eq!(tally.forgotten, Counts::default());
    let sent = events
        .iter()
        .filter(|event| matches!(event, Event::Reading(_)));
    assert_eq!(tally.total().readings(), sent.count() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_partition_does_as_the_rules_say(shape in shape(), events in events()) {
        check(&shape, &events);
    }
}
