use std::borrow::Cow;
use std::sync::LazyLock;

use fleetscore_crds::LAST_APPLIED_ANNOTATION;
use regex::{Captures, Regex};
use serde_json::Value;

/// What stands where something was taken out.
pub const REDACTED: &str = "REDACTED";

/// What a secret looks like: what comes before it, and the secret itself.
const SECRETS: [&str; 6] = [
    // Signatures of shared access, in URLs.
    r"(?i)(?P<before>[?&;](?:sig|se|skoid|sktid|token|code|key|password|secret)(?:=|%3d))(?P<secret>[^&\s\x22'<>]+)",
    // Connection strings, headers, settings.
    r"(?i)(?P<before>(?:account_?key|shared_?access_?key|shared_?access_?signature|password|passwd|client_?secret|api_?key|access_?token|authorization|sas_?token)[\x22']?\s*[=:]\s*[\x22']?)(?P<secret>(?:bearer |basic )?[^\s\x22',;]+)",
    r"(?i)(?P<before>bearer )(?P<secret>[a-z0-9._~+/=-]{8,})",
    // Names and passwords in URLs.
    r"(?P<before>[a-z][a-z0-9+.-]*://)(?P<secret>[^/\s\x22'@]+:[^/\s\x22'@]*)@",
    // Tokens of JSON.
    r"(?P<before>)(?P<secret>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)",
    // Keys of storage accounts and hubs: 64 and 32 bytes.
    r"(?P<before>)(?P<secret>[A-Za-z0-9+/]{86}==|\b[A-Za-z0-9+/]{43}=)",
];

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    SECRETS
        .iter()
        .filter_map(|text| Regex::new(text).ok())
        .collect()
});

/// The text without what looks like a secret.
pub fn redact(text: &str) -> Cow<'_, str> {
    PATTERNS.iter().fold(Cow::Borrowed(text), |text, pattern| {
        if !pattern.is_match(&text) {
            return text;
        }
        let end = |found: &Captures| if found[0].ends_with('@') { "@" } else { "" };
        let put = |found: &Captures| format!("{}{REDACTED}{}", &found["before"], end(found));
        Cow::Owned(pattern.replace_all(&text, put).into_owned())
    })
}

/// Takes out of an object the values of environment variables, what looks like a secret, and what says the same twice.
pub fn redact_object(object: &mut Value) {
    match object {
        Value::Object(fields) => {
            fields.remove("managedFields");
            fields.remove(LAST_APPLIED_ANNOTATION);
            for (name, value) in fields.iter_mut() {
                match (name.as_str(), &mut *value) {
                    ("env", Value::Array(variables)) => variables.iter_mut().for_each(hide),
                    ("data" | "stringData" | "binaryData", Value::Object(entries)) => {
                        entries
                            .values_mut()
                            .for_each(|entry| *entry = REDACTED.into());
                    }
                    _ => redact_object(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_object),
        Value::String(text) => {
            if let Cow::Owned(clean) = redact(text) {
                *text = clean;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn hide(variable: &mut Value) {
    if let Some(value) = variable.get_mut("value") {
        *value = REDACTED.into();
    }
}
