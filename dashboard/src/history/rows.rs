//! Rows of sensors' tables on this machine's disk: of a trend over many runs only what is new is read from storage.

use fleetscore_crds::SensorKey;
use fleetscore_scorer::history::SensorRow;
use fleetscore_scorer::ledger::{Confusion, ScoreSummary, SensorState};
use fleetscore_storage::StoreKind;
use serde::{Deserialize, Serialize};

use super::{Disk, History, ReadError, Run};
use crate::slug;

/// A row as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SensorRow")]
struct RowForm {
    key: SensorKey,
    state: SensorState,
    reason: Option<String>,
    rows: u64,
    skipped: u64,
    anomalies: u64,
    score: Option<ScoreSummary>,
    warnings: Vec<String>,
    labels: Option<Confusion>,
    output: Option<String>,
}

/// What a table has of a sensor.
#[derive(Serialize, Deserialize)]
enum Kept {
    /// No such sensor.
    Absent,
    /// Its row.
    Row(#[serde(with = "RowForm")] SensorRow),
}

impl History {
    /// A sensor's row in the table of `run`: from the disk, where storage says that the table is the one that it was read from.
    pub(super) async fn row(
        &self,
        run: &Run,
        sensor: &SensorKey,
    ) -> Result<Option<SensorRow>, ReadError> {
        let url = run.sensors().ok_or_else(|| ReadError::outside(run))?;
        // Local files are as fast as what would be kept of them.
        let disk = self.disk.as_ref().filter(|_| url.kind() != StoreKind::File);
        let Some(disk) = disk else {
            return Self::find(run, sensor).await;
        };
        let object = run.storage.head(&url).await.map_err(ReadError::storage)?;
        let Some(tag) = &object.meta.e_tag else {
            return Self::find(run, sensor).await;
        };
        let key = slug::encode_key(sensor);
        let name = format!("{} {url} {} {tag} {key}", run.account, object.size);
        if let Some(kept) = known(disk, name.clone(), sensor).await {
            return Ok(kept);
        }
        let read = Self::find(run, sensor).await?;
        keep(disk, name, read.clone()).await;
        Ok(read)
    }

    /// Makes room on the disk.
    pub(super) async fn sweep(&self) {
        if let Some(disk) = self.disk.clone() {
            let _ = tokio::task::spawn_blocking(move || disk.sweep()).await;
        }
    }
}

/// What is kept under `name` of `sensor`.
async fn known(disk: &Disk, name: String, sensor: &SensorKey) -> Option<Option<SensorRow>> {
    let disk = disk.clone();
    let bytes = tokio::task::spawn_blocking(move || disk.get(&name)).await;
    match serde_json::from_slice(&bytes.ok()??).ok()? {
        Kept::Absent => Some(None),
        Kept::Row(row) => (row.key == *sensor).then_some(Some(row)),
    }
}

async fn keep(disk: &Disk, name: String, row: Option<SensorRow>) {
    let kept = row.map_or(Kept::Absent, Kept::Row);
    // What cannot be kept is read again.
    if let Ok(bytes) = serde_json::to_vec(&kept) {
        let disk = disk.clone();
        let _ = tokio::task::spawn_blocking(move || disk.put(&name, &bytes)).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use fleetscore_crds::StorageSpec;
    use fleetscore_scorer::history::{TableInfo, TableWriter};
    use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};

    use super::super::run::tests::run;
    use super::*;

    fn row(device: &str, anomalies: u64) -> SensorRow {
        SensorRow {
            state: SensorState::Succeeded,
            reason: None,
            rows: 100,
            anomalies,
            score: Some(ScoreSummary {
                min: -0.1,
                mean: 0.2,
                max: 0.5,
            }),
            warnings: vec!["MostlyAnomalous".into()],
            output: Some("1.csv".into()),
            ..SensorRow::failed([("device", device)].into_iter().collect(), String::new())
        }
    }

    fn table(anomalies: u64) -> Vec<u8> {
        let mut table = TableWriter::new(&TableInfo {
            run: "a".into(),
            keys: vec!["device".into()],
            ..TableInfo::default()
        })
        .unwrap();
        table.add(row("1", anomalies)).unwrap();
        table.finish().unwrap()
    }

    /// A row is kept under the version of its table alone: of another version it is read again, and what is broken is no row.
    #[tokio::test]
    async fn a_row_is_kept_with_the_version_of_its_table() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
        let root = ObjectUrl::parse("memory:///rows/").unwrap();
        let own = run("a", "memory:///rows/16/", None);
        let own = Run {
            storage: storage.clone(),
            root: root.clone(),
            ..own
        };
        let url = own.sensors().unwrap();
        let history = History::new(&storage, "", &[root])
            .with_disk(Some(Disk::new(folder.path().to_owned())));
        let key = |device| [("device", device)].into_iter().collect::<SensorKey>();
        storage.put(&url, table(10)).await.unwrap();
        assert_eq!(
            history.row(&own, &key("1")).await.unwrap(),
            Some(row("1", 10))
        );
        assert_eq!(history.row(&own, &key("2")).await.unwrap(), None);
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 2);
        // What is kept is what is shown: the table itself is not read again.
        let object = storage.head(&url).await.unwrap();
        let tag = object.meta.e_tag.unwrap();
        let disk = history.disk.clone().unwrap();
        let name = format!(" {url} {} {tag} device=1", object.size);
        keep(&disk, name.clone(), Some(row("1", 99))).await;
        assert_eq!(
            history.row(&own, &key("1")).await.unwrap(),
            Some(row("1", 99))
        );
        // Another sensor's row under this name is none.
        keep(&disk, name, Some(row("3", 99))).await;
        assert_eq!(
            history.row(&own, &key("1")).await.unwrap(),
            Some(row("1", 10))
        );
        storage.put(&url, table(20)).await.unwrap();
        assert_eq!(
            history.row(&own, &key("1")).await.unwrap(),
            Some(row("1", 20))
        );
        assert_eq!(files(), 3);
    }
}
