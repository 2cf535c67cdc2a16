//! Rules of where a stream's events come from.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::subject::{all, any, not};
use super::{Answer, Rule, Subject, rule};

/// Rules of the choice of a source.
pub fn source() -> Vec<Rule> {
    vec![rule(
        "has(self.eventHub) != has(self.kafka)",
        |source| Some(source.has("eventHub")? != source.has("kafka")?),
        "set exactly one of eventHub and kafka",
        "",
    )]
}

/// Rules of an event hub.
pub fn event_hub() -> Vec<Rule> {
    vec![
        rule(
            "self.auth == 'Secret' || !has(self.secretRef)",
            |hub| any([is(hub, "auth", "Secret"), not(hub.has("secretRef"))]),
            "secretRef and auth: Secret belong together; set auth to Secret, or take secretRef out",
            ".secretRef",
        ),
        rule(
            "self.auth != 'Secret' || has(self.secretRef)",
            |hub| any([not(is(hub, "auth", "Secret")), hub.has("secretRef")]),
            "secretRef and auth: Secret belong together: name the secret with the key connectionString. On a laptop the connection string \
             comes from the environment in either case",
            ".secretRef",
        ),
    ]
}

/// Rules of a topic of Kafka.
pub fn kafka() -> Vec<Rule> {
    let local = r"^(localhost|127[.][0-9.]+|\\[::1\\]):";
    vec![rule(
        format!(
            "self.tls || !has(self.sasl) || !(self.sasl.mechanism in ['Plain', 'OAuthBearer']) || \
             self.bootstrapServers.all(server, server.matches('{local}'))"
        ),
        |kafka| {
            let readable = || {
                let mechanism = kafka.text_at("sasl.mechanism")?;
                Some(["Plain", "OAuthBearer"].contains(&mechanism))
            };
            let servers = || {
                let servers = kafka.at("bootstrapServers")?.list()?.iter();
                all(servers.map(|server| server.as_str().map(is_local)))
            };
            any([
                kafka.at("tls").and_then(|tls| tls.0.as_bool()),
                not(kafka.has("sasl")),
                not(readable()),
                servers(),
            ])
        },
        "would carry a password or token unencrypted over the network; set tls to true, or sign in with ScramSha256 or ScramSha512",
        ".tls",
    )]
}

/// Whether a broker, as `HOST:PORT`, is on this machine.
fn is_local(server: &str) -> bool {
    let loopback = server.strip_prefix("127.").is_some_and(|rest| {
        let address = rest.split(':').next().unwrap_or_default();
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        rest.contains(':') && !address.is_empty() && address.bytes().all(digits)
    });
    loopback || server.starts_with("localhost:") || server.starts_with("[::1]:")
}

/// Rules of how to sign in to Kafka.
pub fn sasl() -> Vec<Rule> {
    vec![
        rule(
            "self.mechanism == 'OAuthBearer' || has(self.secretRef)",
            |sasl| any([is_token(sasl), sasl.has("secretRef")]),
            "name the secret with the keys username and password. On a laptop they come from the environment in either case",
            ".secretRef",
        ),
        rule(
            "self.mechanism != 'OAuthBearer' || !has(self.secretRef)",
            |sasl| any([not(is_token(sasl)), not(sasl.has("secretRef"))]),
            "OAuthBearer signs in with the pod's own token; take secretRef out, or choose another mechanism",
            ".secretRef",
        ),
        rule(
            "self.mechanism != 'OAuthBearer' || has(self.scope)",
            |sasl| any([not(is_token(sasl)), sasl.has("scope")]),
            "OAuthBearer needs the scope that a token is asked for; add it",
            ".scope",
        ),
        rule(
            "self.mechanism == 'OAuthBearer' || !has(self.scope)",
            |sasl| any([is_token(sasl), not(sasl.has("scope"))]),
            "only OAuthBearer has a scope; take it out, or set mechanism to OAuthBearer",
            ".scope",
        ),
    ]
}

fn is_token(sasl: Subject<'_>) -> Answer {
    is(sasl, "mechanism", "OAuthBearer")
}

fn is(subject: Subject<'_>, field: &str, value: &str) -> Answer {
    subject.text_at(field).map(|text| text == value)
}

/// A time, in RFC 3339; whether its day is in the calendar is told by reading it.
const TIME: &str = concat!(
    "^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?",
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
);

/// Times are before this one.
const END: &str = "3000-01-01T00:00:00Z";

/// Rules of the text that says which window is the first.
pub fn start_at() -> Vec<Rule> {
    vec![rule(
        format!(
            "self in ['Latest', 'Earliest'] || (self.matches('{TIME}') && timestamp(self) < timestamp('{END}'))"
        ),
        |start| {
            static SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(TIME).ok());
            let text = start.text()?;
            if ["Latest", "Earliest"].contains(&text) {
                return Some(true);
            }
            if !SHAPE.as_ref()?.is_match(text) {
                return Some(false);
            }
            Some(text.parse::<Timestamp>().ok()? < END.parse().ok()?)
        },
        "must be Latest, Earliest, or a time of the calendar such as 2026-11-28T09:00:00Z",
        "",
    )]
}
