use std::process::Command;
use std::thread;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};
use serde::Deserialize;

use super::identity::Identity;

const CONNECT: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(15);
/// Pauses between tries.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(1)];
/// For how long a token is used that does not say how long it is valid.
const UNKNOWN_LIFETIME: u64 = 300;

/// A token of OAuth 2.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The token itself.
    pub text: String,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
}

/// Why there is no token. Never holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoToken {
    /// What happened.
    pub reason: String,
    /// Whether it was refused: asking again is of no use until somebody has done something.
    pub is_refusal: bool,
}

/// Asks for tokens of one identity for one resource (`https://plant.servicebus.windows.net`).
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub identity: Identity,
    pub resource: String,
}

impl Tokens {
    /// A new token, asked for up to three times. `now` is in seconds since 1970. Waits for answers, on any thread: also on one of an
    /// asynchronous runtime.
    pub(super) fn get(&self, now: u64) -> Result<Token, NoToken> {
        let all = thread::scope(|scope| scope.spawn(|| self.try_thrice(now)).join());
        all.unwrap_or_else(|_| {
            Err(NoToken::passing(
                "the request for a token broke off".to_owned(),
            ))
        })
    }

    fn try_thrice(&self, now: u64) -> Result<Token, NoToken> {
        for pause in PAUSES {
            match self.try_once(now) {
                Err(error) if !error.is_refusal => thread::sleep(pause),
                done => return done,
            }
        }
        self.try_once(now)
    }

    fn try_once(&self, now: u64) -> Result<Token, NoToken> {
        match &self.identity {
            Identity::Workload {
                endpoint,
                client_id,
                token_file,
            } => {
                // Read each time: it is replaced before it ends.
                let assertion = std::fs::read_to_string(token_file).map_err(|error| {
                    NoToken::passing(format!(
                        "the pod's token {} cannot be read: {error}",
                        token_file.display()
                    ))
                })?;
                let form = form(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    ("scope", &scope(&self.resource)),
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", assertion.trim()),
                ]);
                let request = client(true)?
                    .post(endpoint)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form);
                send(request, endpoint, now)
            }
            Identity::Machine {
                endpoint,
                client_id,
            } => {
                let mut query = vec![
                    ("api-version", "2018-02-01"),
                    ("resource", self.resource.as_str()),
                ];
                if let Some(client_id) = client_id {
                    query.push(("client_id", client_id));
                }
                let url = format!("{endpoint}?{}", form(&query));
                send(
                    client(false)?.get(url).header("metadata", "true"),
                    endpoint,
                    now,
                )
            }
            Identity::AzureCli => azure_cli(&self.resource, now),
        }
    }
}

impl NoToken {
    fn passing(reason: String) -> Self {
        Self {
            reason,
            is_refusal: false,
        }
    }
}

/// The scope of a resource; a scope stays as it is.
fn scope(resource: &str) -> String {
    if resource.ends_with("/.default") {
        resource.to_owned()
    } else {
        format!("{resource}/.default")
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn client(by_proxy: bool) -> Result<Client, NoToken> {
    fleetscore_storage::install_crypto();
    // Nobody else may be handed the pod's token.
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .timeout(REQUEST)
        .redirect(reqwest::redirect::Policy::none());
    let builder = if by_proxy {
        builder
    } else {
        builder.no_proxy()
    };
    builder
        .build()
        .map_err(|error| NoToken::passing(format!("no client for HTTPS: {error}")))
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// A number; the metadata service writes it as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl Seconds {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

fn send(request: RequestBuilder, endpoint: &str, now: u64) -> Result<Token, NoToken> {
    let failed = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        NoToken::passing(format!("{endpoint} gives no token: {cause}"))
    };
    let response = request.send().map_err(failed)?;
    let status = response.status();
    let body = response.bytes().map_err(failed)?;
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map(|answer| token(answer, now))
            .map_err(|_| NoToken::passing(format!("{endpoint} answers with no token")));
    }
    let what = serde_json::from_slice::<Refused>(&body).map_or_else(
        |_| String::new(),
        |refused| {
            let line = refused.error_description.lines().next().unwrap_or_default();
            let line: String = line.chars().take(300).collect();
            format!(" {} {line}", refused.error)
        },
    );
    Err(NoToken {
        reason: format!("{endpoint} gives no token: {status}{what}"),
        is_refusal: is_refusal(status),
    })
}

/// The metadata service answers 404 and 410 while it starts or is replaced.
fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}

fn token(answer: Answer, now: u64) -> Token {
    let seconds = answer.expires_in.as_ref().and_then(Seconds::value);
    Token {
        text: answer.access_token,
        expires: now.saturating_add(seconds.unwrap_or(UNKNOWN_LIFETIME)),
    }
}

#[derive(Deserialize)]
struct CliAnswer {
    #[serde(rename = "accessToken")]
    access_token: String,
    /// Seconds since 1970; older versions of the CLI do not write it.
    #[serde(default)]
    expires_on: Option<Seconds>,
}

fn azure_cli(resource: &str, now: u64) -> Result<Token, NoToken> {
    let program = if cfg!(windows) { "az.cmd" } else { "az" };
    let scope = scope(resource);
    let output = Command::new(program)
        .args([
            "account",
            "get-access-token",
            "--output",
            "json",
            "--scope",
            &scope,
        ])
        .output()
        .map_err(|error| NoToken::passing(format!("`az` cannot be run: {error}")))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().rfind(|line| !line.trim().is_empty());
        let line: String = line.unwrap_or_default().chars().take(300).collect();
        return Err(NoToken {
            reason: format!("`az account get-access-token` fails: {line}"),
            is_refusal: true,
        });
    }
    let answer: CliAnswer = serde_json::from_slice(&output.stdout).map_err(|_| {
        NoToken::passing("`az account get-access-token` answers with no token".to_owned())
    })?;
    let expires = answer.expires_on.as_ref().and_then(Seconds::value);
    Ok(Token {
        text: answer.access_token,
        expires: expires.unwrap_or_else(|| now.saturating_add(UNKNOWN_LIFETIME)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request after the other so, and hands the requests over.
    fn serve(answers: &'static [(&str, &str)]) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let answer = |(status, body): &(&str, &str)| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = vec![0; 65_536];
                let length = stream.read(&mut request).unwrap();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                )
                .unwrap();
                String::from_utf8_lossy(&request[..length]).into_owned()
            };
            answers.iter().map(answer).collect()
        });
        (address, serving)
    }

    fn machine(endpoint: String) -> Tokens {
        Tokens {
            identity: Identity::Machine {
                endpoint,
                client_id: Some("client".to_owned()),
            },
            resource: "https://plant.servicebus.windows.net".to_owned(),
        }
    }

    #[test]
    fn the_machines_token_comes_from_its_metadata_service_which_may_be_slow_to_start() {
        let (endpoint, serving) = serve(&[
            ("404 Not Found", ""),
            ("200 OK", r#"{"access_token": "t", "expires_in": "86400"}"#),
        ]);
        let token = machine(endpoint).get(1000).unwrap();
        assert_eq!((token.text.as_str(), token.expires), ("t", 87_400));
        for request in serving.join().unwrap() {
            assert!(
                request.starts_with("GET /?api-version=2018-02-01&resource=https%3A%2F%2Fplant.servicebus.windows.net&client_id=client "),
                "{request}"
            );
            assert!(request.contains("metadata: true"), "{request}");
        }
    }

    #[test]
    fn what_is_refused_is_not_asked_for_again() {
        let (endpoint, serving) = serve(&[(
            "400 Bad Request",
            r#"{"error": "invalid_request", "error_description": "Identity not found"}"#,
        )]);
        let error = machine(endpoint).get(1000).err().unwrap();
        assert!(error.is_refusal);
        assert!(
            error
                .reason
                .ends_with("gives no token: 400 Bad Request invalid_request Identity not found"),
            "{}",
            error.reason
        );
        assert_eq!(serving.join().unwrap().len(), 1);
    }

    #[test]
    fn an_answer_that_is_no_token_is_not_shown() {
        let (endpoint, serving) = serve(&[("200 OK", r#"{"access": "c2VjcmV0"}"#); 3]);
        let error = machine(endpoint).get(1000).err().unwrap();
        assert!(!error.is_refusal);
        assert!(
            error.reason.ends_with("answers with no token"),
            "{}",
            error.reason
        );
        assert_eq!(serving.join().unwrap().len(), 3);
    }

    #[test]
    fn a_pods_token_that_is_not_there_is_named() {
        let tokens = Tokens {
            identity: Identity::Workload {
                endpoint: "http://127.0.0.1:1".to_owned(),
                client_id: "client".to_owned(),
                token_file: "/nowhere/token".into(),
            },
            resource: "https://plant.servicebus.windows.net".to_owned(),
        };
        let error = tokens.get(1000).err().unwrap();
        assert!(
            error.reason.contains("/nowhere/token cannot be read"),
            "{}",
            error.reason
        );
    }
}
