use std::collections::BTreeMap;

use super::pane::Pane;
use super::rules::{FURTHEST, ceiling, floor};
use super::sensors::Sensors;
use super::tally::Tally;
use super::waiting::Waiting;
use super::{Rows, Rules};
use crate::{Reading, Reason, Verdict};

/// The state of one partition between its log and its parts. All times are in nanoseconds since 1970.
pub struct Partition {
    pub(super) rules: Rules,
    pub(super) max_time: Option<i64>,
    pub(super) watermark: Option<i64>,
    pub(super) sensors: Sensors,
    /// By their starts. Without windows they only hold the times that came.
    pub(super) panes: BTreeMap<i64, Pane>,
    /// By the starts of their segments.
    pub(super) waiting: BTreeMap<i64, Waiting>,
    pub(super) tally: Tally,
    /// With so many sensors those are looked for that nothing speaks of any more.
    pub(super) sweep_at: usize,
    /// Whether there may be such.
    pub(super) is_stale: bool,
}

/// A reading is of one sensor too many. Nothing of the partition has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sensor {example} is one more than limits.maxSensors ({limit}): raise the limit, or look whether event.columns.keys names a sensor's keys"
)]
pub struct TooManySensors {
    /// The limit.
    pub limit: usize,
    /// The texts of the sensor's keys, with `/` between them.
    pub example: String,
}

/// Below so many sensors no room is worth a search for those that are gone.
pub(super) const FEW_SENSORS: usize = 1024;

impl Partition {
    /// Before the first reading.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            max_time: None,
            watermark: None,
            sensors: Sensors::default(),
            panes: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tally: Tally::default(),
            sweep_at: FEW_SENSORS,
            is_stale: false,
        }
    }

    /// Takes the next reading of the log, of a record that arrived at `arrival`, and counts it.
    pub fn add(&mut self, arrival: i64, reading: &Reading<'_>) -> Result<Verdict, TooManySensors> {
        let time = reading.time;
        let pane = floor(time.clamp(-FURTHEST, FURTHEST), self.rules.hop);
        if let Some(verdict) = self.out_of_range(arrival, time, pane) {
            self.tally.count_apart(verdict);
            return Ok(verdict);
        }
        if self.is_closed(pane + self.rules.size) {
            self.count(time, Verdict::Late);
            return Ok(Verdict::Late);
        }
        // The one thing that can fail goes before the first one that changes something.
        let usable = self.usable(reading)?;
        let max_time = self.max_time.map_or(time, |max_time| max_time.max(time));
        self.max_time = Some(max_time);
        self.raise(max_time - self.rules.tolerance);
        let verdict = match usable {
            Ok((sensor, values)) => self.accumulate(pane, sensor, time, values),
            Err(verdict) => verdict,
        };
        self.count(time, verdict);
        Ok(verdict)
    }

    /// Counts a reading, or a whole event, that could not even be read.
    pub fn count_refused(&mut self, reason: Reason) {
        self.tally.count_apart(Verdict::Invalid(reason));
    }

    /// Counts an event without readings.
    pub fn count_empty(&mut self) {
        self.tally.apart.empty += 1;
    }

    /// The partition has had no record for the idle time, and was empty at the instant `now` or after it.
    pub fn idle(&mut self, now: i64) {
        let now = now.clamp(-FURTHEST, FURTHEST);
        self.raise(now - self.rules.idle - self.rules.tolerance);
    }

    /// Closes the segments up to that of the newest reading.
    pub fn close_all(&mut self) {
        if let Some(time) = self.max_time {
            self.close_through(self.rules.segment_of(time) + self.rules.segment);
        }
    }

    /// Closes the segments that end at `end` or before.
    pub fn close_through(&mut self, end: i64) {
        let end = floor(end.clamp(-FURTHEST, FURTHEST), self.rules.segment);
        self.raise(end + self.rules.size - self.rules.hop);
    }

    /// All windows that end here or before are closed. It never falls. None: before the first reading.
    pub fn watermark(&self) -> Option<i64> {
        self.watermark
    }

    /// The time of the newest reading.
    pub fn max_time(&self) -> Option<i64> {
        self.max_time
    }

    /// The end of the last segment that has closed here, with all before it: none of its windows changes any more.
    pub fn closed_through(&self) -> Option<i64> {
        let rules = &self.rules;
        let watermark = self.watermark?;
        Some(floor(watermark + rules.hop - rules.size, rules.segment))
    }

    /// How many readings became what.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Segments that end at `end` or before are published: their counts are kept no longer one by one.
    pub fn forget(&mut self, end: i64) {
        self.tally.forget(end.saturating_sub(self.rules.segment));
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many sensors are known.
    pub fn sensors(&self) -> usize {
        self.sensors.len()
    }

    /// How many rows of sensors are open, in all panes.
    pub fn open_rows(&self) -> usize {
        self.panes.values().map(|pane| pane.sensors.len()).sum()
    }

    /// How many rows are complete and in no part yet.
    pub fn waiting_rows(&self) -> usize {
        self.waiting.values().map(Waiting::len).sum()
    }

    /// Rows of one segment for a part: `limit` of them as soon as there are so many, or what is left once the segment has closed here; to be
    /// called until there is none. They leave the state: the part must be stored before a state that is saved from now on, and named by
    /// the same commit.
    pub fn take_rows(&mut self, limit: usize) -> Option<Rows> {
        let limit = limit.max(1);
        let closed = self.closed_through();
        let length = self.rules.segment;
        let (&segment, waiting) = self.waiting.iter_mut().find(|(segment, waiting)| {
            waiting.len() >= limit || closed.is_some_and(|closed| **segment + length <= closed)
        })?;
        let (times, sensors, partials) = waiting.take(limit, &self.rules);
        if waiting.len() == 0 {
            self.waiting.remove(&segment);
        }
        self.is_stale = true;
        Some(Rows::new(segment, times, &sensors, partials, &self.sensors))
    }

    fn out_of_range(&self, arrival: i64, time: i64, pane: i64) -> Option<Verdict> {
        let rules = &self.rules;
        if time > arrival.saturating_add(rules.early).min(FURTHEST) {
            return Some(Verdict::Early);
        }
        if time < arrival.saturating_sub(rules.max_age).max(-FURTHEST) {
            return Some(Verdict::TooOld);
        }
        let start = if rules.has_windows { pane } else { time };
        (start < rules.start).then_some(Verdict::BeforeStart)
    }

    /// Its sensor and values, or what becomes of it without them.
    fn usable<'a>(
        &mut self,
        reading: &'a Reading<'_>,
    ) -> Result<Result<(u32, &'a [f64]), Verdict>, TooManySensors> {
        if !reading.is_selected {
            return Ok(Err(Verdict::Filtered));
        }
        let values = match &reading.features {
            Ok(values) if values.len() == self.rules.features() => *values,
            Ok(_) => return Ok(Err(Verdict::Invalid(Reason::FieldMissing))),
            Err(refusal) => return Ok(Err(Verdict::Invalid(refusal.reason))),
        };
        Ok(Ok((self.sensor(reading.key)?, values)))
    }

    fn accumulate(&mut self, pane: i64, sensor: u32, time: i64, values: &[f64]) -> Verdict {
        let rules = &self.rules;
        if rules.has_windows || rules.drop_same_time {
            let open = self.panes.entry(pane);
            let open = open.or_insert_with(|| Pane::new(rules));
            if rules.drop_same_time && !open.seen.insert(sensor, time) {
                return Verdict::Duplicate;
            }
            if rules.has_windows {
                open.add(sensor, time, values);
                return Verdict::Accepted;
            }
        }
        let waiting = self.waiting.entry(rules.segment_of(time));
        let waiting = waiting.or_insert_with(|| Waiting::new(rules));
        waiting.push(time, sensor, values);
        Verdict::Accepted
    }

    /// Counts a reading in its time's segment. One that has closed has its counts: what comes for it now is counted apart.
    fn count(&mut self, time: i64, verdict: Verdict) {
        let rules = &self.rules;
        let segment = rules.segment_of(time);
        if self.is_closed(segment + rules.segment + rules.size - rules.hop) {
            self.tally.count_apart(verdict);
        } else {
            self.tally.count(segment, verdict);
        }
    }

    fn is_closed(&self, end: i64) -> bool {
        self.watermark.is_some_and(|watermark| end <= watermark)
    }

    /// Raises the watermark, and makes rows of the windows that close by that.
    fn raise(&mut self, to: i64) {
        let before = self.watermark;
        if before.is_some_and(|before| to <= before) {
            return;
        }
        self.watermark = Some(to);
        let (size, hop) = (self.rules.size, self.rules.hop);
        let first_open = before.map_or(-FURTHEST, |before| before - size + 1);
        let mut start = ceiling(first_open.max(self.rules.first_window()), hop);
        while let Some((&first, _)) = self.panes.first_key_value() {
            start = start.max(first + hop - size);
            if start + size > to {
                break;
            }
            if self.rules.has_windows {
                self.close(start);
            }
            // Their last window has closed.
            while let Some(pane) = self.panes.first_entry()
                && *pane.key() <= start
            {
                pane.remove();
                self.is_stale = true;
            }
            start += hop;
        }
    }

    fn close(&mut self, start: i64) {
        let rules = &self.rules;
        let segment = rules.segment_of(start);
        let waiting = self.waiting.entry(segment);
        let waiting = waiting.or_insert_with(|| Waiting::new(rules));
        let panes = self.panes.range(start..start + rules.size);
        if rules.size == rules.hop {
            panes.for_each(|(_, pane)| waiting.append(start, pane));
            return;
        }
        let mut window = Pane::new(rules);
        panes.for_each(|(_, pane)| window.merge(pane));
        waiting.append(start, &window);
    }

    fn sensor(&mut self, key: &[u8]) -> Result<u32, TooManySensors> {
        if let Some(sensor) = self.sensors.find(key) {
            return Ok(sensor);
        }
        let limit = self.rules.max_sensors;
        if self.is_stale && self.sensors.len() >= self.sweep_at.min(limit) {
            self.sweep();
        }
        if self.sensors.len() >= limit {
            let example = example(key);
            return Err(TooManySensors { limit, example });
        }
        Ok(self.sensors.insert(key))
    }

    /// Forgets the sensors that nothing speaks of any more.
    fn sweep(&mut self) {
        let mut is_used = vec![false; self.sensors.numbers()];
        let mut mark = |sensors: &[u32]| {
            sensors
                .iter()
                .for_each(|&sensor| is_used[sensor as usize] = true);
        };
        for pane in self.panes.values() {
            mark(&pane.sensors);
            mark(&pane.seen.sensors);
        }
        for waiting in self.waiting.values() {
            mark(&waiting.sensors[waiting.first()..]);
        }
        self.sensors.keep(&is_used);
        self.sweep_at = FEW_SENSORS.max(2 * self.sensors.len());
        self.is_stale = false;
    }
}

/// The texts of a packed key, with `/` between them.
fn example(mut key: &[u8]) -> String {
    let mut texts = Vec::new();
    while let Some((length, rest)) = key.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        texts.push(String::from_utf8_lossy(&rest[..length]));
        key = &rest[length..];
    }
    texts.join("/")
}
