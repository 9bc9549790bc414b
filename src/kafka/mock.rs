//! The broker `kylo demo` starts by itself: librdkafka's mock cluster, in this process.
//!
//! What it cannot do: create topics or show their configs by the admin client, list groups, look up offsets by
//! time. It keeps at most 5 MiB a partition and then drops the oldest records without a word. A classic group
//! that was left is free again only after its session time-out, so consumers use `group.protocol=consumer`.

use super::context::Quiet;
use super::error::client_error;
use super::raw::mock_groups_start_at_once;
use crate::error::{Error, Result};
use crate::model::topic::TopicSpec;
use rdkafka::ClientConfig;
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::types::RDKafkaType;

/// A broker in this process. It ends when this is dropped.
pub struct MockBroker {
    client: Client<Quiet>,
    bootstrap: String,
}

impl MockBroker {
    /// Starts a broker with these topics; it listens on a loopback port of its own.
    ///
    /// Errors: a topic it cannot create, by name.
    pub fn start(topics: &[TopicSpec]) -> Result<MockBroker> {
        let mut config = ClientConfig::new();
        config.set("test.mock.num.brokers", "1").set_log_level(RDKafkaLogLevel::Emerg);
        let failed = |error: &_| client_error("starting the mock broker", error);
        let native = config.create_native_config().map_err(|error| failed(&error))?;
        let client = Client::new(&config, native, RDKafkaType::RD_KAFKA_PRODUCER, Quiet)
            .map_err(|error| failed(&error))?;
        mock_groups_start_at_once(&client);
        let cluster =
            client.mock_cluster().ok_or_else(|| Error::failed("the client started no mock broker"))?;
        for topic in topics {
            cluster
                .create_topic(&topic.name, topic.partitions, topic.replicas.unwrap_or(1).min(1))
                .map_err(|error| client_error(format!("creating topic {}", topic.name), &error))?;
        }
        let bootstrap = cluster.bootstrap_servers();
        drop(cluster);
        Ok(MockBroker { client, bootstrap })
    }

    /// Creates one more topic.
    pub fn create_topic(&self, topic: &TopicSpec) -> Result<()> {
        let cluster = self.client.mock_cluster().ok_or_else(|| Error::failed("the mock broker has ended"))?;
        cluster
            .create_topic(&topic.name, topic.partitions, topic.replicas.unwrap_or(1).min(1))
            .map_err(|error| client_error(format!("creating topic {}", topic.name), &error))
    }

    /// Answers the next requests of one kind with these errors.
    #[cfg(test)]
    pub(in crate::kafka) fn fail_next(
        &self,
        api: rdkafka::types::RDKafkaApiKey,
        errors: &[rdkafka::types::RDKafkaRespErr],
    ) {
        if let Some(cluster) = self.client.mock_cluster() {
            cluster.request_errors(api, errors);
        }
    }

    /// Takes the leader of a partition away, or gives it back.
    #[cfg(test)]
    pub(in crate::kafka) fn set_leader(&self, topic: &str, partition: i32, there: bool) {
        let cluster = self.client.mock_cluster().unwrap();
        cluster.partition_leader(topic, partition, there.then_some(1)).unwrap();
    }
    /// Answers every request this much later.
    #[cfg(test)]
    pub(in crate::kafka) fn answer_after(&self, time: std::time::Duration) {
        let cluster = self.client.mock_cluster().unwrap();
        cluster.broker_round_trip_time(1, time).unwrap();
    }
    /// Cuts every connection and takes no new one, or takes them again.
    #[cfg(test)]
    pub(in crate::kafka) fn set_down(&self, down: bool) {
        let cluster = self.client.mock_cluster().unwrap();
        if down { cluster.broker_down(1).unwrap() } else { cluster.broker_up(1).unwrap() }
    }

    /// `host:port` to give to clients.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap
    }
}

impl std::fmt::Debug for MockBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockBroker").field("bootstrap", &self.bootstrap).finish()
    }
}
