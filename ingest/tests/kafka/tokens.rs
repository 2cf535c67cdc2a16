use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use fleetscore_crds::{EventHubAuth, EventHubSource, SourceSpec, StartAt};
use fleetscore_ingest::{Hub, KafkaHub, Place, SourceOptions};
use fleetscore_storage::Environment;
use serde_json::json;

use crate::broker::{Broker, Topic, WAIT, read};

/// Seconds. A broker takes no new token within a second of the last, and they are renewed when a fifth of this is left.
const LIFETIME: u64 = 10;
const ASSERTION: &str = "the pod's token";

/// A stand-in for Microsoft Entra ID: it gives unsigned tokens for the pod's token, and keeps when.
#[derive(Clone, Default)]
struct Entra(Arc<Mutex<Vec<Instant>>>);

impl Entra {
    fn asked(&self) -> Vec<Instant> {
        self.0.lock().unwrap().clone()
    }

    /// Serves it for as long as the runtime lives; its address.
    fn serve(&self) -> (tokio::runtime::Runtime, String) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/tenant/oauth2/v2.0/token", post(answer))
            .with_state(self.clone());
        runtime.spawn(async { axum::serve(listener, routes).await.unwrap() });
        (runtime, address)
    }
}

async fn answer(State(entra): State<Entra>, body: String) -> (StatusCode, String) {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let expected = [
        ("client_assertion", ASSERTION),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_id", "client"),
        ("grant_type", "client_credentials"),
        ("scope", "https://plant.servicebus.windows.net/.default"),
    ];
    let expected: BTreeMap<String, String> = expected
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    if form != expected {
        let refused = json!({"error": "invalid_client", "error_description": "AADSTS700213: No matching federated identity\r\nTrace ID: 1"});
        return (StatusCode::UNAUTHORIZED, refused.to_string());
    }
    entra.0.lock().unwrap().push(Instant::now());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let claims = json!({"sub": "reader", "iat": now, "exp": now + LIFETIME});
    let token = format!(
        "{}.{}.",
        base64(&json!({"alg": "none"}).to_string()),
        base64(&claims.to_string())
    );
    let answer = json!({"token_type": "Bearer", "expires_in": LIFETIME, "access_token": token});
    (StatusCode::OK, answer.to_string())
}

/// As JWT has it: without padding.
fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let letter = bits >> (18 - 6 * place) & 63;
            out.push(char::from(LETTERS[letter as usize]));
        }
    }
    out
}

fn hub(topic: &Topic, authority: &str, token_file: &str) -> KafkaHub {
    let spec = SourceSpec {
        event_hub: Some(EventHubSource {
            namespace: "plant".to_owned(),
            name: topic.name.clone(),
            endpoint: Some(topic.broker.tls.clone()),
            auth: EventHubAuth::WorkloadIdentity,
            secret_ref: None,
        }),
        kafka: None,
        start_at: StartAt::Earliest,
    };
    let environment = Environment::from([
        ("SSL_CERT_FILE", topic.broker.ca.as_str()),
        ("AZURE_AUTHORITY_HOST", authority),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_FEDERATED_TOKEN_FILE", token_file),
    ]);
    KafkaHub::new(&spec, &SourceOptions::default(), &environment).unwrap()
}

#[test]
fn short_tokens_are_renewed_without_a_gap() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("tokens", 1, &[]);
    topic.send(0, 1000, &["0"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{ASSERTION}\n")).unwrap();
    let entra = Entra::default();
    let (_runtime, authority) = entra.serve();
    let hub = hub(&topic, &authority, file.to_str().unwrap());
    let mut source = hub.open().unwrap();
    let mut seen = read(&mut *source, &[(0, Place::at(0))]);
    let deadline = Instant::now() + WAIT;
    let mut sent = 1;
    while entra.asked().len() < 4 {
        assert!(Instant::now() < deadline);
        topic.send(0, 1000, &[&sent.to_string()]);
        sent += 1;
        // No error: the broker ends a connection with its token.
        while seen.bodies(0).len() < sent {
            assert!(Instant::now() < deadline);
            seen.poll(&mut *source).unwrap();
        }
    }
    for pair in entra.asked().windows(2) {
        let [before, after] = pair else {
            unreachable!()
        };
        assert!(*after - *before < Duration::from_secs(LIFETIME));
    }
    let expected: Vec<String> = (0..sent).map(|number| number.to_string()).collect();
    assert_eq!(seen.bodies(0), expected);
}

#[test]
fn a_refused_identity_is_told_with_its_reason() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("refused", 1, &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "another pod's token").unwrap();
    let (_runtime, authority) = Entra::default().serve();
    let hub = hub(&topic, &authority, file.to_str().unwrap());
    let error = hub.open().unwrap().partitions().unwrap_err();
    assert_eq!(error.name(), "AccessDenied", "{error}");
    let text = error.to_string();
    assert!(
        text.contains("invalid_client AADSTS700213: No matching federated identity;")
            && text.contains("check the federated credential of the identity client"),
        "{text}"
    );
    assert!(!text.contains("another pod's token"), "{text}");
}
