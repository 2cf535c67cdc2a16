use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use arrow_array::RecordBatch;
use fleetscore_crds::SensorKey;
use fleetscore_storage::{ObjectUrl, Storage};
use futures::{FutureExt, TryStreamExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::columns::{MAX_KEYS, ROWS_PER_GROUP, STATE, TABLE_VERSION};
use super::source::Source;
use super::{Column, HistoryError, SensorRow, rows};

/// Largest table that is read, in bytes: a million sensors.
const TABLE_BYTES: u64 = 256 << 20;
/// What a row group may come to, in bytes, before it is compressed.
const GROUP_BYTES: i64 = 64 << 20;

/// Names of the entries in the footer.
pub(super) const VERSION: &str = "fleetscore.version";
pub(super) const KEYS: &str = "fleetscore.keys";
pub(super) const RUN: &str = "fleetscore.run";
pub(super) const NAMESPACE: &str = "fleetscore.namespace";
pub(super) const RETRIES: &str = "fleetscore.retries";

/// What a table says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableInfo {
    /// Name of the run.
    pub run: String,
    /// Its namespace; none outside a cluster.
    pub namespace: Option<String>,
    /// The run whose failed sensors were scored again in its place.
    pub retries: Option<String>,
    /// Names of the sensors' keys, sorted.
    pub keys: Vec<String>,
}

/// The table `_run/sensors.parquet` of a run, whose footer has been read. All reads see the same version of it, or fail.
pub struct SensorTable {
    url: ObjectUrl,
    storage: Storage,
    source: Source,
    metadata: ArrowReaderMetadata,
    info: TableInfo,
    /// The column of each key.
    keys: BTreeMap<String, String>,
}

impl SensorTable {
    /// Reads the footer of the table at `url`.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Storage`] where there is none; [`HistoryError::Damaged`] and [`HistoryError::Version`] where it is none that this
    /// program can read.
    pub async fn open(storage: &Storage, url: &ObjectUrl) -> Result<Self, HistoryError> {
        let object = storage.head(url).await?;
        if object.size > TABLE_BYTES {
            return Err(fleetscore_storage::StorageError::TooLarge {
                url: url.to_string(),
                size: object.size,
                limit: TABLE_BYTES,
            }
            .into());
        }
        let mut source = Source::open(storage, object).await?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let reading = async {
            let metadata = source.get_metadata(None).await?;
            ArrowReaderMetadata::try_new(metadata, options)
        };
        let metadata = guarded(url, storage, reading).await?;
        let (info, keys) = describe(url, &metadata)?;
        for group in metadata.metadata().row_groups() {
            let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
            if rows > ROWS_PER_GROUP || !(0..=GROUP_BYTES).contains(&group.total_byte_size()) {
                return Err(damaged(
                    url,
                    "a row group is larger than any that is written",
                ));
            }
        }
        Ok(Self {
            url: url.clone(),
            storage: storage.clone(),
            source,
            metadata,
            info,
            keys,
        })
    }

    /// What the table says of itself.
    pub fn info(&self) -> &TableInfo {
        &self.info
    }

    /// Number of sensors.
    pub fn sensors(&self) -> u64 {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    /// All sensors with all columns, in the order of the plan.
    pub async fn read_all(&self) -> Result<Vec<SensorRow>, HistoryError> {
        let mut all = Vec::new();
        self.read(&Column::ALL, |row| all.push(row)).await?;
        Ok(all)
    }

    /// Hands out each sensor in the order of the plan, with its key, its state and the columns `wanted`; the others are 0, none or empty.
    /// Only what is wanted is read from storage, a row group at a time.
    pub async fn read(
        &self,
        wanted: &[Column],
        mut each: impl FnMut(SensorRow),
    ) -> Result<(), HistoryError> {
        for group in 0..self.metadata.metadata().num_row_groups() {
            for row in self.read_group(group, wanted).await? {
                each(row);
            }
        }
        Ok(())
    }

    /// One sensor; none where the run had no such sensor. Reads the row group that can hold it, with one request.
    pub async fn find(&self, sensor: &SensorKey) -> Result<Option<SensorRow>, HistoryError> {
        if sensor.iter().any(|(key, _)| !self.keys.contains_key(key)) {
            return Ok(None);
        }
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        for (number, _) in groups.filter(|(_, group)| self.may_hold(group, sensor)) {
            let rows = self.read_group(number, &Column::ALL).await?;
            if let Some(row) = rows.into_iter().find(|row| row.key == *sensor) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Whether the sensor lies within the smallest and the largest value of each of its keys. The table is sorted by key, so that this is
    /// true of one row group, and of another where its values begin.
    fn may_hold(&self, group: &RowGroupMetaData, sensor: &SensorKey) -> bool {
        sensor.iter().all(|(key, value)| {
            let name = self.keys.get(key);
            let column = group.columns().iter().find(|column| {
                name.is_some_and(|name| column.column_path().parts() == [name.clone()])
            });
            let statistics = column.and_then(|column| column.statistics());
            let value = value.as_bytes();
            statistics.is_none_or(|statistics| {
                statistics.min_bytes_opt().is_none_or(|min| min <= value)
                    && statistics.max_bytes_opt().is_none_or(|max| value <= max)
            })
        })
    }

    async fn read_group(
        &self,
        group: usize,
        wanted: &[Column],
    ) -> Result<Vec<SensorRow>, HistoryError> {
        let names = wanted.iter().flat_map(|column| column.names()).copied();
        let names = names
            .chain([STATE])
            .chain(self.keys.values().map(String::as_str));
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = ProjectionMask::columns(schema, names);
        let (source, metadata) = (self.source.clone(), self.metadata.clone());
        let reading = async move {
            let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(source, metadata)
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_batch_size(ROWS_PER_GROUP)
                .build()?;
            stream.try_collect::<Vec<RecordBatch>>().await
        };
        let batches = guarded(&self.url, &self.storage, reading).await?;
        let mut found = Vec::new();
        for batch in &batches {
            let read = rows::read(batch, &self.keys, wanted);
            found.extend(read.map_err(|reason| damaged(&self.url, &reason))?);
        }
        Ok(found)
    }
}

/// What the footer says, and the column of each key.
fn describe(
    url: &ObjectUrl,
    metadata: &ArrowReaderMetadata,
) -> Result<(TableInfo, BTreeMap<String, String>), HistoryError> {
    let entries = metadata.metadata().file_metadata().key_value_metadata();
    let text = |name: &str| {
        let entry = entries?.iter().find(|entry| entry.key == name)?;
        entry.value.clone()
    };
    let version: u32 = text(VERSION)
        .and_then(|version| version.parse().ok())
        .ok_or_else(|| damaged(url, "it is no table of a run's sensors"))?;
    if version != TABLE_VERSION {
        return Err(HistoryError::Version {
            url: url.to_string(),
            found: version,
            known: TABLE_VERSION,
        });
    }
    let keys: Option<BTreeMap<String, String>> =
        text(KEYS).and_then(|keys| serde_json::from_str(&keys).ok());
    let keys = keys
        .filter(|keys| keys.len() <= MAX_KEYS)
        .ok_or_else(|| damaged(url, "it does not say which columns are the keys"))?;
    let info = TableInfo {
        run: text(RUN).unwrap_or_default(),
        namespace: text(NAMESPACE),
        retries: text(RETRIES),
        keys: keys.keys().cloned().collect(),
    };
    Ok((info, keys))
}

/// Does something with bytes that nobody has checked: what the library makes of them is an error, never a panic of the caller.
async fn guarded<T>(
    url: &ObjectUrl,
    storage: &Storage,
    work: impl Future<Output = Result<T, ParquetError>>,
) -> Result<T, HistoryError> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(ParquetError::External(error))) => {
            Err(match error.downcast::<object_store::Error>() {
                Ok(error) => storage.error(url, &error).into(),
                Err(error) => damaged(url, &error.to_string()),
            })
        }
        Ok(Err(error)) => Err(damaged(url, &error.to_string())),
        Err(_) => Err(damaged(url, "its bytes make no sense")),
    }
}

fn damaged(url: &ObjectUrl, reason: &str) -> HistoryError {
    HistoryError::Damaged {
        url: url.to_string(),
        reason: format!("{reason}; run the collect step again to write it anew"),
    }
}
