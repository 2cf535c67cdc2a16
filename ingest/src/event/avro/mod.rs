//! Events in Avro: a file with its schema, or one record of a schema that the manifest holds.
//!
//! Records are read as they lie there: what is not wanted is skipped, and no tree is made. So neither a schema that comes with an event
//! nor its lengths and counts can ask for more memory or time than its bytes are worth.

mod container;
mod cursor;
mod fingerprint;
mod record;
mod schema;
mod types;

use container::Container;
use cursor::Cursor;
use record::Walk;
use schema::Schema;

use super::judge::Outcomes;
use super::row::Row;
use super::shape::Shape;
use crate::{Reading, Refusal};

/// Begins a file.
const FILE: &[u8] = b"Obj\x01";
/// Begins a single record that names its schema.
const SINGLE: &[u8] = b"\xc3\x01";

/// Reads events in Avro.
#[derive(Clone, Debug)]
pub(super) struct Avro {
    shape: Shape,
    /// That of single records.
    schema: Option<Schema>,
    /// The last file.
    container: Container,
}

impl Avro {
    /// `schema`: events are single records of it; else they are files.
    pub fn new(shape: Shape, schema: Option<&str>) -> Result<Self, String> {
        Ok(Self {
            shape,
            schema: schema.map(Schema::parse).transpose()?,
            container: Container::default(),
        })
    }

    /// Reads an event.
    pub fn read<F: FnMut(Result<Reading<'_>, Refusal>)>(
        &mut self,
        body: &[u8],
        row: &mut Row,
        to: &mut Outcomes<'_, F>,
    ) {
        let read = match &self.schema {
            Some(schema) => {
                let record = schema.single(body).unwrap_or(body);
                Walk::new(schema, &self.shape).record(&mut Cursor::new(record), true, row, to)
            }
            None => self.container.open(body).and_then(|blocks| {
                let several = blocks.records() > 1;
                let walk = Walk::new(blocks.schema, &self.shape);
                let mut number = 0;
                for (count, block) in blocks.iter() {
                    let mut cursor = Cursor::new(block);
                    for _ in 0..count {
                        number += 1;
                        to.place = several.then_some(("record", number));
                        walk.record(&mut cursor, false, row, to)?;
                    }
                }
                Ok(())
            }),
        };
        if let Err(message) = read {
            to.bad(&message);
        }
    }
}
