//! The operator's configuration file.

use std::path::{Path, PathBuf};

use fleetscore_crds::PodTemplate;
use serde::Deserialize;
use thiserror::Error;

use crate::access::StorageAccess;

/// What the operator's configuration file holds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The image of the pods.
    pub scorer: ScorerImage,
    /// Merged over the defaults of every score pod, under the run's own `podTemplate`.
    #[serde(default)]
    pub pod_template: PodTemplate,
    /// The same for plan and collect, under the run's own `coordinatorTemplate`.
    #[serde(default)]
    pub coordinator_template: PodTemplate,
    /// What the pods of streams are. Without it streams wait, and say so.
    #[serde(default)]
    pub ingest: Option<Ingest>,
    /// Which storage the runs and streams of a namespace may name.
    #[serde(default)]
    pub storage: StorageAccess,
    /// What a machine of the score pods is and costs. Without it runs do not tell their usage.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// What the metrics tell.
    #[serde(default)]
    pub metrics: MetricsConfig,
}

/// What the pods of streams are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ingest {
    /// The image's name with tag or digest.
    pub image: String,
    /// `Always`, `IfNotPresent` or `Never`. Default: what Kubernetes makes of the tag.
    #[serde(default)]
    pub image_pull_policy: Option<String>,
    /// Merged over the defaults of every stream's pods, under the stream's own `podTemplate`.
    #[serde(default)]
    pub pod_template: PodTemplate,
    /// Who may reach the pods. Without it no `NetworkPolicy` is made.
    #[serde(default)]
    pub network_policy: Option<IngestPolicy>,
}

/// Who may reach the pods of streams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestPolicy {
    /// Peers as a `NetworkPolicy` names them. Empty: everyone.
    #[serde(default)]
    pub from: Vec<serde_json::Value>,
}

/// What a machine of the score pods is and costs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cost {
    /// CPUs of a machine that score pods can have: what is allocatable, without what other pods there ask for.
    pub cpus_per_node: f64,
    /// What a machine costs an hour.
    #[serde(default)]
    pub price_per_node_hour: Option<f64>,
    /// The currency of the price, such as `EUR`.
    #[serde(default)]
    pub currency: Option<String>,
    /// Seconds that a new machine takes to come. Programs that estimate a run before it begins read it here.
    #[serde(default)]
    pub start_seconds: u32,
    /// Seconds that a machine without pods stays.
    #[serde(default)]
    pub idle_seconds: u32,
}

/// What the metrics tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsConfig {
    /// Whether each schedule has metrics of its own.
    #[serde(default = "yes")]
    pub per_schedule: bool,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { per_schedule: true }
    }
}

fn yes() -> bool {
    true
}

/// Which image the pods run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScorerImage {
    /// Its name with tag or digest.
    pub image: String,
    /// `Always`, `IfNotPresent` or `Never`. Default: what Kubernetes makes of the tag.
    #[serde(default)]
    pub image_pull_policy: Option<String>,
}

/// Why the configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}; name the configuration file with --config", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The file does not hold a configuration.
    #[error("{}: {reason}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
}

impl Config {
    /// The configuration in `file`.
    ///
    /// # Errors
    ///
    /// A file that is absent, is not YAML, lacks `scorer.image` or holds a field that does not exist.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read {
            file: file.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|reason| ConfigError::Invalid {
            file: file.to_owned(),
            reason,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if config.scorer.image.trim().is_empty() {
            return Err("scorer.image is empty; name the image of the pods".to_owned());
        }
        let ingest = config.ingest.as_ref();
        if ingest.is_some_and(|ingest| ingest.image.trim().is_empty()) {
            return Err("ingest.image is empty; name the image of the streams' pods".to_owned());
        }
        config.cost.as_ref().map_or(Ok(()), Cost::check)?;
        Ok(config)
    }
}

impl Cost {
    fn check(&self) -> Result<(), String> {
        let is_amount = |number: f64| number.is_finite() && number >= 0.0;
        if !is_amount(self.cpus_per_node) || self.cpus_per_node == 0.0 {
            return Err(format!(
                "cost.cpusPerNode is {}; give the CPUs of a machine, such as 3.8",
                self.cpus_per_node
            ));
        }
        if let Some(price) = self.price_per_node_hour.filter(|price| !is_amount(*price)) {
            return Err(format!(
                "cost.pricePerNodeHour is {price}; give a number from 0 on, or none"
            ));
        }
        if let Some(currency) = &self.currency
            && !(1..=16).contains(&currency.chars().count())
        {
            return Err(format!(
                "cost.currency is {currency:?}; give 1 to 16 characters, such as EUR"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there() {
        let text = "scorer: {image: a/b:1}\npodTemplate: {spec: {nodeSelector: {pool: scoring}}}\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.scorer.image, "a/b:1");
        assert_eq!(
            config.pod_template.spec["nodeSelector"]["pool"],
            serde_json::json!("scoring")
        );
        assert!(config.coordinator_template.spec.is_empty());
        assert_eq!(config.ingest, None);
        let text = format!(
            "{text}ingest: {{image: a/i:1, networkPolicy: {{from: [{{podSelector: {{}}}}]}}}}\n"
        );
        let ingest = Config::parse(&text).unwrap().ingest.unwrap();
        assert_eq!(ingest.image, "a/i:1");
        let peers = ingest.network_policy.unwrap().from;
        assert_eq!(peers, [serde_json::json!({"podSelector": {}})]);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (text, word) in [
            ("scorer: {image: a, pullPolicy: Always}", "pullPolicy"),
            ("scorer: {image: a}\ntemplate: {}", "template"),
            ("scorer: {}", "image"),
            ("scorer: {image: ' '}", "scorer.image is empty"),
            (
                "scorer: {image: a}\ningest: {image: ''}",
                "ingest.image is empty",
            ),
            ("scorer: {image: a}\ningest: {}", "image"),
            ("scorer: {image: a}\ncost: {}", "cpusPerNode"),
            (
                "scorer: {image: a}\ncost: {cpusPerNode: 0}",
                "cost.cpusPerNode is 0",
            ),
            (
                "scorer: {image: a}\ncost: {cpusPerNode: .inf}",
                "cost.cpusPerNode is inf",
            ),
            (
                "scorer: {image: a}\ncost: {cpusPerNode: 4, pricePerNodeHour: -1}",
                "cost.pricePerNodeHour is -1",
            ),
            (
                "scorer: {image: a}\ncost: {cpusPerNode: 4, currency: ''}",
                "cost.currency",
            ),
            ("scorer: {image: a}\nmetrics: {perRun: true}", "perRun"),
            (
                "scorer: {image: a}\ningest: {image: a, replicas: 2}",
                "replicas",
            ),
            ("{", ""),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        let error = Config::load(Path::new("/nowhere/operator.yaml")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/operator.yaml"));
    }
}
