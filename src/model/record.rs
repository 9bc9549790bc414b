//! A Kafka record as plain bytes, and where it stands in the log.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// `topic[partition]`
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        TopicPartition { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// Which log a partition's records belong to: a topic that is deleted and made again begins a new one, whose
/// offsets say nothing about those of the old. Zero where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub i64);

impl LogId {
    /// Of a record that came without Kafka, or of a dead letter that does not name its log.
    pub const UNKNOWN: LogId = LogId(0);

    /// The log of a topic to which its brokers gave this id.
    pub fn of_topic(id: Uuid) -> Self {
        Self::hashed(&format!("kylo://log/id/{id}"))
    }
    /// The log of a topic on brokers that give no ids: one that is made again is not told from the first.
    pub fn of_name(cluster: &str, topic: &str) -> Self {
        Self::hashed(&format!("kylo://log/name/{cluster}/{topic}"))
    }
    fn hashed(name: &str) -> Self {
        let (high, _) = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).as_u64_pair();
        // The version's bits keep it from being zero.
        LogId(high.cast_signed())
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.cast_unsigned())
    }
}

impl FromStr for LogId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(|bits| LogId(bits.cast_signed()))
    }
}

/// A header: the name is bytes because the broker does not check that it is UTF-8; a value may be null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Name, usually UTF-8.
    pub name: Bytes,
    /// Value; `None` is Kafka's null, which is not the empty value.
    pub value: Option<Bytes>,
}

impl Header {
    /// A header with a text value.
    pub fn text(name: &'static str, value: impl Into<String>) -> Self {
        Header { name: Bytes::from_static(name.as_bytes()), value: Some(Bytes::from(value.into())) }
    }
}

/// A record read from a topic, owning its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Where it stands.
    pub source: TopicPartition,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970; `None` when the topic carries no timestamps.
    pub timestamp_ms: Option<i64>,
    /// Key; `None` is null.
    pub key: Option<Bytes>,
    /// Value; `None` is null (a tombstone).
    pub value: Option<Bytes>,
    /// Headers in order, duplicates kept.
    pub headers: Vec<Header>,
}

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRecord {
    /// Target topic.
    pub topic: Arc<str>,
    /// Target partition; `None` lets the key choose (murmur2).
    pub partition: Option<i32>,
    /// Key; `None` is null.
    pub key: Option<Bytes>,
    /// Value; `None` is null.
    pub value: Option<Bytes>,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// Milliseconds since 1970; `None` lets the client stamp it.
    pub timestamp_ms: Option<i64>,
}

/// Where a written record came to stand, as acknowledged by the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The partition it went to.
    pub target: TopicPartition,
    /// Its offset there.
    pub offset: i64,
}
