//! `fleetscore export`.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use fleetscore_cli::manifest::{self, Loaded};
use fleetscore_ingest::export::{self, Target};
use fleetscore_ingest::work::check;

use super::{ManifestArgs, Result, failure, load, output, usage};

/// Write a `ReadingStream` manifest for another engine: Flink or Stream Analytics
///
/// What the other engine cannot say is refused by its field; what it does otherwise stands
/// in comments at the top. Secrets are placeholders, which name what fills them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore export -f stream.yaml --to FlinkSql --out stream.sql
  fleetscore export -f stream.yaml --to FlinkDeployment | kubectl apply -f -
  fleetscore export -f stream.yaml --to StreamAnalytics --out stream.tf

Exit codes:
  0  it was written
  1  the file cannot be written
  2  the command line or the manifest is wrong, or the other engine cannot say it")]
pub struct ExportArgs {
    #[command(flatten)]
    manifest: ManifestArgs,
    /// What to write
    #[arg(long)]
    to: Format,
    /// The file to write, in place of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Statements of Flink SQL 1.20
    #[value(name = "FlinkSql")]
    FlinkSql,
    /// The same as resources of Flink's Kubernetes operator
    #[value(name = "FlinkDeployment")]
    FlinkDeployment,
    /// A job of Azure Stream Analytics, as Terraform
    #[value(name = "StreamAnalytics")]
    StreamAnalytics,
}

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result {
    let name = manifest::name(&args.manifest.file);
    let Loaded::Stream(manifest) = load(&args.manifest)? else {
        return Err(usage(anyhow!(
            "{name}: is no ReadingStream; only a stream is exported"
        )));
    };
    check(&manifest.spec).map_err(usage)?;
    let target = match args.to {
        Format::FlinkSql => Target::FlinkSql,
        Format::FlinkDeployment => Target::FlinkDeployment,
        Format::StreamAnalytics => Target::StreamAnalytics,
    };
    let metadata = &manifest.metadata;
    let namespace = metadata.namespace.as_deref().unwrap_or("default");
    let exported = export::export(namespace, &metadata.name, &manifest.spec, target);
    let exported = exported.map_err(|refused| {
        let lines = refused.iter().map(|error| format!("\n  {error}"));
        usage(anyhow!(
            "{name}: cannot be exported:{}",
            lines.collect::<String>()
        ))
    })?;
    for warning in &exported.warnings {
        output::note(&format!("note: {warning}"));
    }
    match &args.out {
        None => output::print_as_is(exported.text.as_bytes())?,
        Some(file) => std::fs::write(file, &exported.text)
            .with_context(|| file.display().to_string())
            .map_err(failure)?,
    }
    Ok(0)
}
