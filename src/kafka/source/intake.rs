//! From messages to a batch: one copy, no allocation a record, one look-up for each run of a partition.

use super::held::Holdings;
use crate::engine::{Batch, BatchBuilder, Epoch, MemoryGauge};
use crate::kafka::raw::Message;
use crate::model::record::TopicPartition;
use rdkafka::types::RDKafkaErrorCode;

/// Bytes after which a batch is handed over even if it could hold more records.
const BATCH_BYTES: usize = 8 << 20;

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
    epoch: Epoch,
    slot: u16,
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
    limit: usize,
    seen: Vec<Seen>,
    last: usize,
    errors: Vec<PartitionError>,
}

/// What one read gave.
pub(super) struct Taken {
    pub(super) batch: Option<Batch>,
    pub(super) ends: Vec<(TopicPartition, Epoch, i64)>,
    pub(super) errors: Vec<PartitionError>,
}

impl<'a> Intake<'a> {
    /// For at most `limit` records, with room for as much as `room` says (records and bytes).
    pub(super) fn new(
        holdings: &'a mut Holdings,
        limit: usize,
        room: (usize, usize),
        memory: &'a MemoryGauge,
    ) -> Self {
        Intake {
            holdings,
            builder: BatchBuilder::with_capacity(room.0, room.1),
            memory,
            limit,
            seen: Vec::new(),
            last: usize::MAX,
            errors: Vec::new(),
        }
    }

    /// Takes one message; false when the batch is full.
    pub(super) fn take(&mut self, message: &Message<'_>) -> bool {
        let error = message.error();
        let index = self.find(message);
        let Some(ours) = &mut self.seen[index].ours else {
            return true;
        };
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
            return true;
        }
        let offset = message.offset();
        if offset < ours.next {
            // Fetched again after an internal pause of the client; it was handed over before.
            return true;
        }
        ours.next = offset + 1;
        ours.end = None;
        self.builder.push(
            ours.slot,
            offset,
            message.timestamp_ms(),
            message.key(),
            message.value(),
            message.headers(),
        );
        self.builder.len() < self.limit && self.builder.bytes() < BATCH_BYTES
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
                slot: self.builder.slot_in(held.log, &held.partition, held.epoch),
                partition: held.partition.clone(),
                epoch: held.epoch,
                next: held.next,
                end: None,
            });
            self.seen.push(Seen { topic_id, partition, ours });
            self.seen.len() - 1
        });
        self.last
    }

    /// Ends the read: remembers the positions and gives what was taken.
    pub(super) fn finish(self) -> Taken {
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
        let batch = (!self.builder.is_empty()).then(|| self.builder.build_counted(self.memory));
        Taken { batch, ends, errors: self.errors }
    }
}
