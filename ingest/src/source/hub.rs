use std::sync::Arc;

use fleetscore_crds::SourceSpec;
use fleetscore_storage::Environment;

use super::classify::config_error;
use super::context::Context;
use super::kafka::KafkaSource;
use super::settings::Settings;
use super::{Hub, Source, SourceError};

/// How a hub is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    /// The group whose offsets are told to the hub, for its metrics alone.
    pub group: String,
    /// Bytes for what is fetched and not handed out yet, for each source; at least some 4 MiB are used.
    pub memory_bytes: usize,
    /// Whether records are handed out with their headers.
    pub headers: bool,
    /// Whether the Azure CLI's login may stand for a pod's identity: on a laptop.
    pub local_credentials: bool,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            group: "fleetscore".to_owned(),
            memory_bytes: 64 << 20,
            headers: false,
            local_credentials: false,
        }
    }
}

/// A topic of Kafka, or an event hub through its Kafka endpoint.
#[derive(Clone)]
pub struct KafkaHub {
    settings: Arc<Settings>,
    headers: bool,
}

impl KafkaHub {
    /// Checks the manifest and finds all that it takes to sign in. Nothing is sent yet.
    pub fn new(
        spec: &SourceSpec,
        options: &SourceOptions,
        environment: &Environment,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            settings: Arc::new(Settings::new(spec, options, environment)?),
            headers: options.headers,
        })
    }
}

impl Hub for KafkaHub {
    fn name(&self) -> String {
        self.settings.name.clone()
    }

    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        let consumer = self
            .settings
            .config
            .create_with_context(Context::new(Arc::clone(&self.settings)))
            .map_err(|error| config_error(&self.settings, &error))?;
        Ok(Box::new(KafkaSource::new(
            Arc::clone(&self.settings),
            consumer,
            self.headers,
        )))
    }
}
