use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Metadata and spec of a `core/v1` `PodTemplateSpec`, merged over the scorer's defaults.
///
/// Kept as it is written: its own schema is half a megabyte, more than `kubectl apply` can annotate an object with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodTemplate {
    /// Labels and annotations of the pods.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub metadata: Map<String, Value>,
    /// Fields of a pod's spec: `nodeSelector`, `tolerations`, `containers` (by name `scorer`), `serviceAccountName`, volumes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub spec: Map<String, Value>,
}
