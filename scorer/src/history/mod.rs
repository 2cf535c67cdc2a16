//! What is kept of every run for those who look back: one small record a run, and one table of its sensors.
//!
//! The [`RunRecord`]s of all runs with the same root lie in one folder, a folder a day: `ROOT_runs/YYYY/MM/DD/[NAMESPACE.]RUN.json`.
//! [`root`] tells the root of an output location, [`list_records`] what is there. The table `_run/sensors.parquet` of a run has a row a
//! sensor, in the order of the plan: [`TableWriter`] makes it, [`SensorTable`] reads all of it, some columns, or one sensor.

mod columns;
mod decoded;
mod decoding;
mod error;
mod records;
mod root;
mod run_record;
mod sensor;
mod shares;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use columns::{Column, ROWS_PER_GROUP, TABLE_VERSION};
pub use decoded::{SensorColumns, SensorKeys};
pub use error::HistoryError;
pub use records::{RECORD_BYTES, RecordName, list_records, read_record};
pub use root::{record_path, root};
pub use run_record::{RECORD_VERSION, ReasonCount, RecordTiming, RunRecord, ShardCounts, Shares};
pub use sensor::SensorRow;
pub use shares::ShareCounts;
pub use table::{SensorTable, TableInfo};
pub use writer::TableWriter;
