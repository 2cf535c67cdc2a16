//! From the columns of a table to its rows.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int64Type};
use arrow_array::{Array, ListArray, PrimitiveArray, RecordBatch, StringViewArray};
use fleetscore_crds::SensorKey;

use super::columns::{ANOMALIES, LABELS, OUTPUT, REASON, ROWS, SCORE, SKIPPED, STATE, WARNINGS};
use super::{Column, SensorRow, writer};
use crate::ledger::{Confusion, ScoreSummary, SensorState};

type Result<T> = std::result::Result<T, String>;
type Counts = PrimitiveArray<Int64Type>;
type Numbers = PrimitiveArray<Float64Type>;

/// Bytes that the texts of a row group may come to when each sensor has its own.
const TEXT_BYTES: u64 = 64 << 20;

/// Some columns of some sensors. A text that many sensors share is held once.
#[derive(Clone, Debug)]
pub struct SensorColumns {
    length: usize,
    keys: SensorKeys,
    states: Vec<SensorState>,
    reason: Option<StringViewArray>,
    rows: Option<Counts>,
    skipped: Option<Counts>,
    anomalies: Option<Counts>,
    /// Lowest, mean and highest.
    score: [Option<Numbers>; 3],
    warnings: Option<ListArray>,
    labels: Option<[Counts; 4]>,
    output: Option<StringViewArray>,
}

/// The keys of some sensors.
#[derive(Clone, Debug)]
pub struct SensorKeys {
    length: usize,
    /// By the key's name.
    values: Vec<(String, StringViewArray)>,
}

impl SensorKeys {
    /// Number of sensors.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Names and values of a sensor's keys, by name.
    pub fn iter(&self, row: usize) -> impl Iterator<Item = (&str, &str)> {
        let keys = self.values.iter();
        keys.filter_map(move |(name, column)| Some((name.as_str(), text(column, row)?)))
    }

    /// A sensor's key.
    pub fn get(&self, row: usize) -> SensorKey {
        self.iter(row).collect()
    }

    /// Whether a sensor has the same key as the one at the same place in `other`.
    pub fn is_same(&self, row: usize, other: &Self) -> bool {
        row < other.length && self.iter(row).eq(other.iter(row))
    }
}

impl SensorColumns {
    /// The columns `wanted` of `batch`, with the keys and the state.
    pub(super) fn new(
        batch: &RecordBatch,
        keys: &BTreeMap<String, String>,
        wanted: &[Column],
    ) -> Result<Self> {
        let is_wanted = |column| wanted.contains(&column);
        let counts = |column, name| optional(is_wanted(column), || self::numbers(batch, name));
        let texts = |column, name| optional(is_wanted(column), || self::texts(batch, name));
        let [low, mean, high] = SCORE;
        let score = |name, wanted| optional(wanted, || self::numbers(batch, name));
        let is_whole = is_wanted(Column::Score);
        let length = batch.num_rows();
        let values = keys
            .iter()
            .map(|(key, column)| Ok((key.clone(), self::texts(batch, column)?)))
            .collect::<Result<Vec<_>>>()?;
        let found = Self {
            length,
            keys: SensorKeys { length, values },
            states: states(&self::texts(batch, STATE)?)?,
            reason: texts(Column::Reason, REASON)?,
            rows: counts(Column::Rows, ROWS)?,
            skipped: counts(Column::Skipped, SKIPPED)?,
            anomalies: counts(Column::Anomalies, ANOMALIES)?,
            score: [
                score(low, is_whole)?,
                score(mean, is_whole || is_wanted(Column::MeanScore))?,
                score(high, is_whole)?,
            ],
            warnings: optional(is_wanted(Column::Warnings), || lists(batch))?,
            labels: optional(is_wanted(Column::Labels), || labels(batch))?,
            output: texts(Column::Output, OUTPUT)?,
        };
        found.check_texts()?;
        Ok(found)
    }

    /// A text that is held once may be that of thousands of sensors.
    fn check_texts(&self) -> Result<()> {
        let keys = self.keys.values.iter().map(|(_, column)| column);
        let texts = keys.chain(&self.reason).chain(&self.output);
        let lengths = texts.flat_map(|column| column.lengths().map(u64::from));
        let warnings = self.warnings.iter().filter_map(|list| {
            let texts = list.values().as_string_view_opt()?;
            Some(texts.lengths().map(u64::from).sum::<u64>())
        });
        let bytes = lengths.chain(warnings).fold(0, u64::saturating_add);
        if bytes > TEXT_BYTES {
            return Err(format!(
                "the texts of a row group come to {bytes} bytes, which is more than any that is written"
            ));
        }
        Ok(())
    }

    /// Number of sensors.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The sensors' keys.
    pub fn keys(&self) -> &SensorKeys {
        &self.keys
    }

    /// The keys alone.
    pub fn into_keys(self) -> SensorKeys {
        self.keys
    }

    /// Whether a sensor's predictions were written.
    pub fn state(&self, row: usize) -> SensorState {
        let state = self.states.get(row);
        state.copied().unwrap_or(SensorState::Failed)
    }

    /// Why a sensor failed.
    pub fn reason(&self, row: usize) -> Option<&str> {
        text(self.reason.as_ref()?, row)
    }

    /// A sensor's share of anomalies, from 0 to 1; none without rows.
    pub fn share(&self, row: usize) -> Option<f64> {
        let rows = count(self.rows.as_ref(), row);
        (rows > 0).then(|| count(self.anomalies.as_ref(), row) as f64 / rows as f64)
    }

    /// The mean of a sensor's scores; none without rows.
    pub fn mean(&self, row: usize) -> Option<f64> {
        let [_, mean, _] = &self.score;
        value(mean.as_ref()?, row)
    }

    /// A sensor with the columns that are there; the others are 0, none or empty.
    pub fn get(&self, row: usize) -> Result<SensorRow> {
        let [low, mean, high] = &self.score;
        let score = |column: &Option<Numbers>| value(column.as_ref()?, row);
        let scores = (score(low), score(mean), score(high));
        Ok(SensorRow {
            key: self.keys.get(row),
            state: self.state(row),
            reason: self.reason(row).map(str::to_owned),
            rows: count(self.rows.as_ref(), row),
            skipped: count(self.skipped.as_ref(), row),
            anomalies: count(self.anomalies.as_ref(), row),
            score: match scores {
                (Some(min), Some(mean), Some(max)) => Some(ScoreSummary { min, mean, max }),
                _ => None,
            },
            warnings: match &self.warnings {
                Some(column) => list(column, row)?,
                None => Vec::new(),
            },
            labels: self
                .labels
                .as_ref()
                .and_then(|labels| confusion(labels, row)),
            output: (self.output.as_ref())
                .and_then(|column| text(column, row))
                .map(str::to_owned),
        })
    }
}

fn optional<T>(wanted: bool, read: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    wanted.then(read).transpose()
}

fn states(column: &StringViewArray) -> Result<Vec<SensorState>> {
    let known = [SensorState::Succeeded, SensorState::Failed];
    let rows = column.iter().enumerate();
    let states = rows.map(|(row, name)| {
        let named = |state: &SensorState| name == Some(writer::state(*state));
        let state = known.into_iter().find(named);
        state.ok_or_else(|| format!("row {row} has no known state"))
    });
    states.collect()
}

fn confusion([hits, wrong, missed, normal]: &[Counts; 4], row: usize) -> Option<Confusion> {
    let count = |column| u64::try_from(value(column, row)?).ok();
    Some(Confusion {
        true_positives: count(hits)?,
        false_positives: count(wrong)?,
        false_negatives: count(missed)?,
        true_negatives: count(normal)?,
    })
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    (row < column.len() && !column.is_null(row)).then(|| column.value(row))
}

fn value<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    (row < column.len() && !column.is_null(row)).then(|| column.value(row))
}

/// 0 also for what is no count.
fn count(column: Option<&Counts>, row: usize) -> u64 {
    let value = column.and_then(|column| value(column, row));
    value
        .and_then(|value| u64::try_from(value).ok())
        .unwrap_or(0)
}

fn list(column: &ListArray, row: usize) -> Result<Vec<String>> {
    if row >= column.len() || column.is_null(row) {
        return Ok(Vec::new());
    }
    let values = column.value(row);
    let values = values.as_string_view_opt().ok_or_else(|| wrong(WARNINGS))?;
    Ok(values.iter().flatten().map(str::to_owned).collect())
}

fn texts(batch: &RecordBatch, name: &str) -> Result<StringViewArray> {
    let column = batch.column_by_name(name);
    let column = column.and_then(|column| column.as_string_view_opt());
    column.cloned().ok_or_else(|| wrong(name))
}

fn numbers<T: ArrowPrimitiveType>(batch: &RecordBatch, name: &str) -> Result<PrimitiveArray<T>> {
    let column = batch.column_by_name(name);
    let column = column.and_then(|column| column.as_primitive_opt());
    column.cloned().ok_or_else(|| wrong(name))
}

fn labels(batch: &RecordBatch) -> Result<[Counts; 4]> {
    let [hits, found, missed, normal] = LABELS.map(|name| numbers(batch, name));
    Ok([hits?, found?, missed?, normal?])
}

fn lists(batch: &RecordBatch) -> Result<ListArray> {
    let column = batch.column_by_name(WARNINGS);
    let column = column.and_then(|column| column.as_list_opt());
    column.cloned().ok_or_else(|| wrong(WARNINGS))
}

fn wrong(name: &str) -> String {
    format!("it has no column `{name}`, or one of another type")
}
