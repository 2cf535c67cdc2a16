//! Log lines on standard error and, where a collector is named, traces.

use fleetscore_crds::VisibleLines;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use thiserror::Error;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::args::LogFormat;
use crate::traces::RunTraces;

/// The variables that name the collector (OTLP over HTTP): of everything, and of traces alone.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];

/// Why logging cannot begin.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("--log {filter}: {source}")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The traces' exporter cannot be made.
    #[error("{endpoints}: {0}", endpoints = ENDPOINTS.join(" or "))]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Ends telemetry when dropped: what is left of the traces is sent.
#[must_use]
pub struct Telemetry {
    passes: Option<SdkTracerProvider>,
    runs: RunTraces,
}

impl Telemetry {
    /// Where the traces of runs go.
    pub fn runs(&self) -> RunTraces {
        self.runs.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.runs.end();
        if let Some(Err(error)) = self.passes.as_ref().map(SdkTracerProvider::shutdown) {
            tracing::warn!("the last traces of passes are lost: {error}");
        }
    }
}

/// Begins to log, and to trace runs where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set; with `passes`,
/// the operator's passes, too. Not to be called on a thread of an async runtime.
///
/// # Errors
///
/// A filter or a collector's URL that cannot be used.
pub fn start(format: LogFormat, filter: &str, passes: bool) -> Result<Telemetry, TelemetryError> {
    let filter = EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let lines = tracing_subscriber::fmt::layer();
    let lines = match format {
        LogFormat::Json => {
            let lines = lines.with_writer(std::io::stderr);
            lines.json().flatten_event(true).boxed()
        }
        LogFormat::Text => {
            // The colours of a terminal would be written out like all that nobody sees.
            let lines = lines.with_ansi(false);
            lines
                .with_writer(|| VisibleLines(std::io::stderr()))
                .boxed()
        }
    };
    let is_named = ENDPOINTS
        .iter()
        .filter_map(std::env::var_os)
        .any(|endpoint| !endpoint.is_empty());
    let runs = if is_named {
        RunTraces::to_collector(&resource())?
    } else {
        RunTraces::default()
    };
    let passes = (is_named && passes).then(provider).transpose()?;
    let traces = passes.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("fleetscore-operator"))
    });
    // There is one call; a second subscriber would be a defect of a test.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(traces)
        .try_init();
    Ok(Telemetry { passes, runs })
}

fn provider() -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource())
        .build())
}

/// Who sends the traces. Azure Monitor makes the role's name of namespace and name, and the role's instance of the instance.
fn resource() -> Resource {
    let pod = std::env::var("POD_NAME").ok();
    let instance = pod.map(|pod| KeyValue::new("service.instance.id", pod));
    Resource::builder()
        .with_service_name("fleetscore-operator")
        .with_attribute(KeyValue::new("service.namespace", "fleetscore"))
        .with_attributes(instance)
        .build()
}
