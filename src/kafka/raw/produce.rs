//! Producing a record byte for byte.
#![expect(unsafe_code, reason = "rdkafka's own send takes header names as str only")]

use super::headers::Headers;
use crate::model::record::OutgoingRecord;
use bytes::Bytes;
use rdkafka::bindings::{RD_KAFKA_MSG_F_COPY, rd_kafka_producev, rd_kafka_vtype_t as tag};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use std::ffi::CString;
use std::os::raw::c_void;

/// Why a record did not enter the client's queue, with the ticket handed back.
pub(in crate::kafka) enum Refused<T> {
    /// The queue is full: wait for a delivery and try again.
    Full(Box<T>),
    /// The client refuses this record.
    Code(RDKafkaErrorCode),
    /// Something the client would change without a word.
    Unfit(&'static str),
}

/// Queues `record`. The delivery report brings `ticket` back through
/// [`ProducerContext::delivery`]; it is called exactly once for every record that was accepted.
pub(in crate::kafka) fn produce<C, T>(
    producer: &BaseProducer<C>,
    record: &OutgoingRecord,
    ticket: Box<T>,
) -> Result<(), Refused<T>>
where
    C: ProducerContext<DeliveryOpaque = Box<T>>,
    T: Send + Sync,
{
    let Ok(topic) = CString::new(record.topic.as_bytes()) else {
        return Err(Refused::Unfit("a topic name cannot hold a zero byte"));
    };
    if record.timestamp_ms == Some(0) {
        return Err(Refused::Unfit("the client cannot write the timestamp 0"));
    }
    if record.headers.iter().any(|header| header.name.contains(&0)) {
        return Err(Refused::Unfit("the client cannot carry a zero byte in a header name"));
    }
    let headers = Headers::new(&record.headers);
    let (value, value_len) = parts(record.value.as_ref());
    let (key, key_len) = parts(record.key.as_ref());
    let ticket = Box::into_raw(ticket);
    // SAFETY: the argument list follows the library's grammar of tag and value and ends with END. Topic, value
    // and key are readable for the lengths given and are copied before the call returns (F_COPY). The client is
    // alive, since `producer` is borrowed.
    let code = unsafe {
        rd_kafka_producev(
            producer.client().native_ptr(),
            tag::RD_KAFKA_VTYPE_TOPIC,
            topic.as_ptr(),
            tag::RD_KAFKA_VTYPE_PARTITION,
            record.partition.unwrap_or(-1),
            tag::RD_KAFKA_VTYPE_MSGFLAGS,
            RD_KAFKA_MSG_F_COPY,
            tag::RD_KAFKA_VTYPE_VALUE,
            value,
            value_len,
            tag::RD_KAFKA_VTYPE_KEY,
            key,
            key_len,
            tag::RD_KAFKA_VTYPE_OPAQUE,
            ticket.cast::<c_void>(),
            tag::RD_KAFKA_VTYPE_TIMESTAMP,
            record.timestamp_ms.unwrap_or(0),
            tag::RD_KAFKA_VTYPE_HEADERS,
            headers.as_ref().map_or(std::ptr::null_mut(), Headers::as_ptr),
            tag::RD_KAFKA_VTYPE_END,
        )
    };
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        // The record owns its headers now.
        std::mem::forget(headers);
        return Ok(());
    }
    // SAFETY: the pointer came from `Box::into_raw` above and a refused record keeps no hold on it.
    let ticket = unsafe { Box::from_raw(ticket) };
    match RDKafkaErrorCode::from(code) {
        RDKafkaErrorCode::QueueFull => Err(Refused::Full(ticket)),
        code => Err(Refused::Code(code)),
    }
}

/// Pointer and length; null stays null, and empty is a pointer that is not null.
fn parts(bytes: Option<&Bytes>) -> (*mut c_void, usize) {
    bytes.map_or((std::ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}
