use super::row::{Fault, Row, bad_payload};
use crate::expression::{Condition, Expression, Values};
use crate::{Reading, Reason, Refusal};

/// Bytes that a key's text may have.
const MAX_KEY: usize = 256;

/// Judges rows: which readings they make, and which are refused.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    /// The fields' names, by place.
    pub names: Vec<String>,
    pub time: usize,
    /// In the order of the keys' names.
    pub keys: Vec<usize>,
    pub features: Vec<usize>,
    /// What is reckoned once for a row.
    pub formulas: Vec<Formula>,
    pub unpivot: Option<Unpivoted>,
    pub filter: Option<Condition>,
}

/// A field that is reckoned from others.
#[derive(Clone, Debug)]
pub(crate) struct Formula {
    pub field: usize,
    pub expression: Expression,
    /// The fields it speaks of.
    pub of: Vec<usize>,
}

/// How one row becomes a reading for each of some fields.
#[derive(Clone, Debug)]
pub(crate) struct Unpivoted {
    pub key: usize,
    pub value: usize,
    pub fields: Vec<usize>,
    /// What is reckoned for each of them.
    pub formulas: Vec<Formula>,
}

/// The keys' texts and the features of the reading that is handed out.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    key: Vec<u8>,
    features: Vec<f64>,
}

/// Where the readings of an event go.
pub(super) struct Outcomes<'a, F> {
    pub judge: &'a Judge,
    pub buffers: &'a mut Buffers,
    pub sink: &'a mut F,
    /// Readings and refusals so far.
    pub count: usize,
    /// Which line or item of the event is read, where it has several.
    pub place: Option<(&'static str, usize)>,
}

impl<F: FnMut(Result<Reading<'_>, Refusal>)> Outcomes<'_, F> {
    /// Hands out the readings of a row.
    pub fn row(&mut self, row: &mut Row) {
        let judge = self.judge;
        for formula in &judge.formulas {
            row.reckon(formula.field, &formula.expression, &formula.of);
        }
        let Some(unpivot) = &judge.unpivot else {
            return self.reading(row);
        };
        let mark = row.mark();
        for field in &unpivot.fields {
            if !row.is_given(*field) {
                continue;
            }
            row.forget(&[unpivot.key, unpivot.value], mark);
            row.set_text(unpivot.key, judge.name(*field));
            row.copy(*field, unpivot.value);
            for formula in &unpivot.formulas {
                row.reckon(formula.field, &formula.expression, &formula.of);
            }
            self.reading(row);
        }
    }

    /// Hands out the refusal of a payload, or of a line or item of it.
    pub fn bad(&mut self, message: &str) {
        self.count += 1;
        (self.sink)(Err(match self.place {
            Some((what, number)) => bad_payload(&format!("{what} {number}: {message}")),
            None => bad_payload(message),
        }));
    }

    fn reading(&mut self, row: &Row) {
        self.count += 1;
        (self.sink)(self.judge.reading(row, self.buffers));
    }
}

impl Judge {
    fn reading<'b>(&self, row: &Row, buffers: &'b mut Buffers) -> Result<Reading<'b>, Refusal> {
        let time = row.time(self.time);
        let time = time.ok_or_else(|| self.refusal(self.time, row.fault(self.time)))?;
        buffers.key.clear();
        for field in &self.keys {
            let text = row.text(*field);
            let text = text.ok_or_else(|| self.refusal(*field, row.fault(*field)))?;
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            if text.len() > MAX_KEY {
                let shown = super::row::cut(text);
                return Err(self.refusal(*field, (Reason::KeyTooLong, Some(shown))));
            }
            buffers.key.extend_from_slice(&length.to_le_bytes());
            buffers.key.extend_from_slice(text.as_bytes());
        }
        let is_selected = match &self.filter {
            Some(filter) => filter.evaluate(row) == Some(true),
            None => true,
        };
        buffers.features.clear();
        let mut refusal = None;
        for field in &self.features {
            let Some(number) = row.number(*field) else {
                refusal = Some(self.refusal(*field, row.fault(*field)));
                break;
            };
            buffers.features.push(number);
        }
        Ok(Reading {
            time,
            key: &buffers.key,
            is_selected,
            features: refusal.map_or(Ok(&buffers.features), Err),
        })
    }

    fn refusal(&self, field: usize, (reason, value): Fault<'_>) -> Refusal {
        Refusal {
            reason,
            field: Some(self.name(field).to_owned()),
            value: value.map(ToOwned::to_owned),
        }
    }

    fn name(&self, field: usize) -> &str {
        self.names.get(field).map_or("", String::as_str)
    }
}
