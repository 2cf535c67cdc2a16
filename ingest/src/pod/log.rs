use anyhow::Context as _;
use fleetscore_crds::VisibleLines;
use tracing_subscriber::EnvFilter;

use crate::LogFormat;

/// Begins to write log lines to standard error.
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
