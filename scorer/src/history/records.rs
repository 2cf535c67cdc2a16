use fleetscore_storage::{ObjectInfo, ObjectUrl, Storage};
use futures::TryStreamExt;
use jiff::civil::Date;

use super::{HistoryError, RunRecord};
use crate::outputs;

/// Largest record that is read, in bytes.
pub const RECORD_BYTES: u64 = 256 << 10;

/// A record as its name tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordName {
    /// The day that it lies on.
    pub day: Date,
    /// Its name without `.json`: the run's, with its namespace and a dot before it where it has one.
    pub name: String,
    /// Where it is, how large, and from when; its `e_tag` tells whether it has changed.
    pub object: ObjectInfo,
}

/// The records in the month of `day` below `root`, by day and name. What else lies there is left out.
pub async fn list_records(
    storage: &Storage,
    root: &ObjectUrl,
    month: Date,
) -> Result<Vec<RecordName>, HistoryError> {
    let folder = format!(
        "{}{:04}/{:02}/",
        outputs::RUNS_FOLDER,
        month.year(),
        month.month()
    );
    let folder = root.join(&folder)?;
    let mut objects = storage.list(&folder);
    let mut records = Vec::new();
    while let Some(object) = objects.try_next().await? {
        let named = object
            .url
            .relative_to(&folder)
            .and_then(|path| name(path, month));
        if let Some((day, name)) = named {
            records.push(RecordName { day, name, object });
        }
    }
    Ok(records)
}

/// The day and the name of the record at `path` below the folder of a month.
fn name(path: &str, month: Date) -> Option<(Date, String)> {
    let (day, name) = path.split_once('/')?;
    let day = Date::new(month.year(), month.month(), day.parse().ok()?).ok()?;
    let name = name.strip_suffix(".json")?;
    (!name.is_empty() && !name.contains('/')).then(|| (day, name.to_owned()))
}

/// Reads the record at `url`.
///
/// # Errors
///
/// [`HistoryError::Damaged`] and [`HistoryError::Version`] where it is none that this program can read.
pub async fn read_record(storage: &Storage, url: &ObjectUrl) -> Result<RunRecord, HistoryError> {
    let bytes = storage.get(url, RECORD_BYTES).await?;
    RunRecord::from_json(&url.to_string(), &bytes)
}
