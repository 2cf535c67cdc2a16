use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How storage is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageSpec {
    /// The storage account behind `az://` locations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureStorage>,
    /// File servers behind `file://` locations: every pod mounts them, so that a location below a mount path is the same files in all of
    /// them. On one machine nothing is mounted, and the paths are those of the machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-validations" = crate::rules::volumes()))]
    pub volumes: Vec<Volume>,
}

/// A file server's folder, and where pods mount it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::volume()))]
pub struct Volume {
    /// Its name among the volumes.
    #[schemars(
        length(min = 1, max = 50),
        regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// The absolute path at which pods mount it: `/data` for locations such as `file:///data/models/`.
    #[schemars(
        length(min = 2, max = 256),
        regex(pattern = "^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$")
    )]
    pub mount_path: String,
    /// The `PersistentVolumeClaim` in the namespace. Where pods run on several nodes it must allow that: `ReadWriteMany`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    )]
    pub claim: Option<String>,
    /// A folder of an NFS server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfs: Option<NfsVolume>,
    /// A volume of a CSI driver, made for each pod: Azure Files by its share's name and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csi: Option<CsiVolume>,
    /// Whether nothing can be written to it.
    #[serde(default)]
    pub read_only: bool,
}

/// A folder of an NFS server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NfsVolume {
    /// Name or address of the server, as the nodes know it.
    #[schemars(length(min = 1, max = 253))]
    pub server: String,
    /// The exported folder.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^/"))]
    pub path: String,
}

/// A volume of a CSI driver that offers inline volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsiVolume {
    /// Name of the driver, such as `file.csi.azure.com`.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    )]
    pub driver: String,
    /// What the driver is to mount, in its own words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "additionalProperties" = crate::rules::attribute()))]
    pub volume_attributes: BTreeMap<String, String>,
    /// The secret that the driver signs in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
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

/// A secret in the namespace of the run or stream.
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
