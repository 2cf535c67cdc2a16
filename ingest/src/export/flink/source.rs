use fleetscore_crds::{EventHubAuth, FieldType, KafkaSource, SaslMechanism, StartAt};

use super::{Plan, field, seconds};
use crate::event::{Member, Meta, Node};
use crate::export::quote::{flink_name, flink_text, is_plain};
use crate::export::stream::Stream;

/// The table of events.
pub(super) fn table(stream: &mut Stream<'_>, plan: &Plan) -> String {
    let mut columns = match &plan.shape.root {
        Node::Object(members) => members_of(stream, plan, members),
        _ => Vec::new(),
    };
    columns
        .push("`@arrival` TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL".to_owned());
    let metas: Vec<_> = stream
        .plan
        .meta
        .iter()
        .map(|(_, meta)| meta.clone())
        .collect();
    let has_key = metas.contains(&Meta::Key);
    if has_key {
        columns.push("`@key` STRING".to_owned());
    }
    if metas.contains(&Meta::Partition) {
        columns.push("`@partition` INT METADATA FROM 'partition' VIRTUAL".to_owned());
    }
    if metas.contains(&Meta::Offset) {
        columns.push("`@offset` BIGINT METADATA FROM 'offset' VIRTUAL".to_owned());
    }
    let time = stream.time_source();
    let time = field::value(stream, plan, time, "");
    columns.push(format!(
        "-- What is no time is long ago, so it is too old.\n  `@time` AS COALESCE({time}, TO_TIMESTAMP_LTZ(-62135596800000, 3))"
    ));
    columns.push(watermark(stream, plan));
    format!(
        "CREATE TABLE `events` (\n  {}\n) WITH (\n  {}\n);\n",
        columns.join(",\n  "),
        options(stream, has_key).join(",\n  ")
    )
}

/// Windows close so long after the newest reading that is no refused one. What is refused moves nothing.
fn watermark(stream: &mut Stream<'_>, plan: &Plan) -> String {
    let mut wanted = vec![in_time(stream, "")];
    for key in stream.plan.judge.keys.clone() {
        let is_outer = plan
            .places
            .iter()
            .any(|(other, place)| *other == key && !place.in_item);
        if is_outer {
            wanted.push(format!(
                "{} IS NOT NULL",
                field::column(stream, plan, key, "")
            ));
        }
    }
    let tolerance = seconds(stream.spec.lateness.tolerance_seconds);
    format!(
        "-- Windows end before their last millisecond there.\n  WATERMARK FOR `@time` AS CASE WHEN {}\n    THEN `@time` - {tolerance} - INTERVAL '0.001' SECOND END",
        wanted.join(" AND ")
    )
}

/// That a reading is neither early nor too old.
pub(super) fn in_time(stream: &Stream<'_>, alias: &str) -> String {
    let lateness = &stream.spec.lateness;
    format!(
        "{alias}`@time` <= {alias}`@arrival` + {} AND {alias}`@time` >= {alias}`@arrival` - {}",
        seconds(lateness.early_seconds),
        seconds(lateness.max_age_seconds)
    )
}

fn members_of(stream: &mut Stream<'_>, plan: &Plan, members: &[Member]) -> Vec<String> {
    let mut columns = Vec::new();
    for member in members {
        let path = format!(
            "spec.event.fields.{}.path",
            member
                .fields
                .first()
                .map_or("", |field| stream.field(*field))
        );
        if !is_plain(&member.name) {
            stream.refuse(
                path,
                format!("the name {:?} holds what nobody sees, which Flink cannot write: rename it in the event", member.name),
            );
        }
        let kind = kind_of(stream, plan, &member.node);
        columns.push(format!("{} {kind}", flink_name(&member.name)));
    }
    columns
}

/// The type of a part of an event.
fn kind_of(stream: &mut Stream<'_>, plan: &Plan, node: &Node) -> String {
    match node {
        Node::Object(members) => {
            format!("ROW<{}>", members_of(stream, plan, members).join(", "))
        }
        Node::List => {
            let item = plan.shape.item.clone();
            format!("ARRAY<{}>", kind_of(stream, plan, &item))
        }
        Node::Value(fields) => {
            let is_number = |field: &usize| stream.kind(*field) == FieldType::Number;
            let numbers = fields.iter().filter(|field| is_number(field)).count();
            if numbers == 0 {
                return "STRING".to_owned();
            }
            if numbers < fields.len() {
                let name = fields.first().map_or("", |field| stream.field(*field));
                stream.refuse(
                    format!("spec.event.fields.{name}.path"),
                    "one part of the event is both a Number and something else, which Flink cannot read: give its fields one type",
                );
            }
            "DOUBLE".to_owned()
        }
    }
}

fn options(stream: &mut Stream<'_>, has_key: bool) -> Vec<String> {
    let (servers, topic, mut security) = connection(stream);
    let group = format!("flink-{}-{}", stream.namespace, stream.name);
    let idle = format!("{} s", stream.spec.lateness.idle_seconds);
    let mut options = vec![
        option("connector", "kafka"),
        option("topic", &topic),
        option("properties.bootstrap.servers", &servers),
        option("properties.group.id", &group),
        option("properties.isolation.level", "read_committed"),
    ];
    options.append(&mut security);
    options.append(&mut start(stream));
    options.push(option("scan.watermark.emit.strategy", "on-event"));
    options.push(option("scan.watermark.idle-timeout", &idle));
    if has_key {
        options.extend([
            option("key.format", "raw"),
            option("key.fields", "@key"),
            option("value.fields-include", "EXCEPT_KEY"),
            option("value.format", "json"),
            option("value.json.ignore-parse-errors", "true"),
        ]);
    } else {
        options.push(option("format", "json"));
        options.push(option("json.ignore-parse-errors", "true"));
    }
    options
}

fn start(stream: &mut Stream<'_>) -> Vec<String> {
    match stream.spec.source.start_at {
        StartAt::Earliest => vec![option("scan.startup.mode", "earliest-offset")],
        StartAt::Latest => {
            stream.warn("spec.source.startAt: the first windows there lack what came before the first start; export with a time to leave them out");
            vec![option("scan.startup.mode", "latest-offset")]
        }
        StartAt::Instant(time) => {
            let early = i64::from(stream.spec.lateness.early_seconds) * 1000;
            let from = time.as_millisecond().saturating_sub(early).max(0);
            vec![
                option("scan.startup.mode", "timestamp"),
                option("scan.startup.timestamp-millis", &from.to_string()),
            ]
        }
    }
}

/// Brokers, topic, and how to sign in.
fn connection(stream: &mut Stream<'_>) -> (String, String, Vec<String>) {
    if let Some(hub) = &stream.spec.source.event_hub {
        let endpoint = hub.endpoint.clone();
        let servers =
            endpoint.unwrap_or_else(|| format!("{}.servicebus.windows.net:9093", hub.namespace));
        let topic = hub.name.clone();
        if hub.auth != EventHubAuth::Secret {
            stream.warn("spec.source.eventHub.auth: there one signs in with a connection string, which FLEETSCORE_EVENTHUB_CONNECTION_STRING holds");
        }
        let module = plain(
            "$ConnectionString",
            "${FLEETSCORE_EVENTHUB_CONNECTION_STRING}",
        );
        return (
            servers,
            topic,
            security("SASL_SSL", Some(("PLAIN", &module))),
        );
    }
    let Some(kafka) = &stream.spec.source.kafka else {
        return (String::new(), String::new(), Vec::new());
    };
    let found = (kafka.bootstrap_servers.join(","), kafka.topic.clone());
    let kafka = kafka.clone();
    let security = kafka_security(stream, &kafka);
    (found.0, found.1, security)
}

fn kafka_security(stream: &mut Stream<'_>, kafka: &KafkaSource) -> Vec<String> {
    let Some(sasl) = &kafka.sasl else {
        return if kafka.tls {
            security("SSL", None)
        } else {
            Vec::new()
        };
    };
    let protocol = if kafka.tls {
        "SASL_SSL"
    } else {
        "SASL_PLAINTEXT"
    };
    let (user, password) = (
        "${FLEETSCORE_KAFKA_USERNAME}",
        "${FLEETSCORE_KAFKA_PASSWORD}",
    );
    let scram = login("scram.ScramLoginModule", user, password);
    match sasl.mechanism {
        SaslMechanism::Plain => security(protocol, Some(("PLAIN", &plain(user, password)))),
        SaslMechanism::ScramSha256 => security(protocol, Some(("SCRAM-SHA-256", &scram))),
        SaslMechanism::ScramSha512 => security(protocol, Some(("SCRAM-SHA-512", &scram))),
        SaslMechanism::OAuthBearer => {
            stream.refuse(
                "spec.source.kafka.sasl.mechanism",
                "OAuthBearer needs a class of its own in Flink: export with Plain, ScramSha256 or ScramSha512",
            );
            Vec::new()
        }
    }
}

fn security(protocol: &str, sasl: Option<(&str, &str)>) -> Vec<String> {
    let mut options = vec![option("properties.security.protocol", protocol)];
    if let Some((mechanism, login)) = sasl {
        options.push(option("properties.sasl.mechanism", mechanism));
        options.push(option("properties.sasl.jaas.config", login));
    }
    options
}

fn plain(user: &str, password: &str) -> String {
    login("plain.PlainLoginModule", user, password)
}

fn login(module: &str, user: &str, password: &str) -> String {
    format!(
        "org.apache.kafka.common.security.{module} required username=\"{user}\" password=\"{password}\";"
    )
}

pub(super) fn option(name: &str, value: &str) -> String {
    format!("'{name}' = {}", flink_text(value))
}
