//! What the client tells the source: rebalances, commit results, errors. Everything is put into a letter box
//! and returns at once; the source's loop answers.

use crate::kafka::context;
use crate::kafka::raw::{Item, items};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// One thing the client said.
pub(super) enum Letter {
    /// These partitions are to be added. To be answered with one `incremental_assign`.
    Assign(TopicPartitionList),
    /// These partitions are to be given up. To be answered with one `incremental_unassign`.
    Revoke(TopicPartitionList),
    /// A commit ended.
    Commit { error: Option<RDKafkaErrorCode>, items: Vec<Item> },
    /// An error of the client as a whole.
    Error { code: Option<RDKafkaErrorCode>, reason: String },
}

/// The client's context.
#[derive(Default)]
pub(super) struct LetterBox {
    letters: Mutex<Vec<Letter>>,
    /// From now on nobody reads letters: rebalances are answered here and at once.
    closing: AtomicBool,
}

impl LetterBox {
    /// Takes out what came in.
    pub(super) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }
    /// The consumer is being closed.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
    /// True once the consumer is being closed.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
    fn put(&self, letter: Letter) {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }
}

impl ClientContext for LetterBox {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(level, facility, message);
    }
    fn stats_raw(&self, _statistics: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // The end of a partition comes through the data queue; from here it has no topic.
        if code != Some(RDKafkaErrorCode::PartitionEOF) {
            self.put(Letter::Error { code, reason: reason.to_owned() });
        }
    }
}

impl ConsumerContext for LetterBox {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let assign = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.is_closing() {
            answer_while_closing(consumer, assign, list);
        } else if assign {
            self.put(Letter::Assign(list.clone()));
        } else {
            self.put(Letter::Revoke(list.clone()));
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let error = result.err().map(|error| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown));
        self.put(Letter::Commit { error, items: items(offsets) });
    }
}

/// Gives the client the answer it waits for, so that it can go on leaving.
pub(super) fn answer_while_closing(
    consumer: &BaseConsumer<LetterBox>,
    assign: bool,
    list: &TopicPartitionList,
) {
    let cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
    let answered = match (assign, cooperative) {
        (true, _) => consumer.incremental_assign(list),
        (false, true) => consumer.incremental_unassign(list),
        (false, false) => consumer.unassign(),
    };
    if let Err(error) = answered {
        tracing::debug!(%error, "answering a rebalance while leaving");
    }
}
