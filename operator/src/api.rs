//! Requests to the API server that the controllers share.

use kube::api::PostParams;
use kube::core::{NamespaceResourceScope, Request, Status};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The name under which the operator writes.
pub const FIELD_MANAGER: &str = "fleetscore-operator";

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
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
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

/// What the messages of admission say. A policy denies with the same codes as the API server, but may be changed or see it otherwise
/// later.
const ADMISSION: [&str; 3] = [
    "admission webhook",
    "webhook \"",
    "ValidatingAdmissionPolicy '",
];

/// Whether admission refused, which may be changed or see it otherwise later.
pub fn is_admission(status: &Status) -> bool {
    ADMISSION.iter().any(|words| status.message.contains(words))
}
