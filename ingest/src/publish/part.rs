use arrow_array::StringArray;
use arrow_schema::ArrowError;
use fleetscore_storage::StorageError;
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::columns::{part_batch, part_schema};
use super::key::texts;
use crate::folder::{FolderError, PartEntry, StreamFolder};
use crate::{Rows, Rules};

/// Rows of a part that are read at once when it is merged: few, since many parts are read at the same time.
const GROUP_ROWS: usize = 16_384;

/// Stores rows as a part of this name ([`crate::folder::part_name`]). It belongs to the stream with the commit that lists it.
pub async fn store_part(
    folder: &StreamFolder,
    rules: &Rules,
    name: String,
    rows: &Rows,
) -> Result<PartEntry, FolderError> {
    let segment = Timestamp::from_nanosecond(rows.segment.into()).unwrap_or_default();
    let url = folder.part(segment, &name)?;
    let keys = folder.document().columns.keys.len();
    let part = encode(rows, keys, rules).map_err(|error| StorageError::Other {
        url: url.to_string(),
        cause: error.to_string(),
    })?;
    folder.storage().put(&url, part).await?;
    Ok(PartEntry {
        segment,
        name,
        rows: rows.len() as u64,
    })
}

/// A part of these rows, sorted by the keys' texts, then time; equal ones stay in their order. Each key has `keys` texts.
///
/// # Errors
///
/// Where a key is not of so many texts.
pub(super) fn encode(rows: &Rows, keys: usize, rules: &Rules) -> Result<Vec<u8>, ParquetError> {
    let broken = || ParquetError::General("a sensor's key is not one of this stream".to_owned());
    let of_sensor: Option<Vec<Vec<&str>>> = (0..rows.keys.len())
        .map(|sensor| texts(rows.keys.get(sensor), keys))
        .collect();
    let of_sensor = of_sensor.ok_or_else(broken)?;
    let order = order(rows, &of_sensor);
    let columns = (0..keys).map(|key| {
        let texts = order
            .iter()
            .map(|row| of_sensor[rows.sensors[*row] as usize][key]);
        StringArray::from_iter_values(texts)
    });
    let columns = columns.collect();
    let times = order.iter().map(|row| rows.times[*row]).collect();
    let mut partials = rules.partials();
    for row in &order {
        partials.push_row(&rows.partials, *row);
    }
    let schema = part_schema(keys, rules);
    let external = |error: ArrowError| ParquetError::ArrowError(error.to_string());
    let batch = part_batch(&schema, columns, times, partials).map_err(external)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
    writer.write(&batch)?;
    writer.into_inner()
}

/// The rows in their order.
fn order(rows: &Rows, of_sensor: &[Vec<&str>]) -> Vec<usize> {
    let mut sensors: Vec<usize> = (0..of_sensor.len()).collect();
    sensors.sort_by_key(|sensor| &of_sensor[*sensor]);
    let mut ranks = vec![0; sensors.len()];
    for (rank, sensor) in sensors.into_iter().enumerate() {
        ranks[sensor] = rank;
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| (ranks[rows.sensors[*row] as usize], rows.times[*row]));
    order
}
