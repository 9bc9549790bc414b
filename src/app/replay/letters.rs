//! Dead letters as a replay sees them: where they stand, how one is read, how far replay has come.

use super::progress::Progress;
use crate::engine::dead_letter::{Envelope, Origin, Sender, origin_id};
use crate::error::Result;
use crate::kafka::{Admin, LogEnd, ReadRange};
use crate::model::offsets::{GroupOffset, Watermarks};
use crate::model::pipeline::LEDGER;
use crate::model::record::{LogId, StoredRecord, TopicPartition};
use crate::model::replay::Letter;
use std::collections::BTreeMap;

/// The partitions of dead-letter topics, how far replay has come, and where each ends now.
pub struct Places {
    /// First and next offset of each partition, open transactions left out.
    pub logs: BTreeMap<TopicPartition, Watermarks>,
    /// What the replay group committed.
    pub committed: BTreeMap<TopicPartition, GroupOffset>,
}

impl Places {
    /// Reads both for every partition of `topics`; `group` holds the progress.
    pub async fn read(admin: &Admin, topics: &[String], group: &str) -> Result<Self> {
        let mut partitions = Vec::new();
        for state in admin.describe_topics(topics, false).await?.into_iter().flatten() {
            let numbers = state.partitions.iter().map(|partition| partition.partition);
            partitions.extend(numbers.map(|number| TopicPartition::new(state.topic.as_str(), number)));
        }
        let logs = admin.watermarks(&partitions, LogEnd::LastStable).await?;
        let committed = admin.committed(group, Some(&partitions)).await?;
        Ok(Places { logs, committed })
    }

    /// How far replay has come, by partition.
    pub fn progress(&self) -> BTreeMap<TopicPartition, Progress> {
        let of = |(at, log): (&TopicPartition, &Watermarks)| {
            (at.clone(), Progress::new(self.committed.get(at), *log))
        };
        self.logs.iter().map(of).collect()
    }

    /// What to read: from the first letter that is not done, or from the first of all, to the end.
    pub fn ranges(&self, progress: Option<&BTreeMap<TopicPartition, Progress>>) -> Vec<ReadRange> {
        let range = |(at, log): (&TopicPartition, &Watermarks)| ReadRange {
            partition: at.clone(),
            from: progress.and_then(|all| all.get(at)).map_or(log.start, Progress::start),
            to: log.end,
        };
        self.logs.iter().map(range).collect()
    }
}

/// `topic[partition]@offset`
pub fn place(record: &StoredRecord) -> String {
    format!("{}@{}", record.source, record.offset)
}

/// The envelope of a dead letter: kylo's own, or what other programs' headers tell of the origin. The flag is
/// false when nothing names an origin; the letter's own place stands for it then.
pub fn envelope(record: &StoredRecord, cluster: &str) -> (Envelope, bool) {
    if let Some(envelope) = Envelope::of(record) {
        return (envelope, true);
    }
    let found = foreign_origin(record);
    let named = found.is_some();
    let origin = found.unwrap_or_else(|| Origin {
        log: LogId::UNKNOWN,
        partition: record.source.clone(),
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
    });
    let sender = Sender { cluster: cluster.into(), group: LEDGER.replay_group.into() };
    let envelope = Envelope {
        user_headers: record.headers.len(),
        id: origin_id(&sender, &origin),
        origin,
        group: None,
        error: None,
        replay_count: 0,
    };
    (envelope, named)
}

/// What a decision needs to know of a letter.
pub fn letter(record: &StoredRecord, envelope: &Envelope, named: bool) -> Letter {
    let first = |names: &[&str]| names.iter().find_map(|name| header_text(record, name));
    let error = envelope.error.as_ref();
    Letter {
        class: error.map(|error| error.class.clone()),
        kind: error
            .map(|error| error.kind.clone())
            .or_else(|| first(&["kafka_dlt-exception-fqcn", "__connect.errors.exception.class.name"])),
        reason: error
            .map(|error| error.message.clone())
            .or_else(|| first(&["kafka_dlt-exception-message", "__connect.errors.exception.message"])),
        origin_topic: named.then(|| envelope.origin.partition.topic.to_string()),
        key: record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()).map(str::to_owned),
        replays: envelope.replay_count,
    }
}

/// Spring writes numbers as big-endian bytes, Kafka Connect as text.
fn foreign_origin(record: &StoredRecord) -> Option<Origin> {
    if let Some(topic) = header_text(record, "kafka_dlt-original-topic") {
        let number = |name: &str| {
            let bytes = header(record, name)?;
            match bytes.len() {
                4 => Some(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
                8 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
                _ => None,
            }
        };
        let partition = number("kafka_dlt-original-partition").and_then(|n| i32::try_from(n).ok());
        return Some(Origin {
            log: LogId::UNKNOWN,
            partition: TopicPartition::new(topic, partition.unwrap_or(0)),
            offset: number("kafka_dlt-original-offset").unwrap_or(0),
            timestamp_ms: number("kafka_dlt-original-timestamp"),
        });
    }
    let topic = header_text(record, "__connect.errors.topic")?;
    let number = |name: &str| header_text(record, name).and_then(|text| text.parse::<i64>().ok());
    let partition = number("__connect.errors.partition").and_then(|n| i32::try_from(n).ok());
    Some(Origin {
        log: LogId::UNKNOWN,
        partition: TopicPartition::new(topic, partition.unwrap_or(0)),
        offset: number("__connect.errors.offset").unwrap_or(0),
        timestamp_ms: None,
    })
}

fn header<'a>(record: &'a StoredRecord, name: &str) -> Option<&'a [u8]> {
    record.headers.iter().rev().find(|header| header.name == name.as_bytes())?.value.as_deref()
}

fn header_text(record: &StoredRecord, name: &str) -> Option<String> {
    std::str::from_utf8(header(record, name)?).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::Header;
    use bytes::Bytes;

    fn record(headers: &[(&str, &[u8])]) -> StoredRecord {
        StoredRecord {
            source: TopicPartition::new("x.dlq", 2),
            offset: 7,
            timestamp_ms: Some(5),
            key: None,
            value: Some(Bytes::from_static(b"v")),
            headers: headers
                .iter()
                .map(|(name, value)| Header {
                    name: Bytes::copy_from_slice(name.as_bytes()),
                    value: Some(Bytes::copy_from_slice(value)),
                })
                .collect(),
        }
    }

    #[test]
    fn dead_letters_of_other_programs_are_understood() {
        let spring = record(&[
            ("mine", b"1"),
            ("kafka_dlt-original-topic", b"in"),
            ("kafka_dlt-original-partition", &3_i32.to_be_bytes()),
            ("kafka_dlt-original-offset", &42_i64.to_be_bytes()),
            ("kafka_dlt-exception-message", b"boom"),
        ]);
        let (found, named) = envelope(&spring, "c");
        assert!(named);
        assert_eq!((found.origin.partition.to_string().as_str(), found.origin.offset), ("in[3]", 42));
        assert_eq!((found.user_headers, found.replay_count), (5, 0));
        assert_eq!(found.id, "c/kylo-dlq-replay/in/3/42");
        let seen = letter(&spring, &found, named);
        assert_eq!((seen.reason.as_deref(), seen.origin_topic.as_deref()), (Some("boom"), Some("in")));

        let connect = record(&[
            ("__connect.errors.topic", b"in"),
            ("__connect.errors.partition", b"1"),
            ("__connect.errors.offset", b"9"),
        ]);
        let (found, named) = envelope(&connect, "c");
        assert!(named);
        assert_eq!((found.origin.partition.to_string().as_str(), found.origin.offset), ("in[1]", 9));
    }

    #[test]
    fn a_letter_without_an_origin_has_no_target() {
        let bare = record(&[("a", b"1")]);
        let (found, named) = envelope(&bare, "c");
        assert!(!named);
        assert_eq!(letter(&bare, &found, named), Letter::default());
        assert_eq!(place(&bare), "x.dlq[2]@7");
    }
}
