//! Records as the runtime carries them: many in one buffer, each a small handle on it.
//!
//! A source copies what it read into one [`Batch`]. That costs a `memcpy`, and buys that the client's fetch
//! buffers are free at once (a held message would pin a whole fetched set), that a record is 16 bytes to move
//! through lanes, and that reading it needs no `unsafe`.

use super::buffers::{Buffers, Content, Entry};
use super::{Epoch, MemoryGauge};
use crate::model::record::{Header, LogId, StoredRecord, TopicPartition};
use bytes::Bytes;
use std::sync::Arc;
use tokio::time::Instant;

/// A partition within one batch, with the epoch its records were read under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionSlot {
    /// Which partition.
    pub partition: TopicPartition,
    /// The assignment the records belong to.
    pub epoch: Epoch,
    /// The log it held then.
    pub log: LogId,
}

/// Apart from the count of its handles, which one thread changes all the time while others read records.
#[derive(Debug)]
#[repr(align(64))]
struct Arena {
    buffers: Buffers,
    slots: Vec<PartitionSlot>,
    /// Told when it is gone; the bytes it was told at the start.
    gauge: Option<(MemoryGauge, usize)>,
    read: Instant,
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some((gauge, bytes)) = &self.gauge {
            // First the buffers: whom the gauge wakes takes them.
            gauge.keep(std::mem::take(&mut self.buffers));
            gauge.sub(*bytes);
        }
    }
}

/// Records read together, in the order in which each partition gave them.
#[derive(Clone, Debug)]
pub struct Batch(Arc<Arena>);

impl Batch {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.0.buffers.entries.len()
    }
    /// True without records.
    pub fn is_empty(&self) -> bool {
        self.0.buffers.entries.is_empty()
    }
    /// Bytes of keys, values and headers held.
    pub fn bytes(&self) -> usize {
        self.0.buffers.bytes.len()
    }
    /// The partitions its records come from.
    pub fn slots(&self) -> &[PartitionSlot] {
        &self.0.slots
    }
    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        (0..self.0.buffers.entries.len() as u32).map(|index| Record { arena: self.0.clone(), index })
    }
}

/// Fills a [`Batch`].
#[derive(Debug)]
pub struct BatchBuilder {
    arena: Arena,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::with(Buffers::default(), None)
    }
}

impl BatchBuilder {
    /// Fills the buffers of a batch that `gauge` counted and that is gone, if there are any.
    pub fn reusing(gauge: &MemoryGauge) -> Self {
        // Dropped without a record it gives them back.
        Self::with(gauge.spare(), Some((gauge.clone(), 0)))
    }
    fn with(buffers: Buffers, gauge: Option<(MemoryGauge, usize)>) -> Self {
        BatchBuilder { arena: Arena { buffers, slots: Vec::new(), gauge, read: Instant::now() } }
    }
    /// The number of `partition` under `epoch` within this batch, for [`push`](Self::push). Its log is unknown.
    pub fn slot(&mut self, partition: &TopicPartition, epoch: Epoch) -> u16 {
        self.slot_in(LogId::UNKNOWN, partition, epoch)
    }
    /// [`slot`](Self::slot) of a partition that holds `log`, the same for a whole epoch.
    pub fn slot_in(&mut self, log: LogId, partition: &TopicPartition, epoch: Epoch) -> u16 {
        let found =
            self.arena.slots.iter().position(|slot| slot.epoch == epoch && slot.partition == *partition);
        let index = found.unwrap_or_else(|| {
            self.arena.slots.push(PartitionSlot { partition: partition.clone(), epoch, log });
            self.arena.slots.len() - 1
        });
        index as u16
    }
    /// Appends a record. Headers are names and values in order; names need not be UTF-8.
    pub fn push<'h>(
        &mut self,
        slot: u16,
        offset: i64,
        timestamp_ms: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) {
        self.arena.buffers.push(slot, offset, timestamp_ms, key, value, headers);
    }
    /// Bytes held so far; a source starts a new batch before this nears 4 GiB.
    pub fn bytes(&self) -> usize {
        self.arena.buffers.bytes.len()
    }
    /// Records held so far.
    pub fn len(&self) -> usize {
        self.arena.buffers.entries.len()
    }
    /// True while nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.arena.buffers.entries.is_empty()
    }
    /// The finished batch, read now, counted by no gauge.
    pub fn build(mut self) -> Batch {
        self.arena.read = Instant::now();
        Batch(Arc::new(self.arena))
    }
    /// The finished batch; `gauge` counts it for as long as any of its records lives.
    pub fn build_counted(mut self, gauge: &MemoryGauge) -> Batch {
        let buffers = &mut self.arena.buffers;
        if buffers.is_roomy() {
            // Room that was kept in vain would live as long as the batch's slowest record.
            let exact = buffers.clone();
            gauge.keep(std::mem::replace(buffers, exact));
        }
        let size = buffers.size();
        gauge.add(size);
        self.arena.gauge = Some((gauge.clone(), size));
        self.build()
    }
    /// Gives back the room that is not filled: for what lives long.
    pub(super) fn shrink(&mut self) {
        self.arena.buffers.shrink();
    }
    /// Appends a copy of `record`.
    pub fn push_copy(&mut self, record: &Record) {
        let slot = self.slot_in(record.log(), record.partition(), record.epoch());
        let (offset, timestamp) = (record.offset(), record.timestamp_ms());
        self.push(slot, offset, timestamp, record.key(), record.value(), record.headers());
    }
}

/// One record: a handle on its [`Batch`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Record {
    arena: Arc<Arena>,
    index: u32,
}

impl Record {
    fn entry(&self) -> &Entry {
        &self.arena.buffers.entries[self.index as usize]
    }
    fn content(&self) -> &Content {
        &self.arena.buffers.contents[self.index as usize]
    }
    fn slot(&self) -> &PartitionSlot {
        &self.arena.slots[self.slot_index()]
    }
    /// Index of its partition in [`Batch::slots`].
    pub fn slot_index(&self) -> usize {
        self.entry().slot as usize
    }
    /// The partition it was read from.
    pub fn partition(&self) -> &TopicPartition {
        &self.slot().partition
    }
    /// The assignment it was read under.
    pub fn epoch(&self) -> Epoch {
        self.slot().epoch
    }
    /// The log it stands in.
    pub fn log(&self) -> LogId {
        self.slot().log
    }
    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.entry().offset
    }
    /// When it was read.
    pub fn read_at(&self) -> Instant {
        self.arena.read
    }
    /// Milliseconds since 1970; `None` when it has no timestamp.
    pub fn timestamp_ms(&self) -> Option<i64> {
        let at = self.content().timestamp_ms;
        (at >= 0).then_some(at)
    }
    /// Key; `None` is null.
    pub fn key(&self) -> Option<&[u8]> {
        self.arena.buffers.get(self.content().key)
    }
    /// Hash of the key, with a seed of this process; 0 for null.
    pub(super) fn key_hash(&self) -> u64 {
        self.entry().key_hash
    }
    /// Value; `None` is null.
    pub fn value(&self) -> Option<&[u8]> {
        self.arena.buffers.get(self.content().value)
    }
    /// Headers in order, duplicates kept, names as bytes.
    pub fn headers(&self) -> HeaderIter<'_> {
        HeaderIter { rest: self.arena.buffers.get(self.content().headers).unwrap_or_default() }
    }
    /// The last header of this name, as text; `None` when absent, null or not UTF-8.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        let found = self.headers().filter(|(found, _)| *found == name.as_bytes()).last();
        found.and_then(|(_, value)| std::str::from_utf8(value?).ok())
    }
    /// Bytes of key, value and headers, for budgets.
    pub fn size(&self) -> usize {
        self.entry().size as usize
    }
    /// The gauge that counts its batch.
    pub(super) fn gauge(&self) -> Option<&MemoryGauge> {
        self.arena.gauge.as_ref().map(|(gauge, _)| gauge)
    }
    /// A copy that owns its bytes.
    pub fn to_stored(&self) -> StoredRecord {
        StoredRecord {
            source: self.partition().clone(),
            offset: self.offset(),
            timestamp_ms: self.timestamp_ms(),
            key: self.key().map(Bytes::copy_from_slice),
            value: self.value().map(Bytes::copy_from_slice),
            headers: self
                .headers()
                .map(|(name, value)| Header {
                    name: Bytes::copy_from_slice(name),
                    value: value.map(Bytes::copy_from_slice),
                })
                .collect(),
        }
    }
}

/// Iterates over a record's headers.
#[derive(Clone, Debug)]
pub struct HeaderIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name_len, rest) = self.rest.split_first_chunk::<4>()?;
        let (value_len, rest) = rest.split_first_chunk::<4>()?;
        let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*name_len) as usize)?;
        let value_len = i32::from_le_bytes(*value_len);
        let (value, rest) = rest.split_at_checked(value_len.max(0) as usize)?;
        self.rest = rest;
        Some((name, (value_len >= 0).then_some(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_counts_a_batch_while_any_record_of_it_lives() {
        let gauge = MemoryGauge::new(200);
        let mut builder = BatchBuilder::default();
        let slot = builder.slot_in(LogId(5), &TopicPartition::new("t", 0), Epoch(1));
        for offset in 0..2 {
            builder.push(slot, offset, None, None, Some(&[0; 100]), std::iter::empty());
        }
        let batch = builder.build_counted(&gauge);
        assert!(gauge.is_full());
        let last = batch.records().nth(1).unwrap();
        drop(batch);
        assert!(gauge.is_full());
        let mut alone = BatchBuilder::default();
        alone.push_copy(&last);
        let copy = alone.build_counted(&gauge);
        drop(last);
        assert!(gauge.held() >= 100 && !gauge.is_full());
        let copied = copy.records().next().unwrap();
        assert_eq!((copied.value(), copied.log()), (Some(&[0; 100][..]), LogId(5)));
        drop(copied);
        drop(copy);
        assert_eq!(gauge.held(), 0);
    }

    #[test]
    fn buffers_of_a_batch_that_is_gone_are_filled_again() {
        let gauge = MemoryGauge::new(1 << 20);
        let fill = |records: i64| {
            let mut builder = BatchBuilder::reusing(&gauge);
            let room = builder.arena.buffers.size();
            let slot = builder.slot(&TopicPartition::new("t", 0), Epoch(1));
            for offset in 0..records {
                builder.push(slot, offset, None, Some(b"key"), Some(&[7; 97]), std::iter::empty());
            }
            (room, builder.build_counted(&gauge))
        };
        let (room, large) = fill(1_000);
        assert_eq!(room, 0);
        drop(large);
        let (room, small) = fill(1);
        assert!(room >= 100_000, "{room}");
        assert!(small.0.buffers.size() < 1_000, "what lives long holds only what it needs");
        assert_eq!(small.records().next().unwrap().value(), Some(&[7; 97][..]));
        drop(BatchBuilder::reusing(&gauge));
        assert!(fill(1).0 >= 100_000, "given back without a batch, too");
    }

    #[test]
    fn null_empty_and_odd_headers_survive() {
        let mut builder = BatchBuilder::default();
        let slot = builder.slot(&TopicPartition::new("t", 3), Epoch(7));
        let headers: [(&[u8], Option<&[u8]>); 3] =
            [(b"a", Some(b"1")), (b"\xff\xfe", None), (b"a", Some(b""))];
        builder.push(slot, 42, None, Some(b""), None, headers.iter().copied());
        builder.push(slot, 44, Some(5), None, Some(b"v"), std::iter::empty());
        let batch = builder.build();
        let records: Vec<Record> = batch.records().collect();
        assert_eq!(records[0].key(), Some(&b""[..]));
        assert_eq!(records[0].value(), None);
        assert_eq!(records[0].headers().collect::<Vec<_>>(), headers);
        assert_eq!(records[0].header_text("a"), Some(""));
        assert_eq!((records[1].key(), records[1].value()), (None, Some(&b"v"[..])));
        assert_eq!((records[1].offset(), records[1].timestamp_ms()), (44, Some(5)));
        assert_eq!(records[1].partition().to_string(), "t[3]");
        assert_eq!(records[1].headers().count(), 0);
    }
}
