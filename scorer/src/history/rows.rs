//! From the columns of a table to its rows.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ListArray, PrimitiveArray, RecordBatch, StringArray};

use super::columns::{ANOMALIES, LABELS, OUTPUT, REASON, ROWS, SCORE, SKIPPED, STATE, WARNINGS};
use super::{Column, SensorRow, writer};
use crate::ledger::{Confusion, ScoreSummary, SensorState};

type Result<T> = std::result::Result<T, String>;

/// The rows of `batch`, which has the columns of the keys, the state and the columns `wanted`.
pub(super) fn read(
    batch: &RecordBatch,
    keys: &BTreeMap<String, String>,
    wanted: &[Column],
) -> Result<Vec<SensorRow>> {
    let names = keys
        .iter()
        .map(|(key, column)| Ok((key.as_str(), texts(batch, column)?)))
        .collect::<Result<Vec<_>>>()?;
    let states = texts(batch, STATE)?;
    let mut rows = (0..batch.num_rows())
        .map(|row| {
            let present = names.iter().filter(|(_, column)| !column.is_null(row));
            let key = present.map(|(name, column)| (*name, column.value(row)));
            let mut sensor = SensorRow::failed(key.collect(), String::new());
            sensor.reason = None;
            sensor.state = state(states, row)?;
            Ok(sensor)
        })
        .collect::<Result<Vec<_>>>()?;
    for column in wanted {
        fill(&mut rows, batch, *column)?;
    }
    Ok(rows)
}

fn fill(rows: &mut [SensorRow], batch: &RecordBatch, column: Column) -> Result<()> {
    let numbered = rows.iter_mut().enumerate();
    match column {
        Column::Reason => {
            let column = texts(batch, REASON)?;
            numbered.for_each(|(row, sensor)| sensor.reason = text(column, row));
        }
        Column::Output => {
            let column = texts(batch, OUTPUT)?;
            numbered.for_each(|(row, sensor)| sensor.output = text(column, row));
        }
        Column::Rows => {
            let column = counts(batch, ROWS)?;
            numbered.for_each(|(row, sensor)| sensor.rows = count(column, row).unwrap_or(0));
        }
        Column::Skipped => {
            let column = counts(batch, SKIPPED)?;
            numbered.for_each(|(row, sensor)| sensor.skipped = count(column, row).unwrap_or(0));
        }
        Column::Anomalies => {
            let column = counts(batch, ANOMALIES)?;
            numbered.for_each(|(row, sensor)| sensor.anomalies = count(column, row).unwrap_or(0));
        }
        Column::Score => {
            let [min, mean, max] = SCORE.map(|name| numbers(batch, name));
            let (min, mean, max) = (min?, mean?, max?);
            numbered.for_each(|(row, sensor)| {
                let known = [min, mean, max].iter().all(|column| !column.is_null(row));
                sensor.score = known.then(|| ScoreSummary {
                    min: min.value(row),
                    mean: mean.value(row),
                    max: max.value(row),
                });
            });
        }
        Column::Warnings => {
            let column = lists(batch, WARNINGS)?;
            for (row, sensor) in numbered {
                sensor.warnings = list(column, row)?;
            }
        }
        Column::Labels => {
            let [hits, wrong, missed, normal] = LABELS.map(|name| counts(batch, name));
            let (hits, wrong, missed, normal) = (hits?, wrong?, missed?, normal?);
            let labels = |row| {
                Some(Confusion {
                    true_positives: count(hits, row)?,
                    false_positives: count(wrong, row)?,
                    false_negatives: count(missed, row)?,
                    true_negatives: count(normal, row)?,
                })
            };
            numbered.for_each(|(row, sensor)| sensor.labels = labels(row));
        }
    }
    Ok(())
}

fn state(column: &StringArray, row: usize) -> Result<SensorState> {
    let known = [SensorState::Succeeded, SensorState::Failed];
    let name = text(column, row);
    known
        .into_iter()
        .find(|state| name.as_deref() == Some(writer::state(*state)))
        .ok_or_else(|| format!("row {row} has no known state"))
}

fn text(column: &StringArray, row: usize) -> Option<String> {
    (!column.is_null(row)).then(|| column.value(row).to_owned())
}

/// None also for what is no count.
fn count(column: &PrimitiveArray<Int64Type>, row: usize) -> Option<u64> {
    (!column.is_null(row)).then(|| u64::try_from(column.value(row)).ok())?
}

fn list(column: &ListArray, row: usize) -> Result<Vec<String>> {
    if column.is_null(row) {
        return Ok(Vec::new());
    }
    let values = column.value(row);
    let values = values
        .as_string_opt::<i32>()
        .ok_or_else(|| wrong(WARNINGS))?;
    Ok(values.iter().flatten().map(str::to_owned).collect())
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    let column = batch.column_by_name(name);
    column
        .and_then(|column| column.as_string_opt())
        .ok_or_else(|| wrong(name))
}

fn counts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a PrimitiveArray<Int64Type>> {
    let column = batch.column_by_name(name);
    column
        .and_then(|column| column.as_primitive_opt())
        .ok_or_else(|| wrong(name))
}

fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a PrimitiveArray<Float64Type>> {
    let column = batch.column_by_name(name);
    column
        .and_then(|column| column.as_primitive_opt())
        .ok_or_else(|| wrong(name))
}

fn lists<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ListArray> {
    let column = batch.column_by_name(name);
    column
        .and_then(|column| column.as_list_opt())
        .ok_or_else(|| wrong(name))
}

fn wrong(name: &str) -> String {
    format!("it has no column `{name}`, or one of another type")
}
