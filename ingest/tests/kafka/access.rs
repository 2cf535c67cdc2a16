use fleetscore_crds::{
    EventHubAuth, EventHubSource, KafkaSource, Sasl, SaslMechanism, SourceSpec, StartAt,
};
use fleetscore_ingest::{Hub, KafkaHub, Place, SourceError, SourceOptions};
use fleetscore_storage::Environment;

use crate::broker::{Broker, Topic, kafka, read};

const MECHANISMS: [SaslMechanism; 3] = [
    SaslMechanism::Plain,
    SaslMechanism::ScramSha256,
    SaslMechanism::ScramSha512,
];
const CONNECTION_STRING: &str = "Endpoint=sb://plant.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0";

fn secured(topic: &Topic, mechanism: SaslMechanism) -> SourceSpec {
    kafka(KafkaSource {
        bootstrap_servers: vec![topic.broker.tls.clone()],
        topic: topic.name.clone(),
        tls: true,
        sasl: Some(Sasl {
            mechanism,
            secret_ref: None,
            scope: None,
        }),
    })
}

fn hub(spec: &SourceSpec, variables: &[(&str, &str); 3]) -> Result<KafkaHub, SourceError> {
    KafkaHub::new(
        spec,
        &SourceOptions::default(),
        &Environment::from(*variables),
    )
}

fn partitions(hub: &KafkaHub) -> Result<Vec<i32>, SourceError> {
    hub.open()?.partitions()
}

#[test]
fn signs_in_with_user_and_password() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("password", 1, &[]);
    topic.send(0, 1000, &["a"]);
    for mechanism in MECHANISMS {
        let spec = secured(&topic, mechanism);
        let variables = |user, password| {
            [
                ("SSL_CERT_FILE", broker.ca.as_str()),
                ("FLEETSCORE_KAFKA_USERNAME", user),
                ("FLEETSCORE_KAFKA_PASSWORD", password),
            ]
        };
        let right = hub(&spec, &variables("reader", "reader-secret")).unwrap();
        let seen = read(&mut *right.open().unwrap(), &[(0, Place::at(0))]);
        assert_eq!(seen.bodies(0), ["a"], "{mechanism:?}");

        let wrong = hub(&spec, &variables("reader", "wr0ng")).unwrap();
        let error = partitions(&wrong).unwrap_err();
        assert_eq!(error.name(), "AccessDenied", "{mechanism:?}: {error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("topic {} at {}", topic.name, broker.tls))
                && text.contains("check user and password"),
            "{text}"
        );
        assert!(!text.contains("wr0ng"), "{text}");

        let stranger = hub(&spec, &variables("stranger", "stranger-secret")).unwrap();
        let error = partitions(&stranger).unwrap_err();
        assert_eq!(error.name(), "AccessDenied", "{mechanism:?}: {error}");
    }
}

#[test]
fn signs_in_with_a_connection_string() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("string", 1, &[]);
    topic.send(0, 1000, &["a"]);
    let spec = SourceSpec {
        event_hub: Some(EventHubSource {
            namespace: "plant".to_owned(),
            name: topic.name.clone(),
            endpoint: Some(broker.tls.clone()),
            auth: EventHubAuth::Secret,
            secret_ref: None,
        }),
        kafka: None,
        start_at: StartAt::Earliest,
    };
    let variables = |string| {
        [
            ("SSL_CERT_FILE", broker.ca.as_str()),
            ("FLEETSCORE_EVENTHUB_CONNECTION_STRING", string),
            ("", ""),
        ]
    };
    let right = hub(&spec, &variables(CONNECTION_STRING)).unwrap();
    let seen = read(&mut *right.open().unwrap(), &[(0, Place::at(0))]);
    assert_eq!(seen.bodies(0), ["a"]);

    let wrong = CONNECTION_STRING.replace("c2VjcmV0", "d3Jvbmc");
    let error = partitions(&hub(&spec, &variables(&wrong)).unwrap()).unwrap_err();
    assert_eq!(error.name(), "AccessDenied", "{error}");
    assert!(error.to_string().contains("claim Listen"), "{error}");
    assert!(!error.to_string().contains("d3Jvbmc"), "{error}");
}

#[test]
fn brokers_are_checked() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("check", 1, &[]);
    let spec = secured(&topic, SaslMechanism::Plain);
    // The certificate of another authority: the system's.
    let variables = [
        ("FLEETSCORE_KAFKA_USERNAME", "reader"),
        ("FLEETSCORE_KAFKA_PASSWORD", "reader-secret"),
        ("", ""),
    ];
    let Ok(hub) = hub(&spec, &variables) else {
        println!("skipped: this machine has no certificates");
        return;
    };
    let error = partitions(&hub).unwrap_err();
    assert_eq!(error.name(), "SourceUnavailable", "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[test]
fn a_missing_topic_and_a_missing_broker_are_told_apart() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let missing = Topic {
        broker: broker.clone(),
        name: "missing".to_owned(),
    };
    let error = missing.open().partitions().unwrap_err();
    assert_eq!(error.name(), "SourceNotFound", "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("topic missing at {} is not there", broker.plain)),
        "{error}"
    );
    let error = missing.open().bounds(0).unwrap_err();
    assert_eq!(error.name(), "SourceNotFound", "{error}");
    let topic = broker.create("few", 1, &[]);
    let error = topic.open().bounds(7).unwrap_err();
    assert_eq!(error.name(), "SourceNotFound", "{error}");

    let nowhere = Topic {
        broker: Broker {
            plain: "127.0.0.1:1".to_owned(),
            ..broker
        },
        name: "missing".to_owned(),
    };
    let error = nowhere.open().partitions().unwrap_err();
    assert_eq!(error.name(), "SourceUnavailable", "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
