//! Where the traces of runs go: the collector that is named, or nowhere.

use std::sync::Arc;

use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanProcessor};

/// Sends spans in the background. A clone sends to the same collector; the default sends nothing.
#[derive(Clone, Debug, Default)]
pub struct RunTraces(Option<Arc<BatchSpanProcessor>>);

impl RunTraces {
    /// Sends to the collector that the variables of OpenTelemetry name. Not to be called on a thread of an async runtime.
    ///
    /// # Errors
    ///
    /// A collector's URL that cannot be used.
    pub fn to_collector(resource: &Resource) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http().build()?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        processor.set_resource(resource);
        Ok(Self(Some(Arc::new(processor))))
    }

    /// Whether anybody is sent anything.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Sends these. Where the collector cannot be reached, they are lost, and the log says so.
    pub fn send(&self, spans: Vec<SpanData>) {
        if let Some(processor) = &self.0 {
            spans.into_iter().for_each(|span| processor.on_end(span));
        }
    }

    /// Sends what is left, and nothing from then on.
    pub fn end(&self) {
        if let Some(Err(error)) = self.0.as_ref().map(|processor| processor.shutdown()) {
            tracing::warn!("the last traces are lost: {error}");
        }
    }
}
