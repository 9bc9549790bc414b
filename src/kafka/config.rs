//! Where Kafka is and how to speak to it.

use std::time::Duration;

/// Settings of every Kafka client of this run. Properties are librdkafka's names and go last, so they win;
/// they may hold secrets and are never printed whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `host:port`, comma separated.
    pub brokers: String,
    /// librdkafka properties (`-X key=value`), in order.
    pub properties: Vec<(String, String)>,
    /// How long one request may take.
    pub timeout: Duration,
}
