//! Counting what a file will be decoded into: an empty message takes two bytes in the file and hundreds in memory.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Fields that are messages or strings, level by level: tag, and where its own such fields are listed.
struct Level(&'static [(u32, Option<&'static Level>)]);

static MODEL: Level = Level(&[(7, Some(&GRAPH)), (8, None)]);
static GRAPH: Level = Level(&[
    (1, Some(&NODE)),
    (5, None),
    (11, Some(&VALUE)),
    (12, Some(&VALUE)),
]);
static NODE: Level = Level(&[(1, None), (2, None), (5, None)]);
static VALUE: Level = Level(&[(2, Some(&TYPE))]);
static TYPE: Level = Level(&[(1, Some(&TENSOR))]);
static TENSOR: Level = Level(&[(2, Some(&SHAPE))]);
static SHAPE: Level = Level(&[(1, None)]);

/// Number of messages and strings within a file; nothing when it is no protobuf.
pub fn objects(bytes: &[u8]) -> Option<usize> {
    count(bytes, &MODEL)
}

fn count(mut bytes: &[u8], level: &Level) -> Option<usize> {
    let mut total = 0;
    while !bytes.is_empty() {
        let (tag, wire) = decode_key(&mut bytes).ok()?;
        let known = level.0.iter().find(|(known, _)| *known == tag);
        match (known, wire) {
            (Some((_, inner)), WireType::LengthDelimited) => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (content, rest) = bytes.split_at_checked(length)?;
                total += 1 + inner.map_or(Some(0), |inner| count(content, inner))?;
                bytes = rest;
            }
            _ => skip_field(wire, tag, &mut bytes, DecodeContext::default()).ok()?,
        }
    }
    Some(total)
}
