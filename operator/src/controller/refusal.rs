//! What the API server's answer to a creation means: one rule for all objects.

use kube::core::Status;

use crate::api::status_of;

/// What the messages of admission say. A policy denies with the same codes as the API server, but may be changed or see it otherwise
/// later.
const ADMISSION: [&str; 3] = [
    "admission webhook",
    "webhook \"",
    "ValidatingAdmissionPolicy '",
];

/// The API server refused to create something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whether it is for good, as long as what is asked for stays as it is.
    pub invalid: bool,
    /// In one word.
    pub reason: String,
    /// In the API server's words.
    pub message: String,
}

impl Refusal {
    /// An object of this name is there that does not belong to `owner`, such as `run`.
    pub fn name_conflict(kind: &str, name: &str, owner: &str) -> Self {
        Self {
            invalid: false,
            reason: "NameConflict".to_owned(),
            message: name_conflict(kind, name, owner),
        }
    }
}

/// What to say of an object of this name that does not belong to `owner`.
pub fn name_conflict(kind: &str, name: &str, owner: &str) -> String {
    format!(
        "a {kind} {name} exists that does not belong to this {owner}; remove it, or name the {owner} otherwise"
    )
}

/// A refusal to create an object: told in the status of what it is for. `invalid` is the reason for an object that is wrong and stays so,
/// as people wrote its template; none where nobody did.
///
/// # Errors
///
/// The error itself, where the server only could not do it just now, which says nothing about the object.
pub fn refusal_of(error: kube::Error, invalid: Option<&str>) -> Result<Refusal, kube::Error> {
    let refusal = status_of(&error).and_then(|status| refusal(status, invalid));
    refusal.ok_or(error)
}

/// A policy or a webhook, also one that cannot be asked (code 500), may be changed or see it otherwise later; any other 5xx is the
/// server's own trouble.
fn refusal(status: &Status, invalid: Option<&str>) -> Option<Refusal> {
    let by_admission = ADMISSION.iter().any(|words| status.message.contains(words));
    let is_invalid = matches!(status.code, 400 | 422) && !by_admission;
    let is_busy = matches!(status.code, 429 | 503 | 504)
        || (matches!(status.code, 500..=599) && !by_admission);
    if is_busy {
        return None;
    }
    let invalid = invalid.filter(|_| is_invalid);
    let reason = match invalid {
        Some(word) => word,
        None if status.reason.is_empty() => "CreateRefused",
        None => &status.reason,
    };
    Some(Refusal {
        invalid: invalid.is_some(),
        reason: reason.to_owned(),
        message: status.message.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_for_good_is_invalid_and_the_servers_own_trouble_is_no_refusal() {
        let refused = |reason| Some((false, reason));
        let invalid = Some((true, "InvalidTemplate"));
        for (code, reason, message, expected) in [
            (429, "TooManyRequests", "slow down", None),
            (429, "TooManyRequests", "", None),
            (500, "InternalError", "etcdserver: leader changed", None),
            (500, "InternalError", "", None),
            (502, "", "bad gateway", None),
            (503, "ServiceUnavailable", "etcd is away", None),
            (503, "ServiceUnavailable", "", None),
            (504, "Timeout", "request did not complete", None),
            (
                500,
                "InternalError",
                "Internal error occurred: failed calling webhook \"w\": no endpoints available",
                refused("InternalError"),
            ),
            (422, "Invalid", "spec.template: bad", invalid),
            (
                422,
                "Invalid",
                "Job.batch \"r-plan\" is invalid: spec.template: bad",
                invalid,
            ),
            (
                422,
                "Invalid",
                "ScoringRun \"r\" is invalid: metadata.labels",
                invalid,
            ),
            (400, "BadRequest", "unknown field \"spec.x\"", invalid),
            (
                400,
                "BadRequest",
                "strict decoding error: unknown field \"spec.x\"",
                invalid,
            ),
            (
                422,
                "Invalid",
                "x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no",
                refused("Invalid"),
            ),
            (
                422,
                "Invalid",
                "jobs.batch \"r-plan\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no",
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
            (
                404,
                "",
                "the server could not find the requested resource",
                refused("CreateRefused"),
            ),
        ] {
            let status = Status {
                code,
                reason: reason.to_owned(),
                message: message.to_owned(),
                ..Status::default()
            };
            let found = refusal(&status, Some("InvalidTemplate"));
            let told = found
                .as_ref()
                .map(|found| (found.invalid, found.reason.as_str()));
            assert_eq!(told, expected, "{message}");
            // What nobody wrote a template for is never invalid.
            let untemplated = refusal(&status, None);
            assert_eq!(untemplated.is_some(), found.is_some(), "{message}");
            assert!(untemplated.is_none_or(|found| !found.invalid), "{message}");
        }
    }
}
