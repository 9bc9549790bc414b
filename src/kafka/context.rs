//! What every client does with its own log lines and errors: they go to tracing, never to standard error.

use super::Config;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// A context for clients nobody listens to: log lines and errors are debug traces.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::kafka) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
    fn stats_raw(&self, _statistics: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

/// Writes one of librdkafka's log lines to tracing. Its own levels are kept as a field only: what it calls an
/// error (a broker away for a second) is for kylo to judge.
pub(in crate::kafka) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    tracing::debug!(target: "librdkafka", ?level, facility, "{message}");
}

/// True when librdkafka was asked for its debug lines (`-X debug=...`).
pub(in crate::kafka) fn wants_debug(config: &Config) -> bool {
    config.property("debug").is_some_and(|contexts| !contexts.is_empty())
}
