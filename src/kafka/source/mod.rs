//! The consumer as the engine sees it: events out, commands in, one thread that does every call.
//!
//! Two queues: control (rebalances, errors, commit results) is polled through rdkafka, records come through a
//! queue of our own. Rebalances are answered asynchronously: the engine says where to start and when what was
//! revoked may go; polling goes on meanwhile.

mod commit;
mod context;
mod ends;
#[cfg(test)]
mod faults_tests;
#[cfg(test)]
mod harness;
mod held;
mod intake;
mod io;
mod judge;
mod lookup;
mod rebalance;
#[cfg(test)]
mod rebalance_tests;
#[cfg(test)]
mod tests;
mod wake;

use super::config::{Config, Role};
use super::error::client_error;
use super::raw::Queues;
use crate::engine::{MemoryGauge, Source, SourceCommand, SourceEvent};
use crate::error::{Error, Result};
use context::LetterBox;
use io::Io;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use wake::Alarm;

/// What a source can be told beyond its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    /// Records of one batch at most.
    pub batch_records: usize,
    /// How long leaving the group may take; it can hang while the coordinator is away.
    pub leave_limit: Duration,
    /// Time between two questions where the logs end, for partitions that are not read to their end.
    pub ends_every: Duration,
}

impl Default for SourceOptions {
    fn default() -> Self {
        SourceOptions {
            batch_records: 2_048,
            leave_limit: Duration::from_secs(5),
            ends_every: Duration::from_secs(5),
        }
    }
}

/// A member of a consumer group that has not started yet.
pub struct ConsumerSource {
    queues: Queues<LetterBox>,
    alarm: Arc<Alarm>,
    group: String,
    topics: Vec<String>,
    timeout: Duration,
    options: SourceOptions,
}

impl ConsumerSource {
    /// Prepares a member of `group` that reads `topics`. Nothing is joined before it is started.
    ///
    /// The group speaks the classic protocol with cooperative rebalances, or the newer one with the property
    /// `group.protocol=consumer`. Errors: settings the client cannot use, or that break the promise.
    pub fn new(
        config: &Config,
        group: impl Into<String>,
        topics: Vec<String>,
        options: SourceOptions,
    ) -> Result<Self> {
        let group = group.into();
        let settings = config.client(Role::Member(&group))?;
        let what = || format!("making a consumer of group \"{group}\"");
        let mut consumer: BaseConsumer<LetterBox> = settings
            .create_with_context(LetterBox::default())
            .map_err(|error| client_error(what(), &error))?;
        let alarm = Arc::new(Alarm::default());
        let for_control = alarm.clone();
        consumer.set_nonempty_callback(move || for_control.ring());
        let for_data = alarm.clone();
        let queues = Queues::new(Arc::new(consumer), move || for_data.ring())
            .ok_or_else(|| Error::failed(what()).cause("the client gave no queue"))?;
        Ok(ConsumerSource { queues, alarm, group, topics, timeout: config.timeout, options })
    }
}

impl Source for ConsumerSource {
    fn start(
        self: Box<Self>,
        memory: MemoryGauge,
        events: mpsc::UnboundedSender<SourceEvent>,
        commands: mpsc::UnboundedReceiver<SourceCommand>,
    ) -> std::io::Result<()> {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        self.queues.consumer().subscribe(&topics).map_err(|error| {
            std::io::Error::other(format!("subscribing group \"{}\": {error}", self.group))
        })?;
        let name = "kylo-source".to_owned();
        std::thread::Builder::new().name(name).spawn(move || {
            let ConsumerSource { queues, alarm, timeout, options, .. } = *self;
            Io::new(queues, alarm, timeout, options, memory, events, commands).run();
        })?;
        Ok(())
    }
}

impl std::fmt::Debug for ConsumerSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsumerSource").field("group", &self.group).field("topics", &self.topics).finish()
    }
}
