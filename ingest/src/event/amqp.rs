use fleetscore_crds::FieldType;

use super::scalar::Scalar;

/// A header's value. Senders that speak AMQP leave it in the encoding of AMQP 1.0: a byte that says the type, then the
/// value. It is decoded where type and length fit exactly; everything else is text.
///
/// No text in UTF-8 begins as an AMQP text does. Numbers, times and booleans are decoded only where the field is one: `T1` is a text too.
pub(super) fn header(bytes: &[u8], kind: FieldType) -> Scalar<'_> {
    if let Some(text) = text(bytes) {
        return Scalar::of_bytes(text);
    }
    if kind != FieldType::Text
        && let Some(scalar) = fixed(bytes)
    {
        return scalar;
    }
    Scalar::of_bytes(bytes)
}

/// A string or symbol: its length in one byte or four, then its bytes.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    let (length, text) = match bytes {
        [0xa1 | 0xa3, length, text @ ..] => (u32::from(*length), text),
        [0xb1 | 0xb3, a, b, c, d, text @ ..] => (u32::from_be_bytes([*a, *b, *c, *d]), text),
        _ => return None,
    };
    (usize::try_from(length) == Ok(text.len())).then_some(text)
}

/// A value whose length its type says.
fn fixed<'a>(bytes: &[u8]) -> Option<Scalar<'a>> {
    let (constructor, value) = bytes.split_first()?;
    let whole = |number: i64| Some(Scalar::Whole(number));
    match (constructor, value) {
        (0x40, []) => Some(Scalar::Null),
        (0x41, []) | (0x56, [1]) => Some(Scalar::Boolean(true)),
        (0x42, []) | (0x56, [0]) => Some(Scalar::Boolean(false)),
        (0x43 | 0x44, []) => whole(0),
        (0x50 | 0x52 | 0x53, [byte]) => whole(i64::from(*byte)),
        (0x51 | 0x54 | 0x55, [byte]) => whole(i64::from(byte.cast_signed())),
        (0x60, value) => whole(u16::from_be_bytes(value.try_into().ok()?).into()),
        (0x61, value) => whole(i16::from_be_bytes(value.try_into().ok()?).into()),
        (0x70, value) => whole(u32::from_be_bytes(value.try_into().ok()?).into()),
        (0x71, value) => whole(i32::from_be_bytes(value.try_into().ok()?).into()),
        (0x72, value) => Some(Scalar::Float(
            f32::from_be_bytes(value.try_into().ok()?).into(),
        )),
        (0x80, value) => {
            let number = u64::from_be_bytes(value.try_into().ok()?);
            Some(i64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Whole))
        }
        (0x81, value) => whole(i64::from_be_bytes(value.try_into().ok()?)),
        (0x82, value) => Some(Scalar::Float(f64::from_be_bytes(value.try_into().ok()?))),
        (0x83, value) => {
            let millis = i64::from_be_bytes(value.try_into().ok()?);
            Some(
                millis
                    .checked_mul(1_000_000)
                    .map_or(Scalar::Other(&[]), Scalar::Instant),
            )
        }
        _ => None,
    }
}
