//! The log of a step, kept in memory until it is put into storage.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fleetscore_crds::VisibleLines;
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
}

#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    left_out: u64,
}

impl LogBuffer {
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

/// Begins to write the process's log: into the returned buffer, and to standard error too where `to_stderr` asks for it.
///
/// What is logged is `info` and above, or as the environment variable `FLEETSCORE_LOG` says. To be called once a process.
pub fn start(to_stderr: bool) -> LogBuffer {
    let log = LogBuffer::default();
    let filter =
        EnvFilter::try_from_env("FLEETSCORE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let buffer = log.clone();
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

    use super::*;

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
