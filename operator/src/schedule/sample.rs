//! What the metrics tell of a schedule.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fleetscore_crds::ScoringSchedule;
use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use kube::ResourceExt;

use super::snapshot::edited;
use crate::metrics::ScheduleSample;

/// Gaps between ticks that are looked at.
const GAPS: usize = 10;

/// The intervals of timetables, kept until their next tick: schedules are looked at often, and many share their text.
#[derive(Debug, Default)]
pub struct Intervals(Mutex<HashMap<(String, String), (Timestamp, Option<u64>)>>);

impl Intervals {
    /// Seconds of the longest gap between the ticks that come next.
    fn of(&self, schedule: &ScoringSchedule, now: Timestamp) -> Option<u64> {
        let key = (
            schedule.spec.schedule.clone(),
            schedule.spec.time_zone.clone(),
        );
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, interval)) = known.get(&key)
            && *until > now
        {
            return *interval;
        }
        known.retain(|_, (until, _)| *until > now);
        let timetable = Timetable::parse(&key.0, &key.1).ok()?;
        let ticks: Vec<_> = timetable.after(now).take(GAPS + 1).collect();
        let gaps = ticks
            .windows(2)
            .map(|pair| pair[1].duration_since(pair[0]).as_secs());
        let interval = gaps.max().and_then(|gap| u64::try_from(gap).ok());
        known.insert(key, (*ticks.first()?, interval));
        interval
    }
}

/// What the metrics tell of a schedule, but for its runs.
pub fn sample(schedule: &ScoringSchedule, intervals: &Intervals, now: Timestamp) -> ScheduleSample {
    let meta = &schedule.metadata;
    let created = meta.creation_timestamp.as_ref().map(|time| time.0);
    let edited = edited(meta.managed_fields.as_deref().unwrap_or_default());
    let status = schedule.status.clone().unwrap_or_default();
    let goes_on = !schedule.spec.suspend;
    let changed = created.max(edited);
    let since = status.last_successful_time.max(changed);
    ScheduleSample {
        namespace: schedule.namespace().unwrap_or_default(),
        name: schedule.name_any(),
        changed,
        last_success: status.last_successful_time,
        next: status.next_schedule_time.filter(|_| goes_on),
        due: since
            .filter(|_| goes_on)
            .and_then(|since| first_after(schedule, since)),
        interval: goes_on.then(|| intervals.of(schedule, now)).flatten(),
        last_run: None,
    }
}

/// The first tick after `since`.
fn first_after(schedule: &ScoringSchedule, since: Timestamp) -> Option<Timestamp> {
    let spec = &schedule.spec;
    Timetable::parse(&spec.schedule, &spec.time_zone)
        .ok()?
        .next(since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schedule(text: &str, suspend: bool) -> ScoringSchedule {
        serde_json::from_value(json!({
            "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringSchedule",
            "metadata": {
                "name": "pumps", "namespace": "plant", "creationTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": [{"manager": "m", "operation": "Update", "apiVersion": "v", "time": "2026-01-03T00:00:00Z",
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}],
            },
            "spec": {"schedule": text, "timeZone": "Europe/Berlin", "suspend": suspend, "runTemplate": {"spec": {
                "model": {"location": "file:///m/{device}"},
                "input": {"location": "file:///i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                "output": {"location": "file:///o/", "file": "{device}.csv"},
            }}},
            "status": {"lastSuccessfulTime": "2026-01-02T00:00:00Z", "nextScheduleTime": "2026-01-02T01:00:00Z"},
        }))
        .unwrap()
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn the_interval_is_the_longest_of_the_next_gaps() {
        let intervals = Intervals::default();
        let interval =
            |text: &str, now: &str| sample(&schedule(text, false), &intervals, at(now)).interval;
        assert_eq!(interval("0 * * * *", "2026-01-02T00:00:00Z"), Some(3600));
        // Weekdays at six: from Friday to Monday.
        assert_eq!(
            interval("0 6 * * 1-5", "2026-01-02T12:00:00Z"),
            Some(3 * 86_400)
        );
        // A day of 25 hours comes into sight, and goes out of it.
        assert_eq!(interval("0 6 * * *", "2026-10-20T12:00:00Z"), Some(90_000));
        assert_eq!(interval("0 6 * * *", "2026-10-25T12:00:00Z"), Some(86_400));
        assert_eq!(interval("0 6 30 2 *", "2026-01-02T00:00:00Z"), None);
        assert_eq!(interval("nonsense", "2026-01-02T00:00:00Z"), None);
    }

    /// Its last success is of Friday, its last change of Saturday.
    #[test]
    fn a_schedule_that_rests_at_night_is_due_in_the_morning() {
        let intervals = Intervals::default();
        let now = at("2026-01-04T12:00:00Z");
        let found = sample(&schedule("*/15 8-17 * * 1-5", false), &intervals, now);
        assert_eq!(found.due, Some(at("2026-01-05T07:00:00Z")));
    }

    #[test]
    fn a_suspended_schedule_has_no_tick_to_wait_for() {
        let intervals = Intervals::default();
        let now = at("2026-01-02T00:00:00Z");
        let found = sample(&schedule("0 * * * *", false), &intervals, now);
        assert_eq!(found.next, Some(at("2026-01-02T01:00:00Z")));
        assert_eq!(found.changed, Some(at("2026-01-03T00:00:00Z")));
        assert_eq!(found.last_success, Some(now));
        let found = sample(&schedule("0 * * * *", true), &intervals, now);
        assert_eq!((found.next, found.interval, found.due), (None, None, None));
    }
}
