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
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Log ends are asked by at most so many threads at once: each question is a round trip.
const ASKERS: usize = 8;
/// Between two attempts, while the coordinator or a leader is away.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the first attempt may ask for log ends: while a rebalance waits for its answer nothing is read.
const FIRST_LOOK: Duration = Duration::from_secs(2);

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
    /// An attempt failed, for some partitions or for all; another follows. Told again when the reason is another.
    Trouble(String),
    /// What is known now and was not before. The first of these answers a rebalance, also when it is empty: a
    /// partition whose leader is away must not keep the others waiting.
    Found(Vec<Found>),
}

/// Asks until everything is known, the consumer is being closed, or nobody listens.
pub(super) fn start(
    consumer: Arc<BaseConsumer<LetterBox>>,
    partitions: Vec<TopicPartition>,
    limit: Duration,
    alarm: Arc<Alarm>,
) -> std::io::Result<mpsc::Receiver<News>> {
    let (sender, news) = mpsc::channel();
    std::thread::Builder::new().name("kylo-lookup".into()).spawn(move || {
        let mut unknown = partitions;
        let mut look = limit.min(FIRST_LOOK);
        let mut told = String::new();
        while !consumer.context().is_closing() {
            let mut letters = Vec::new();
            let trouble = match look_up(&consumer, &unknown, limit, look) {
                Ok((found, missing)) => {
                    unknown.retain(|partition| missing.iter().any(|(other, _)| other == partition));
                    letters.push(News::Found(found));
                    look = limit;
                    missing.into_iter().next().map(|(_, reason)| reason)
                }
                Err(reason) => Some(reason),
            };
            // A leader can be away for hours.
            if let Some(reason) = trouble.filter(|reason| *reason != told) {
                told.clone_from(&reason);
                letters.push(News::Trouble(reason));
            }
            let heard = letters.into_iter().all(|letter| sender.send(letter).is_ok());
            alarm.ring();
            if unknown.is_empty() || !heard {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    })?;
    Ok(news)
}

/// What is known, and why the rest is not. `Err`: nothing is, since the coordinator or every broker is away.
type Known = (Vec<Found>, Vec<(TopicPartition, String)>);

/// Asks once; `look` limits the question for the log ends.
fn look_up(
    consumer: &BaseConsumer<LetterBox>,
    partitions: &[TopicPartition],
    limit: Duration,
    look: Duration,
) -> Result<Known, String> {
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
    let Leaders { led, broker } = leaders(consumer, &topics, limit)?;
    let logs = log_ids(consumer.client(), &topics, broker, limit).map_err(|error| error.to_string())?;
    let (asked, leaderless): (Vec<TopicPartition>, Vec<TopicPartition>) =
        partitions.iter().cloned().partition(|partition| led.contains(partition));
    let no_leader = |partition: TopicPartition| {
        let reason = format!("{partition} has no leader now: it is read when it has one");
        (partition, reason)
    };
    let mut missing: Vec<(TopicPartition, String)> = leaderless.into_iter().map(no_leader).collect();
    let ends = log_ends(consumer, &asked, look);
    let mut found = Vec::with_capacity(asked.len());
    for (partition, ends) in asked.iter().zip(ends) {
        let (log_start, log_end) = match ends {
            Ok(ends) => ends,
            Err(error) => {
                let reason = format!("reading the ends of {partition}: {}", words(&error));
                missing.push((partition.clone(), reason));
                continue;
            }
        };
        let item = committed.iter().find(|item| item.partition == *partition);
        if let Some(code) = item.and_then(|item| item.error) {
            let reason = format!("reading the committed offset of {partition}: {}", describe(code));
            missing.push((partition.clone(), reason));
            continue;
        }
        let committed = item
            .filter(|item| item.offset >= 0)
            .map(|item| Committed { offset: item.offset, metadata: item.metadata.clone() });
        let log = logs.get(&*partition.topic).copied().unwrap_or_default();
        found.push(Found { partition: partition.clone(), log, committed, log_start, log_end });
    }
    match found.len() + missing.len() == partitions.len() {
        true => Ok((found, missing)),
        false => Err("reading the ends of the log: a thread died".into()),
    }
}

struct Leaders {
    /// The partitions that have a leader; who asks another for its ends waits as long as it may.
    led: BTreeSet<TopicPartition>,
    /// One of the leaders, or else a broker that is there.
    broker: Option<i32>,
}

/// Who leads the partitions of `topics`.
fn leaders(consumer: &BaseConsumer<LetterBox>, topics: &[&str], limit: Duration) -> Result<Leaders, String> {
    let (mut led, mut leader, mut known) = (BTreeSet::new(), None, None);
    for topic in topics {
        let metadata = consumer
            .fetch_metadata(Some(topic), limit)
            .map_err(|error| format!("reading the leaders of {topic}: {}", words(&error)))?;
        let partitions = metadata.topics().iter().flat_map(|found| found.partitions());
        for partition in partitions.filter(|partition| partition.leader() >= 0) {
            leader.get_or_insert(partition.leader());
            led.insert(TopicPartition::new(*topic, partition.id()));
        }
        known = known.or_else(|| metadata.brokers().first().map(|broker| broker.id()));
    }
    Ok(Leaders { led, broker: leader.or(known) })
}

/// First and next offset of each partition, in their order, each asked until `limit` for all is over. Blocks;
/// shorter when a thread died.
pub(super) fn log_ends(
    consumer: &BaseConsumer<LetterBox>,
    partitions: &[TopicPartition],
    limit: Duration,
) -> Vec<Result<(i64, i64), KafkaError>> {
    let share = partitions.len().div_ceil(ASKERS).max(1);
    let until = Instant::now() + limit;
    std::thread::scope(|scope| {
        let askers: Vec<_> = partitions
            .chunks(share)
            .map(|chunk| {
                scope.spawn(move || {
                    let ask = |partition: &TopicPartition| {
                        let left = until.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            return Err(KafkaError::OffsetFetch(RDKafkaErrorCode::OperationTimedOut));
                        }
                        consumer.fetch_watermarks(&partition.topic, partition.partition, left)
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
