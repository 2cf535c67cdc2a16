//! The small files of a run: its logs and ledgers.

use std::ops::Range;

use fleetscore_scorer::ledger::{LEDGER_VERSION, LedgerHeader};
use fleetscore_scorer::outputs;
use futures::{StreamExt as _, stream};
use serde::Deserialize;

use super::{AT_A_TIME, History, ReadError, Run};

/// Bytes of a log's end that are read.
const LOG_BYTES: u64 = 64 << 10;
/// Bytes of a ledger's first line, at most.
const HEADER_BYTES: u64 = 4 << 10;

/// The end of an object.
pub struct Tail {
    /// The object.
    pub url: String,
    /// Its last bytes.
    pub bytes: Vec<u8>,
    /// Bytes before them.
    pub left_out: u64,
}

/// What every version of a ledger's header has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl History {
    /// The end of the log in `file`, below the run's output, at most 64 KiB.
    pub async fn log(run: &Run, file: &str) -> Result<Tail, ReadError> {
        let url = run.own(file).ok_or_else(|| ReadError::outside(run))?;
        let found = run.storage.head(&url).await.map_err(ReadError::storage)?;
        let start = found.size.saturating_sub(LOG_BYTES);
        let bytes = run.storage.get_range(&url, start..found.size).await;
        let bytes = bytes.map_err(ReadError::storage)?;
        Ok(Tail {
            url: url.to_string(),
            bytes: bytes.to_vec(),
            left_out: start,
        })
    }

    /// What the first lines of the ledgers of these shards say, in their order; none where a shard has left no ledger.
    pub async fn ledgers(
        run: &Run,
        shards: Range<u32>,
    ) -> Vec<Result<Option<LedgerHeader>, ReadError>> {
        let reading = stream::iter(shards).map(|shard| async move {
            match Self::ledger(run, shard).await {
                Err(error) if error.is_not_found() => Ok(None),
                read => read.map(Some),
            }
        });
        reading.buffered(AT_A_TIME).collect().await
    }

    async fn ledger(run: &Run, shard: u32) -> Result<LedgerHeader, ReadError> {
        let url = run.own(&outputs::ledger(shard));
        let url = url.ok_or_else(|| ReadError::outside(run))?;
        let bytes = run.storage.get_range(&url, 0..HEADER_BYTES).await;
        let bytes = bytes.map_err(ReadError::storage)?;
        let line = bytes.split(|byte| *byte == b'\n').next();
        header(run, shard, line.unwrap_or_default()).map_err(|reason| ReadError::Damaged {
            url: url.to_string(),
            reason,
        })
    }
}

/// The header of the ledger of `shard`, where it is one of `run`: another run may have written to the same place.
fn header(run: &Run, shard: u32, line: &[u8]) -> Result<LedgerHeader, String> {
    let no_header = |error: serde_json::Error| format!("it does not begin as a ledger: {error}");
    let Versioned { version } = serde_json::from_slice(line).map_err(no_header)?;
    if version != LEDGER_VERSION {
        return Err(format!(
            "it has version {version}, this program reads version {LEDGER_VERSION}"
        ));
    }
    let header: LedgerHeader = serde_json::from_slice(line).map_err(no_header)?;
    let own = run.record.run.uid.as_deref();
    if own.is_some_and(|own| own != header.run.uid) {
        return Err("it is that of another run, which wrote to the same place".into());
    }
    if header.shard != shard {
        return Err(format!("it is that of shard {}", header.shard));
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use fleetscore_crds::StorageSpec;
    use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
    use serde_json::json;

    use super::super::run::tests::run;
    use super::*;

    async fn run_in_memory(files: &[(&str, Vec<u8>)]) -> Run {
        let storage = Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap();
        for (file, bytes) in files {
            let url = ObjectUrl::parse(&format!("memory:///files/16/{file}")).unwrap();
            storage.put(&url, bytes.clone()).await.unwrap();
        }
        let mut run = run("a", "memory:///files/16/", None);
        run.record.run.uid = Some("own".into());
        run.root = ObjectUrl::parse("memory:///files/").unwrap();
        Run { storage, ..run }
    }

    fn ledger(version: u32, uid: &str, shard: u32) -> Vec<u8> {
        let header = json!({
            "version": version, "run": { "uid": uid }, "shard": shard, "sensors": 50, "interrupted": false, "seconds": 1.5, "bytesRead": 7,
        });
        format!("{header}\n{{\"key\":").into_bytes()
    }

    #[tokio::test]
    async fn a_ledger_is_believed_only_where_it_is_the_runs_own() {
        let run = run_in_memory(&[
            ("_run/ledger/000000.jsonl", ledger(LEDGER_VERSION, "own", 0)),
            (
                "_run/ledger/000002.jsonl",
                ledger(LEDGER_VERSION, "another", 2),
            ),
            ("_run/ledger/000003.jsonl", ledger(LEDGER_VERSION, "own", 9)),
            ("_run/ledger/000004.jsonl", ledger(99, "own", 4)),
            ("_run/ledger/000005.jsonl", vec![0xff; 9000]),
            ("_run/ledger/000006.jsonl", Vec::new()),
        ])
        .await;
        let found = History::ledgers(&run, 0..7).await;
        let words: Vec<_> = found
            .iter()
            .map(|found| match found {
                Ok(Some(header)) => format!("{} s", header.seconds),
                Ok(None) => "none".into(),
                Err(error) => error.to_string(),
            })
            .collect();
        for (words, expected) in words.iter().zip([
            "1.5 s",
            "none",
            "another run",
            "shard 9",
            "version 99",
            "does not begin as a ledger",
            "",
        ]) {
            assert!(words.contains(expected), "{words} is not {expected}");
        }
        assert!(found[6].is_err());
    }

    #[tokio::test]
    async fn of_a_log_the_end_is_read() {
        let mut long = vec![b'a'; 100_000];
        long.extend(b"\nlast\n");
        let run = run_in_memory(&[
            ("_run/logs/plan.log", long),
            ("_run/logs/collect.log", Vec::new()),
        ])
        .await;
        let tail = History::log(&run, "_run/logs/plan.log").await.unwrap();
        assert_eq!(tail.bytes.len() as u64, LOG_BYTES);
        assert_eq!(tail.left_out, 100_006 - LOG_BYTES);
        assert!(tail.bytes.ends_with(b"\nlast\n"));
        let empty = History::log(&run, "_run/logs/collect.log").await.unwrap();
        assert_eq!((empty.bytes.len(), empty.left_out), (0, 0));
        let none = History::log(&run, "_run/logs/000000.log").await;
        assert!(none.is_err_and(|error| error.is_not_found()));
    }
}
