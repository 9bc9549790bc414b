//! Which log each topic holds now: the id that its brokers gave it when it was made.
#![expect(unsafe_code, reason = "rdkafka does not pass topic ids on")]

use crate::error::Result;
use crate::kafka::request::{array, c_text, call, result_error, text_or_empty};
use crate::model::record::LogId;
use rdkafka::ClientContext;
use rdkafka::bindings as sys;
use rdkafka::client::Client;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// The logs of `topics`, each named once. Blocks, `timeout` at most. Errors: a topic that is not there, or no
/// answer. On brokers that give no ids (before Kafka 2.8, and some that speak its protocol) a log is known by the
/// names of cluster and topic. Any broker knows: asked is `broker`; without one the client waits for the controller,
/// which it may have no connection to.
pub(in crate::kafka) fn log_ids<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    broker: Option<i32>,
    timeout: Duration,
) -> Result<BTreeMap<String, LogId>> {
    let what = "asking for the ids of topics";
    let names = topics.iter().map(|topic| c_text(topic)).collect::<Result<Vec<_>>>()?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: the names are alive and are copied; the collection is freed below, after the call copied it.
    let collection =
        unsafe { sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()) };
    let event = call(
        client,
        timeout,
        what,
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        |options| broker.map_or(Ok(()), |broker| options.ask(broker)),
        // SAFETY: `call` gives live objects, and the collection is alive.
        |rk, options, queue| unsafe { sys::rd_kafka_DescribeTopics(rk, collection, options, queue) },
        || None,
    );
    // SAFETY: ours, and not used afterwards.
    unsafe { sys::rd_kafka_TopicCollection_destroy(collection) };
    let event = event?;
    let mut logs = BTreeMap::new();
    let mut count = 0;
    // SAFETY: the event is of this kind; the result and the array live as long as it does.
    let found = unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event.ptr());
        array(sys::rd_kafka_DescribeTopics_result_topics(result, &mut count), count)
    };
    for topic in found {
        // SAFETY: an element of a live result; name, error and id are parts of it and are copied.
        let (name, refused, id) = unsafe {
            let name = text_or_empty(sys::rd_kafka_TopicDescription_name(*topic));
            let refused = result_error(
                &format!("asking for the id of topic {name:?}"),
                sys::rd_kafka_TopicDescription_error(*topic),
            );
            (name, refused, uuid(sys::rd_kafka_TopicDescription_topic_id(*topic)))
        };
        if let Some(refused) = refused {
            return Err(refused);
        }
        let log = match id {
            Some(id) if !id.is_nil() => LogId::of_topic(id),
            _ => LogId::of_name(&client.fetch_cluster_id(timeout).unwrap_or_default(), &name),
        };
        logs.insert(name, log);
    }
    Ok(logs)
}

/// # Safety
/// `id` is null or a live id.
unsafe fn uuid(id: *const sys::rd_kafka_Uuid_t) -> Option<Uuid> {
    if id.is_null() {
        return None;
    }
    // SAFETY: by the caller's word.
    let (high, low) = unsafe {
        (sys::rd_kafka_Uuid_most_significant_bits(id), sys::rd_kafka_Uuid_least_significant_bits(id))
    };
    Some(Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned()))
}
