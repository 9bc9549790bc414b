//! A consumed message by bytes, without the panics of rdkafka's own view.
#![expect(unsafe_code, reason = "rdkafka's message panics on header names that are not UTF-8")]

use rdkafka::bindings::{
    rd_kafka_header_get_all, rd_kafka_headers_t, rd_kafka_message_errstr, rd_kafka_message_headers,
    rd_kafka_message_t, rd_kafka_message_timestamp, rd_kafka_topic_name,
};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use std::ffi::CStr;
use std::os::raw::{c_char, c_void};

/// A message as the client gave it: a record, or an error that concerns a partition.
#[derive(Clone, Copy)]
pub(in crate::kafka) struct Message<'a>(&'a rd_kafka_message_t);

impl<'a> Message<'a> {
    /// Views a message the client handed out.
    ///
    /// # Safety
    /// `message` is null or a live message that stays so, unchanged, for `'a`.
    pub(super) unsafe fn new(message: *const rd_kafka_message_t) -> Option<Self> {
        // SAFETY: the caller's promise.
        unsafe { message.as_ref() }.map(Message)
    }

    /// Identifies the topic among messages that are alive at the same time; much cheaper than its name.
    pub(in crate::kafka) fn topic_id(&self) -> usize {
        self.0.rkt as usize
    }

    /// Name of the topic; empty when the message has none (an error that concerns no topic).
    pub(in crate::kafka) fn topic(&self) -> &'a str {
        if self.0.rkt.is_null() {
            return "";
        }
        // SAFETY: a message keeps its topic alive, and the name is zero-terminated and never changes.
        let name = unsafe { CStr::from_ptr(rd_kafka_topic_name(self.0.rkt)) };
        // Brokers allow ASCII only.
        name.to_str().unwrap_or_default()
    }

    /// Number of the partition.
    pub(in crate::kafka) fn partition(&self) -> i32 {
        self.0.partition
    }

    /// Offset of the record; at the end of a partition the next offset to read.
    pub(in crate::kafka) fn offset(&self) -> i64 {
        self.0.offset
    }

    /// The error this message stands for; `None` for a record.
    pub(in crate::kafka) fn error(&self) -> Option<RDKafkaErrorCode> {
        (self.0.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| self.0.err.into())
    }

    /// The client's words for the error; empty for a record, whose payload must never be shown.
    pub(in crate::kafka) fn error_text(&self) -> String {
        if self.error().is_none() {
            return String::new();
        }
        // SAFETY: the message is alive; the text is null or zero-terminated and lives as long as the message.
        let text = unsafe {
            let text = rd_kafka_message_errstr(self.0);
            if text.is_null() { c"" } else { CStr::from_ptr(text) }
        };
        text.to_string_lossy().into_owned()
    }

    /// Key; `None` is null.
    pub(in crate::kafka) fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: the client's pointer and length belong together and live as long as the message.
        unsafe { bytes(self.0.key, self.0.key_len) }
    }

    /// Value; `None` is null.
    pub(in crate::kafka) fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: as for the key.
        unsafe { bytes(self.0.payload, self.0.len) }
    }

    /// Milliseconds since 1970; `None` when the record has none.
    pub(in crate::kafka) fn timestamp_ms(&self) -> Option<i64> {
        // SAFETY: the message is alive, and a null type pointer is allowed.
        let at = unsafe { rd_kafka_message_timestamp(self.0, std::ptr::null_mut()) };
        (at >= 0).then_some(at)
    }

    /// Headers in order, duplicates kept. Nothing is read before the first is asked for: they lie behind the value,
    /// and whoever reads that first finds them in the processor's cache.
    pub(in crate::kafka) fn headers(&self) -> Headers<'a> {
        Headers { message: self.0, list: None, index: 0 }
    }
}

/// # Safety
/// `start` is null, or points at `len` readable bytes that stay unchanged for `'a`.
unsafe fn bytes<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast(), len) })
}

/// Iterates over the headers of a message: names as bytes, `None` for a null value.
pub(in crate::kafka) struct Headers<'a> {
    message: &'a rd_kafka_message_t,
    /// Null without headers; `None` until it is asked for.
    list: Option<*mut rd_kafka_headers_t>,
    index: usize,
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let list = *self.list.get_or_insert_with(|| {
            let mut list = std::ptr::null_mut();
            // SAFETY: the message is alive; on success the list is owned by it and lives as long. The call parses
            // lazily and may write inside the message, which only this thread holds.
            let code = unsafe { rd_kafka_message_headers(self.message, &mut list) };
            if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR { list } else { std::ptr::null_mut() }
        });
        if list.is_null() {
            return None;
        }
        let mut name: *const c_char = std::ptr::null();
        let mut value: *const c_void = std::ptr::null();
        let mut len = 0;
        // SAFETY: the list belongs to the message, which is alive for 'a; an index past the end is answered
        // with an error. Name is zero-terminated; value is null or `len` bytes.
        unsafe {
            let code = rd_kafka_header_get_all(list, self.index, &mut name, &mut value, &mut len);
            if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            self.index += 1;
            Some((CStr::from_ptr(name).to_bytes(), bytes(value, len)))
        }
    }
}
