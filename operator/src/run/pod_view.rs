use k8s_openapi::api::core::v1::PodStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Deserialize;

/// What the controller reads of a pod. The rest is skipped while it is parsed: a page of whole pods takes some megabytes, most of
/// them `managedFields`.
#[derive(Clone, Debug, Deserialize)]
pub struct PodView {
    /// What it is called, and since when it is.
    pub metadata: PodMetadata,
    /// How it does.
    #[serde(default)]
    pub status: PodStatus,
}

/// What is read of a pod's metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodMetadata {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub creation_timestamp: Time,
}
