//! The broker of the benches: topics, records in them, and groups nobody used before.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Statistics};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Partitions of every topic that is not the ledger's own.
pub const PARTITIONS: i32 = 6;
/// Different keys in them.
pub const KEYS: u64 = 1_000;

/// Where the broker is, and names that are this run's.
pub struct Broker {
    pub address: String,
    pub runtime: tokio::runtime::Runtime,
    name: String,
    groups: AtomicU64,
}

impl Broker {
    pub fn from_environment() -> Broker {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let name = format!("kylo-bench-{}", std::process::id());
        Broker { address: crate::server("KYLO_TEST_BROKERS"), runtime, name, groups: AtomicU64::new(0) }
    }
    /// Settings of any client.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }
    /// A group nobody used before.
    pub fn group(&self) -> String {
        format!("{}-{}", self.name, self.groups.fetch_add(1, Ordering::Relaxed))
    }
    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("an admin client")
    }
    /// A new topic; its whole name.
    pub fn topic(&self, name: &str) -> String {
        let topic = format!("{}-{name}", self.name);
        let new = NewTopic::new(&topic, PARTITIONS, TopicReplication::Fixed(1));
        let made = self.runtime.block_on(self.admin().create_topics([&new], &AdminOptions::new()));
        assert!(made.expect("creating a topic").iter().all(Result::is_ok), "no topic {topic}");
        topic
    }
    pub fn delete_topic(&self, topic: &str) {
        let gone = self.runtime.block_on(self.admin().delete_topics(&[topic], &AdminOptions::new()));
        assert!(gone.expect("deleting a topic").iter().all(Result::is_ok), "{topic} stays");
    }
    /// Writes all of `records`: key and value.
    pub fn fill(&self, topic: &str, records: impl Iterator<Item = (String, Vec<u8>)>) {
        let producer = producer(&self.client(), DefaultProducerContext);
        for (key, value) in records {
            send(&producer, BaseRecord::to(topic).key(&key).payload(&value));
        }
        producer.flush(Duration::from_secs(120)).expect("all records are acknowledged");
    }
    /// The same; gives the bytes of the records divided by the bytes the client sent for them.
    pub fn fill_measured(&self, topic: &str, records: impl Iterator<Item = (String, Vec<u8>)>) -> f64 {
        let mut config = self.client();
        config.set("statistics.interval.ms", "200");
        let producer = producer(&config, Sent::default());
        let mut bytes = 0;
        for (key, value) in records {
            bytes += key.len() + value.len();
            send(&producer, BaseRecord::to(topic).key(&key).payload(&value));
        }
        producer.flush(Duration::from_secs(120)).expect("all records are acknowledged");
        // The statistics that follow the last acknowledgement.
        std::thread::sleep(Duration::from_millis(600));
        bytes as f64 / producer.context().0.load(Ordering::Relaxed) as f64
    }
    /// A producer for an open load: it waits for five milliseconds, as kylo's own do.
    pub fn producer(&self) -> ThreadedProducer<DefaultProducerContext> {
        producer(&self.client(), DefaultProducerContext)
    }
}

/// Notes how many bytes a producer has sent to the brokers.
#[derive(Default)]
struct Sent(AtomicU64);

impl ClientContext for Sent {
    fn stats(&self, statistics: Statistics) {
        self.0.store(statistics.tx_bytes.max(0) as u64, Ordering::Relaxed);
    }
}
impl rdkafka::producer::ProducerContext for Sent {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &rdkafka::message::DeliveryResult<'_>, (): ()) {}
}

fn producer<C: rdkafka::producer::ProducerContext + 'static>(
    config: &ClientConfig,
    context: C,
) -> ThreadedProducer<C> {
    config
        .clone()
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "500000")
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .create_with_context(context)
        .expect("a producer")
}

/// Hands a record to the producer, as soon as its queue has room.
pub fn send<C: rdkafka::producer::ProducerContext<DeliveryOpaque = ()>>(
    producer: &ThreadedProducer<C>,
    mut record: BaseRecord<'_, String, Vec<u8>>,
) {
    while let Err((_, again)) = producer.send(record) {
        record = again;
        std::thread::sleep(Duration::from_millis(1));
    }
}
