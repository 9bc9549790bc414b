//! The only module that names rdkafka.

mod admin;
mod config;
mod context;
mod error;
mod groups;
mod mock;
mod offsets;
mod preflight;
mod producer;
mod raw;
mod reader;
mod request;
mod source;

pub use admin::{Admin, BrokerInfo, ClusterInfo};
pub use config::{Config, names_brokers};
pub use mock::MockBroker;
pub use offsets::LogEnd;
pub use preflight::preflight;
pub use producer::{Producer, SendResult};
pub use reader::{ReadRange, Reader, whole_topics};
pub use source::{ConsumerSource, SourceOptions};

/// The version of librdkafka this binary was built with.
pub fn librdkafka_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}
