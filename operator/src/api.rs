//! Requests to the API server that the controllers share.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, DeleteParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::{NamespaceResourceScope, Request, Status};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The name under which the operator writes.
pub const FIELD_MANAGER: &str = "fleetscore-operator";

/// The code of the API server's answer, where it is what went wrong.
pub fn code_of(error: &kube::Error) -> Option<u16> {
    status_of(error).map(|status| status.code)
}

/// Creates an object with the API server's strict checks: a misspelt field of a template is an error, not left out.
///
/// # Errors
///
/// What the API server answers.
pub async fn create<K>(client: &Client, namespace: &str, object: &Value) -> Result<K, kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    post(client, namespace, object, false).await
}

/// Asks the API server whether it would create an object, with all its checks and admission; nothing is created.
///
/// # Errors
///
/// What the API server answers.
pub async fn rehearse<K>(client: &Client, namespace: &str, object: &Value) -> Result<K, kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    post(client, namespace, object, true).await
}

async fn post<K>(
    client: &Client,
    namespace: &str,
    object: &Value,
    dry_run: bool,
) -> Result<K, kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let params = PostParams {
        dry_run,
        field_manager: Some(FIELD_MANAGER.to_owned()),
    };
    let path = K::url_path(&(), Some(namespace));
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let mut request = Request::new(path)
        .create(&params, body)
        .map_err(kube::Error::BuildRequest)?;
    let uri = format!("{}&fieldValidation=Strict", request.uri());
    *request.uri_mut() = uri
        .parse()
        .map_err(|error: http::uri::InvalidUri| kube::Error::HttpError(error.into()))?;
    client.request(request).await
}

/// The API server's answer, where it is what went wrong.
pub fn status_of(error: &kube::Error) -> Option<&Status> {
    match error {
        kube::Error::Api(status) => Some(status),
        _ => None,
    }
}

/// Deletes the object of this UID, and in which way what it owns. Another object, or none, may be where it was: nothing is left to do.
///
/// # Errors
///
/// What else the API server answers.
pub async fn delete<K>(
    client: &Client,
    namespace: &str,
    (name, uid): (&str, &str),
    propagation: Option<PropagationPolicy>,
) -> Result<(), kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let params = DeleteParams {
        propagation_policy: propagation,
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    gone_is_fine(api.delete(name, &params).await)
}

/// Nothing is left to do to an object that is gone, or in whose place there is another.
///
/// # Errors
///
/// What else the API server answers.
pub fn gone_is_fine<T>(answer: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match answer {
        Err(error) if matches!(code_of(&error), Some(404 | 409)) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// The reference that makes an object of this name and UID the owner and controller of what it creates.
pub fn owner_reference<K: Resource<DynamicType = ()>>(name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: K::api_version(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Whether the object of this UID controls a child.
pub fn is_controlled_by(child: &impl Resource, uid: &str) -> bool {
    child
        .owner_references()
        .iter()
        .any(|owner| owner.uid == uid && owner.controller == Some(true))
}

/// Whether a webhook could only not be asked because it does not take part in dry runs.
pub fn is_no_dry_run(status: &Status) -> bool {
    status.message.contains("does not support dry run")
}
