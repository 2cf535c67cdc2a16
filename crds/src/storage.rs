use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How storage is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageSpec {
    /// The storage account behind `az://` locations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureStorage>,
}

/// An Azure Blob Storage account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::azure()))]
pub struct AzureStorage {
    /// Name of the storage account.
    #[schemars(length(min = 1, max = 63))]
    pub account: String,
    /// The Blob service's URL, where it is not the public cloud's: Azurite, sovereign clouds, private endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub endpoint: Option<String>,
    /// How to sign in.
    #[serde(default)]
    pub auth: AzureAuth,
    /// The secret with the key `accountKey` or `sasToken`; with `auth: Secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
}

/// How to sign in to Azure Blob Storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AzureAuth {
    /// A federated token of the pod's service account. On a laptop: the Azure CLI's login.
    #[default]
    WorkloadIdentity,
    /// The identity of the machine.
    ManagedIdentity,
    /// An account key or SAS token from a secret. On a laptop: from the environment.
    Secret,
    /// The well-known account of Azurite.
    Emulator,
    /// No credentials: public containers, read only.
    Anonymous,
}

/// A secret in the run's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// Name of the secret.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    )]
    pub name: String,
}
