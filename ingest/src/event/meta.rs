use super::amqp;
use super::row::Row;
use super::scalar::Scalar;
use crate::Record;

/// What of a message, beside its body, a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meta {
    /// The last header of this name.
    Header(String),
    /// When the hub took it.
    EnqueuedTime,
    /// Its key.
    Key,
    /// Its partition.
    Partition,
    /// Its place in the partition.
    Offset,
}

impl Meta {
    /// That of a path that begins with `@`.
    pub fn of(path: &str) -> Result<Self, String> {
        match path {
            "@enqueuedTime" => Ok(Self::EnqueuedTime),
            "@key" => Ok(Self::Key),
            "@partition" => Ok(Self::Partition),
            "@offset" => Ok(Self::Offset),
            _ => match path.strip_prefix("@header.") {
                Some(name) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
                _ => Err(format!(
                    "{path:?} is none of @header.NAME, @enqueuedTime, @key, @partition and @offset"
                )),
            },
        }
    }

    /// Sets a field to it.
    pub(super) fn set(&self, record: &Record<'_>, row: &mut Row, field: usize) {
        let scalar = match self {
            Self::EnqueuedTime => Scalar::Instant(record.arrival),
            Self::Partition => Scalar::Whole(record.partition.into()),
            Self::Offset => Scalar::Whole(record.offset),
            Self::Key => record.key.map_or(Scalar::Null, Scalar::of_bytes),
            Self::Header(name) => {
                let header = record.headers.iter().rev().find(|(other, _)| other == name);
                header.map_or(Scalar::Null, |(_, value)| {
                    amqp::header(value, row.kind(field))
                })
            }
        };
        row.set(field, scalar);
    }
}
