use fleetscore_crds::{
    EventHubAuth, EventHubSource, KafkaSource as KafkaSpec, SaslMechanism, SourceSpec,
};
use fleetscore_storage::Environment;
use rdkafka::ClientConfig;

use super::certificates;
use super::connection_string::ConnectionString;
use super::identity::Identity;
use super::token::Tokens;
use super::{SourceError, SourceOptions};

/// The user of a connection string.
const CONNECTION_STRING_USER: &str = "$ConnectionString";

/// Where secrets are looked for, in this order; the first of each is what a pod gets from the keys of its secret.
const CONNECTION_STRING: [&str; 2] = [
    "FLEETSCORE_EVENTHUB_connectionString",
    "FLEETSCORE_EVENTHUB_CONNECTION_STRING",
];
const USERNAME: [&str; 2] = ["FLEETSCORE_KAFKA_username", "FLEETSCORE_KAFKA_USERNAME"];
const PASSWORD: [&str; 2] = ["FLEETSCORE_KAFKA_password", "FLEETSCORE_KAFKA_PASSWORD"];

/// All that it takes to reach a topic.
#[derive(Clone)]
pub(super) struct Settings {
    /// What messages call the topic and its brokers.
    pub name: String,
    pub topic: String,
    /// What the client is made with; it holds secrets.
    pub config: ClientConfig,
    /// Who gets the tokens, where one signs in with tokens.
    pub tokens: Option<Tokens>,
    /// What to do when the hub refuses.
    pub remedy: String,
}

impl Settings {
    /// Of a manifest and the environment.
    pub(super) fn new(
        spec: &SourceSpec,
        options: &SourceOptions,
        environment: &Environment,
    ) -> Result<Self, SourceError> {
        let mut settings = match (&spec.event_hub, &spec.kafka) {
            (Some(hub), None) => event_hub(hub, options, environment),
            (None, Some(kafka)) => self::kafka(kafka, options, environment),
            _ => Err("source: exactly one of eventHub and kafka must be there".to_owned()),
        }
        .map_err(|reason| SourceError::Config { reason })?;
        tune(&mut settings.config, options);
        Ok(settings)
    }
}

fn event_hub(
    hub: &EventHubSource,
    options: &SourceOptions,
    environment: &Environment,
) -> Result<Settings, String> {
    let broker = match &hub.endpoint {
        Some(endpoint) => check_endpoint(endpoint)?,
        None => format!("{}.servicebus.windows.net:9093", hub.namespace),
    };
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &broker)
        .set("security.protocol", "SASL_SSL");
    set_certificates(&mut config, environment)?;
    let (tokens, remedy) = match hub.auth {
        EventHubAuth::Secret => {
            let string = connection_string(hub, environment)?;
            config
                .set("sasl.mechanism", "PLAIN")
                .set("sasl.username", CONNECTION_STRING_USER)
                .set("sasl.password", string.expose());
            (
                None,
                "check that the connection string is still valid, and that its policy has the claim Listen"
                    .to_owned(),
            )
        }
        auth => {
            let identity = if auth == EventHubAuth::ManagedIdentity {
                Identity::machine(environment)
            } else {
                Identity::workload(options.local_credentials, environment)?
            };
            config.set("sasl.mechanism", "OAUTHBEARER");
            let remedy = identity.remedy();
            let resource = resource(&hub.namespace, &broker);
            (Some(Tokens { identity, resource }), remedy)
        }
    };
    Ok(Settings {
        name: format!("event hub {} at {broker}", hub.name),
        topic: hub.name.clone(),
        config,
        tokens,
        remedy,
    })
}

/// What a token is asked for: the namespace's own address, in the cloud that the endpoint is of.
fn resource(namespace: &str, broker: &str) -> String {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host);
    match host.split_once('.') {
        Some((first, domain))
            if first.eq_ignore_ascii_case(namespace) && domain.starts_with("servicebus.") =>
        {
            format!("https://{host}")
        }
        _ => format!("https://{namespace}.servicebus.windows.net"),
    }
}

fn check_endpoint(endpoint: &str) -> Result<String, String> {
    let is_one = endpoint.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(|character: char| ",/ ".contains(character))
            && port.parse::<u16>().is_ok()
    });
    is_one
        .then(|| endpoint.to_owned())
        .ok_or_else(|| format!("source.eventHub.endpoint {endpoint:?} is no HOST:PORT, such as plant.servicebus.chinacloudapi.cn:9093"))
}

fn connection_string(
    hub: &EventHubSource,
    environment: &Environment,
) -> Result<ConnectionString, String> {
    let (variable, text) = first(&CONNECTION_STRING, environment).ok_or_else(|| {
        format!(
            "auth: Secret finds no key connectionString in the secret of source.eventHub.secretRef; outside a pod, set {}",
            CONNECTION_STRING[1]
        )
    })?;
    let string = ConnectionString::parse(text)
        .map_err(|what| format!("the connection string in {variable} {what}"))?;
    string
        .check(&hub.namespace, &hub.name)
        .map_err(|what| format!("the connection string in {variable} {what}"))?;
    let own = format!("{}.servicebus.windows.net", hub.namespace);
    if hub.endpoint.is_none() && !string.host().eq_ignore_ascii_case(&own) {
        return Err(format!(
            "the connection string in {variable} is of {}; set source.eventHub.endpoint to {0}:9093",
            string.host()
        ));
    }
    Ok(string)
}

fn kafka(
    kafka: &KafkaSpec,
    options: &SourceOptions,
    environment: &Environment,
) -> Result<Settings, String> {
    let brokers = kafka.bootstrap_servers.join(",");
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &brokers);
    config.set(
        "security.protocol",
        match (kafka.tls, kafka.sasl.is_some()) {
            (false, false) => "PLAINTEXT",
            (false, true) => "SASL_PLAINTEXT",
            (true, false) => "SSL",
            (true, true) => "SASL_SSL",
        },
    );
    if kafka.tls {
        set_certificates(&mut config, environment)?;
    }
    let mut tokens = None;
    let mut remedy =
        "check that the hub takes connections without signing in, or set source.kafka.sasl"
            .to_owned();
    if let Some(sasl) = &kafka.sasl {
        config.set("sasl.mechanism", mechanism(sasl.mechanism));
        if sasl.mechanism == SaslMechanism::OAuthBearer {
            let identity = Identity::workload(options.local_credentials, environment)?;
            remedy = identity.remedy();
            let resource = sasl
                .scope
                .clone()
                .ok_or("source.kafka.sasl.scope is missing: OAuthBearer asks for tokens with it")?;
            tokens = Some(Tokens { identity, resource });
        } else {
            if sasl.mechanism == SaslMechanism::Plain && !kafka.tls {
                return Err("source.kafka.sasl.mechanism Plain sends the password as it is: set source.kafka.tls to true".to_owned());
            }
            let [username, password] = [USERNAME, PASSWORD].map(|names| {
                first(&names, environment).ok_or_else(|| {
                    format!(
                        "source.kafka.sasl finds no keys username and password in the secret of secretRef; outside a pod, set {}",
                        names[1]
                    )
                })
            });
            config
                .set("sasl.username", username?.1)
                .set("sasl.password", password?.1);
            "check user and password, and that the user may read the topic (ACLs Read and Describe)"
                .clone_into(&mut remedy);
        }
    }
    Ok(Settings {
        name: format!("topic {} at {brokers}", kafka.topic),
        topic: kafka.topic.clone(),
        config,
        tokens,
        remedy,
    })
}

fn mechanism(mechanism: SaslMechanism) -> &'static str {
    match mechanism {
        SaslMechanism::Plain => "PLAIN",
        SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
        SaslMechanism::OAuthBearer => "OAUTHBEARER",
    }
}

fn first<'a>(
    names: &[&'static str],
    environment: &'a Environment,
) -> Option<(&'static str, &'a str)> {
    names
        .iter()
        .find_map(|name| Some((*name, environment.get(name)?)))
}

fn set_certificates(config: &mut ClientConfig, environment: &Environment) -> Result<(), String> {
    let path = certificates::find(environment)?;
    config.set("ssl.ca.location", path.to_string_lossy());
    Ok(())
}

/// What does not depend on the hub.
fn tune(config: &mut ClientConfig, options: &SourceOptions) {
    const KIB: usize = 1024;
    const LARGEST_ANSWER: usize = 50 * KIB * KIB;
    /// What the client needs for a message beside its bytes, with a margin.
    const OVERHEAD: usize = 512;
    let queue = (options.memory_bytes / 2 / KIB).clamp(KIB, 2_097_151);
    let answer = (options.memory_bytes / 4).clamp(KIB * KIB, LARGEST_ANSWER);
    let messages = (options.memory_bytes / 2 / OVERHEAD).clamp(1000, 100_000);
    for (name, value) in [
        // For the hub's metrics alone: nobody joins it.
        ("group.id", options.group.as_str()),
        ("client.id", "fleetscore"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
        ("isolation.level", "read_committed"),
        ("enable.partition.eof", "true"),
        // With the client's own second a partition waits too long once its queue was full.
        ("fetch.queue.backoff.ms", "10"),
        // Where nothing is left to read, questions to the hub wait as long as the fetch before them.
        ("fetch.wait.max.ms", "100"),
        // Azure drops connections without a word after four minutes without traffic.
        ("socket.keepalive.enable", "true"),
        ("connections.max.idle.ms", "180000"),
        ("metadata.max.age.ms", "180000"),
        // A connection that was cut without a word is noticed then. Throttled answers may take 20 seconds.
        ("socket.timeout.ms", "25000"),
        ("socket.connection.setup.timeout.ms", "10000"),
        ("log.connection.close", "false"),
        ("queued.max.messages.kbytes", &queue.to_string()),
        ("queued.min.messages", &messages.to_string()),
        ("fetch.max.bytes", &answer.to_string()),
        // At most one message: a larger one is fetched all the same, alone.
        ("message.max.bytes", &answer.min(1_000_000).to_string()),
    ] {
        config.set(name, value);
    }
    config.set_log_level(rdkafka::config::RDKafkaLogLevel::Warning);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fleetscore_crds::{Sasl, StartAt};

    use super::*;

    fn hub(auth: EventHubAuth, endpoint: Option<&str>) -> SourceSpec {
        SourceSpec {
            event_hub: Some(EventHubSource {
                namespace: "plant".to_owned(),
                name: "telemetry".to_owned(),
                endpoint: endpoint.map(str::to_owned),
                auth,
                secret_ref: None,
            }),
            kafka: None,
            start_at: StartAt::Latest,
        }
    }

    fn topic(tls: bool, sasl: Option<Sasl>) -> SourceSpec {
        SourceSpec {
            event_hub: None,
            kafka: Some(KafkaSpec {
                bootstrap_servers: vec!["a:9092".to_owned(), "b:9092".to_owned()],
                topic: "t".to_owned(),
                tls,
                sasl,
            }),
            start_at: StartAt::Latest,
        }
    }

    fn sasl(mechanism: SaslMechanism) -> Sasl {
        Sasl {
            mechanism,
            secret_ref: None,
            scope: None,
        }
    }

    fn settings(spec: &SourceSpec, variables: [(&str, &str); 5]) -> Result<Settings, String> {
        let environment = Environment::from(variables);
        Settings::new(spec, &SourceOptions::default(), &environment)
            .map_err(|error| error.to_string())
    }

    const NONE: (&str, &str) = ("", "");

    #[test]
    fn a_hub_is_its_namespaces_and_its_tokens_are_of_the_same_cloud() {
        let folder = tempfile::tempdir().unwrap();
        let variables = [
            ("SSL_CERT_DIR", folder.path().to_str().unwrap()),
            ("AZURE_CLIENT_ID", "client"),
            ("AZURE_TENANT_ID", "tenant"),
            ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
            NONE,
        ];
        for (endpoint, broker, resource) in [
            (
                None,
                "plant.servicebus.windows.net:9093",
                "https://plant.servicebus.windows.net",
            ),
            (
                Some("plant.servicebus.chinacloudapi.cn:9093"),
                "plant.servicebus.chinacloudapi.cn:9093",
                "https://plant.servicebus.chinacloudapi.cn",
            ),
            (
                Some("10.0.0.4:9093"),
                "10.0.0.4:9093",
                "https://plant.servicebus.windows.net",
            ),
        ] {
            let spec = hub(EventHubAuth::WorkloadIdentity, endpoint);
            let settings = settings(&spec, variables).unwrap();
            assert_eq!(settings.config.get("bootstrap.servers"), Some(broker));
            assert_eq!(settings.config.get("security.protocol"), Some("SASL_SSL"));
            assert_eq!(settings.config.get("sasl.mechanism"), Some("OAUTHBEARER"));
            assert_eq!(settings.tokens.unwrap().resource, resource);
            assert_eq!(settings.name, format!("event hub telemetry at {broker}"));
        }
        let spec = hub(EventHubAuth::WorkloadIdentity, Some("plant"));
        let error = settings(&spec, variables).err().unwrap();
        assert!(error.contains("\"plant\" is no HOST:PORT"), "{error}");
    }

    #[test]
    fn secrets_come_from_the_pods_secret_or_a_laptops_variables() {
        let folder = tempfile::tempdir().unwrap();
        let certificates = ("SSL_CERT_DIR", folder.path().to_str().unwrap());
        let string = "Endpoint=sb://plant.servicebus.windows.net/;SharedAccessKeyName=l;SharedAccessKey=c2VjcmV0";
        let spec = hub(EventHubAuth::Secret, None);
        for name in CONNECTION_STRING {
            let settings = settings(&spec, [certificates, (name, string), NONE, NONE, NONE]);
            let config = settings.unwrap().config;
            assert_eq!(config.get("sasl.username"), Some("$ConnectionString"));
            assert_eq!(config.get("sasl.password"), Some(string));
        }
        let spec = topic(true, Some(sasl(SaslMechanism::ScramSha512)));
        for (user, password) in USERNAME.into_iter().zip(PASSWORD) {
            let variables = [certificates, (user, "u"), (password, "p"), NONE, NONE];
            let config = settings(&spec, variables).unwrap().config;
            assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
            assert_eq!(config.get("sasl.username"), Some("u"));
            assert_eq!(config.get("sasl.password"), Some("p"));
        }
    }

    #[test]
    fn says_what_is_missing_or_wrong_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let certificates = ("SSL_CERT_DIR", folder.path().to_str().unwrap());
        let other = "Endpoint=sb://other.servicebus.windows.net/;SharedAccessKeyName=l;SharedAccessKey=c2VjcmV0";
        let china = "Endpoint=sb://plant.servicebus.chinacloudapi.cn/;SharedAccessKeyName=l;SharedAccessKey=c2VjcmV0";
        let own = "FLEETSCORE_EVENTHUB_CONNECTION_STRING";
        for (spec, variable, expected) in [
            (hub(EventHubAuth::Secret, None), NONE, own),
            (
                hub(EventHubAuth::Secret, None),
                (own, other),
                "is of other.servicebus.windows.net, not of the namespace plant",
            ),
            (
                hub(EventHubAuth::Secret, None),
                (own, china),
                "set source.eventHub.endpoint to plant.servicebus.chinacloudapi.cn:9093",
            ),
            (
                topic(false, Some(sasl(SaslMechanism::Plain))),
                NONE,
                "set source.kafka.tls to true",
            ),
            (
                topic(true, Some(sasl(SaslMechanism::Plain))),
                ("FLEETSCORE_KAFKA_USERNAME", "u"),
                "FLEETSCORE_KAFKA_PASSWORD",
            ),
            (
                topic(true, Some(sasl(SaslMechanism::OAuthBearer))),
                NONE,
                "AZURE_FEDERATED_TOKEN_FILE",
            ),
        ] {
            let error = settings(&spec, [certificates, variable, NONE, NONE, NONE])
                .err()
                .unwrap();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("c2VjcmV0"), "{error}");
        }
    }

    #[test]
    fn without_signing_in_nothing_is_needed() {
        let config = settings(&topic(false, None), [NONE; 5]).unwrap().config;
        assert_eq!(config.get("bootstrap.servers"), Some("a:9092,b:9092"));
        assert_eq!(config.get("security.protocol"), Some("PLAINTEXT"));
    }
}
