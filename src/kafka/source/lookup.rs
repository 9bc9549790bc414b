//! What must be known before reading starts: commits, log ends, and which log it is. Asked on a thread of its
//! own, since the answers block and the source must go on polling.

use super::context::LetterBox;
use super::wake::Alarm;
use crate::engine::Committed;
use crate::kafka::error::describe;
use crate::kafka::raw::{items, log_ids};
use crate::model::record::{LogId, TopicPartition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Log ends are asked by at most so many threads at once: each question is a round trip.
const ASKERS: usize = 8;
/// Between two attempts, while the coordinator or a leader is away.
const PAUSE: Duration = Duration::from_millis(500);

/// What is known of one partition.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) partition: TopicPartition,
    pub(super) log: LogId,
    pub(super) committed: Option<Committed>,
    pub(super) log_start: i64,
    pub(super) log_end: i64,
}

/// What the thread tells the source.
pub(super) enum News {
    /// An attempt failed; another follows.
    Trouble(String),
    /// Everything is known.
    Found(Vec<Found>),
}

/// Asks until everything is known or the consumer is being closed.
pub(super) fn start(
    consumer: Arc<BaseConsumer<LetterBox>>,
    partitions: Vec<TopicPartition>,
    limit: Duration,
    alarm: Arc<Alarm>,
) -> std::io::Result<mpsc::Receiver<News>> {
    let (sender, news) = mpsc::channel();
    std::thread::Builder::new().name("kylo-lookup".into()).spawn(move || {
        while !consumer.context().is_closing() {
            let (last, letter) = match look_up(&consumer, &partitions, limit) {
                Ok(found) => (true, News::Found(found)),
                Err(reason) => (false, News::Trouble(reason)),
            };
            let heard = sender.send(letter).is_ok();
            alarm.ring();
            if last || !heard {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    })?;
    Ok(news)
}

fn look_up(
    consumer: &BaseConsumer<LetterBox>,
    partitions: &[TopicPartition],
    limit: Duration,
) -> Result<Vec<Found>, String> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(&partition.topic, partition.partition);
    }
    let committed = consumer
        .committed_offsets(list, limit)
        .map_err(|error| format!("reading committed offsets: {}", words(&error)))?;
    let committed = items(&committed);
    let topics: BTreeSet<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
    let topics: Vec<&str> = topics.into_iter().collect();
    let logs = log_ids(consumer.client(), &topics, limit).map_err(|error| error.to_string())?;
    let ends = log_ends(consumer, partitions, limit);
    let mut found = Vec::with_capacity(partitions.len());
    for (partition, ends) in partitions.iter().zip(ends) {
        let (log_start, log_end) =
            ends.map_err(|error| format!("reading the ends of {partition}: {}", words(&error)))?;
        let item = committed.iter().find(|item| item.partition == *partition);
        if let Some(code) = item.and_then(|item| item.error) {
            return Err(format!("reading the committed offset of {partition}: {}", describe(code)));
        }
        let committed = item
            .filter(|item| item.offset >= 0)
            .map(|item| Committed { offset: item.offset, metadata: item.metadata.clone() });
        let log = logs.get(&*partition.topic).copied().unwrap_or_default();
        found.push(Found { partition: partition.clone(), log, committed, log_start, log_end });
    }
    match found.len() == partitions.len() {
        true => Ok(found),
        false => Err("reading the ends of the log: a thread died".into()),
    }
}

/// First and next offset of each partition, in their order. Blocks; shorter when a thread died.
pub(super) fn log_ends(
    consumer: &BaseConsumer<LetterBox>,
    partitions: &[TopicPartition],
    limit: Duration,
) -> Vec<Result<(i64, i64), KafkaError>> {
    let share = partitions.len().div_ceil(ASKERS).max(1);
    std::thread::scope(|scope| {
        let askers: Vec<_> = partitions
            .chunks(share)
            .map(|chunk| {
                scope.spawn(move || {
                    let ask = |partition: &TopicPartition| {
                        consumer.fetch_watermarks(&partition.topic, partition.partition, limit)
                    };
                    chunk.iter().map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        askers.into_iter().flat_map(|asker| asker.join().unwrap_or_default()).collect()
    })
}

fn words(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), describe)
}
