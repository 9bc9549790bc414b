//! Records out of a fuzzer's bytes.
#![allow(dead_code, reason = "no target uses all of it")]

use bytes::Bytes;
use kylo::engine::{BatchBuilder, Epoch, Record};
use kylo::model::record::{Header, StoredRecord, TopicPartition};

/// Names and values, null values included.
pub type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Takes a length and that many bytes from the front; `None` at the end. 255 is null.
fn take<'a>(data: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (len, rest) = data.split_first()?;
    if *len == 255 {
        *data = rest;
        return Some(None);
    }
    let (bytes, rest) = rest.split_at(usize::from(*len).min(rest.len()));
    *data = rest;
    Some(Some(bytes))
}

/// Key, value and headers, in turn; what follows the last whole header is left out.
pub fn parts(mut data: &[u8]) -> (Option<Vec<u8>>, Option<Vec<u8>>, Headers) {
    let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let key = own(take(&mut data).flatten());
    let value = own(take(&mut data).flatten());
    let mut headers = Headers::new();
    while let Some(name) = take(&mut data) {
        let Some(value) = take(&mut data) else { break };
        headers.push((name.unwrap_or_default().to_vec(), own(value)));
    }
    (key, value, headers)
}

/// The record as the runtime carries it.
pub fn record(key: Option<&[u8]>, value: Option<&[u8]>, headers: &Headers) -> Record {
    let mut batch = BatchBuilder::default();
    let slot = batch.slot(&TopicPartition::new("in", 3), Epoch(1));
    let headers = headers.iter().map(|(name, value)| (&name[..], value.as_deref()));
    batch.push(slot, 42, Some(1_700_000_000_000), key, value, headers);
    batch.build().records().next().expect("one was pushed")
}

/// The first `count` headers.
pub fn first(headers: &[Header], count: usize) -> Headers {
    let own = |header: &Header| (header.name.to_vec(), header.value.as_ref().map(|value| value.to_vec()));
    headers[..count].iter().map(own).collect()
}

/// As if it had been read from a topic.
pub fn stored(key: Option<Bytes>, value: Option<Bytes>, headers: Vec<Header>) -> StoredRecord {
    let source = TopicPartition::new("in.dlq", 0);
    StoredRecord { source, offset: 7, timestamp_ms: None, key, value, headers }
}
