use std::time::Duration;

use futures::executor::block_on;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

pub const PARTITIONS: i32 = 4;
const DEVICES: u32 = 20;
const ANSWER: Duration = Duration::from_mins(1);

/// An event as it was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub device: String,
    /// Its own time, in milliseconds since 1970.
    pub time: i64,
    pub value: f64,
}

/// A topic of its own, and all that was sent to it. The events are of a plant's past, which runs as fast as is told.
pub struct Load {
    broker: String,
    pub topic: String,
    producer: BaseProducer,
    random: StdRng,
    /// When the next event arrives, and how long after it the one behind it does: milliseconds.
    now: i64,
    step: i64,
    pub sent: Vec<Sent>,
}

impl Load {
    /// Begins at a full hour some hours ago. Events arrive one every `step` milliseconds.
    pub fn new(broker: &str, test: &str, hours_ago: i64, step: i64) -> Self {
        let now = Timestamp::now();
        let topic = format!("{test}-{}-{}", std::process::id(), now.as_nanosecond());
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", broker)
            .set("enable.idempotence", "true")
            .set("linger.ms", "5");
        let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
        let new = NewTopic::new(&topic, PARTITIONS, TopicReplication::Fixed(1));
        let made = block_on(admin.create_topics([&new], &AdminOptions::new()));
        made.unwrap().remove(0).unwrap();
        Self {
            broker: broker.to_owned(),
            topic,
            producer: config.create().unwrap(),
            random: StdRng::seed_from_u64(7),
            now: (now.as_second().div_euclid(3600) - hours_ago) * 3_600_000,
            step,
            sent: Vec::new(),
        }
    }

    /// Sends events, and waits until the broker has them.
    pub fn send(&mut self, count: usize) {
        for _ in 0..count {
            let event = self.event();
            self.send_with(&self.producer, &event, self.sent.len());
            self.sent.push(event);
        }
        self.producer.flush(ANSWER).unwrap();
    }

    /// Sends events to each partition that are never to be seen, as their transaction is aborted.
    pub fn send_in_vain(&mut self) {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.broker)
            .set("transactional.id", &self.topic);
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(ANSWER).unwrap();
        producer.begin_transaction().unwrap();
        for index in 0..40 {
            let event = self.event();
            self.send_with(&producer, &event, index);
        }
        producer.flush(ANSWER).unwrap();
        producer.abort_transaction(ANSWER).unwrap();
    }

    /// Partitions take turns.
    fn send_with(&self, producer: &BaseProducer, event: &Sent, index: usize) {
        let Sent {
            device,
            time,
            value,
        } = event;
        let (seconds, millis) = (time / 1000, time % 1000);
        let body =
            format!("{{\"ts\":{seconds}.{millis:03},\"device\":\"{device}\",\"v\":{value}}}");
        let record = BaseRecord::<(), _>::to(&self.topic)
            .partition(i32::try_from(index % PARTITIONS as usize).unwrap())
            .payload(&body)
            .timestamp(self.now);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }

    /// The next event: up to 20 seconds old when it arrives, with a value of which sums are exact.
    fn event(&mut self) -> Sent {
        self.now += self.step;
        Sent {
            device: format!("d{}", self.random.random_range(0..DEVICES)),
            time: self.now - self.random.random_range(0..20_000),
            value: f64::from(self.random.random_range(-80..400)) / 4.0,
        }
    }
}
