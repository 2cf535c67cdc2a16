use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use super::{Error, Event, Sink, Topic};

const ANSWER: Duration = Duration::from_secs(20);
/// How long the last events may take.
const LAST: Duration = Duration::from_mins(2);
const FULL: Duration = Duration::from_millis(100);

/// Sends events to a topic.
pub(super) struct Producer {
    topic: Topic,
    client: BaseProducer<Deliveries>,
    deliveries: Deliveries,
}

/// The first event that was not stored, and why.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Option<KafkaError>>>);

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("{error}: {reason}");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| error.clone());
        }
    }
}

impl Producer {
    /// Creates the topic if it is absent; one that is there must have as many partitions.
    pub(super) fn new(topic: &Topic, partitions: i32) -> Result<Self, Error> {
        let failed = |what: String| failed(topic, what);
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &topic.brokers)
            .set("client.id", "fleetscore")
            .set("enable.idempotence", "true")
            .set("linger.ms", "20")
            .set("compression.type", "lz4");
        create(&config, topic, partitions).map_err(|error| {
            failed(format!(
                "{error}; check the brokers' address, that they are up, and that they let anybody create topics"
            ))
        })?;
        let deliveries = Deliveries::default();
        let producer: BaseProducer<Deliveries> = config
            .create_with_context(deliveries.clone())
            .map_err(|error| failed(error.to_string()))?;
        let metadata = producer
            .client()
            .fetch_metadata(Some(&topic.name), ANSWER)
            .map_err(|error| failed(error.to_string()))?;
        let found = metadata
            .topics()
            .first()
            .map_or(0, |found| found.partitions().len());
        // A topic that was made just now may not be known everywhere yet.
        if found != 0 && Ok(found) != usize::try_from(partitions) {
            return Err(failed(format!(
                "it has {found} partitions; set --partitions {found}, or choose another topic"
            )));
        }
        Ok(Self {
            topic: topic.clone(),
            client: producer,
            deliveries,
        })
    }

    fn check(&self) -> Result<(), Error> {
        let first = self.deliveries.0.lock();
        match &*first.unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(error) => Err(failed(&self.topic, error.to_string())),
        }
    }
}

impl Sink for Producer {
    fn push(&mut self, event: &Event, partition: i32) -> Result<(), Error> {
        let key = event.device.to_string();
        let mut record = BaseRecord::to(&self.topic.name)
            .partition(partition)
            .key(&key)
            .payload(&event.body)
            .timestamp(event.arrival);
        loop {
            match self.client.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    record = again;
                    self.client.poll(FULL);
                    self.check()?;
                }
                Err((error, _)) => return Err(failed(&self.topic, error.to_string())),
            }
        }
        self.client.poll(Duration::ZERO);
        self.check()
    }

    fn finish(&mut self) -> Result<(), Error> {
        let flushed = self.client.flush(LAST);
        self.check()?;
        flushed.map_err(|error| failed(&self.topic, error.to_string()))
    }
}

fn create(config: &ClientConfig, topic: &Topic, partitions: i32) -> Result<(), KafkaError> {
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    // Simulated times may be long ago: nothing is deleted for its age.
    let wanted = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(-1))
        .set("message.timestamp.type", "CreateTime")
        .set("retention.ms", "-1");
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let made = block_on(admin.create_topics([&wanted], &options))?;
    match made.into_iter().next() {
        None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
    }
}

fn failed(topic: &Topic, what: String) -> Error {
    Error::Kafka {
        topic: topic.name.clone(),
        brokers: topic.brokers.clone(),
        what,
    }
}
