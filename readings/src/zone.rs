use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{ReadingsError, Result};

const DAY: i64 = 86_400_000_000_000;

/// Turns local times into instants.
///
/// A local time that occurs twice (clocks go back) is the earlier instant; one that does not exist (clocks go forward) is moved
/// forward by the length of the gap, as RFC 5545 and most calendars do.
#[derive(Clone, Debug)]
pub(crate) struct LocalZone {
    /// None: UTC.
    zone: Option<TimeZone>,
    /// The stretch of local time around the last conversion in which the offset does not change.
    steady: Steady,
}

/// Local times `[from, to)`, in nanoseconds, that are all `offset` nanoseconds ahead of UTC.
#[derive(Clone, Copy, Debug, Default)]
struct Steady {
    from: i64,
    to: i64,
    offset: i64,
}

impl LocalZone {
    /// The zone of an IANA name. UTC works without a time zone database.
    pub fn new(name: &str) -> Result<Self> {
        const UTC: [&str; 6] = ["Etc/UTC", "UTC", "Etc/GMT", "GMT", "Etc/Zulu", "Zulu"];
        let zone = if UTC.contains(&name) {
            None
        } else {
            Some(fleetscore_ticks::time_zone(name).map_err(ReadingsError::TimeZone)?)
        };
        Ok(Self {
            zone,
            steady: Steady::default(),
        })
    }

    /// Whether local times are UTC, so that they sort like instants.
    pub fn is_utc(&self) -> bool {
        self.zone.is_none()
    }

    /// The instant of a local time, both in nanoseconds since 1970; none where it leaves the range of `i64`.
    pub fn instant(&mut self, local: i64) -> Option<i64> {
        let Some(zone) = &self.zone else {
            return Some(local);
        };
        if !(self.steady.from..self.steady.to).contains(&local) {
            let instant = convert(zone, local)?;
            self.steady = steady_around(zone, instant);
            return i64::try_from(instant.as_nanosecond()).ok();
        }
        local.checked_sub(self.steady.offset)
    }
}

fn convert(zone: &TimeZone, local: i64) -> Option<Timestamp> {
    let civil: DateTime =
        TimeZone::UTC.to_datetime(Timestamp::from_nanosecond(i128::from(local)).ok()?);
    zone.to_timestamp(civil).ok()
}

/// The local times between the transitions on both sides of `instant`, less a day on each side: no transition moves the clock
/// by more, so none of them is ambiguous.
fn steady_around(zone: &TimeZone, instant: Timestamp) -> Steady {
    let offset = i64::from(zone.to_offset(instant).seconds()) * 1_000_000_000;
    let nanos = |at: Timestamp| i64::try_from(at.as_nanosecond()).ok();
    // `preceding` leaves out a transition at the very instant.
    let after = instant
        .checked_add(jiff::SignedDuration::from_nanos(1))
        .unwrap_or(instant);
    let from = zone
        .preceding(after)
        .next()
        .map_or(Some(i64::MIN), |transition| nanos(transition.timestamp()));
    let to = zone
        .following(instant)
        .next()
        .map_or(Some(i64::MAX), |transition| nanos(transition.timestamp()));
    Steady {
        from: from
            .unwrap_or(i64::MIN)
            .saturating_add(offset)
            .saturating_add(DAY + 1),
        to: to
            .unwrap_or(i64::MAX)
            .saturating_add(offset)
            .saturating_sub(DAY + 1),
        offset,
    }
}
