use std::fmt;

/// A connection string of Event Hubs: `Endpoint=sb://...;SharedAccessKeyName=...;SharedAccessKey=...;EntityPath=...`. No message
/// repeats any of it but the endpoint's host and the hub's name.
#[derive(Clone)]
pub(super) struct ConnectionString {
    text: String,
    host: String,
    hub: Option<String>,
}

impl ConnectionString {
    /// Checks that nothing is missing; the error says what.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut host, mut hub, mut has_name, mut has_key, mut has_signature) =
            (None, None, false, false, false);
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or("has a part that is no NAME=VALUE")?;
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "endpoint" => host = Some(endpoint_host(value)?),
                "entitypath" => hub = Some(value.to_owned()),
                "sharedaccesskeyname" => has_name = !value.is_empty(),
                "sharedaccesskey" => has_key = !value.is_empty(),
                "sharedaccesssignature" => has_signature = !value.is_empty(),
                _ => {}
            }
        }
        let host = host.ok_or("has no Endpoint=sb://NAMESPACE.servicebus.windows.net/")?;
        if !has_signature && !has_name {
            return Err("has no SharedAccessKeyName=".to_owned());
        }
        if !has_signature && !has_key {
            return Err("has no SharedAccessKey=".to_owned());
        }
        Ok(Self {
            text: text.trim().to_owned(),
            host,
            hub,
        })
    }

    /// Whether it is of the namespace and event hub of the manifest; the error says what differs.
    pub(super) fn check(&self, namespace: &str, hub: &str) -> Result<(), String> {
        let first = self.host.split('.').next().unwrap_or_default();
        if !first.eq_ignore_ascii_case(namespace) {
            return Err(format!(
                "is of {}, not of the namespace {namespace} of source.eventHub",
                self.host
            ));
        }
        match &self.hub {
            Some(of) if !of.eq_ignore_ascii_case(hub) => Err(format!(
                "is of the event hub {of} (EntityPath), not of {hub}"
            )),
            _ => Ok(()),
        }
    }

    /// The host of its endpoint.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The string itself: the password of the user `$ConnectionString`.
    pub(super) fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ConnectionString({})", self.host)
    }
}

fn endpoint_host(endpoint: &str) -> Result<String, String> {
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    is_host
        .then(|| host.to_owned())
        .ok_or_else(|| "has an Endpoint without a host".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "Endpoint=sb://plant.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0PQ==";

    #[test]
    fn is_of_a_namespace_and_perhaps_of_one_hub() {
        let string = ConnectionString::parse(KEY).unwrap();
        assert_eq!(string.host(), "plant.servicebus.windows.net");
        assert_eq!(string.check("Plant", "telemetry"), Ok(()));
        let error = string.check("other", "telemetry").unwrap_err();
        assert!(
            error.contains("is of plant.servicebus.windows.net, not of the namespace other"),
            "{error}"
        );
        let string = ConnectionString::parse(&format!("{KEY};EntityPath=telemetry")).unwrap();
        assert_eq!(string.check("plant", "telemetry"), Ok(()));
        let error = string.check("plant", "alarms").unwrap_err();
        assert!(
            error.contains("the event hub telemetry (EntityPath), not of alarms"),
            "{error}"
        );
    }

    #[test]
    fn says_what_is_missing_and_never_what_there_is() {
        for (text, expected) in [
            ("", "no Endpoint"),
            ("c2VjcmV0", "no NAME=VALUE"),
            (
                "SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0",
                "no Endpoint",
            ),
            ("Endpoint=sb:///;SharedAccessKey=c2VjcmV0", "without a host"),
            (
                "Endpoint=sb://plant/;SharedAccessKey=c2VjcmV0",
                "no SharedAccessKeyName",
            ),
            (
                "Endpoint=sb://plant/;SharedAccessKeyName=c2VjcmV0",
                "no SharedAccessKey=",
            ),
        ] {
            let error = ConnectionString::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("c2VjcmV0"), "{error}");
        }
        let string = ConnectionString::parse(KEY).unwrap();
        assert!(!format!("{string:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn a_signature_stands_for_name_and_key() {
        let text = "Endpoint=sb://plant.servicebus.windows.net/;SharedAccessSignature=SharedAccessSignature sr=x&sig=y";
        assert_eq!(ConnectionString::parse(text).unwrap().expose(), text);
    }

    proptest! {
        #[test]
        fn takes_any_text(text in ".*") {
            let _ = ConnectionString::parse(&text);
        }
    }
}
