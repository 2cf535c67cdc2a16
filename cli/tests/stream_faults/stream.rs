use std::fs;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use fleetscore_crds::StorageSpec;
use fleetscore_crds::contract::{Counts, SUCCESS, SegmentDocument};
use fleetscore_storage::{ObjectUrl, Storage, StorageError, StorageOptions};
use futures::TryStreamExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::load::{Load, PARTITIONS};
use crate::oracle::{LEAST, Rows, expected};
use crate::process::Process;
use crate::{azurite, wait_until};

/// A stream's manifest, in a folder of its own, and what there is in storage of it.
pub struct Stream {
    folder: TempDir,
    output: String,
    storage: Storage,
    runtime: Runtime,
}

/// What a stream reads, writes, and by which ways.
pub struct Ways<'a> {
    pub broker: &'a str,
    pub load: &'a Load,
    /// The address of Blob storage as the tests reach it, and a container; none: files.
    pub blobs: Option<(&'a str, &'a str)>,
    /// The address by which the processes do.
    pub by: Option<&'a str>,
    pub idle_seconds: u32,
}

impl Stream {
    pub fn new(ways: &Ways<'_>) -> Self {
        let folder = TempDir::new().unwrap();
        let files = || format!("file://{}/out/", folder.path().display());
        let of_blobs = |(_, container): (_, &str)| format!("az://{container}/out/");
        let output = ways.blobs.map_or_else(files, of_blobs);
        let spec = |address: Option<&str>| address.map_or_else(|| "{}".to_owned(), azurite::spec);
        let direct = ways.blobs.map(|(address, _)| address);
        let stream = format!(
            r#"
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ReadingStream
metadata: {{name: plant}}
spec:
  source: {{kafka: {{bootstrapServers: ["{}"], topic: {}}}, startAt: Earliest}}
  event:
    fields: {{ts: {{type: Time}}, device: {{}}, v: {{type: Number}}}}
    columns: {{time: ts, keys: {{device: device}}, features: [v]}}
  filter: v > {LEAST:?}
  window: {{sizeSeconds: 60}}
  aggregates:
    - {{column: Value, of: v}}
    - {{column: Readings, of: v, function: Count}}
    - {{column: Least, of: v, function: Min}}
    - {{column: Most, of: v, function: Max}}
  lateness: {{toleranceSeconds: 60, idleSeconds: {}}}
  output: {{location: "{output}", segmentSeconds: 600}}
  checkpointSeconds: 1
  storage: {}
"#,
            ways.broker,
            ways.load.topic,
            ways.idle_seconds,
            spec(ways.by.or(direct)),
        );
        fs::write(folder.path().join("stream.yaml"), stream).unwrap();
        let storage: StorageSpec = match direct {
            Some(address) => serde_saphyr::from_str(&azurite::spec(address)).unwrap(),
            None => StorageSpec::default(),
        };
        fleetscore_storage::install_crypto();
        Self {
            storage: Storage::new(&storage, StorageOptions::default()).unwrap(),
            runtime: Runtime::new().unwrap(),
            output,
            folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What each partition's object says; null: there is none.
    pub fn lines(&self) -> Vec<Value> {
        let line = |number| self.line(&format!("_stream/partitions/{number:05}"));
        (0..PARTITIONS).map(line).collect()
    }

    /// What an object says that processes claim.
    pub fn line(&self, path: &str) -> Value {
        match self.get(path) {
            Ok(bytes) => {
                let line = bytes.split(|byte| *byte == b'\n').next();
                serde_json::from_slice(line.unwrap()).unwrap()
            }
            Err(error) => {
                assert!(error.is_not_found(), "{error}");
                Value::Null
            }
        }
    }

    /// Of each partition's object a number, 0 without it.
    pub fn numbers(&self, pointer: &str) -> Vec<u64> {
        let number = |line: &Value| line.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        self.lines().iter().map(number).collect()
    }

    /// What became of all events that were read, as of the last checkpoints.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for line in self.lines() {
            if let Some(of) = line.pointer("/progress/counts") {
                counts += &serde_json::from_value(of.clone()).unwrap();
            }
        }
        counts
    }

    /// Waits until all that was sent is read and saved.
    pub fn wait_read(&self, load: &Load) {
        let all = load.sent.len() as u64;
        wait_until("all is read", || {
            let counts = self.counts();
            assert_eq!(counts.late, 0, "something was closed too early");
            counts.accepted + counts.filtered == all
        });
    }

    /// Waits until each partition's progress was saved so many times more.
    pub fn wait_saved(&self, times: u64) {
        let before = self.numbers("/claim/sequence");
        wait_until("progress is saved", || {
            let now = self.numbers("/claim/sequence");
            now.iter()
                .zip(&before)
                .all(|(now, before)| *now >= before + times)
        });
    }

    /// Reads all that is left, closes it, and checks everything that is published.
    pub fn finish(&self, load: &Load) {
        Process::ingest(self.folder(), "--until Latest --close").finish();
        self.assert_published(load);
    }

    /// The rows of the listed files are those of all events, each there once, and so are the counts.
    pub fn assert_published(&self, load: &Load) {
        let (rows, counts) = self.published();
        let (right, accepted, filtered) = expected(&load.sent);
        assert!(right.len() > 20, "{}", right.len());
        assert_eq!(rows.len(), right.len());
        for (key, row) in &right {
            assert_eq!(rows.get(key), Some(row), "{key:?}");
        }
        let right = Counts {
            accepted,
            filtered,
            ..Counts::default()
        };
        assert_eq!(counts, right);
    }

    /// The rows of the listed files, and the sum of the segments' counts.
    pub fn published(&self) -> (Rows, Counts) {
        let (mut rows, mut counts) = (Rows::new(), Counts::default());
        let root = ObjectUrl::parse(&self.output).unwrap();
        let listed = self.storage.list(&root).try_collect::<Vec<_>>();
        let listed = self.runtime.block_on(listed).unwrap();
        let names = listed.iter().filter_map(|info| info.url.relative_to(&root));
        for success in names.filter(|name| name.ends_with(SUCCESS)) {
            let document = SegmentDocument::parse(&self.get(success).unwrap()).unwrap();
            counts += &document.counts;
            for file in &document.files {
                let path = success.replace(SUCCESS, &file.name);
                self.add_rows(&path, &mut rows);
            }
        }
        (rows, counts)
    }

    fn add_rows(&self, path: &str, rows: &mut Rows) {
        let file = bytes::Bytes::from(self.get(path).unwrap());
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let column = |name: &str| batch.column_by_name(name).unwrap();
            let devices = column("device").as_string::<i32>();
            let times = column("Time").as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let key = (devices.value(row).to_owned(), times.value(row) / 1_000_000);
                let [mean, count, least, most] = ["Value", "Readings", "Least", "Most"]
                    .map(|name| column(name).as_primitive::<Float64Type>().value(row));
                let twice = rows.insert(key, (mean, count, least, most));
                assert_eq!(twice, None, "a row is there once");
            }
        }
    }

    fn get(&self, path: &str) -> Result<Vec<u8>, StorageError> {
        let url = ObjectUrl::parse(&self.output).unwrap().join(path).unwrap();
        let got = self.runtime.block_on(self.storage.get(&url, 1 << 26));
        got.map(|bytes| bytes.to_vec())
    }
}
