//! The broker, seen with a plain client, past everything of kylo's.

use super::World;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A record to be written as it is.
#[derive(Clone, Default)]
pub struct Outgoing<'a> {
    pub key: Option<&'a [u8]>,
    pub value: &'a [u8],
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// A record as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Fetched {
    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> String {
        let found =
            self.headers.iter().rfind(|(other, _)| other == name).and_then(|(_, value)| value.clone());
        String::from_utf8(found.unwrap_or_default()).expect("a header in UTF-8")
    }
    /// How often it was sent back from the dead letters.
    pub fn replays(&self) -> u32 {
        self.header("__kylo.replay.count").parse().unwrap_or(0)
    }
}

impl World {
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers()).set("partitioner", "murmur2_random");
        config
    }

    /// Creates a topic past kylo.
    pub fn create_topic(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let results = runtime.block_on(admin.create_topics([&wanted], &options)).expect("creating a topic");
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }

    /// Writes `records` to `topic` in order and waits for every acknowledgement.
    pub fn produce<'a>(&self, topic: &str, records: impl IntoIterator<Item = Outgoing<'a>>) {
        let producer: ThreadedProducer<DefaultProducerContext> =
            self.client().set("enable.idempotence", "true").create().expect("a producer");
        for record in records {
            let mut headers = OwnedHeaders::new();
            for (key, value) in record.headers {
                headers = headers.insert(Header { key, value: Some(*value) });
            }
            let mut message = BaseRecord::to(topic).payload(record.value).headers(headers);
            if let Some(key) = record.key {
                message = message.key(key);
            }
            let mut waiting = Some(message);
            while let Some(message) = waiting.take() {
                if let Err((error, back)) = producer.send(message) {
                    assert_eq!(error.rdkafka_error_code(), Some(rdkafka::types::RDKafkaErrorCode::QueueFull));
                    std::thread::sleep(Duration::from_millis(1));
                    waiting = Some(back);
                }
            }
        }
        producer.flush(PATIENCE).expect("every record is acknowledged");
    }

    /// Writes pairs of key and value, as [`World::produce`] does.
    pub fn produce_pairs(&self, topic: &str, pairs: &[(String, String)]) {
        let records = pairs.iter().map(|(key, value)| Outgoing {
            key: Some(key.as_bytes()),
            value: value.as_bytes(),
            headers: &[],
        });
        self.produce(topic, records);
    }

    /// Every record of `topic`, by partition and offset.
    pub fn fetch(&self, topic: &str) -> Vec<Fetched> {
        let consumer: BaseConsumer =
            self.client().set("group.id", "never-joined").create().expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("the topic's metadata");
        let mut list = TopicPartitionList::new();
        let mut missing = 0;
        for partition in metadata.topics()[0].partitions() {
            let (low, high) =
                consumer.fetch_watermarks(topic, partition.id(), PATIENCE).expect("a partition's watermarks");
            missing += high - low;
            list.add_partition_offset(topic, partition.id(), Offset::Offset(low)).expect("an offset");
        }
        consumer.assign(&list).expect("assigning partitions");
        let mut records = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while missing > 0 {
            assert!(Instant::now() < deadline, "{missing} records of {topic} did not arrive");
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let message = message.expect("a record");
            missing -= 1;
            let headers = message.headers().map_or_else(Vec::new, |headers| {
                headers
                    .iter()
                    .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                    .collect()
            });
            records.push(Fetched {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers,
            });
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// Ends of a topic's partitions minus what `group` has committed; a partition without a commit counts whole.
    pub fn lag(&self, group: &str, topic: &str) -> i64 {
        let consumer: BaseConsumer = self.client().set("group.id", group).create().expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("the topic's metadata");
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            list.add_partition(topic, partition.id());
        }
        let committed = consumer.committed_offsets(list, PATIENCE).expect("committed offsets");
        committed
            .elements()
            .iter()
            .map(|element| {
                let (low, high) =
                    consumer.fetch_watermarks(topic, element.partition(), PATIENCE).expect("watermarks");
                high - element.offset().to_raw().filter(|offset| *offset >= 0).unwrap_or(low)
            })
            .sum()
    }

    /// Deletes the world's topics and groups, as far as they are there.
    pub fn remove_topics(&self) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let metadata = admin.inner().fetch_metadata(None, PATIENCE).expect("the cluster's metadata");
        let ours: Vec<&str> = metadata
            .topics()
            .iter()
            .map(|topic| topic.name())
            .filter(|name| name.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with(['.', '-'])))
            .collect();
        if !ours.is_empty() {
            // Best effort: the test has passed or failed by now.
            let _ = runtime.block_on(admin.delete_topics(&ours, &AdminOptions::new()));
        }
    }
}
