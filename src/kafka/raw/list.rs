//! Partition lists by bytes: another client's commit metadata need not be UTF-8.
#![expect(unsafe_code, reason = "rdkafka panics on metadata that is not UTF-8")]

use crate::model::record::TopicPartition;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use std::ffi::CStr;

/// One line of a partition list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::kafka) struct Item {
    /// Which partition.
    pub(in crate::kafka) partition: TopicPartition,
    /// An offset; negative values are librdkafka's logical ones (none: -1001).
    pub(in crate::kafka) offset: i64,
    /// Commit metadata; empty when there is none or when it is not text.
    pub(in crate::kafka) metadata: String,
    /// What went wrong with this partition alone.
    pub(in crate::kafka) error: Option<RDKafkaErrorCode>,
}

/// The lines of `list`, in order.
pub(in crate::kafka) fn items(list: &TopicPartitionList) -> Vec<Item> {
    // SAFETY: the list is alive while borrowed; `elems` points at `cnt` elements, topic names are
    // zero-terminated, metadata is null or `metadata_size` bytes.
    unsafe {
        let list = &*list.ptr();
        (0..usize::try_from(list.cnt).unwrap_or(0))
            .map(|index| {
                let element = &*list.elems.add(index);
                let metadata = if element.metadata.is_null() {
                    &[][..]
                } else {
                    std::slice::from_raw_parts(element.metadata.cast::<u8>(), element.metadata_size)
                };
                let topic = CStr::from_ptr(element.topic).to_string_lossy();
                Item {
                    partition: TopicPartition::new(topic.as_ref(), element.partition),
                    offset: element.offset,
                    metadata: String::from_utf8(metadata.to_vec()).unwrap_or_default(),
                    error: (element.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
                        .then(|| element.err.into()),
                }
            })
            .collect()
    }
}
