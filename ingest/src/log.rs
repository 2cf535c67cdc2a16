//! The log of a process that serves: lines on standard error.

use anyhow::Context as _;
use clap::{Args, ValueEnum};
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

/// How a process that serves writes its log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// How log lines look
    #[arg(
        long = "log-format",
        env = "FLEETSCORE_LOG_FORMAT",
        value_enum,
        default_value = "json"
    )]
    pub format: LogFormat,
    /// Which log lines are written, such as `info,fleetscore_ingest=debug`
    #[arg(
        long = "log",
        env = "FLEETSCORE_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub filter: String,
}

impl LogArgs {
    /// Begins to write as they say: [`start`].
    ///
    /// # Errors
    ///
    /// A filter that cannot be read.
    pub fn start(&self) -> anyhow::Result<()> {
        start(self.format, &self.filter)
    }
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
