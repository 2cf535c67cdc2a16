//! The log of a process that serves: lines on standard error.

use anyhow::Context as _;
use clap::ValueEnum;
use fleetscore_crds::VisibleLines;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Begins to write log lines to standard error: those that `filter` lets through, such as `info,fleetscore_ingest=debug`. To be called once a
/// process.
///
/// # Errors
///
/// A filter that cannot be read.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Json => {
            let lines = lines.with_writer(std::io::stderr);
            lines.json().flatten_event(true).init();
        }
        LogFormat::Text => lines
            .with_ansi(false)
            .with_target(false)
            .with_writer(|| VisibleLines(std::io::stderr()))
            .init(),
    }
    Ok(())
}
