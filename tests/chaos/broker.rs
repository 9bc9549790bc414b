//! The broker seen with a plain client, past everything of kylo's.

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client of one cluster; never a member of a group.
pub struct Broker {
    address: String,
}

/// A record as it lies in the log.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Fetched {
    /// The last header of this name as text.
    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().rfind(|(other, _)| other == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }
}

/// The partition that Java's clients choose for `key`: murmur2, its sign dropped.
pub fn partition_of(key: &str, partitions: i32) -> i32 {
    const M: u32 = 0x5bd1_e995;
    let bytes = key.as_bytes();
    let mut hash = 0x9747_b28c_u32 ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let k = u32::from_le_bytes(*word).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (k ^ (k >> 24)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (at, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^= hash >> 15;
    (hash & 0x7fff_ffff) as i32 % partitions
}

/// Offset by partition.
pub type Offsets = BTreeMap<i32, i64>;

impl Broker {
    pub fn new(address: &str) -> Broker {
        Broker { address: address.to_owned() }
    }
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.address)
            .set("partitioner", "murmur2_random")
            // Whoever watches is back before those it watches.
            .set("reconnect.backoff.max.ms", "500")
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
        config
    }
    /// A consumer that asks and reads, and never joins.
    pub fn reader(&self, group: &str) -> BaseConsumer {
        self.client().set("group.id", group).create().expect("a consumer")
    }

    /// True when it answers now.
    pub fn answers(&self) -> bool {
        let consumer: BaseConsumer = self.client().create().expect("a consumer");
        consumer.fetch_metadata(None, Duration::from_secs(2)).is_ok()
    }

    /// Where the log of each partition begins and ends.
    pub fn ends(&self, reader: &BaseConsumer, topic: &str) -> Result<BTreeMap<i32, (i64, i64)>, String> {
        let metadata = reader.fetch_metadata(Some(topic), PATIENCE).map_err(|error| error.to_string())?;
        let mut ends = BTreeMap::new();
        for partition in metadata.topics()[0].partitions() {
            let found =
                reader.fetch_watermarks(topic, partition.id(), PATIENCE).map_err(|e| e.to_string())?;
            ends.insert(partition.id(), found);
        }
        Ok(ends)
    }
    /// What the reader's group has committed, partitions without a commit left out.
    pub fn committed(&self, reader: &BaseConsumer, topic: &str, partitions: i32) -> Result<Offsets, String> {
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition(topic, partition);
        }
        let committed = reader.committed_offsets(list, PATIENCE).map_err(|error| error.to_string())?;
        let known = committed.elements().into_iter().filter_map(|element| {
            element
                .offset()
                .to_raw()
                .filter(|offset| *offset >= 0)
                .map(|offset| (element.partition(), offset))
        });
        Ok(known.collect())
    }

    /// True when the broker knows `topic`.
    pub fn has(&self, topic: &str) -> bool {
        let reader = self.reader("never-joined");
        let metadata = reader.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
        metadata.topics().iter().any(|found| found.error().is_none() && !found.partitions().is_empty())
    }
    /// Records in the logs of `topic`; deleted ones are not counted.
    pub fn count(&self, topic: &str) -> i64 {
        let reader = self.reader("never-joined");
        self.ends(&reader, topic).map(|ends| ends.values().map(|(low, high)| high - low).sum()).unwrap_or(0)
    }
    /// Every record of `topic`.
    pub fn fetch(&self, topic: &str) -> Vec<Fetched> {
        let reader = self.reader("never-joined");
        let ends = self.ends(&reader, topic).expect("the ends of a topic");
        let mut list = TopicPartitionList::new();
        let mut missing = 0;
        for (partition, (low, high)) in ends {
            missing += high - low;
            list.add_partition_offset(topic, partition, Offset::Offset(low)).expect("an offset");
        }
        reader.assign(&list).expect("assigning partitions");
        let mut records = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while missing > 0 {
            assert!(Instant::now() < deadline, "{missing} records of {topic} did not arrive");
            let Some(message) = reader.poll(Duration::from_millis(100)) else { continue };
            let message = message.expect("a record");
            missing -= 1;
            let headers = message.headers().map_or_else(Vec::new, |headers| {
                let headers = headers.iter();
                headers
                    .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
                    .collect()
            });
            records.push(Fetched { value: message.payload().map(<[u8]>::to_vec), headers });
        }
        records
    }

    /// Sets one setting of a topic; the others go back to their defaults.
    pub fn alter(&self, topic: &str, name: &str, value: &str) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
        let done = runtime.block_on(admin.alter_configs([&change], &AdminOptions::new()));
        assert!(done.as_ref().is_ok_and(|all| all.iter().all(Result::is_ok)), "{topic} {name}: {done:?}");
    }
    /// Gives a topic more partitions: `count` in all.
    pub fn grow(&self, topic: &str, count: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let wanted = NewPartitions::new(topic, count as usize);
        let done = runtime.block_on(admin.create_partitions([&wanted], &AdminOptions::new()));
        assert!(done.as_ref().is_ok_and(|all| all.iter().all(Result::is_ok)), "{topic} {count}: {done:?}");
    }
    /// Deletes the records below `offset`.
    pub fn delete_below(&self, topic: &str, partition: i32, offset: i64) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset");
        let done = runtime.block_on(admin.delete_records(&list, &AdminOptions::new()));
        done.expect("deleting records");
    }
    /// Deletes the topic `topic`.
    pub fn remove(&self, topic: &str) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let done = runtime.block_on(admin.delete_topics(&[topic], &AdminOptions::new()));
        assert!(done.as_ref().is_ok_and(|all| all.iter().all(Result::is_ok)), "{topic}: {done:?}");
    }
    /// Deletes the topics `NAME.*` and the groups `NAME-*`. An error names what is left.
    pub fn clear(&self, name: &str) -> Result<(), String> {
        let reader = self.reader("never-joined");
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let metadata = reader.fetch_metadata(None, PATIENCE).map_err(|error| error.to_string())?;
        let of_it = |prefix: String| move |name: &&str| name.starts_with(&prefix);
        let topics: Vec<&str> = metadata.topics().iter().map(|topic| topic.name()).collect();
        let topics: Vec<&str> = topics.into_iter().filter(of_it(format!("{name}."))).collect();
        let groups = reader.fetch_group_list(None, PATIENCE).map_err(|error| error.to_string())?;
        let groups: Vec<&str> = groups.groups().iter().map(|group| group.name()).collect();
        let groups: Vec<&str> = groups.into_iter().filter(of_it(format!("{name}-"))).collect();
        let options = AdminOptions::new();
        let mut left: Vec<String> = Vec::new();
        let mut note = |done: rdkafka::error::KafkaResult<Vec<Result<String, (String, _)>>>| match done {
            Ok(all) => left
                .extend(all.into_iter().filter_map(Result::err).map(|(name, why)| format!("{name}: {why}"))),
            Err(error) => left.push(error.to_string()),
        };
        if !topics.is_empty() {
            note(runtime.block_on(admin.delete_topics(&topics, &options)));
        }
        if !groups.is_empty() {
            note(runtime.block_on(admin.delete_groups(&groups, &options)));
        }
        if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
    }
}
