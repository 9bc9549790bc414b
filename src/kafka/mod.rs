//! The only module that names rdkafka.

mod config;

pub use config::Config;
