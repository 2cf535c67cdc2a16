//! Counting what a file will be decoded into: an empty message takes two bytes in the file and hundreds in memory.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// What becomes of a field's bytes.
enum Field {
    /// A message, with fields of its own.
    Message(&'static [(u32, Field)]),
    /// A text or bytes.
    Text,
    /// Whole numbers, a byte each or more, packed or one by one.
    Integers,
}

static MODEL: &[(u32, Field)] = &[(7, Field::Message(GRAPH)), (8, Field::Text)];
static GRAPH: &[(u32, Field)] = &[
    (1, Field::Message(NODE)),
    (5, Field::Message(TENSOR)),
    (11, Field::Message(VALUE)),
    (12, Field::Message(VALUE)),
];
static NODE: &[(u32, Field)] = &[
    (1, Field::Text),
    (2, Field::Text),
    (5, Field::Message(ATTRIBUTE)),
];
static ATTRIBUTE: &[(u32, Field)] = &[
    (5, Field::Message(TENSOR)),
    (8, Field::Integers),
    (9, Field::Text),
];
static TENSOR: &[(u32, Field)] = &[
    (1, Field::Integers),
    (5, Field::Integers),
    (6, Field::Text),
    (7, Field::Integers),
];
static VALUE: &[(u32, Field)] = &[(2, Field::Message(TYPE))];
static TYPE: &[(u32, Field)] = &[(1, Field::Message(TENSOR_TYPE))];
static TENSOR_TYPE: &[(u32, Field)] = &[(2, Field::Message(SHAPE))];
static SHAPE: &[(u32, Field)] = &[(1, Field::Text)];

/// What a file will be decoded into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Messages and texts.
    pub objects: usize,
    /// Whole numbers.
    pub integers: usize,
}

/// Counts what is within a file; nothing when it is no protobuf.
pub fn count(bytes: &[u8]) -> Option<Count> {
    let mut count = Count::default();
    count.message(bytes, MODEL)?;
    Some(count)
}

impl Count {
    fn message(&mut self, mut bytes: &[u8], fields: &[(u32, Field)]) -> Option<()> {
        while !bytes.is_empty() {
            let (tag, wire) = decode_key(&mut bytes).ok()?;
            let field = fields.iter().find(|(known, _)| *known == tag);
            if let (Some((_, field)), WireType::LengthDelimited) = (field, wire) {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (content, rest) = bytes.split_at_checked(length)?;
                match field {
                    Field::Integers => {
                        self.integers += content.iter().filter(|byte| **byte < 0x80).count();
                    }
                    Field::Text => self.objects += 1,
                    Field::Message(fields) => {
                        self.objects += 1;
                        self.message(content, fields)?;
                    }
                }
                bytes = rest;
            } else {
                self.integers += usize::from(matches!(field, Some((_, Field::Integers))));
                skip_field(wire, tag, &mut bytes, DecodeContext::default()).ok()?;
            }
        }
        Some(())
    }
}
