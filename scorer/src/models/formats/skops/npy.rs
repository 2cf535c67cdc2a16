//! numpy's file of one array: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use super::malformed;
use crate::models::ModelError;
use crate::models::formats::cursor::Cursor;
use crate::models::formats::python::{Dtype, Kind};

/// What an `.npy` file says before its items.
#[derive(Debug, PartialEq)]
pub struct Header {
    /// Type of the items.
    pub dtype: Dtype,
    /// The fields of items that are structures; else there are none.
    pub fields: Vec<Field>,
    /// Whether in Fortran's order.
    pub fortran: bool,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// Bytes before the items.
    pub length: usize,
}

/// A field of a structure.
#[derive(Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub dtype: Dtype,
    /// Bytes of the structure before it.
    pub offset: usize,
}

/// Fields of a structure at most; the nodes of trees have 9, one of them padding.
const MOST_FIELDS: usize = 64;

/// Reads the header of versions 1 to 3.
pub fn header(bytes: &[u8]) -> Result<Header, ModelError> {
    let mut input = Cursor::new(bytes);
    let text = header_text(&mut input).ok_or_else(|| malformed("an .npy file without a header"))?;
    let parsed = (|| {
        let shape = field(text, "shape")?.strip_prefix('(')?.split_once(')')?.0;
        let lengths = shape
            .split(',')
            .map(str::trim)
            .filter(|length| !length.is_empty());
        let (dtype, fields) = items(field(text, "descr")?)?;
        Some(Header {
            dtype,
            fields,
            fortran: field(text, "fortran_order")?.starts_with("True"),
            shape: lengths
                .map(|length| length.parse().ok())
                .collect::<Option<_>>()?,
            length: input.position(),
        })
    })();
    parsed.ok_or_else(|| malformed("an .npy file whose header has no dtype, order or shape"))
}

/// The type of the items: the name of one, or a list of the names and types of fields that follow each other.
fn items(text: &str) -> Option<(Dtype, Vec<Field>)> {
    let Some(list) = text.strip_prefix('[') else {
        return Some((Dtype::parse(quoted(text)?.0), Vec::new()));
    };
    let (mut rest, mut fields, mut offset) = (list, Vec::new(), 0_usize);
    while let Some(field) = rest.strip_prefix('(') {
        let (name, after) = quoted(field)?;
        let (dtype, after) = quoted(after.strip_prefix(", ")?)?;
        let dtype = Dtype::parse(dtype);
        let name = name.to_owned();
        fields.push(Field {
            name,
            dtype,
            offset,
        });
        offset = offset.checked_add(dtype.width()?)?;
        rest = after.strip_prefix(')')?;
        rest = rest.strip_prefix(", ").unwrap_or(rest);
        if fields.len() > MOST_FIELDS {
            return None;
        }
    }
    let dtype = Dtype {
        kind: Kind::Raw(offset),
        big_endian: false,
    };
    (rest.starts_with(']') && !fields.is_empty()).then_some((dtype, fields))
}

/// The text in quotes at the start, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('\'')?.split_once('\'')
}

fn header_text<'a>(input: &mut Cursor<'a>) -> Option<&'a str> {
    if input.array::<6>()? != *b"\x93NUMPY" {
        return None;
    }
    let length = match input.array()? {
        [1, _] => u32::from(u16::from_le_bytes(input.array()?)),
        [2 | 3, _] => u32::from_le_bytes(input.array()?),
        _ => return None,
    };
    std::str::from_utf8(input.take(usize::try_from(length).ok()?)?).ok()
}

/// What follows a key of the header, which is a Python dict as text.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, value) = text.split_once(&format!("'{key}':"))?;
    Some(value.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::formats::python::Kind;

    #[test]
    fn reads_big_endian_fortran_and_scalars() {
        let mut file = b"\x93NUMPY\x02\x00\x46\x00\x00\x00".to_vec();
        let text = format!(
            "{:<70}",
            "{'descr': '>f4', 'fortran_order': True, 'shape': (3, 2), }"
        );
        file.extend(text.bytes());
        let expected = Header {
            dtype: Dtype {
                kind: Kind::F4,
                big_endian: true,
            },
            fortran: true,
            fields: Vec::new(),
            shape: vec![3, 2],
            length: 82,
        };
        assert_eq!(header(&file).unwrap(), expected);

        let mut scalar = b"\x93NUMPY\x01\x00\x46\x00".to_vec();
        scalar.extend(
            format!(
                "{:<70}",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (), }"
            )
            .bytes(),
        );
        assert_eq!(header(&scalar).unwrap().shape, Vec::<usize>::new());
        assert!(header(scalar.get(..30).unwrap()).is_err());
    }

    #[test]
    fn reads_structures() {
        let (dtype, fields) = items("[('left', '<i8'), ('', '|V7'), ('up', '>f4')], 'x'").unwrap();
        assert_eq!(dtype.kind, Kind::Raw(19));
        let found: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_str(), field.dtype.kind, field.offset))
            .collect();
        let expected = [
            ("left", Kind::I8, 0),
            ("", Kind::Raw(7), 8),
            ("up", Kind::F4, 15),
        ];
        assert_eq!(found, expected);
        assert!(fields[2].dtype.big_endian);
        let many = format!("[{}]", "('a', '<i8'), ".repeat(100));
        for wrong in [
            "[]",
            "[('a', 'O')]",
            "[('a', '<i8')",
            "[('a')]",
            "[('a', '<V4294967295'), ('b', [('c', '<i8')])]",
            &many,
        ] {
            assert_eq!(items(wrong), None, "{wrong}");
        }
    }
}
