//! What a file is by its first bytes, for the kinds that are taken for CSV or Parquet and are neither.

use super::ReadingsError;

/// So many of the first bytes tell a file's kind.
pub(super) const HEAD: usize = 512;

/// The first and the last bytes of every Parquet file.
pub(super) const PARQUET: &[u8] = b"PAR1";

/// The same of one whose footer is encrypted.
pub(super) const ENCRYPTED_PARQUET: &[u8] = b"PARE";

/// The first bytes of a gzip stream.
pub(super) const GZIP: &[u8] = &[0x1f, 0x8b];

const UNPACK: &str = "unpack it, or pack it with gzip";
const CONVERT: &str = "convert it to CSV or Parquet";
const SAVE: &str = "save the sheet as CSV (comma separated, UTF-8)";

/// A kind of file that is not read, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// What it is, with its article.
    pub name: &'static str,
    /// What to do.
    pub advice: &'static str,
}

impl Kind {
    const fn new(name: &'static str, advice: &'static str) -> Self {
        Self { name, advice }
    }
}

/// Kinds by the bytes that they begin with.
const BINARY: [(&[u8], &str, &str); 20] = [
    (b"\x28\xb5\x2f\xfd", "a zstd file", UNPACK),
    (b"BZh", "a bzip2 file", UNPACK),
    (b"\xfd7zXZ\0", "an xz file", UNPACK),
    (b"\x04\x22\x4d\x18", "an lz4 file", UNPACK),
    (b"\xff\x06\0\0sNaPpY", "a snappy file", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"\x1f\x9d", "a compress (.Z) file", UNPACK),
    (b"Obj\x01", "an Avro file", CONVERT),
    (b"ORC", "an ORC file", CONVERT),
    (b"ARROW1\0\0", "an Arrow (Feather) file", CONVERT),
    (b"\xff\xff\xff\xff", "an Arrow stream", CONVERT),
    (b"FEA1", "a Feather file", CONVERT),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", CONVERT),
    (b"SQLite format 3\0", "an SQLite database", CONVERT),
    (b"\x93NUMPY", "a NumPy file", CONVERT),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", CONVERT),
    (b"TDSm", "a TDMS file", CONVERT),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Excel 97 (or other Office) file",
        SAVE,
    ),
    (b"%PDF-", "a PDF document", CONVERT),
];

/// The kind of the file that begins with `head`, unless it may be CSV.
pub(super) fn foreign(head: &[u8]) -> Option<Kind> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(zip(head));
    }
    let binary = BINARY.iter().find(|(magic, ..)| head.starts_with(magic));
    if let Some((_, name, advice)) = binary {
        return Some(Kind { name, advice });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(Kind::new("a tar archive", UNPACK));
    }
    utf16_or_32(head).or_else(|| markup(head))
}

/// A zip archive, which is what an Excel workbook is too: one begins with one of these parts.
fn zip(head: &[u8]) -> Kind {
    const PARTS: [&[u8]; 4] = [b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/"];
    let first = head.get(30..).unwrap_or_default();
    if PARTS.iter().any(|part| first.starts_with(part)) {
        return Kind {
            name: "an Excel workbook",
            advice: SAVE,
        };
    }
    Kind {
        name: "a zip archive",
        advice: UNPACK,
    }
}

/// Text of two or four bytes a letter, by its byte order mark or by the zeros in its first letters.
fn utf16_or_32(head: &[u8]) -> Option<Kind> {
    let marked = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let wide = match head {
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] => *a != 0 && *b != 0,
        [0, 0, 0xfe, 0xff, ..] => true,
        _ => false,
    };
    (marked || wide).then_some(Kind {
        name: "UTF-16 (or UTF-32) text",
        advice: "save it as UTF-8",
    })
}

/// JSON, HTML or XML.
fn markup(head: &[u8]) -> Option<Kind> {
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let after = text.get(1..).unwrap_or_default().trim_ascii_start();
    let json = match text.first() {
        Some(b'{') => matches!(after.first(), Some(b'"' | b'}')),
        Some(b'[') => matches!(after.first(), Some(b'{' | b'[' | b']')),
        _ => false,
    };
    if json {
        return Some(Kind::new("JSON", CONVERT));
    }
    let begins = |tag: &str| {
        text.get(..tag.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
    };
    if begins("<!doctype html") || begins("<html") {
        let advice = "look into it: it may be a sign-in page or an error in place of the file";
        return Some(Kind::new("a web page (HTML)", advice));
    }
    begins("<?xml").then_some(Kind::new("XML", CONVERT))
}

/// The error of an object that is none of the formats that are read.
pub(super) fn refused(object: &str, kind: Kind, packed: bool) -> ReadingsError {
    let Kind { name, advice } = kind;
    let inside = if packed { " inside gzip" } else { "" };
    ReadingsError::unreadable(
        object,
        format!("it is {name}{inside}; CSV (plain or gzip) and Parquet are read: {advice}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let mut tar = vec![b'a'; 257];
        tar.extend_from_slice(b"ustar\x0000");
        let table: [(&[u8], &str); 16] = [
            (b"PK\x03\x04\x14\0\0\0\0\0\x79\xaa\x7b\x5d\x45\x06\x48\x8c\x42\x01\0\0\x42\x01\0\0\x08\0\0\0data.csv", "zip"),
            (b"PK\x03\x04\x14\0\0\0\x08\0\x79\xaa\x7b\x5d\x45\x06\x48\x8c\x42\x01\0\0\x42\x01\0\0\x10\0\0\0docProps/app.xml", "Excel workbook"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd"),
            (b"BZh91AY", "bzip2"),
            (b"Obj\x01\x04\x14avro.codec", "Avro"),
            (b"ORC\x11", "ORC"),
            (b"{\"TS\":1}\n", "JSON"),
            (b"\xef\xbb\xbf [ {\"TS\":1}]", "JSON"),
            (b"[]", "JSON"),
            (b"\xff\xfeT\0S\0", "UTF-16"),
            (b"T\0S\0,\0", "UTF-16"),
            (b"\0T\0S\0,", "UTF-16"),
            (b"<!DOCTYPE html>", "web page"),
            (b"<?xml version=", "XML"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "Excel 97"),
            (&tar, "tar"),
        ];
        for (head, name) in table {
            let found = foreign(head).map_or("nothing", |kind| kind.name);
            assert!(found.contains(name), "{name}: {found}");
        }
        for text in [
            &b"TS,Device,Tag,Value\n"[..],
            b"\xef\xbb\xbfTS,Value\n",
            b"[TS],[Value]\n",
            b"{TS},Value\n",
            b"",
            b"\n\n",
            b"OR,C\n",
            b"\"TS\",\"Value\"\n",
            b"a\0",
        ] {
            assert_eq!(foreign(text), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
