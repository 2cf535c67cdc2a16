use std::str;

use fleetscore_crds::EventSpec;

use super::judge::{Buffers, Outcomes};
use super::meta::Meta;
use super::payload::{unpacked, without_mark};
use super::plan::{Format, Plan};
use super::row::Row;
use super::{SpecError, csv, json};
use crate::{Reading, Record, Refusal};

/// Makes readings of events. It belongs to one thread and uses its buffers again for each event.
#[derive(Clone, Debug)]
pub struct Decoder {
    plan: Plan,
    row: Row,
    buffers: Buffers,
    /// What was packed.
    unpacked: Vec<u8>,
}

/// What an event held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Readings and refusals that were handed out.
    pub outcomes: usize,
}

impl Decoded {
    /// Whether there was nothing in it: no payload, null, an empty list, no line, or none of the fields that are unpivoted.
    pub fn is_empty(self) -> bool {
        self.outcomes == 0
    }
}

impl Decoder {
    /// A decoder of events as the manifest says, with its filter. The error holds all mistakes that were found.
    pub fn new(event: &EventSpec, filter: Option<&str>) -> Result<Self, Vec<SpecError>> {
        let plan = Plan::new(event, filter)?;
        Ok(Self {
            row: Row::new(plan.kinds.clone(), plan.times.clone()),
            plan,
            buffers: Buffers::default(),
            unpacked: Vec::new(),
        })
    }

    /// Whether a field asks for headers, so that records must hold them.
    pub fn needs_headers(&self) -> bool {
        let is_header = |meta: &Meta| matches!(meta, Meta::Header(_));
        self.plan.meta.iter().any(|(_, meta)| is_header(meta))
    }

    /// Hands the readings of an event, and what is refused of it, to `sink` in their order in the event.
    ///
    /// An event, line or item that cannot be read, and a reading without time or keys, is a refusal. A reading with a feature that
    /// cannot be used is a reading that says so.
    pub fn decode(
        &mut self,
        record: &Record<'_>,
        sink: &mut impl FnMut(Result<Reading<'_>, Refusal>),
    ) -> Decoded {
        let mut to = Outcomes {
            judge: &self.plan.judge,
            buffers: &mut self.buffers,
            sink,
            count: 0,
            place: None,
        };
        let body = record.body.unwrap_or_default();
        match unpacked(body, &mut self.unpacked) {
            Ok([]) => {}
            Err(message) => to.bad(&message),
            Ok(body) => {
                self.row.clear();
                for (field, meta) in &self.plan.meta {
                    meta.set(record, &mut self.row, *field);
                }
                let row = &mut self.row;
                match &mut self.plan.format {
                    Format::Json(shape) => match str::from_utf8(without_mark(body)) {
                        Ok(text) => json::read(text, shape, row, &mut to),
                        Err(error) => to.bad(&format!("it is no text in UTF-8: {error}")),
                    },
                    Format::Csv(columns) => csv::read(without_mark(body), columns, row, &mut to),
                    Format::Avro(avro) => avro.read(body, row, &mut to),
                }
            }
        }
        Decoded { outcomes: to.count }
    }
}
