//! From messages to a batch: one copy, no allocation a record, one look-up for each run of a partition.

use super::held::Holdings;
use crate::engine::{Batch, BatchBuilder, Epoch, MemoryGauge};
use crate::kafka::raw::Message;
use crate::model::record::{LogId, TopicPartition};
use rdkafka::types::RDKafkaErrorCode;

/// Bytes after which a batch is handed over even if it could hold more records: small enough that a handler finds
/// them in a processor's cache still, and a bit less than a power of two, so that buffers that double seldom
/// double once more for the last record.
const BATCH_BYTES: usize = 224 << 10;

/// A partition as seen during one read.
struct Seen {
    /// Valid while the messages of this read are alive, and not looked at afterwards.
    topic_id: usize,
    partition: i32,
    /// `None`: not ours, or not for handing over; its messages are dropped.
    ours: Option<Ours>,
}

struct Ours {
    partition: TopicPartition,
    log: LogId,
    epoch: Epoch,
    /// Within the batch that is being filled.
    slot: Option<u16>,
    next: i64,
    /// The position at which its end was reached, unless more came after.
    end: Option<i64>,
}

/// An error that concerns one partition.
#[derive(Debug)]
pub(super) struct PartitionError {
    pub(super) partition: TopicPartition,
    pub(super) code: RDKafkaErrorCode,
    pub(super) text: String,
}

/// Takes the messages of one read.
pub(super) struct Intake<'a> {
    holdings: &'a mut Holdings,
    builder: BatchBuilder,
    memory: &'a MemoryGauge,
    /// Hears of every batch when it is full.
    full: &'a mut dyn FnMut(Batch),
    limit: usize,
    seen: Vec<Seen>,
    last: usize,
    errors: Vec<PartitionError>,
}

/// What one read gave beside its batches.
pub(super) struct Taken {
    pub(super) ends: Vec<(TopicPartition, Epoch, i64)>,
    pub(super) errors: Vec<PartitionError>,
}

impl<'a> Intake<'a> {
    /// In batches of at most `limit` records, each handed to `full`.
    pub(super) fn new(
        holdings: &'a mut Holdings,
        limit: usize,
        memory: &'a MemoryGauge,
        full: &'a mut dyn FnMut(Batch),
    ) -> Self {
        Intake {
            holdings,
            builder: BatchBuilder::reusing(memory),
            memory,
            full,
            limit,
            seen: Vec::new(),
            last: usize::MAX,
            errors: Vec::new(),
        }
    }

    /// Takes one message.
    pub(super) fn take(&mut self, message: &Message<'_>) {
        let error = message.error();
        let index = self.find(message);
        let Some(ours) = &mut self.seen[index].ours else { return };
        if let Some(code) = error {
            if code == RDKafkaErrorCode::PartitionEOF {
                // The message's offset is the next one to read, past trailing transaction markers.
                ours.next = ours.next.max(message.offset());
                ours.end = Some(ours.next);
            } else {
                self.errors.push(PartitionError {
                    partition: ours.partition.clone(),
                    code,
                    text: message.error_text(),
                });
            }
            return;
        }
        let offset = message.offset();
        if offset < ours.next {
            // Fetched again after an internal pause of the client; it was handed over before.
            return;
        }
        ours.next = offset + 1;
        ours.end = None;
        let slot =
            *ours.slot.get_or_insert_with(|| self.builder.slot_in(ours.log, &ours.partition, ours.epoch));
        self.builder.push(
            slot,
            offset,
            message.timestamp_ms(),
            message.key(),
            message.value(),
            message.headers(),
        );
        if self.builder.len() >= self.limit || self.builder.bytes() >= BATCH_BYTES {
            self.hand_over();
        }
    }

    /// Gives the batch away and begins the next.
    fn hand_over(&mut self) {
        let batch = std::mem::replace(&mut self.builder, BatchBuilder::reusing(self.memory));
        (self.full)(batch.build_counted(self.memory));
        for ours in self.seen.iter_mut().filter_map(|seen| seen.ours.as_mut()) {
            ours.slot = None;
        }
    }

    /// Index of the message's partition in `seen`.
    fn find(&mut self, message: &Message<'_>) -> usize {
        let (topic_id, partition) = (message.topic_id(), message.partition());
        let same = |seen: &Seen| seen.topic_id == topic_id && seen.partition == partition;
        if self.seen.get(self.last).is_some_and(same) {
            return self.last;
        }
        self.last = self.seen.iter().position(same).unwrap_or_else(|| {
            let held = self.holdings.get(message.topic(), partition).filter(|held| !held.revoking);
            let ours = held.map(|held| Ours {
                slot: None,
                partition: held.partition.clone(),
                log: held.log,
                epoch: held.epoch,
                next: held.next,
                end: None,
            });
            self.seen.push(Seen { topic_id, partition, ours });
            self.seen.len() - 1
        });
        self.last
    }

    /// Ends the read: hands the last batch over, remembers the positions and gives what else was taken.
    pub(super) fn finish(mut self) -> Taken {
        if !self.builder.is_empty() {
            self.hand_over();
        }
        let mut ends = Vec::new();
        for ours in self.seen.into_iter().filter_map(|seen| seen.ours) {
            if let Some(held) = self.holdings.live(&ours.partition, ours.epoch) {
                held.next = ours.next;
                held.at_end = ours.end.is_some();
            }
            if let Some(position) = ours.end {
                ends.push((ours.partition, ours.epoch, position));
            }
        }
        Taken { ends, errors: self.errors }
    }
}
