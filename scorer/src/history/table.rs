use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::AssertUnwindSafe;

use fleetscore_crds::SensorKey;
use fleetscore_storage::{ObjectUrl, Storage};
use futures::FutureExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::columns::{MAX_KEYS, ROWS_PER_GROUP, STATE, TABLE_VERSION};
use super::decoding::{Fetched, as_views, decode};
use super::source::Source;
use super::{Column, HistoryError, SensorColumns, SensorRow};

/// Largest table that is read, in bytes: a million sensors.
const TABLE_BYTES: u64 = 256 << 20;
/// What a row group may come to, in bytes, before it is compressed.
const GROUP_BYTES: i64 = 64 << 20;
/// Bytes that are asked for at a time.
const FETCHED_BYTES: u64 = 8 << 20;
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
        let reading = async {
            let metadata = source.get_metadata(None).await?;
            as_views(metadata)
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
    /// Only what is wanted is read from storage, some row groups at a time.
    pub async fn read(
        &self,
        wanted: &[Column],
        mut each: impl FnMut(SensorRow),
    ) -> Result<(), HistoryError> {
        for groups in self.parts(wanted) {
            for columns in self.read_groups(groups, wanted).await? {
                for row in 0..columns.len() {
                    each(self.row(&columns, row)?);
                }
            }
        }
        Ok(())
    }

    /// The columns `wanted` of all sensors in the order of the plan, with their keys and states: what [`SensorTable::read`] hands out, in
    /// far less memory and time.
    pub async fn read_columns(
        &self,
        wanted: &[Column],
    ) -> Result<Vec<SensorColumns>, HistoryError> {
        let mut all = Vec::new();
        for groups in self.parts(wanted) {
            all.extend(self.read_groups(groups, wanted).await?);
        }
        Ok(all)
    }

    /// One sensor; none where the run had no such sensor. Reads the row group that can hold it, with one request.
    pub async fn find(&self, sensor: &SensorKey) -> Result<Option<SensorRow>, HistoryError> {
        if sensor.iter().any(|(key, _)| !self.keys.contains_key(key)) {
            return Ok(None);
        }
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        for (number, _) in groups.filter(|(_, group)| self.may_hold(group, sensor)) {
            for columns in self.read_groups(number..number + 1, &Column::ALL).await? {
                let keys = columns.keys();
                let mut rows = 0..columns.len();
                if let Some(row) = rows.find(|row| keys.iter(*row).eq(sensor.iter())) {
                    return Ok(Some(self.row(&columns, row)?));
                }
            }
        }
        Ok(None)
    }

    fn row(&self, columns: &SensorColumns, row: usize) -> Result<SensorRow, HistoryError> {
        let read = columns.get(row);
        read.map_err(|reason| damaged(&self.url, &reason))
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

    /// The columns of the file that are read where some are `wanted`, as the library has them.
    fn mask(&self, wanted: &[Column]) -> (ProjectionMask, Vec<usize>) {
        let names = wanted.iter().flat_map(|column| column.names()).copied();
        let names = names
            .chain([STATE])
            .chain(self.keys.values().map(String::as_str));
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = ProjectionMask::columns(schema, names);
        let leaves = (0..schema.num_columns()).filter(|leaf| mask.leaf_included(*leaf));
        let leaves = leaves.collect();
        (mask, leaves)
    }

    /// The row groups, in parts that are fetched together: no more than [`FETCHED_BYTES`], unless one has more.
    fn parts(&self, wanted: &[Column]) -> Vec<Range<usize>> {
        let (_, leaves) = self.mask(wanted);
        let groups = self.metadata.metadata().row_groups();
        let (mut parts, mut start, mut held) = (Vec::new(), 0, 0_u64);
        for (number, group) in groups.iter().enumerate() {
            let chunks = leaves.iter().filter_map(|leaf| group.columns().get(*leaf));
            let bytes = chunks
                .map(|chunk| u64::try_from(chunk.compressed_size()).unwrap_or(0))
                .fold(0, u64::saturating_add);
            held = held.saturating_add(bytes);
            if held > FETCHED_BYTES && start < number {
                parts.push(start..number);
                (start, held) = (number, bytes);
            }
        }
        parts.push(start..groups.len());
        parts
    }

    async fn read_groups(
        &self,
        groups: Range<usize>,
        wanted: &[Column],
    ) -> Result<Vec<SensorColumns>, HistoryError> {
        let (mask, leaves) = self.mask(wanted);
        let fetching = self.fetch(groups.clone(), &leaves);
        let fetched = guarded(&self.url, &self.storage, fetching).await?;
        let (metadata, keys) = (self.metadata.clone(), self.keys.clone());
        let wanted = wanted.to_vec();
        let decoding = move || {
            let mut found = Vec::new();
            for (group, fetched) in groups.zip(fetched) {
                for batch in decode(&metadata, group, &mask, &leaves, &fetched)? {
                    let columns = SensorColumns::new(&batch, &keys, &wanted);
                    found.push(columns.map_err(ParquetError::General)?);
                }
            }
            Ok(found)
        };
        // Decoding takes a while, and several tables are read at a time.
        let decoded = tokio::task::spawn_blocking(decoding).await;
        match decoded {
            Ok(found) => found.map_err(|error: ParquetError| damaged(&self.url, &told(&error))),
            Err(_) => Err(damaged(&self.url, NO_SENSE)),
        }
    }

    /// The bytes of some columns of some row groups, by row group.
    async fn fetch(
        &self,
        groups: Range<usize>,
        leaves: &[usize],
    ) -> Result<Vec<Fetched>, ParquetError> {
        let all = self.metadata.metadata().row_groups();
        let ranges = |group: &RowGroupMetaData| {
            let chunks = leaves.iter().filter_map(|leaf| group.columns().get(*leaf));
            chunks
                .map(|chunk| {
                    let (start, length) = chunk.byte_range();
                    start..start.saturating_add(length)
                })
                .collect::<Vec<_>>()
        };
        let ranges: Vec<Vec<Range<u64>>> = all
            .get(groups)
            .unwrap_or_default()
            .iter()
            .map(ranges)
            .collect();
        let lengths = ranges.iter().flatten().map(|range| range.end - range.start);
        if lengths.fold(0, u64::saturating_add) > TABLE_BYTES {
            return Err(ParquetError::General("its columns overlap".to_owned()));
        }
        let mut source = self.source.clone();
        let bytes = source.get_byte_ranges(ranges.concat()).await?;
        let mut bytes = bytes.into_iter();
        let groups = ranges.into_iter().map(|ranges| {
            let count = ranges.len();
            ranges.into_iter().zip(bytes.by_ref().take(count)).collect()
        });
        Ok(groups.collect())
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
        Ok(Err(error)) => Err(damaged(url, &told(&error))),
        Err(_) => Err(damaged(url, NO_SENSE)),
    }
}

const NO_SENSE: &str = "its bytes make no sense";

/// An error without the words of the library before it.
fn told(error: &ParquetError) -> String {
    match error {
        ParquetError::General(text) => text.clone(),
        ParquetError::External(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn damaged(url: &ObjectUrl, reason: &str) -> HistoryError {
    HistoryError::Damaged {
        url: url.to_string(),
        reason: format!("{reason}; run the collect step again to write it anew"),
    }
}
