use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How far a transition can reach: the clock's distance from UTC stays below 26 hours on either side.
const REACH: i64 = 52 * 3600;

/// A stretch of time in which a zone's offset does not change.
///
/// Instants are seconds since 1970 in UTC; readings are what the local clock shows, as seconds since 1970-01-01 00:00.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// The first instant.
    pub start: i64,
    /// The first instant after it.
    pub end: i64,
    /// Reading less instant.
    pub offset: i64,
}

impl Stretch {
    /// The stretch that holds `instant`; none outside the range of timestamps.
    pub fn holding(zone: &TimeZone, instant: i64) -> Option<Self> {
        let time = Timestamp::from_second(instant).ok()?;
        // `preceding` leaves out a transition at the very instant.
        let after = Timestamp::from_second(instant + 1).unwrap_or(Timestamp::MAX);
        let start = zone.preceding(after).next();
        let end = zone.following(time).next();
        Some(Self {
            start: start
                .map_or(Timestamp::MIN, |at| at.timestamp())
                .as_second(),
            end: end.map_or(Timestamp::MAX.as_second() + 1, |at| {
                at.timestamp().as_second()
            }),
            offset: i64::from(zone.to_offset(time).seconds()),
        })
    }

    /// The stretch after this one.
    pub fn next(self, zone: &TimeZone) -> Option<Self> {
        Self::holding(zone, self.end)
    }

    /// The stretch before this one.
    pub fn previous(self, zone: &TimeZone) -> Option<Self> {
        Self::holding(zone, self.start - 1)
    }

    /// The reading at the start.
    pub fn opening(self) -> i64 {
        self.start + self.offset
    }

    /// The reading that would be shown at the end.
    pub fn closing(self) -> i64 {
        self.end + self.offset
    }

    /// The reading up to which the clock got before this stretch; the opening where nothing came before it.
    ///
    /// Higher than the opening: the clock goes back, and the readings below are shown again. Lower: the readings from it to the
    /// opening are never shown.
    pub fn reached(self, zone: &TimeZone) -> i64 {
        let mut reached = None;
        let mut earlier = self.previous(zone);
        while let Some(stretch) = earlier {
            reached = reached.max(Some(stretch.closing()));
            if stretch.start < self.start - REACH {
                break;
            }
            earlier = stretch.previous(zone);
        }
        reached.unwrap_or_else(|| self.opening())
    }
}
