use std::collections::BTreeMap;
use std::io::Read;

use zstd::stream::read::Decoder;

use super::pane::Pane;
use super::partition::FEW_SENSORS;
use super::rules::FURTHEST;
use super::seen::Seen;
use super::sensors::Sensors;
use super::state::{FREE, LARGEST, MAGIC, StateError, VERSION, fingerprint};
use super::tally::Tally;
use super::waiting::Waiting;
use super::{Partials, Partition, Rules};
use crate::{Counts, Reason};

/// A row has fewer readings than a hub passes on in years, so that no sum of counts overflows.
const MOST_READINGS: u64 = 1 << 46;
/// A partition counts fewer in ten thousand years.
const MOST_COUNTED: u64 = 1 << 60;
const BLOCK: usize = 1 << 14;
const LARGEST_WINDOW_LOG: u32 = 23;

impl Partition {
    /// The state that [`Partition::save`] gave, for a partition of the same stream: it goes on as if it had never stopped. Only `lateness` and
    /// `limits` may be others. Bytes that are no such state are refused, and take no more memory than they unpack to.
    pub fn load(state: &[u8], rules: Rules) -> Result<Self, StateError> {
        let mut from = Reader::open(state)?;
        let expected = fingerprint(&rules);
        if from.length()? != expected.len() as u64
            || from.numbers(expected.len() as u64, u8::from_le_bytes)? != expected
        {
            return Err(StateError::OtherRules);
        }
        let watermark = from.time()?;
        let max_time = from.time()?;
        let tally = from.tally(&rules)?;
        let sensors = from.sensors()?;
        let panes = from.panes(&rules, watermark, &sensors)?;
        let waiting = from.all_waiting(&rules, &sensors)?;
        from.close()?;
        Ok(Self {
            sweep_at: FEW_SENSORS.max(2 * sensors.len()),
            is_stale: true,
            rules,
            max_time,
            watermark,
            sensors,
            panes,
            waiting,
            tally,
        })
    }
}

struct Reader<'a> {
    from: Decoder<'static, &'a [u8]>,
    /// So many bytes are left.
    left: u64,
    block: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn open(state: &'a [u8]) -> Result<Self, StateError> {
        let (magic, rest) = state.split_first_chunk().ok_or(StateError::NotAState)?;
        let (version, rest) = rest.split_first_chunk().ok_or(StateError::NotAState)?;
        if *magic != MAGIC {
            return Err(StateError::NotAState);
        }
        let version = u32::from_le_bytes(*version);
        if version != VERSION {
            return Err(StateError::Version(version));
        }
        let (length, packed) = rest.split_first_chunk().ok_or(StateError::NotAState)?;
        let left = u64::from_le_bytes(*length);
        if left > LARGEST {
            return Err(StateError::TooLarge(left));
        }
        let mut from = Decoder::with_buffer(packed)?.single_frame();
        from.window_log_max(LARGEST_WINDOW_LOG)?;
        let block = vec![0; BLOCK];
        Ok(Self { from, left, block })
    }

    fn close(mut self) -> Result<(), StateError> {
        let is_over = self.left == 0 && self.from.read(&mut [0])? == 0;
        check(
            is_over && self.from.finish().is_empty(),
            "bytes are left over",
        )
    }

    /// The next column. Memory is taken as the bytes come, not as their number says.
    fn numbers<T, const N: usize>(
        &mut self,
        count: u64,
        read: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, StateError> {
        let bytes = count.checked_mul(N as u64);
        let bytes = bytes.filter(|bytes| *bytes <= self.left);
        let Some(bytes) = bytes else {
            return Err(StateError::Damaged("it is shorter than it says"));
        };
        self.left -= bytes;
        let mut missing = usize::try_from(count).unwrap_or(usize::MAX);
        let mut column: Vec<T> = Vec::new();
        while missing > 0 {
            let next = missing.min(BLOCK / N);
            let block = &mut self.block[..next * N];
            self.from.read_exact(block)?;
            if column.capacity() - column.len() < next {
                column.reserve_exact(missing.min(column.len().max(next)));
            }
            column.extend(block.as_chunks::<N>().0.iter().map(|bytes| read(*bytes)));
            missing -= next;
        }
        Ok(column)
    }

    fn number<T: Default, const N: usize>(
        &mut self,
        read: impl Fn([u8; N]) -> T,
    ) -> Result<T, StateError> {
        Ok(self.numbers(1, read)?.pop().unwrap_or_default())
    }

    fn length(&mut self) -> Result<u64, StateError> {
        self.number(u64::from_le_bytes)
    }

    fn time(&mut self) -> Result<Option<i64>, StateError> {
        let is_there = self.number(u8::from_le_bytes)?;
        let time = self.number(i64::from_le_bytes)?;
        let in_range = (-FURTHEST - FURTHEST / 2..=FURTHEST + FURTHEST / 2).contains(&time);
        check(is_there <= 1 && in_range, "a time is out of range")?;
        check(is_there == 1 || time == 0, "no time has a value")?;
        Ok((is_there == 1).then_some(time))
    }

    /// The start of the next pane or segment, which is after `last` and on the grid of `length`.
    fn start(&mut self, last: Option<i64>, length: i64) -> Result<i64, StateError> {
        let start = self.number(i64::from_le_bytes)?;
        let in_range = (-FURTHEST - length..=FURTHEST).contains(&start);
        let is_next = last.is_none_or(|last| last < start);
        check(
            in_range && is_next && start % length == 0,
            "a pane or segment is not where it can be",
        )?;
        Ok(start)
    }

    fn tally(&mut self, rules: &Rules) -> Result<Tally, StateError> {
        let mut tally = Tally {
            apart: self.counts()?,
            forgotten: self.counts()?,
            ..Tally::default()
        };
        let mut total = counted(&tally.apart).saturating_add(counted(&tally.forgotten));
        for _ in 0..self.length()? {
            let last = tally.segments.last_key_value().map(|(start, _)| *start);
            let start = self.start(last, rules.segment)?;
            let counts = self.counts()?;
            total = total.saturating_add(counted(&counts));
            tally.segments.insert(start, counts);
        }
        check(total < MOST_COUNTED, "more is counted than can be")?;
        Ok(tally)
    }

    fn counts(&mut self) -> Result<Counts, StateError> {
        let mut numbers = self.numbers(8 + Reason::ALL.len() as u64, u64::from_le_bytes)?;
        let is_possible = numbers.iter().all(|number| *number < MOST_COUNTED / 32);
        check(is_possible, "more is counted than can be")?;
        let invalid = Reason::ALL.into_iter().zip(numbers.split_off(8));
        let mut numbers = numbers.into_iter();
        let mut next = || numbers.next().unwrap_or_default();
        Ok(Counts {
            accepted: next(),
            filtered: next(),
            late: next(),
            early: next(),
            too_old: next(),
            before_start: next(),
            duplicate: next(),
            empty: next(),
            invalid: invalid.filter(|(_, number)| *number > 0).collect(),
        })
    }

    fn sensors(&mut self) -> Result<Sensors, StateError> {
        let count = self.length()?;
        check(count < u64::from(FREE), "there are too many sensors")?;
        let lengths = self.numbers(count, u32::from_le_bytes)?;
        let of_keys = lengths.iter().filter(|length| **length != FREE);
        let bytes = of_keys.map(|length| u64::from(*length)).sum();
        let bytes = self.numbers(bytes, u8::from_le_bytes)?;
        let mut bytes = bytes.as_slice();
        let mut sensors = Sensors::default();
        for length in lengths {
            if length == FREE {
                sensors.insert_free();
                continue;
            }
            let (key, rest) = bytes.split_at(length as usize);
            check(sensors.find(key).is_none(), "a sensor is there twice")?;
            sensors.append(key);
            bytes = rest;
        }
        Ok(sensors)
    }

    fn panes(
        &mut self,
        rules: &Rules,
        watermark: Option<i64>,
        sensors: &Sensors,
    ) -> Result<BTreeMap<i64, Pane>, StateError> {
        let mut panes = BTreeMap::<i64, Pane>::new();
        for _ in 0..self.length()? {
            let last = panes.last_key_value().map(|(start, _)| *start);
            let start = self.start(last, rules.hop)?;
            let is_open = watermark.is_none_or(|watermark| watermark < start + rules.size);
            check(
                is_open && start >= rules.first_window(),
                "a pane is not open",
            )?;
            panes.insert(start, self.pane(rules, start, sensors)?);
        }
        Ok(panes)
    }

    fn pane(&mut self, rules: &Rules, start: i64, known: &Sensors) -> Result<Pane, StateError> {
        let rows = self.length()?;
        check(rules.has_windows || rows == 0, "there are no windows")?;
        let sensors = self.known(rows, known)?;
        let partials = self.partials(rules, rows)?;
        let count = self.length()?;
        check(rules.drop_same_time || count == 0, "duplicates are kept")?;
        check(rows > 0 || count > 0, "a pane is empty")?;
        let seen_sensors = self.known(count, known)?;
        let seen_times = self.numbers(count, i64::from_le_bytes)?;
        let mut seen = Seen::default();
        for (sensor, time) in seen_sensors.into_iter().zip(seen_times) {
            let is_inside = (start..start + rules.hop).contains(&time);
            check(
                is_inside && seen.insert(sensor, time),
                "a time is no pane's or came twice",
            )?;
        }
        let pane = Pane::restore(sensors, partials, seen);
        pane.ok_or(StateError::Damaged("a sensor has two rows in a pane"))
    }

    fn all_waiting(
        &mut self,
        rules: &Rules,
        known: &Sensors,
    ) -> Result<BTreeMap<i64, Waiting>, StateError> {
        let mut all = BTreeMap::<i64, Waiting>::new();
        for _ in 0..self.length()? {
            let last = all.last_key_value().map(|(start, _)| *start);
            let start = self.start(last, rules.segment)?;
            let rows = self.length()?;
            let times = self.numbers(rows, i64::from_le_bytes)?;
            let inside = start..start + rules.segment;
            let are_inside = times.iter().all(|time| inside.contains(time));
            check(rows > 0 && are_inside, "rows are not in their segment")?;
            let sensors = self.known(rows, known)?;
            let partials = self.partials(rules, rows)?;
            all.insert(start, Waiting::restore(times, sensors, partials));
        }
        Ok(all)
    }

    fn known(&mut self, count: u64, known: &Sensors) -> Result<Vec<u32>, StateError> {
        let sensors = self.numbers(count, u32::from_le_bytes)?;
        let are_known = sensors.iter().all(|sensor| known.get(*sensor).is_some());
        check(are_known, "a row is of no sensor")?;
        Ok(sensors)
    }

    fn partials(&mut self, rules: &Rules, rows: u64) -> Result<Partials, StateError> {
        let mut partials = rules.partials();
        partials.count = self.numbers(rows, u64::from_le_bytes)?;
        let possible = 1..MOST_READINGS;
        let are_possible = partials.count.iter().all(|count| possible.contains(count));
        check(are_possible, "a row has no possible count")?;
        let times = [&mut partials.first_time, &mut partials.last_time];
        for times in times.into_iter().flatten() {
            *times = self.numbers(rows, i64::from_le_bytes)?;
        }
        for feature in &mut partials.features {
            for column in feature.columns_mut().into_iter().flatten() {
                *column = self.numbers(rows, f64::from_le_bytes)?;
            }
        }
        Ok(partials)
    }
}

fn counted(counts: &Counts) -> u64 {
    counts.readings() + counts.empty
}

fn check(is_right: bool, otherwise: &'static str) -> Result<(), StateError> {
    if is_right {
        return Ok(());
    }
    Err(StateError::Damaged(otherwise))
}
