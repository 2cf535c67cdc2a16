use std::io::Read;
use std::ops::Range;

use flate2::bufread::DeflateDecoder;

use super::super::payload::MAX_UNPACKED;
use super::schema::Schema;
use super::{Cursor, FILE};

/// A file with its schema, unpacked. Its buffers are used again for the next file, and so is its schema, which is mostly the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Container {
    schema: Option<(Vec<u8>, Schema)>,
    data: Vec<u8>,
    blocks: Vec<(usize, Range<usize>)>,
}

/// The records of a file.
pub(super) struct Blocks<'c> {
    pub schema: &'c Schema,
    data: &'c [u8],
    /// Each block's records, and where in `data` they are.
    places: &'c [(usize, Range<usize>)],
}

impl<'c> Blocks<'c> {
    /// How many records there are.
    pub fn records(&self) -> usize {
        self.places.iter().map(|(count, _)| count).sum()
    }

    /// The blocks: how many records each has, and their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &'c [u8])> {
        let data = self.data;
        (self.places.iter())
            .map(move |(count, range)| (*count, data.get(range.clone()).unwrap_or_default()))
    }
}

impl Container {
    /// Unpacks a file, and reads all of its records once, so that one that is damaged is refused as a whole.
    pub fn open(&mut self, file: &[u8]) -> Result<Blocks<'_>, String> {
        let header = file.strip_prefix(FILE);
        let mut cursor = Cursor::new(header.ok_or("it is no Avro file, which begins with Obj; give spec.event.schema if events are single records")?);
        let (mut schema, mut codec) = (&b""[..], &b"null"[..]);
        loop {
            let count = cursor.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let (name, value) = (cursor.bytes()?, cursor.bytes()?);
                match name {
                    b"avro.schema" => schema = value,
                    b"avro.codec" => codec = value,
                    _ => {}
                }
            }
        }
        let sync: [u8; 16] = cursor.array()?;
        self.unpack(cursor, codec, sync)?;
        if self.schema.as_ref().is_none_or(|(text, _)| text != schema) {
            let text = str::from_utf8(schema).map_err(|_| "the schema is no text".to_owned())?;
            self.schema = Some((schema.to_vec(), Schema::parse(text)?));
        }
        let Some((_, schema)) = &self.schema else {
            return Err("it has no schema".to_owned());
        };
        let blocks = Blocks {
            schema,
            data: &self.data,
            places: &self.blocks,
        };
        for (count, block) in blocks.iter() {
            let mut cursor = Cursor::new(block);
            for _ in 0..count {
                super::record::skip(schema, schema.root, &mut cursor, 0)?;
            }
            if !cursor.is_at_end() {
                return Err("a block has more bytes than its records".to_owned());
            }
        }
        Ok(blocks)
    }

    fn unpack(
        &mut self,
        mut cursor: Cursor<'_>,
        codec: &[u8],
        sync: [u8; 16],
    ) -> Result<(), String> {
        self.data.clear();
        self.blocks.clear();
        while !cursor.is_at_end() {
            let count = cursor.long()?;
            let packed = cursor.bytes()?;
            let start = self.data.len();
            let room = (MAX_UNPACKED - start) as u64 + 1;
            match codec {
                b"null" | b"" => self.data.extend_from_slice(packed),
                b"deflate" => {
                    let unpacked = DeflateDecoder::new(packed)
                        .take(room)
                        .read_to_end(&mut self.data);
                    unpacked.map_err(|error| format!("a block is damaged: {error}"))?;
                }
                other => {
                    let name = String::from_utf8_lossy(other);
                    return Err(format!("its codec is {name:?}; null and deflate are read"));
                }
            }
            if self.data.len() > MAX_UNPACKED {
                return Err(format!(
                    "it unpacks to more than {} MiB",
                    MAX_UNPACKED >> 20
                ));
            }
            if cursor.array()? != sync {
                return Err("a block does not end where it should".to_owned());
            }
            let end = self.data.len();
            let count = usize::try_from(count)
                .ok()
                .filter(|count| *count <= end - start);
            let count = count.ok_or("a block has more records than bytes")?;
            self.blocks.push((count, start..end));
        }
        Ok(())
    }
}
