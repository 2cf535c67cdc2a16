//! numpy's file of one array: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use super::malformed;
use crate::models::ModelError;
use crate::models::formats::cursor::Cursor;
use crate::models::formats::python::Dtype;

/// What an `.npy` file says before its items.
#[derive(Debug, PartialEq)]
pub struct Header {
    /// Type of the items.
    pub dtype: Dtype,
    /// Whether in Fortran's order.
    pub fortran: bool,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// Bytes before the items.
    pub length: usize,
}

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
        Some(Header {
            dtype: Dtype::parse(
                field(text, "descr")?
                    .strip_prefix('\'')?
                    .split_once('\'')?
                    .0,
            ),
            fortran: field(text, "fortran_order")?.starts_with("True"),
            shape: lengths
                .map(|length| length.parse().ok())
                .collect::<Option<_>>()?,
            length: input.position(),
        })
    })();
    parsed.ok_or_else(|| malformed("an .npy file whose header has no dtype, order or shape"))
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
}
