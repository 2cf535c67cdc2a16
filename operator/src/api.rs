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

/// What the messages of admission say. A policy denies with the same codes as the API server, but may be changed or see it otherwise
/// later.
const ADMISSION: [&str; 3] = [
    "admission webhook",
    "webhook \"",
    "ValidatingAdmissionPolicy '",
];

/// What the API server's answer to a creation means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server could not do it just now, which says nothing about the object: an error, to be tried again.
    Busy,
    /// The object is wrong and stays so.
    Invalid,
    /// It is not let in, which may change: the reason in one word.
    Refused(String),
}

/// What the API server's answer to a creation means: one rule for all objects. A policy or a webhook, also one that cannot be asked
/// (code 500), may be changed or see it otherwise later; any other 5xx is the server's own trouble.
pub fn verdict(status: &Status) -> Verdict {
    let by_admission = ADMISSION.iter().any(|words| status.message.contains(words));
    match status.code {
        429 | 503 | 504 => Verdict::Busy,
        500..=599 if !by_admission => Verdict::Busy,
        400 | 422 if !by_admission => Verdict::Invalid,
        _ if status.reason.is_empty() => Verdict::Refused("CreateRefused".to_owned()),
        _ => Verdict::Refused(status.reason.clone()),
    }
}

/// Whether a webhook could only not be asked because it does not take part in dry runs.
pub fn is_no_dry_run(status: &Status) -> bool {
    status.message.contains("does not support dry run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_trouble_is_no_refusal_whatever_is_created() {
        let refused = |reason: &str| Verdict::Refused(reason.to_owned());
        for (code, reason, message, expected) in [
            (429, "TooManyRequests", "slow down", Verdict::Busy),
            (
                500,
                "InternalError",
                "etcdserver: leader changed",
                Verdict::Busy,
            ),
            (502, "", "bad gateway", Verdict::Busy),
            (503, "ServiceUnavailable", "etcd is away", Verdict::Busy),
            (504, "Timeout", "request did not complete", Verdict::Busy),
            (
                500,
                "InternalError",
                "Internal error occurred: failed calling webhook \"w\": no endpoints available",
                refused("InternalError"),
            ),
            (422, "Invalid", "spec.template: bad", Verdict::Invalid),
            (
                400,
                "BadRequest",
                "unknown field \"spec.x\"",
                Verdict::Invalid,
            ),
            (
                422,
                "Invalid",
                "x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no",
                refused("Invalid"),
            ),
            (
                400,
                "",
                "admission webhook \"w\" denied the request",
                refused("CreateRefused"),
            ),
            (403, "Forbidden", "exceeded quota: q", refused("Forbidden")),
            (
                404,
                "NotFound",
                "namespaces \"a\" not found",
                refused("NotFound"),
            ),
        ] {
            let status = Status {
                code,
                reason: reason.to_owned(),
                message: message.to_owned(),
                ..Status::default()
            };
            assert_eq!(verdict(&status), expected, "{message}");
        }
    }
}
