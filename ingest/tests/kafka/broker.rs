use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleetscore_crds::{KafkaSource, SourceSpec, StartAt};
use fleetscore_ingest::{Event, Hub, KafkaHub, Place, Source, SourceError, SourceOptions};
use fleetscore_storage::Environment;
use futures::executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

pub const WAIT: Duration = Duration::from_mins(1);

/// Where the broker listens.
#[derive(Clone)]
pub struct Broker {
    /// Without signing in.
    pub plain: String,
    /// With TLS and signing in.
    pub tls: String,
    /// The file with the certificates that it uses.
    pub ca: String,
}

impl Broker {
    /// The one of the environment.
    pub fn find() -> Option<Self> {
        let get = |name| std::env::var(name).ok();
        Some(Self {
            plain: get("FLEETSCORE_KAFKA")?,
            tls: get("FLEETSCORE_KAFKA_TLS")?,
            ca: get("FLEETSCORE_KAFKA_CA")?,
        })
    }

    /// The one of the environment, or a line that the test is skipped.
    pub fn or_skip() -> Option<Self> {
        let found = Self::find();
        if found.is_none() {
            println!(
                "skipped: FLEETSCORE_KAFKA, _TLS and _CA are absent; run scripts/broker.sh start"
            );
        }
        found
    }

    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.plain);
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    /// A topic of this test and process alone.
    pub fn create(&self, test: &str, partitions: i32, settings: &[(&str, &str)]) -> Topic {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let topic = Topic {
            broker: self.clone(),
            name: format!("{test}-{}-{}", std::process::id(), now.as_nanos()),
        };
        topic.create(partitions, settings);
        topic
    }
}

/// A topic.
pub struct Topic {
    pub broker: Broker,
    pub name: String,
}

impl Topic {
    pub fn create(&self, partitions: i32, settings: &[(&str, &str)]) {
        let topic = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1));
        let topic = settings
            .iter()
            .fold(topic, |topic, (name, value)| topic.set(name, value));
        let made = block_on(
            self.broker
                .admin()
                .create_topics([&topic], &AdminOptions::new()),
        );
        made.unwrap().remove(0).unwrap();
    }

    pub fn delete(&self) {
        let names = [self.name.as_str()];
        let gone = block_on(
            self.broker
                .admin()
                .delete_topics(&names, &AdminOptions::new()),
        );
        gone.unwrap().remove(0).unwrap();
    }

    pub fn truncate(&self, partition: i32, earliest: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, partition, Offset::Offset(earliest))
            .unwrap();
        let done = block_on(
            self.broker
                .admin()
                .delete_records(&list, &AdminOptions::new()),
        );
        done.unwrap().elements()[0].error().unwrap();
    }

    /// Sends bodies to a partition, one a millisecond after the other from `time` (in ms) on, and waits until all are stored.
    pub fn send(&self, partition: i32, time: i64, bodies: &[&str]) {
        let producer: BaseProducer = self.broker.config().create().unwrap();
        self.queue(&producer, partition, time, bodies);
        producer.flush(WAIT).unwrap();
    }

    /// Sends bodies in a transaction, which is committed or not.
    pub fn send_in_transaction(&self, partition: i32, bodies: &[&str], commit: bool) {
        let id = format!("{}-{partition}", self.name);
        let producer: BaseProducer = self
            .broker
            .config()
            .set("transactional.id", id)
            .create()
            .unwrap();
        producer.init_transactions(WAIT).unwrap();
        producer.begin_transaction().unwrap();
        self.queue(&producer, partition, 1, bodies);
        producer.flush(WAIT).unwrap();
        if commit {
            producer.commit_transaction(WAIT).unwrap();
        } else {
            producer.abort_transaction(WAIT).unwrap();
        }
    }

    fn queue(&self, producer: &BaseProducer, partition: i32, time: i64, bodies: &[&str]) {
        for (time, body) in (time..).zip(bodies) {
            let headers = OwnedHeaders::new().insert(Header {
                key: "device",
                value: Some(*body),
            });
            let record = BaseRecord::to(&self.name)
                .partition(partition)
                .key("key")
                .payload(*body)
                .headers(headers)
                .timestamp(time);
            producer.send(record).unwrap();
        }
    }

    pub fn spec(&self) -> SourceSpec {
        kafka(KafkaSource {
            bootstrap_servers: vec![self.broker.plain.clone()],
            topic: self.name.clone(),
            tls: false,
            sasl: None,
        })
    }

    /// A source of it, without signing in.
    pub fn open(&self) -> Box<dyn Source> {
        let options = SourceOptions {
            headers: true,
            ..SourceOptions::default()
        };
        let hub = KafkaHub::new(&self.spec(), &options, &Environment::default()).unwrap();
        hub.open().unwrap()
    }
}

pub fn kafka(kafka: KafkaSource) -> SourceSpec {
    SourceSpec {
        event_hub: None,
        kafka: Some(kafka),
        start_at: StartAt::Earliest,
    }
}

/// What came of the partitions, until the end of each did.
#[derive(Debug, Default)]
pub struct Seen {
    /// Bodies with their offsets, by partition.
    pub records: BTreeMap<i32, Vec<(i64, String)>>,
    /// Arrivals in milliseconds, and whether they are the hub's.
    pub arrivals: Vec<(i64, bool)>,
    /// Names and values of headers, and keys.
    pub headers: Vec<(String, String)>,
    pub keys: Vec<String>,
    /// Ends, by partition.
    pub ends: BTreeMap<i32, usize>,
}

impl Seen {
    pub fn bodies(&self, partition: i32) -> Vec<&str> {
        let records = self.records.get(&partition);
        records
            .into_iter()
            .flatten()
            .map(|(_, body)| body.as_str())
            .collect()
    }

    /// Polls once.
    pub fn poll(&mut self, source: &mut dyn Source) -> Result<usize, SourceError> {
        source.poll(1000, Duration::from_millis(200), &mut |event| {
            match event {
                Event::End { partition } => *self.ends.entry(partition).or_default() += 1,
                Event::Record {
                    record,
                    has_hub_time,
                } => {
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    let body = text(record.body.unwrap_or_default());
                    let of = self.records.entry(record.partition).or_default();
                    of.push((record.offset, body));
                    self.arrivals
                        .push((record.arrival / 1_000_000, has_hub_time));
                    assert_eq!(record.arrival % 1_000_000, 0);
                    for (name, value) in record.headers {
                        self.headers.push((name.to_owned(), text(value)));
                    }
                    self.keys.extend(record.key.map(text));
                }
            }
            ControlFlow::Continue(())
        })
    }
}

/// Polls until `is_done`, through what passes by itself; panics after a minute.
pub fn poll_until(source: &mut dyn Source, seen: &mut Seen, is_done: impl Fn(&Seen) -> bool) {
    let deadline = Instant::now() + WAIT;
    while !is_done(seen) {
        assert!(Instant::now() < deadline, "nothing more comes: {seen:?}");
        match seen.poll(source) {
            Ok(_) => {}
            Err(error) => assert!(error.can_retry(), "{error}"),
        }
    }
}

/// Reads partitions from places on to their ends.
pub fn read(source: &mut dyn Source, places: &[(i32, Place)]) -> Seen {
    let mut seen = Seen::default();
    for (partition, place) in places {
        source.assign(*partition, *place).unwrap();
    }
    poll_until(source, &mut seen, |seen| seen.ends.len() == places.len());
    seen
}
