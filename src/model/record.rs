//! A Kafka record as plain bytes, and where it stands in the log.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

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
