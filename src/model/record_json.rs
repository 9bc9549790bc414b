//! A record as one line of JSON that loses nothing: what is read can be written back byte for byte.
//!
//! Bytes that are UTF-8 stand as text, others as base64; the `*_encoding` beside them says which, and `null`
//! tells Kafka's null from the empty value.

use crate::error::{Error, Result};
use crate::model::record::{Header, OutgoingRecord, StoredRecord};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As they are.
    #[default]
    Utf8,
    /// Base64, standard alphabet, padded.
    Base64,
    /// There are no bytes, not even none.
    Null,
}

/// A record as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordJson {
    /// Topic it was read from.
    #[serde(default)]
    pub topic: String,
    /// Partition it was read from.
    #[serde(default)]
    pub partition: i32,
    /// Its offset there.
    #[serde(default)]
    pub offset: i64,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub timestamp_ms: Option<i64>,
    /// The same in RFC 3339; not read back.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// Key.
    #[serde(default)]
    pub key: Option<String>,
    /// How the key is written.
    #[serde(default)]
    pub key_encoding: Encoding,
    /// Value.
    #[serde(default)]
    pub value: Option<String>,
    /// How the value is written.
    #[serde(default)]
    pub value_encoding: Encoding,
    /// Headers in order, duplicates kept.
    #[serde(default)]
    pub headers: Vec<HeaderJson>,
}

/// A header as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderJson {
    /// Name.
    pub name: String,
    /// How the name is written.
    #[serde(default)]
    pub name_encoding: Encoding,
    /// Value.
    #[serde(default)]
    pub value: Option<String>,
    /// How the value is written.
    #[serde(default)]
    pub value_encoding: Encoding,
}

impl From<&StoredRecord> for RecordJson {
    fn from(record: &StoredRecord) -> Self {
        let (key, key_encoding) = encode(record.key.as_deref());
        let (value, value_encoding) = encode(record.value.as_deref());
        let timestamp = record.timestamp_ms.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        RecordJson {
            topic: record.source.topic.to_string(),
            partition: record.source.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            timestamp: timestamp.map(|at| at.to_string()),
            key,
            key_encoding,
            value,
            value_encoding,
            headers: record
                .headers
                .iter()
                .map(|header| {
                    let (name, name_encoding) = encode(Some(&header.name));
                    let (value, value_encoding) = encode(header.value.as_deref());
                    HeaderJson { name: name.unwrap_or_default(), name_encoding, value, value_encoding }
                })
                .collect(),
        }
    }
}

impl RecordJson {
    /// Reads one line. Errors: what cannot be read, as wrong input.
    pub fn parse(line: &[u8]) -> Result<Self> {
        serde_json::from_slice(line)
            .map_err(|error| Error::input("the record is not readable").source(&error))
    }

    /// The record to write to `topic`: key, value, headers and timestamp as they were; the key chooses the
    /// partition.
    pub fn outgoing(&self, topic: Arc<str>) -> Result<OutgoingRecord> {
        let headers = self.headers.iter().map(|header| {
            Ok(Header {
                name: decode("header name", Some(&header.name), header.name_encoding)?
                    .ok_or_else(|| Error::input("a header name cannot be null"))?,
                value: decode("header value", header.value.as_deref(), header.value_encoding)?,
            })
        });
        Ok(OutgoingRecord {
            topic,
            partition: None,
            key: decode("key", self.key.as_deref(), self.key_encoding)?,
            value: decode("value", self.value.as_deref(), self.value_encoding)?,
            headers: headers.collect::<Result<_>>()?,
            timestamp_ms: self.timestamp_ms,
        })
    }
}

fn encode(bytes: Option<&[u8]>) -> (Option<String>, Encoding) {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => (None, Encoding::Null),
        Some((_, Ok(text))) => (Some(text.to_owned()), Encoding::Utf8),
        Some((bytes, Err(_))) => (Some(STANDARD.encode(bytes)), Encoding::Base64),
    }
}

fn decode(what: &str, text: Option<&str>, encoding: Encoding) -> Result<Option<Bytes>> {
    match (encoding, text) {
        (_, None) | (Encoding::Null, _) => Ok(None),
        (Encoding::Utf8, Some(text)) => Ok(Some(Bytes::from(text.to_owned()))),
        (Encoding::Base64, Some(text)) => {
            let bytes = STANDARD.decode(text);
            let bytes =
                bytes.map_err(|error| Error::input(format!("the {what} is not base64")).source(&error))?;
            Ok(Some(Bytes::from(bytes)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::TopicPartition;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Bytes> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12).prop_map(Bytes::from),
            "[a-zé\n\"]{0,8}".prop_map(Bytes::from)
        ]
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_back(
            key in prop::option::of(bytes()),
            value in prop::option::of(bytes()),
            headers in prop::collection::vec((bytes(), prop::option::of(bytes())), 0..4),
            timestamp_ms in prop::option::of(1_i64..4_000_000_000_000),
        ) {
            let headers: Vec<Header> = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
            let record = StoredRecord {
                source: TopicPartition::new("t", 3),
                offset: 42,
                timestamp_ms,
                key: key.clone(),
                value: value.clone(),
                headers: headers.clone(),
            };
            let line = serde_json::to_vec(&RecordJson::from(&record)).unwrap();
            prop_assert!(!line.contains(&b'\n'));
            let back = RecordJson::parse(&line).unwrap().outgoing("u".into()).unwrap();
            prop_assert_eq!((back.key, back.value, back.headers), (key, value, headers));
            prop_assert_eq!(back.timestamp_ms, timestamp_ms);
        }
    }

    #[test]
    fn a_line_by_hand_needs_only_what_it_says() {
        let read =
            |line: &str| RecordJson::parse(line.as_bytes()).and_then(|record| record.outgoing("t".into()));
        let record = read(r#"{"key":"k","value":"v"}"#).unwrap();
        assert_eq!((record.key.as_deref(), record.value.as_deref()), (Some(&b"k"[..]), Some(&b"v"[..])));
        assert_eq!(read("{}").unwrap().value, None);
        assert_eq!(read("{").unwrap_err().kind(), crate::error::ErrorKind::Input);
        assert!(read(r#"{"value":"?","value_encoding":"base64"}"#).is_err());
        assert!(read(r#"{"headers":[{"name":"a","name_encoding":"null"}]}"#).is_err());
    }
}
