use jiff::Timestamp;

use super::SourceError;

/// What a hub holds of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset that there may be a record at.
    pub earliest: i64,
    /// The offset behind the last record that can be seen.
    pub end: i64,
}

/// A place to read on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The offset of the next record.
    pub next: i64,
    /// When the record before it arrived (nanoseconds since 1970), where one was read: the hub must still have it so, or the topic was
    /// made anew. Not checked where the hub has deleted that record.
    pub arrival: Option<i64>,
}

impl Place {
    /// The place of an offset before which nothing was read.
    pub const fn at(next: i64) -> Self {
        Self {
            next,
            arrival: None,
        }
    }

    /// Whether the hub can be read from here on.
    pub(super) fn check(
        &self,
        hub: &str,
        partition: i32,
        bounds: Bounds,
    ) -> Result<(), SourceError> {
        let Bounds { earliest, end } = bounds;
        if self.next > end {
            let reason = format!("it was read to offset {}, and ends at {end}", self.next);
            return Err(recreated(hub, partition, reason));
        }
        if self.next < earliest {
            return Err(SourceError::OffsetGone {
                hub: hub.to_owned(),
                partition,
                next: self.next,
                earliest,
            });
        }
        Ok(())
    }

    /// Whether the record before it is the one that was read: when the hub says that it arrived.
    pub(super) fn check_arrival(
        &self,
        hub: &str,
        partition: i32,
        found: i64,
    ) -> Result<(), SourceError> {
        match self.arrival {
            Some(read) if read != found => {
                let reason = format!(
                    "the record at offset {} arrived at {} when it was read, and at {} now",
                    self.next - 1,
                    time(read),
                    time(found)
                );
                Err(recreated(hub, partition, reason))
            }
            _ => Ok(()),
        }
    }
}

fn recreated(hub: &str, partition: i32, reason: String) -> SourceError {
    SourceError::SourceRecreated {
        hub: hub.to_owned(),
        partition,
        reason,
    }
}

fn time(nanos: i64) -> String {
    Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| nanos.to_string(), |time| time.to_string())
}
