//! Reads ranges of partitions without a group: joins nothing, commits nothing, ends where it was told to.
//!
//! A range ends at its last record, at the first record behind it, or at the partition's end, whichever comes
//! first; so trailing transaction markers, which are never delivered, do not keep it waiting.

#![allow(unsafe_code)] // the bindings are C; every block says what it relies on

use super::config::Role;
use super::context::Quiet;
use super::error::{client_error, kind_of};
use super::offsets::LogEnd;
use super::request::{array, coded, text_or_empty};
use super::{Admin, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::model::record::{Header, StoredRecord, TopicPartition};
use bytes::Bytes;
use rdkafka::bindings as sys;
use rdkafka::client::Client;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaType};
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Messages taken from the client at once.
const BATCH: usize = 512;
/// How long one wait for messages lasts; also how soon a dropped reader ends.
const SLICE_MS: i32 = 100;

/// The offsets `from..to` of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRange {
    /// Which partition.
    pub partition: TopicPartition,
    /// First offset to read.
    pub from: i64,
    /// The offset to stop before.
    pub to: i64,
}

/// Records of ranges, byte for byte; in order within a partition, partitions mixed.
pub struct Reader {
    records: mpsc::Receiver<Result<StoredRecord>>,
}

impl Reader {
    /// Starts reading `ranges` (each partition at most once) on a thread of its own. Dropping the reader ends it.
    pub fn open(config: &Config, ranges: Vec<ReadRange>) -> Result<Reader> {
        let (sender, records) = mpsc::channel(2 * BATCH);
        let ranges: Vec<ReadRange> = ranges.into_iter().filter(|range| range.from < range.to).collect();
        if ranges.is_empty() {
            return Ok(Reader { records });
        }
        let mut work = Work::new(config, ranges)?;
        std::thread::Builder::new().name("kylo-reader".into()).spawn(move || {
            if let Err(error) = work.run(&sender) {
                // Nobody left to tell: the reader was dropped.
                let _ = sender.blocking_send(Err(error));
            }
        })?;
        Ok(Reader { records })
    }

    /// The next record; `None` when all ranges are read. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<StoredRecord>> {
        self.records.recv().await
    }

    /// Everything that is left.
    pub async fn collect(mut self) -> Result<Vec<StoredRecord>> {
        let mut all = Vec::new();
        while let Some(record) = self.next().await {
            all.push(record?);
        }
        Ok(all)
    }
}

/// The ranges from the first record of each partition of `topics` to the end seen now (behind no open
/// transaction). A topic that does not exist is an error naming it.
pub async fn whole_topics(admin: &Admin, topics: &[String]) -> Result<Vec<ReadRange>> {
    let mut partitions = Vec::new();
    for (name, state) in topics.iter().zip(admin.describe_topics(topics, false).await?) {
        let state = state.ok_or_else(|| Error::failed(format!("topic {name:?} does not exist")))?;
        let numbers = state.partitions.iter().map(|partition| partition.partition);
        partitions.extend(numbers.map(|number| TopicPartition::new(name.as_str(), number)));
    }
    let marks = admin.watermarks(&partitions, LogEnd::LastStable).await?;
    let ranges = marks.into_iter();
    Ok(ranges.map(|(partition, marks)| ReadRange { partition, from: marks.start, to: marks.end }).collect())
}

struct Part {
    range: ReadRange,
    done: bool,
}

struct Work {
    client: Client<Quiet>,
    parts: Vec<Part>,
    patience: Duration,
}

impl Work {
    fn new(config: &Config, ranges: Vec<ReadRange>) -> Result<Self> {
        let what = "making a kafka reader";
        let mut settings = config.client(Role::Reader)?;
        // librdkafka lets only clients with a group name assign partitions; nothing is ever joined under it.
        if config.property("group.id").is_none() {
            settings.set("group.id", "kylo-reader");
        }
        if config.property("fetch.wait.max.ms").is_none() {
            // Bounds how long the end of a partition takes to show.
            settings.set("fetch.wait.max.ms", "100");
        }
        let native = settings.create_native_config().map_err(|error| client_error(what, &error))?;
        let client = Client::new(&settings, native, RDKafkaType::RD_KAFKA_CONSUMER, Quiet)
            .map_err(|error| client_error(what, &error))?;
        let mut list = TopicPartitionList::with_capacity(ranges.len());
        for range in &ranges {
            let (topic, number) = (&range.partition.topic, range.partition.partition);
            list.add_partition_offset(topic, number, Offset::Offset(range.from))
                .map_err(|error| client_error(what, &error))?;
        }
        // SAFETY: client and list are alive; the list is copied.
        let code = unsafe { sys::rd_kafka_assign(client.native_ptr(), list.ptr()) };
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(coded("choosing the partitions to read", code.into(), ""));
        }
        let parts = ranges.into_iter().map(|range| Part { range, done: false }).collect();
        // A broker may be away for a moment; a whole minute of nothing is an answer.
        let patience = config.timeout.max(Duration::from_secs(1)) * 3;
        Ok(Work { client, parts, patience })
    }

    fn run(&mut self, sender: &mpsc::Sender<Result<StoredRecord>>) -> Result<()> {
        // SAFETY: the client is alive; the reference is given back by `ConsumerQueue`.
        let queue = ConsumerQueue(unsafe { sys::rd_kafka_queue_get_consumer(self.client.native_ptr()) });
        let mut progress = Instant::now();
        while self.parts.iter().any(|part| !part.done) {
            if sender.is_closed() {
                return Ok(());
            }
            let messages = queue.take();
            if messages.is_empty() && progress.elapsed() > self.patience {
                let waiting: Vec<String> =
                    self.parts.iter().filter(|p| !p.done).map(|p| p.range.partition.to_string()).collect();
                return Err(Error::unreachable(format!("reading {}", waiting.join(", ")))
                    .cause(format!("nothing came for {} s", self.patience.as_secs())));
            }
            for message in messages {
                match self.take(&message)? {
                    Taken::Nothing => {}
                    Taken::Progress => progress = Instant::now(),
                    Taken::Record(record) => {
                        progress = Instant::now();
                        if sender.blocking_send(Ok(record)).is_err() {
                            return Ok(());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, message: &Message) -> Result<Taken> {
        let place = message.place();
        let found = self.parts.iter_mut().find(|part| place.as_ref() == Some(&part.range.partition));
        if let Some(code) = message.error() {
            return match (code, found) {
                (RDKafkaErrorCode::PartitionEOF, Some(part)) => {
                    part.done = true;
                    Ok(Taken::Progress)
                }
                (code, _) if kind_of(code) == ErrorKind::Unreachable => Ok(Taken::Nothing),
                (code, Some(part)) => {
                    let what = format!("reading {} from offset {}", part.range.partition, part.range.from);
                    Err(coded(&what, code, &message.error_text()))
                }
                (code, None) => Err(coded("reading records", code, &message.error_text())),
            };
        }
        let Some(part) = found.filter(|part| !part.done) else { return Ok(Taken::Nothing) };
        let offset = message.offset();
        let wanted = offset < part.range.to;
        let source = part.range.partition.clone();
        if offset + 1 >= part.range.to {
            part.done = true;
            self.pause(&source);
        }
        Ok(if wanted { Taken::Record(message.copy(source)) } else { Taken::Progress })
    }

    /// Fetches no more of a partition whose range is read. Failing to is harmless: what comes is not passed on.
    fn pause(&self, partition: &TopicPartition) {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(&partition.topic, partition.partition);
        // SAFETY: client and list are alive; the list is only read and marked.
        let _ = unsafe { sys::rd_kafka_pause_partitions(self.client.native_ptr(), list.ptr()) };
    }
}

enum Taken {
    Nothing,
    Progress,
    Record(StoredRecord),
}

struct ConsumerQueue(*mut sys::rd_kafka_queue_t);

impl ConsumerQueue {
    fn take(&self) -> Vec<Message> {
        let mut pointers = [std::ptr::null_mut(); BATCH];
        // SAFETY: the queue is alive; room for `BATCH` pointers is given, and the messages returned are ours.
        let count =
            unsafe { sys::rd_kafka_consume_batch_queue(self.0, SLICE_MS, pointers.as_mut_ptr(), BATCH) };
        let count = usize::try_from(count).unwrap_or(0);
        pointers[..count].iter().map(|pointer| Message(*pointer)).collect()
    }
}

impl Drop for ConsumerQueue {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { sys::rd_kafka_queue_destroy(self.0) };
    }
}

/// One message of the client, freed when dropped.
struct Message(*mut sys::rd_kafka_message_t);

impl Message {
    fn raw(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: librdkafka gave a live message, which is ours until it is dropped.
        unsafe { &*self.0 }
    }
    fn error(&self) -> Option<RDKafkaErrorCode> {
        let code = self.raw().err;
        (code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| code.into())
    }
    fn error_text(&self) -> String {
        // SAFETY: the message is alive; the text is a part of it or static, and is copied.
        unsafe { text_or_empty(sys::rd_kafka_message_errstr(self.0)) }
    }
    fn place(&self) -> Option<TopicPartition> {
        let raw = self.raw();
        if raw.rkt.is_null() {
            return None;
        }
        // SAFETY: the topic of a live message is alive, and the name is copied.
        let topic = unsafe { text_or_empty(sys::rd_kafka_topic_name(raw.rkt)) };
        Some(TopicPartition::new(topic, raw.partition))
    }
    fn offset(&self) -> i64 {
        self.raw().offset
    }
    fn copy(&self, source: TopicPartition) -> StoredRecord {
        let raw = self.raw();
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        let timestamp = unsafe { sys::rd_kafka_message_timestamp(self.0, &mut kind) };
        StoredRecord {
            source,
            offset: raw.offset,
            timestamp_ms: (timestamp >= 0).then_some(timestamp),
            // SAFETY: key and payload of a live message, copied.
            key: unsafe { bytes(raw.key.cast_const().cast(), raw.key_len) },
            // SAFETY: as above.
            value: unsafe { bytes(raw.payload.cast_const().cast(), raw.len) },
            headers: self.headers(),
        }
    }
    fn headers(&self) -> Vec<Header> {
        let mut headers = Vec::new();
        let mut list = std::ptr::null_mut();
        // SAFETY: the message is alive and keeps the list; names end with a zero, values have their size, and
        // all are copied.
        unsafe {
            let code = sys::rd_kafka_message_headers(self.0, &mut list);
            if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return headers;
            }
            for index in 0.. {
                let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
                let code = sys::rd_kafka_header_get_all(list, index, &mut name, &mut value, &mut size);
                if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                    break;
                }
                headers.push(Header {
                    name: Bytes::copy_from_slice(std::ffi::CStr::from_ptr(name).to_bytes()),
                    value: bytes(value.cast(), size),
                });
            }
        }
        headers
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { sys::rd_kafka_message_destroy(self.0) };
    }
}

/// Copies bytes; null stays null, and is not empty.
///
/// # Safety
/// `first` is null or points to `len` bytes.
unsafe fn bytes(first: *const u8, len: usize) -> Option<Bytes> {
    // SAFETY: by the caller's word.
    (!first.is_null()).then(|| Bytes::copy_from_slice(unsafe { array(first, len) }))
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
