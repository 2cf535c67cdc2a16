use std::borrow::Cow;

use fleetscore_crds::FieldType;
use jiff::{Timestamp, tz::TimeZone};

use super::super::judge::Outcomes;
use super::super::row::Row;
use super::super::scalar::Scalar;
use super::super::shape::{Member, Node, Shape};
use super::Cursor;
use super::schema::Schema;
use super::types::Type;
use crate::{Reading, Refusal};

/// How deep a record may be.
const MAX_DEPTH: usize = 64;

type Result<T, E = String> = std::result::Result<T, E>;

/// Takes what is wanted of records.
pub(super) struct Walk<'w> {
    schema: &'w Schema,
    shape: &'w Shape,
}

/// The list of readings: where its first block begins, and what its items are.
type List<'b> = Option<(Cursor<'b>, usize)>;

impl<'w> Walk<'w> {
    pub fn new(schema: &'w Schema, shape: &'w Shape) -> Self {
        Self { schema, shape }
    }

    /// Hands out the readings of the next record, which is all there is where it is `alone`.
    pub fn record<F: FnMut(Result<Reading<'_>, Refusal>)>(
        &self,
        cursor: &mut Cursor<'_>,
        alone: bool,
        row: &mut Row,
        to: &mut Outcomes<'_, F>,
    ) -> Result<()> {
        let (mark, mut list) = (row.mark(), None);
        self.take(
            self.schema.root,
            &self.shape.root,
            cursor,
            row,
            &mut list,
            0,
        )?;
        if alone && !cursor.is_at_end() {
            return Err("there are bytes behind the record; is it of another schema?".to_owned());
        }
        match list {
            None => to.row(row),
            Some((mut items, kind)) => {
                let mark = row.mark();
                loop {
                    let count = items.block()?;
                    if count == 0 {
                        break;
                    }
                    for _ in 0..count {
                        row.forget(&self.shape.inner, mark);
                        self.take(kind, &self.shape.item, &mut items, row, &mut None, 0)?;
                        to.row(row);
                    }
                }
            }
        }
        row.forget(&self.shape.outer, mark);
        row.unset(&self.shape.inner);
        Ok(())
    }

    fn take<'b>(
        &self,
        kind: usize,
        node: &Node,
        cursor: &mut Cursor<'b>,
        row: &mut Row,
        list: &mut List<'b>,
        depth: usize,
    ) -> Result<()> {
        enter(cursor, depth)?;
        match (self.schema.at(kind), node) {
            (Type::Union(branches), _) => {
                let branch = branch(branches, cursor)?;
                self.take(branch, node, cursor, row, list, depth + 1)
            }
            (_, Node::Value(fields)) => self.value(kind, fields, cursor, row, depth),
            (Type::Array(item), Node::List) => {
                *list = Some((cursor.clone(), *item));
                skip(self.schema, kind, cursor, depth)
            }
            (Type::Record(fields), Node::Object(members)) => {
                for (name, kind) in fields {
                    self.member(members, name, *kind, cursor, row, list, depth)?;
                }
                Ok(())
            }
            (Type::Map(kind), Node::Object(members)) => loop {
                let count = cursor.block()?;
                if count == 0 {
                    return Ok(());
                }
                for _ in 0..count {
                    let name = String::from_utf8_lossy(cursor.bytes()?);
                    self.member(members, &name, *kind, cursor, row, list, depth)?;
                }
            },
            _ => skip(self.schema, kind, cursor, depth),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn member<'b>(
        &self,
        members: &[Member],
        name: &str,
        kind: usize,
        cursor: &mut Cursor<'b>,
        row: &mut Row,
        list: &mut List<'b>,
        depth: usize,
    ) -> Result<()> {
        let Some(member) = Node::member(members, name) else {
            return skip(self.schema, kind, cursor, depth + 1);
        };
        // Of a name that comes twice the last counts.
        row.unset(&member.fields);
        if member.has_list {
            *list = None;
        }
        self.take(kind, &member.node, cursor, row, list, depth + 1)
    }

    fn value(
        &self,
        kind: usize,
        fields: &[usize],
        cursor: &mut Cursor<'_>,
        row: &mut Row,
        depth: usize,
    ) -> Result<()> {
        let kind = self.schema.at(kind);
        let start = cursor.clone();
        for field in fields {
            *cursor = start.clone();
            let scalar = match kind {
                Type::Record(_) | Type::Array(_) | Type::Map(_) | Type::Union(_) => {
                    Scalar::Other(b"an object or a list")
                }
                kind => scalar(kind, row.kind(*field), cursor)?,
            };
            row.set(*field, scalar);
        }
        if matches!(
            kind,
            Type::Record(_) | Type::Array(_) | Type::Map(_) | Type::Union(_)
        ) {
            *cursor = start;
            return skip_type(self.schema, kind, cursor, depth);
        }
        Ok(())
    }
}

/// Begins a value, which is so deep.
fn enter(cursor: &mut Cursor<'_>, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(format!("it is more than {MAX_DEPTH} levels deep"));
    }
    cursor.count_value()
}

/// The branch of a union that is there.
fn branch(branches: &[usize], cursor: &mut Cursor<'_>) -> Result<usize> {
    let number = cursor.long()?;
    let branch = usize::try_from(number)
        .ok()
        .and_then(|number| branches.get(number));
    branch
        .copied()
        .ok_or_else(|| format!("a union of {} has no branch {number}", branches.len()))
}

/// Skips a value.
pub(super) fn skip(
    schema: &Schema,
    kind: usize,
    cursor: &mut Cursor<'_>,
    depth: usize,
) -> Result<()> {
    skip_type(schema, schema.at(kind), cursor, depth)
}

fn skip_type(schema: &Schema, kind: &Type, cursor: &mut Cursor<'_>, depth: usize) -> Result<()> {
    enter(cursor, depth)?;
    let is_map = matches!(kind, Type::Map(_));
    match kind {
        Type::Union(branches) => skip(schema, branch(branches, cursor)?, cursor, depth + 1),
        Type::Record(fields) => {
            for (_, kind) in fields {
                skip(schema, *kind, cursor, depth + 1)?;
            }
            Ok(())
        }
        Type::Array(item) | Type::Map(item) => loop {
            let count = cursor.block()?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                if is_map {
                    cursor.bytes()?;
                }
                skip(schema, *item, cursor, depth + 1)?;
            }
        },
        kind => scalar(kind, FieldType::Number, cursor).map(drop),
    }
}

/// A value without parts, for a field of the type `wanted`. Dates and timestamps are times and texts, and for numbers what is stored.
fn scalar<'b>(kind: &Type, wanted: FieldType, cursor: &mut Cursor<'b>) -> Result<Scalar<'b>> {
    Ok(match kind {
        Type::Null | Type::Record(_) | Type::Array(_) | Type::Map(_) | Type::Union(_) => {
            Scalar::Null
        }
        Type::Boolean => match cursor.array()? {
            [0] => Scalar::Boolean(false),
            [1] => Scalar::Boolean(true),
            [byte] => return Err(format!("a boolean is {byte}")),
        },
        Type::Int | Type::Long => Scalar::Whole(cursor.long()?),
        Type::Float => Scalar::Float(f32::from_le_bytes(cursor.array()?).into()),
        Type::Double => Scalar::Float(f64::from_le_bytes(cursor.array()?)),
        Type::Bytes | Type::String => Scalar::of_bytes(cursor.bytes()?),
        Type::Fixed(size) => Scalar::of_bytes(cursor.take(*size)?),
        Type::Enum(symbols) => {
            let number = cursor.long()?;
            let symbol = usize::try_from(number)
                .ok()
                .and_then(|number| symbols.get(number));
            let symbol = symbol
                .ok_or_else(|| format!("an enum of {} has no symbol {number}", symbols.len()))?;
            Scalar::Text(Cow::Owned(symbol.clone()))
        }
        Type::Date => {
            let days = cursor.long()?;
            if wanted == FieldType::Number {
                return Ok(Scalar::Whole(days));
            }
            civil(days, 86_400_000_000_000, |time| time.date().to_string())
        }
        Type::Timestamp { unit, is_local } => {
            let count = cursor.long()?;
            if wanted == FieldType::Number {
                return Ok(Scalar::Whole(count));
            }
            if *is_local {
                return Ok(civil(count, *unit, |time| time.to_string()));
            }
            count
                .checked_mul(*unit)
                .map_or(OUT_OF_RANGE, Scalar::Instant)
        }
        Type::Decimal { scale, size } => {
            let bytes = match size {
                Some(size) => cursor.take(*size)?,
                None => cursor.bytes()?,
            };
            decimal(bytes, *scale)
        }
    })
}

const OUT_OF_RANGE: Scalar<'static> = Scalar::Other(b"a time out of range");

/// A local time as text, which is read in the zone of `columns.timeZone`.
fn civil(count: i64, unit: i64, text: fn(jiff::civil::DateTime) -> String) -> Scalar<'static> {
    let nanos = i128::from(count) * i128::from(unit);
    match Timestamp::from_nanosecond(nanos) {
        Ok(time) => Scalar::Text(Cow::Owned(text(TimeZone::UTC.to_datetime(time)))),
        Err(_) => OUT_OF_RANGE,
    }
}

/// A decimal number as text; one of more than 16 bytes is not read.
fn decimal(bytes: &[u8], scale: u32) -> Scalar<'_> {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut whole = [if negative { 0xff } else { 0 }; 16];
    let Some(place) = 16_usize
        .checked_sub(bytes.len())
        .and_then(|start| whole.get_mut(start..))
    else {
        return Scalar::Other(bytes);
    };
    place.copy_from_slice(bytes);
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| *scale <= 400) else {
        return Scalar::Other(bytes);
    };
    let number = i128::from_be_bytes(whole);
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    let sign = if negative { "-" } else { "" };
    Scalar::Text(Cow::Owned(format!("{sign}{whole}{point}{fraction}")))
}
