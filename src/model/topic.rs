//! What a topic should be.

use serde::Serialize;
use std::collections::BTreeMap;

/// The declared shape of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicSpec {
    /// Topic name.
    pub name: String,
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of each partition; `None` takes the broker's default.
    pub replicas: Option<i32>,
    /// Topic configuration, by Kafka's names.
    pub configs: BTreeMap<String, String>,
}
