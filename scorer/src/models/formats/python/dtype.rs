use super::{ObjectId, Value};

/// What an array's items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtype {
    /// Their type.
    pub kind: Kind,
    /// Whether their most significant byte comes first.
    pub big_endian: bool,
}

/// Types of an array's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it all.
pub enum Kind {
    Bool,
    I1,
    I2,
    I4,
    I8,
    U1,
    U2,
    U4,
    U8,
    F4,
    F8,
    /// References to Python objects.
    Object,
    /// Strings of so many characters of four bytes.
    Text(usize),
    /// Items of so many bytes that are no plain numbers, such as dates.
    Raw(usize),
    /// Structures of so many bytes, and the `dict` that says where in them the fields of which type lie.
    Structure(usize, ObjectId),
    /// Any other.
    Other,
}

impl Dtype {
    /// Reads numpy's short name with an optional byte order in front, such as `f8` or `<f8`.
    pub fn parse(name: &str) -> Self {
        let (big_endian, name) = match name.strip_prefix(['<', '=', '|', '>']) {
            Some(rest) => (name.starts_with('>'), rest),
            None => (false, name),
        };
        let kind = match name {
            "b1" | "bool" | "?" => Kind::Bool,
            "i1" => Kind::I1,
            "i2" => Kind::I2,
            "i4" => Kind::I4,
            "i8" => Kind::I8,
            "u1" => Kind::U1,
            "u2" => Kind::U2,
            "u4" => Kind::U4,
            "u8" => Kind::U8,
            "f4" => Kind::F4,
            "f8" => Kind::F8,
            "O" | "O8" | "O4" => Kind::Object,
            other => other_kind(other),
        };
        Self { kind, big_endian }
    }

    /// Bytes of one item; nothing where items are not plain numbers.
    pub fn item_bytes(self) -> Option<usize> {
        match self.kind {
            Kind::Bool | Kind::I1 | Kind::U1 => Some(1),
            Kind::I2 | Kind::U2 => Some(2),
            Kind::I4 | Kind::U4 | Kind::F4 => Some(4),
            Kind::I8 | Kind::U8 | Kind::F8 => Some(8),
            Kind::Object | Kind::Text(_) | Kind::Raw(_) | Kind::Structure(..) | Kind::Other => None,
        }
    }

    /// Bytes that one item takes in a file; nothing where that cannot be told.
    pub fn width(self) -> Option<usize> {
        match self.kind {
            Kind::Text(characters) => characters.checked_mul(4),
            Kind::Raw(bytes) | Kind::Structure(bytes, _) => Some(bytes),
            _ => self.item_bytes(),
        }
    }

    /// One string; numpy fills it up with zeros.
    pub fn text(self, bytes: &[u8]) -> Option<String> {
        if !matches!(self.kind, Kind::Text(_)) || Some(bytes.len()) != self.width() {
            return None;
        }
        let (characters, _) = bytes.as_chunks::<4>();
        let character = |bytes: &[u8; 4]| char::from_u32(u32::from_le_bytes(self.ordered(bytes)?));
        let text: Option<String> = characters.iter().map(character).collect();
        text.map(|text| text.trim_end_matches('\0').to_owned())
    }

    /// One item as a Python value; nothing when `bytes` has another length than an item.
    pub fn value(self, bytes: &[u8]) -> Option<Value> {
        let number = self.number(bytes)?;
        Some(match self.kind {
            Kind::Bool => Value::Bool(number != 0.0),
            Kind::F4 | Kind::F8 => Value::Float(number),
            // Within 2^53 the number is the integer; beyond, no model needs it.
            #[allow(clippy::cast_possible_truncation)]
            _ if number.abs() < 9e15 => Value::Int(number as i64),
            _ => Value::Other,
        })
    }

    /// One item as a number; nothing when `bytes` has another length than an item.
    ///
    /// Integers beyond 2^53 are rounded.
    pub fn number(self, bytes: &[u8]) -> Option<f64> {
        Some(match self.kind {
            Kind::Bool => f64::from(u8::from(self.ordered::<1>(bytes)? != [0])),
            Kind::I1 => f64::from(i8::from_le_bytes(self.ordered(bytes)?)),
            Kind::I2 => f64::from(i16::from_le_bytes(self.ordered(bytes)?)),
            Kind::I4 => f64::from(i32::from_le_bytes(self.ordered(bytes)?)),
            Kind::I8 => i64::from_le_bytes(self.ordered(bytes)?) as f64,
            Kind::U1 => f64::from(u8::from_le_bytes(self.ordered(bytes)?)),
            Kind::U2 => f64::from(u16::from_le_bytes(self.ordered(bytes)?)),
            Kind::U4 => f64::from(u32::from_le_bytes(self.ordered(bytes)?)),
            Kind::U8 => u64::from_le_bytes(self.ordered(bytes)?) as f64,
            Kind::F4 => f64::from(f32::from_le_bytes(self.ordered(bytes)?)),
            Kind::F8 => f64::from_le_bytes(self.ordered(bytes)?),
            Kind::Object | Kind::Text(_) | Kind::Raw(_) | Kind::Structure(..) | Kind::Other => {
                return None;
            }
        })
    }

    /// The same of many items, each as long as one; NaN in place of one that is not.
    pub fn numbers<'b>(self, items: impl ExactSizeIterator<Item = &'b [u8]>) -> Vec<f64> {
        // What models hold most of, without a look at the type for each.
        match (self.kind, self.big_endian) {
            (Kind::F8, false) => of_bytes(items, f64::from_le_bytes),
            (Kind::I8, false) => of_bytes(items, |bytes| i64::from_le_bytes(bytes) as f64),
            (Kind::U4, false) => of_bytes(items, |bytes| f64::from(u32::from_le_bytes(bytes))),
            (Kind::U1, _) => of_bytes(items, |[byte]| f64::from(byte)),
            _ => items
                .map(|item| self.number(item).unwrap_or(f64::NAN))
                .collect(),
        }
    }

    /// The bytes of an item, least significant first.
    fn ordered<const N: usize>(self, bytes: &[u8]) -> Option<[u8; N]> {
        let mut bytes: [u8; N] = bytes.try_into().ok()?;
        if self.big_endian {
            bytes.reverse();
        }
        Some(bytes)
    }
}

fn of_bytes<'b, const N: usize>(
    items: impl ExactSizeIterator<Item = &'b [u8]>,
    number: impl Fn([u8; N]) -> f64,
) -> Vec<f64> {
    let number = |item: &[u8]| item.try_into().map_or(f64::NAN, &number);
    items.map(number).collect()
}

/// Kinds whose names end in a width, such as `U8` or `M8`.
fn other_kind(name: &str) -> Kind {
    let Some((kind, width)) = name.split_at_checked(1) else {
        return Kind::Other;
    };
    // Numpy's own names of dates have their unit behind: `M8[ns]`.
    let width = width.split('[').next().unwrap_or_default();
    match (kind, width.parse::<u32>().map(usize::try_from)) {
        ("U", Ok(Ok(characters))) => Kind::Text(characters),
        ("S" | "V" | "M" | "m" | "c" | "f", Ok(Ok(bytes))) => Kind::Raw(bytes),
        _ => Kind::Other,
    }
}
