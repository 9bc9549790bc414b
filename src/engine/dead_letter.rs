//! The envelope of dead letters and replays: the `__kylo.*` headers.
//!
//! A dead letter is the original key, value and headers, in order and untouched, followed by one block of ours
//! that begins with `__kylo.v` and `__kylo.user-headers=<n>`. Restoring takes the first `n` headers. The block
//! is believed only where it stands exactly behind those `n`; a producer's own header of such a name is just a
//! header.
//!
//! Size: a third of it is tests.

use super::{Failure, FailureClass, Record};
use crate::model::record::{Header, LogId, OutgoingRecord, StoredRecord, TopicPartition};
use crate::mutants::planted;
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Most bytes our own headers may take, names included.
pub const MAX_ENVELOPE_BYTES: usize = 8 * 1024;

const VERSION: &str = "__kylo.v";
const USER_HEADERS: &str = "__kylo.user-headers";
const ID: &str = "__kylo.id";
const ORIGIN_LOG: &str = "__kylo.origin.log";
const ORIGIN_TOPIC: &str = "__kylo.origin.topic";
const ORIGIN_PARTITION: &str = "__kylo.origin.partition";
const ORIGIN_OFFSET: &str = "__kylo.origin.offset";
const ORIGIN_TIMESTAMP: &str = "__kylo.origin.timestamp";
const GROUP: &str = "__kylo.group";
const ATTEMPT: &str = "__kylo.retry.attempt";
const FIRST_FAILURE: &str = "__kylo.retry.first-failure";
const CLASS: &str = "__kylo.errors.class";
const KIND: &str = "__kylo.errors.kind";
const MESSAGE: &str = "__kylo.errors.message";
const CHAIN: &str = "__kylo.errors.chain";
const AT: &str = "__kylo.errors.at";
const REPLAY_COUNT: &str = "__kylo.replay.count";
const REPLAY_BY: &str = "__kylo.replay.by";
const REPLAY_AT: &str = "__kylo.replay.at";

/// Where a record stood when it was first written; the same through dead letters and replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The log it was first read from.
    pub log: LogId,
    /// The partition it was first read from.
    pub partition: TopicPartition,
    /// Its offset there.
    pub offset: i64,
    /// Its timestamp there, milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
}

/// What our block of headers says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// How many of the record's headers are its producer's own: the first ones.
    pub user_headers: usize,
    /// `cluster/group/topic/partition/offset` of the origin: the idempotency key.
    pub id: String,
    /// Where it stood first.
    pub origin: Origin,
    /// The group that gave it up; `None` on a replayed record.
    pub group: Option<String>,
    /// The reason; `None` on a replayed record.
    pub error: Option<ErrorHeaders>,
    /// How often it was sent back by a replay.
    pub replay_count: u32,
}

/// Why a record was dead-lettered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorHeaders {
    /// `permanent`, `transient` (its budget spent), `poison`, `crash`.
    pub class: String,
    /// The short, stable word.
    pub kind: String,
    /// One line.
    pub message: String,
    /// The causes, one a line.
    pub chain: String,
    /// When, RFC 3339.
    pub at: String,
    /// Handler runs spent on it.
    pub attempts: u32,
    /// When it failed first, RFC 3339.
    pub first_failure: String,
}

/// Who writes a dead letter.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The cluster's id, part of every record's id.
    pub cluster: Arc<str>,
    /// The consumer group.
    pub group: Arc<str>,
}

/// How often a record was tried, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    /// Handler runs, the last one included.
    pub count: u32,
    /// The first failure.
    pub first_failure: Timestamp,
}

impl Envelope {
    /// Reads our block, if `headers` end with one that is sound.
    pub fn parse<'a>(headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Option<Self> {
        let all: Vec<(&[u8], Option<&[u8]>)> = headers.collect();
        // The last count is the one that counts: a dead letter of a dead letter begins a new block.
        let at = all.iter().rposition(|(name, _)| *name == USER_HEADERS.as_bytes())?;
        let user_headers: usize = text(all[at].1)?.parse().ok()?;
        let start = at.checked_sub(1)?;
        if user_headers != start || all[start].0 != VERSION.as_bytes() || text(all[start].1)? != "1" {
            return None;
        }
        let mut ours = HashMap::new();
        for (name, value) in &all[start..] {
            let name = std::str::from_utf8(name).ok()?;
            if !name.starts_with("__kylo.") || ours.insert(name, text(*value)?).is_some() {
                return None;
            }
        }
        let get = |name: &str| ours.get(name).map(|value| (*value).to_owned());
        let error = get(CLASS).map(|class| ErrorHeaders {
            class,
            kind: get(KIND).unwrap_or_default(),
            message: get(MESSAGE).unwrap_or_default(),
            chain: get(CHAIN).unwrap_or_default(),
            at: get(AT).unwrap_or_default(),
            attempts: get(ATTEMPT).and_then(|count| count.parse().ok()).unwrap_or(0),
            first_failure: get(FIRST_FAILURE).unwrap_or_default(),
        });
        Some(Envelope {
            user_headers,
            id: get(ID)?,
            origin: Origin {
                // Letters of other programs, and older ones of ours, do not name it.
                log: get(ORIGIN_LOG).and_then(|log| log.parse().ok()).unwrap_or_default(),
                partition: TopicPartition::new(get(ORIGIN_TOPIC)?, get(ORIGIN_PARTITION)?.parse().ok()?),
                offset: get(ORIGIN_OFFSET)?.parse().ok()?,
                timestamp_ms: get(ORIGIN_TIMESTAMP).and_then(|at| at.parse().ok()),
            },
            group: get(GROUP),
            error,
            replay_count: match get(REPLAY_COUNT) {
                None => 0,
                Some(count) => count.parse().ok()?,
            },
        })
    }

    /// [`Envelope::parse`] of a stored record.
    pub fn of(record: &StoredRecord) -> Option<Self> {
        Self::parse(record.headers.iter().map(|header| (&header.name[..], header.value.as_deref())))
    }
}

impl Record {
    /// Where this record stood first: of a replayed record its origin, else its own place. This is the version
    /// of what the record says: a late replay is older than what was written since.
    pub fn origin(&self) -> Origin {
        // Nearly all records have no headers; those are not searched.
        let replayed = self.headers().next().and_then(|_| Envelope::parse(self.headers()));
        replayed.map_or_else(
            || Origin {
                log: self.log(),
                partition: self.partition().clone(),
                offset: self.offset(),
                timestamp_ms: self.timestamp_ms(),
            },
            |envelope| envelope.origin,
        )
    }
}

/// The dead letter of `record`: its bytes, then the reason.
pub fn dead_letter(
    record: &Record,
    topic: Arc<str>,
    sender: &Sender,
    failure: &Failure,
    attempts: Attempts,
    now: Timestamp,
) -> OutgoingRecord {
    let stored = record.to_stored();
    let before = Envelope::of(&stored);
    let user_headers = before.as_ref().map_or(stored.headers.len(), |envelope| envelope.user_headers);
    let origin = before.as_ref().map_or_else(|| record.origin(), |envelope| envelope.origin.clone());
    let id = before.as_ref().map_or_else(|| origin_id(sender, &origin), |envelope| envelope.id.clone());
    let mut headers = stored.headers;
    headers.truncate(user_headers);
    let mut block = identity(user_headers, &id, &origin);
    block.extend([
        Header::text(GROUP, &*sender.group),
        Header::text(ATTEMPT, attempts.count.to_string()),
        Header::text(FIRST_FAILURE, attempts.first_failure.to_string()),
        Header::text(CLASS, failure.class.as_str()),
        Header::text(KIND, failure.kind),
        Header::text(AT, now.to_string()),
    ]);
    if let Some(count) = before.map(|envelope| envelope.replay_count).filter(|count| *count > 0) {
        block.push(Header::text(REPLAY_COUNT, count.to_string()));
    }
    let fixed: usize = block.iter().map(header_size).sum();
    let room = MAX_ENVELOPE_BYTES.saturating_sub(fixed + MESSAGE.len() + CHAIN.len());
    let message = cut(&failure.message, room);
    let chain = cut(&failure.chain.join("\n"), room - message.len());
    block.push(Header::text(MESSAGE, message));
    block.push(Header::text(CHAIN, chain));
    headers.extend(block);
    OutgoingRecord {
        topic,
        partition: None,
        key: stored.key,
        value: stored.value,
        headers,
        timestamp_ms: None,
    }
}

/// The same dead letter with shorter texts, for a topic that refused its size; `None` when nothing is left to
/// shorten.
pub fn shortened(letter: &OutgoingRecord) -> Option<OutgoingRecord> {
    for name in [CHAIN, MESSAGE] {
        let found = letter.headers.iter().rposition(|header| header.name == name.as_bytes())?;
        if letter.headers[found].value.as_ref().is_some_and(|value| !value.is_empty()) {
            let mut shorter = letter.clone();
            shorter.headers[found].value = Some(Bytes::new());
            return Some(shorter);
        }
    }
    None
}

/// The record that a replay sends back to `topic`: key, value and the producer's own headers byte for byte,
/// then id, origin and the new replay count.
pub fn replayed(
    letter: &StoredRecord,
    envelope: &Envelope,
    topic: Arc<str>,
    by: &str,
    now: Timestamp,
) -> OutgoingRecord {
    let mut headers = letter.headers.clone();
    headers.truncate(envelope.user_headers);
    if planted("header-restored-twice") {
        headers.extend(headers.first().cloned());
    }
    headers.extend(identity(envelope.user_headers, &envelope.id, &envelope.origin));
    headers.extend([
        Header::text(REPLAY_COUNT, envelope.replay_count.saturating_add(1).to_string()),
        Header::text(REPLAY_BY, cut(by, 256)),
        Header::text(REPLAY_AT, now.to_string()),
    ]);
    OutgoingRecord {
        topic,
        partition: None,
        key: letter.key.clone(),
        value: letter.value.clone(),
        headers,
        timestamp_ms: None,
    }
}

/// `cluster/group/topic/partition/offset`
pub fn origin_id(sender: &Sender, origin: &Origin) -> String {
    let Origin { partition, offset, .. } = origin;
    format!("{}/{}/{}/{}/{offset}", sender.cluster, sender.group, partition.topic, partition.partition)
}

fn identity(user_headers: usize, id: &str, origin: &Origin) -> Vec<Header> {
    let mut block = vec![
        Header::text(VERSION, "1"),
        Header::text(USER_HEADERS, user_headers.to_string()),
        Header::text(ID, id),
        Header::text(ORIGIN_TOPIC, &*origin.partition.topic),
        Header::text(ORIGIN_PARTITION, origin.partition.partition.to_string()),
        Header::text(ORIGIN_OFFSET, origin.offset.to_string()),
    ];
    if origin.log != LogId::UNKNOWN {
        block.push(Header::text(ORIGIN_LOG, origin.log.to_string()));
    }
    if let Some(timestamp) = origin.timestamp_ms {
        block.push(Header::text(ORIGIN_TIMESTAMP, timestamp.to_string()));
    }
    block
}

fn header_size(header: &Header) -> usize {
    header.name.len() + header.value.as_ref().map_or(0, Bytes::len)
}

fn text(value: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(value?).ok()
}

/// The longest beginning of `text` of at most `limit` bytes.
fn cut(text: &str, limit: usize) -> String {
    text[..text.floor_char_boundary(limit)].to_owned()
}

impl ErrorHeaders {
    /// True when the record was given up for `class`.
    pub fn is(&self, class: FailureClass) -> bool {
        self.class == class.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{BatchBuilder, Epoch};
    use proptest::prelude::*;

    type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

    fn record(headers: &[(Vec<u8>, Option<Vec<u8>>)]) -> Record {
        record_in(LogId(-7), headers)
    }
    fn record_in(log: LogId, headers: &[(Vec<u8>, Option<Vec<u8>>)]) -> Record {
        let mut builder = BatchBuilder::default();
        let slot = builder.slot_in(log, &TopicPartition::new("in", 2), Epoch(1));
        let headers = headers.iter().map(|(name, value)| (&name[..], value.as_deref()));
        builder.push(slot, 9, Some(1_700_000_000_000), Some(b"k"), Some(b"not json"), headers);
        builder.build().records().next().unwrap()
    }
    fn sender() -> Sender {
        Sender { cluster: "c1".into(), group: "g1".into() }
    }
    fn letter_of(record: &Record, failure: &Failure) -> StoredRecord {
        let at = Timestamp::from_second(1_700_000_001).unwrap();
        let attempts = Attempts { count: 1, first_failure: at };
        let out = dead_letter(record, "in.dlq".into(), &sender(), failure, attempts, at);
        StoredRecord {
            source: TopicPartition::new("in.dlq", 0),
            offset: 0,
            timestamp_ms: None,
            key: out.key,
            value: out.value,
            headers: out.headers,
        }
    }
    fn again(out: &OutgoingRecord) -> Record {
        let headers: Headers =
            out.headers.iter().map(|h| (h.name.to_vec(), h.value.as_ref().map(|v| v.to_vec()))).collect();
        // The topic was made again meanwhile.
        record_in(LogId(8), &headers)
    }
    fn own(record: &StoredRecord, n: usize) -> Headers {
        record.headers[..n].iter().map(|h| (h.name.to_vec(), h.value.as_ref().map(|v| v.to_vec()))).collect()
    }

    #[test]
    fn a_replayed_record_that_fails_again_keeps_origin_and_counts() {
        let headers: Headers = vec![(b"a".to_vec(), Some(b"1".to_vec())), (b"\xff".to_vec(), None)];
        let failure = Failure::permanent("bad-json", "not JSON");
        let first = letter_of(&record(&headers), &failure);
        let mut envelope = Envelope::of(&first).unwrap();
        assert_eq!((envelope.user_headers, envelope.replay_count), (2, 0));
        assert_eq!(envelope.id, "c1/g1/in/2/9");
        assert_eq!(envelope.error.as_ref().unwrap().kind, "bad-json");
        let mut letter = first;
        for count in 1..=3 {
            let now = Timestamp::from_second(1_700_000_100 + i64::from(count)).unwrap();
            let sent = replayed(&letter, &envelope, "in".into(), "ops", now);
            let read = again(&sent);
            assert_eq!(read.origin(), envelope.origin);
            assert_eq!((read.origin().log, read.log()), (LogId(-7), LogId(8)));
            letter = letter_of(&read, &failure);
            envelope = Envelope::of(&letter).unwrap();
            assert_eq!((envelope.user_headers, envelope.replay_count), (2, count));
            assert_eq!(envelope.id, "c1/g1/in/2/9");
            assert_eq!(own(&letter, 2), headers);
        }
    }

    #[test]
    fn texts_are_cut_at_the_limit_and_can_be_shortened() {
        let mut failure = Failure::permanent("bad-json", "é".repeat(6000));
        failure.chain.push("x".repeat(9000));
        let letter = letter_of(&record(&[]), &failure);
        let size: usize = letter.headers.iter().map(header_size).sum();
        assert!(size <= MAX_ENVELOPE_BYTES, "{size}");
        let out = OutgoingRecord {
            topic: "in.dlq".into(),
            partition: None,
            key: letter.key,
            value: letter.value,
            headers: letter.headers,
            timestamp_ms: None,
        };
        let shorter = std::iter::successors(Some(out), shortened).last().unwrap();
        assert!(shorter.headers.iter().map(header_size).sum::<usize>() < 700);
        assert!(shortened(&shorter).is_none());
    }

    #[test]
    fn a_block_that_is_not_ours_is_just_headers() {
        let odd: Headers = vec![(USER_HEADERS.as_bytes().to_vec(), Some(b"0".to_vec()))];
        let letter = letter_of(&record(&odd), &Failure::permanent("k", "m"));
        assert_eq!(Envelope::of(&letter).unwrap().user_headers, 1);
        assert_eq!(record(&odd).origin().offset, 9);
    }

    fn any_headers() -> impl Strategy<Value = Headers> {
        let name = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..6),
            prop::sample::select(vec![VERSION, USER_HEADERS, ID, REPLAY_COUNT, CLASS]).prop_map(|n| n.into()),
        ];
        let value = prop::option::of(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..6),
            prop::sample::select(vec!["0", "1", "2", "3"]).prop_map(|n| n.as_bytes().to_vec()),
        ]);
        prop::collection::vec((name, value), 0..8)
    }

    proptest! {
        #[test]
        fn own_headers_come_back_byte_for_byte(headers in any_headers()) {
            let source = record(&headers);
            // A producer that imitates a whole sound block is taken at its word.
            prop_assume!(Envelope::parse(source.headers()).is_none());
            let letter = letter_of(&source, &Failure::permanent("k", "m"));
            let envelope = Envelope::of(&letter).unwrap();
            prop_assert_eq!(own(&letter, envelope.user_headers), headers.clone());
            let now = Timestamp::from_second(1).unwrap();
            let back = again(&replayed(&letter, &envelope, "in".into(), "ops", now));
            let restored = Envelope::parse(back.headers()).unwrap();
            prop_assert_eq!(restored.user_headers, headers.len());
            prop_assert_eq!(restored.replay_count, 1);
        }

        #[test]
        fn any_headers_are_read_without_harm(headers in any_headers()) {
            let _ = Envelope::parse(headers.iter().map(|(n, v)| (&n[..], v.as_deref())));
        }
    }
}
