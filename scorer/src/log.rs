//! The log of a step, kept in memory until it is put into storage.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use fleetscore_crds::VisibleLines;
use serde_json::{Map, Value};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt as _};

use crate::place::PlaceError;
use crate::steps::Context;

/// Largest log that is kept, in bytes. What follows is left out, and the log says so at its end.
const LOG_BYTES: usize = 8 * 1024 * 1024;

/// Collects what a `tracing` subscriber writes.
#[derive(Clone, Debug, Default)]
pub struct LogBuffer {
    lines: Arc<Mutex<Lines>>,
    stamp: Arc<OnceLock<Stamp>>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, with `timestamp`, `level`, `message`, and, where they apply, `run`, `shard`, `sensor` and `reason`.
    Json,
}

/// What every line says in JSON: the fields that belong to the whole process.
type Stamp = Map<String, Value>;

#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    left_out: u64,
}

impl LogBuffer {
    /// Puts these fields into every later line that lacks them, where lines are JSON. Only the first call counts.
    pub fn stamp(&self, fields: Map<String, Value>) {
        let _ = self.stamp.set(fields);
    }

    /// All lines since the last call.
    pub fn take(&self) -> Bytes {
        let Lines {
            mut bytes,
            left_out,
        } = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        if left_out > 0 {
            bytes.extend_from_slice(format!("({left_out} more lines were left out)\n").as_bytes());
        }
        Bytes::from(bytes)
    }

    /// Puts all lines since the last call below the run's log location, as `name`.
    ///
    /// # Errors
    ///
    /// The run does not own its place, so that the log there is another run's; or storage fails.
    pub async fn put(&self, context: &Context, name: &str) -> Result<(), PlaceError> {
        let url = context.run.logs.join(name)?;
        context.place.put(&url, self.take()).await
    }
}

/// Begins to write the process's log: into the returned buffer, and to standard error too where `to_stderr` asks for it, both as `format`
/// says.
///
/// What is logged is `info` and above, or as the environment variable `FLEETSCORE_LOG` says. To be called once a process.
pub fn start(to_stderr: bool, format: LogFormat) -> LogBuffer {
    let log = LogBuffer::default();
    let filter =
        EnvFilter::try_from_env("FLEETSCORE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let buffer = log.clone();
    if format == LogFormat::Json {
        let lines = tracing_subscriber::fmt().with_env_filter(filter);
        let stamp = Arc::clone(&log.stamp);
        let writer = move || Stamped {
            out: buffer.clone(),
            to_stderr,
            stamp: Arc::clone(&stamp),
        };
        let lines = lines.with_target(false).with_writer(writer);
        lines.json().flatten_event(true).init();
        return log;
    }
    let kept = move || VisibleLines(buffer.clone());
    let writer = if to_stderr {
        BoxMakeWriter::new(kept.and(|| VisibleLines(io::stderr())))
    } else {
        BoxMakeWriter::new(kept)
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(writer)
        .init();
    log
}

/// Writes lines of JSON with the fields that belong to all of them.
struct Stamped {
    out: LogBuffer,
    to_stderr: bool,
    stamp: Arc<OnceLock<Stamp>>,
}

impl io::Write for Stamped {
    /// A line is written with one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let stamped = self.stamp.get().and_then(|stamp| stamped(stamp, line));
        let written = stamped.as_deref().unwrap_or(line);
        io::Write::write_all(&mut self.out, written)?;
        if self.to_stderr {
            io::Write::write_all(&mut io::stderr(), written)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line with the fields that it lacks; none where it is no JSON object.
fn stamped(stamp: &Stamp, line: &[u8]) -> Option<Vec<u8>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
    for (name, value) in stamp {
        fields.entry(name).or_insert_with(|| value.clone());
    }
    let mut line = serde_json::to_vec(&fields).ok()?;
    line.push(b'\n');
    Some(line)
}

impl io::Write for LogBuffer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.bytes.len() + line.len() > LOG_BYTES {
            lines.left_out += 1;
        } else {
            lines.bytes.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_line_of_json_names_the_run_and_a_field_of_its_own_stays() {
        let out = LogBuffer::default();
        out.stamp(Map::from_iter([
            ("run".to_owned(), json!("pumps")),
            ("shard".to_owned(), json!(3)),
        ]));
        let mut log = Stamped {
            stamp: Arc::clone(&out.stamp),
            to_stderr: false,
            out: out.clone(),
        };
        log.write_all(b"{\"message\":\"a \\u001b[2J\",\"shard\":4}\n")
            .unwrap();
        log.write_all(b"no JSON\n").unwrap();
        let text = out.take();
        let (first, rest) = text.split_at(text.iter().position(|&byte| byte == b'\n').unwrap());
        let first: Value = serde_json::from_slice(first).unwrap();
        assert_eq!(
            first,
            json!({"message": "a \u{1b}[2J", "shard": 4, "run": "pumps"})
        );
        assert_eq!(rest, b"\nno JSON\n");
    }

    #[test]
    fn a_flood_is_cut_and_says_so() {
        let mut log = LogBuffer::default();
        let line = [b'x'; 1024];
        for _ in 0..LOG_BYTES / line.len() + 3 {
            log.write_all(&line).unwrap();
        }
        let text = log.take();
        assert_eq!(
            text.len(),
            LOG_BYTES + "(3 more lines were left out)\n".len()
        );
        assert!(text.ends_with(b"(3 more lines were left out)\n"));
        assert!(log.take().is_empty());
    }
}
