use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{Headers, Message, Timestamp};

use super::settings::Settings;
use super::{Event, Place, SourceError};
use crate::Record;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Where an assigned partition is.
pub(super) struct Reader {
    pub place: Place,
    /// The record before the place comes first, and is compared.
    pub is_checked: bool,
    /// Its end came, and no record since.
    pub is_at_end: bool,
    /// The end as the hub told it when what is left was asked for anew.
    pub probe: Option<i64>,
    /// No record comes before this offset.
    pub empty_to: i64,
}

impl Reader {
    /// At a place; with `is_checked` the record before it comes first.
    pub(super) fn new(place: Place, is_checked: bool) -> Self {
        Self {
            place,
            is_checked,
            is_at_end: false,
            probe: None,
            empty_to: place.next,
        }
    }

    /// All that the hub had came.
    pub(super) fn end(&mut self) {
        if let Some(end) = self.probe.take() {
            self.empty_to = self.empty_to.max(end);
        }
        self.is_at_end = true;
    }
}

/// What becomes of a record of an assigned partition.
pub(super) enum Taken<'a> {
    /// It is to be handed out.
    Event(Event<'a>),
    /// It was only looked at, or is of a partition that is no longer assigned.
    Nothing,
    /// It shows that the topic is another.
    Foreign(SourceError),
}

/// Hands out what was taken, if it is anything.
pub(super) fn hand_out(
    taken: Taken<'_>,
    each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Option<ControlFlow<()>>, SourceError> {
    match taken {
        Taken::Event(event) => Ok(Some(each(event))),
        Taken::Nothing => Ok(None),
        Taken::Foreign(error) => Err(error),
    }
}

/// Takes a record in: its partition's place is behind it then.
pub(super) fn take<'a, M: Message>(
    readers: &mut BTreeMap<i32, Reader>,
    settings: &Settings,
    with_headers: bool,
    message: &'a M,
) -> Taken<'a> {
    let (partition, offset) = (message.partition(), message.offset());
    let Some(reader) = readers.get_mut(&partition) else {
        return Taken::Nothing;
    };
    let (arrival, has_hub_time) = arrival(message.timestamp());
    if std::mem::take(&mut reader.is_checked)
        && offset == reader.place.next - 1
        && let Err(error) = reader
            .place
            .check_arrival(&settings.name, partition, arrival)
    {
        return Taken::Foreign(error);
    }
    if offset < reader.place.next {
        return Taken::Nothing;
    }
    reader.place = Place {
        next: offset + 1,
        arrival: Some(arrival),
    };
    reader.is_at_end = false;
    reader.probe = None;
    let headers = message.headers().filter(|_| with_headers);
    let record = Record {
        partition,
        offset,
        arrival,
        key: message.key(),
        headers: headers.map(texts).unwrap_or_default(),
        body: message.payload().filter(|body| !body.is_empty()),
    };
    Taken::Event(Event::Record {
        record,
        has_hub_time,
    })
}

/// The headers in order. A name that is no text makes the client panic, and anybody may send one: such a record is read without headers.
fn texts<H: Headers>(headers: &H) -> Vec<(&str, &[u8])> {
    let read = || {
        headers
            .iter()
            .map(|header| (header.key, header.value.unwrap_or_default()))
            .collect()
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
}

/// In nanoseconds since 1970, and whether it is the hub's time. Messages from before Kafka 0.10 have none: they are of 1970.
fn arrival(timestamp: Timestamp) -> (i64, bool) {
    match timestamp {
        Timestamp::LogAppendTime(millis) => (millis.saturating_mul(NANOS_PER_MILLI), true),
        Timestamp::CreateTime(millis) => (millis.saturating_mul(NANOS_PER_MILLI), false),
        Timestamp::NotAvailable => (0, false),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use rdkafka::message::Header;

    use super::*;

    /// Headers with a name that is no text.
    struct Odd;

    impl Headers for Odd {
        fn count(&self) -> usize {
            1
        }

        fn try_get(&self, _: usize) -> Option<Header<'_, &[u8]>> {
            panic!("not UTF-8")
        }
    }

    #[test]
    fn a_name_that_is_no_text_costs_the_headers_alone() {
        assert!(texts(&Odd).is_empty());
    }

    #[test]
    fn times_are_taken_as_they_come() {
        for (timestamp, expected) in [
            (Timestamp::LogAppendTime(5), (5_000_000, true)),
            (Timestamp::CreateTime(-5), (-5_000_000, false)),
            (Timestamp::CreateTime(i64::MAX), (i64::MAX, false)),
            (Timestamp::CreateTime(i64::MIN), (i64::MIN, false)),
            (Timestamp::NotAvailable, (0, false)),
        ] {
            assert_eq!(arrival(timestamp), expected, "{timestamp:?}");
        }
    }
}
