//! The only module that names rdkafka.

mod config;
mod context;
mod error;
mod mock;
mod preflight;
mod producer;
mod raw;

pub use config::Config;
pub use mock::MockBroker;
pub use preflight::preflight;
pub use producer::{Producer, SendResult};

/// The version of librdkafka this binary was built with.
pub fn librdkafka_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}
