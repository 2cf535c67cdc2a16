//! A stream's manifest, written for another engine.
//!
//! What the other engine cannot say is refused by the manifest's field ([`SpecError`]); what it does otherwise stands in comments at the
//! top of the text. Text from the manifest is quoted wherever it stands, and secrets are placeholders.
#![allow(
    clippy::format_push_string,
    reason = "a text is written once, and so that it is read easily"
)]

mod analytics;
mod condition;
mod flink;
mod pattern;
mod quote;
mod stream;

use fleetscore_crds::ReadingStreamSpec;

use crate::event::SpecError;
use stream::Stream;

/// What a manifest is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Statements of Flink SQL.
    FlinkSql,
    /// The same in a resource of Flink's Kubernetes operator, as YAML.
    FlinkDeployment,
    /// A job of Azure Stream Analytics with its input and output, as Terraform.
    StreamAnalytics,
}

/// A manifest, written for another engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The text, which ends with a line end.
    pub text: String,
    /// What of the manifest has no effect there, or another; it stands in the text as well.
    pub warnings: Vec<String>,
}

/// Writes the stream `name` of `namespace` for another engine.
///
/// # Errors
///
/// All that is wrong with the manifest's fields, or that the other engine cannot say.
pub fn export(
    namespace: &str,
    name: &str,
    spec: &ReadingStreamSpec,
    target: Target,
) -> Result<Exported, Vec<SpecError>> {
    let mut stream = Stream::new(namespace, name, spec)?;
    let text = match target {
        Target::FlinkSql => flink::sql(&mut stream),
        Target::FlinkDeployment => flink::deployment(&mut stream),
        Target::StreamAnalytics => analytics::terraform(&mut stream),
    };
    if stream.refused.is_empty() {
        let warnings = stream.warnings;
        Ok(Exported { text, warnings })
    } else {
        Err(stream.refused)
    }
}
