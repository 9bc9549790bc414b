//! Offsets: where logs begin and end, what groups committed, and committing without being a member.

#![allow(unsafe_code)] // the bindings are C; every block says what it relies on

use super::admin::Admin;
use super::error::client_error;
use super::request::{Native, array, c_text, coded, result_error, text_or_empty};
use crate::consent::WriteToken;
use crate::error::{Error, Result};
use crate::model::offsets::{GroupOffset, Watermarks};
use crate::model::record::TopicPartition;
use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;

/// Which end of a log is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// The next offset the log will give out, open transactions included.
    HighWatermark,
    /// Where a reader stops that waits for open transactions (the last stable offset).
    LastStable,
}

/// One entry of a librdkafka list, copied.
pub(in crate::kafka) struct ListEntry {
    pub(in crate::kafka) partition: TopicPartition,
    pub(in crate::kafka) offset: i64,
    pub(in crate::kafka) metadata: String,
    pub(in crate::kafka) error: Option<RDKafkaErrorCode>,
}

impl Admin {
    /// First and next offset of each partition. A partition that does not exist is an error naming it.
    pub async fn watermarks(
        &self,
        partitions: &[TopicPartition],
        end: LogEnd,
    ) -> Result<BTreeMap<TopicPartition, Watermarks>> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let partitions = partitions.to_vec();
        self.run("reading first and last offsets", move |native| {
            let starts = list_offsets(native, &partitions, Offset::Beginning, end)?;
            let ends = list_offsets(native, &partitions, Offset::End, end)?;
            let pairs = starts.into_iter().filter_map(|(partition, start)| {
                let end = *ends.get(&partition)?;
                Some((partition, Watermarks { start, end: end.max(start) }))
            });
            Ok(pairs.collect())
        })
        .await
    }

    /// What `group` committed, without joining it: of `partitions`, or of everything it ever committed. What it
    /// never committed is left out.
    pub async fn committed(
        &self,
        group: &str,
        partitions: Option<&[TopicPartition]>,
    ) -> Result<BTreeMap<TopicPartition, GroupOffset>> {
        if partitions.is_some_and(<[_]>::is_empty) {
            return Ok(BTreeMap::new());
        }
        let (group, partitions) = (group.to_owned(), partitions.map(<[_]>::to_vec));
        self.run("reading committed offsets", move |native| committed(native, &group, partitions.as_deref()))
            .await
    }

    /// Commits offsets for a group that has no members; the broker refuses while it has some.
    ///
    /// Errors: [`NotDone`](crate::error::ErrorKind::NotDone) when the group is in use. Some partitions may be
    /// committed when another one is refused.
    pub async fn commit(
        &self,
        _token: &WriteToken,
        group: &str,
        offsets: &[(TopicPartition, GroupOffset)],
    ) -> Result<()> {
        if offsets.is_empty() {
            return Ok(());
        }
        let (group, offsets) = (group.to_owned(), offsets.to_vec());
        self.run("committing offsets", move |native| commit(native, &group, &offsets)).await
    }
}

fn list_offsets(
    native: &Native,
    partitions: &[TopicPartition],
    which: Offset,
    end: LogEnd,
) -> Result<BTreeMap<TopicPartition, i64>> {
    let what = "reading first and last offsets";
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        c_text(&partition.topic)?;
        // Beginning and End are -2 and -1, which are also the numbers of the specs EARLIEST and LATEST.
        list.add_partition_offset(&partition.topic, partition.partition, which)
            .map_err(|error| client_error(what, &error))?;
    }
    let event = native.call(
        what,
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS,
        |options| if end == LogEnd::LastStable { options.read_committed() } else { Ok(()) },
        // SAFETY: `call` gives live objects; the list outlives the call, which copies it.
        |rk, options, queue| unsafe { sys::rd_kafka_ListOffsets(rk, list.ptr(), options, queue) },
    )?;
    // SAFETY: the event is of this kind, and the array lives as long as it does.
    let result = unsafe { sys::rd_kafka_event_ListOffsets_result(event.ptr()) };
    // SAFETY: the result belongs to the event, which is still there.
    let found = event.elements(|_, n| unsafe { sys::rd_kafka_ListOffsets_result_infos(result, n) });
    let mut offsets = BTreeMap::new();
    for info in found {
        // SAFETY: an element of a live result, and its partition is a part of it.
        let entry = unsafe {
            let pointer = sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*info);
            entry_of(&*pointer)
        };
        if let Some(code) = entry.error {
            return Err(coded(&format!("reading offsets of {}", entry.partition), code, ""));
        }
        offsets.insert(entry.partition, entry.offset);
    }
    Ok(offsets)
}

fn committed(
    native: &Native,
    group: &str,
    partitions: Option<&[TopicPartition]>,
) -> Result<BTreeMap<TopicPartition, GroupOffset>> {
    let what = format!("reading offsets of group {group:?}");
    let name = c_text(group)?;
    let list = partitions.map(|partitions| {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&partition.topic, partition.partition);
        }
        list
    });
    let pointer = list.as_ref().map_or(std::ptr::null(), |list| list.ptr().cast_const());
    // SAFETY: name and list are alive and are copied; the object is freed below, after the call copied it.
    let mut query = unsafe { sys::rd_kafka_ListConsumerGroupOffsets_new(name.as_ptr(), pointer) };
    let event = native.call(
        &what,
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        |_| Ok(()),
        // SAFETY: `call` gives live objects; exactly one query, as the call demands.
        |rk, options, queue| unsafe {
            sys::rd_kafka_ListConsumerGroupOffsets(rk, &mut query, 1, options, queue);
        },
    );
    // SAFETY: ours, and not used afterwards.
    unsafe { sys::rd_kafka_ListConsumerGroupOffsets_destroy(query) };
    let event = event?;
    // SAFETY: the event is of this kind, and the array lives as long as it does.
    let result = unsafe { sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.ptr()) };
    // SAFETY: the result belongs to the event, which is still there.
    let groups =
        event.elements(|_, n| unsafe { sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, n) });
    let mut offsets = BTreeMap::new();
    for entry in group_results(&what, groups)? {
        if let Some(code) = entry.error {
            return Err(coded(&format!("{what} in {}", entry.partition), code, ""));
        }
        if entry.offset >= 0 {
            offsets.insert(entry.partition, GroupOffset { offset: entry.offset, metadata: entry.metadata });
        }
    }
    Ok(offsets)
}

fn commit(native: &Native, group: &str, offsets: &[(TopicPartition, GroupOffset)]) -> Result<()> {
    let what = format!("committing offsets of group {group:?}");
    let name = c_text(group)?;
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (partition, position) in offsets {
        let mut entry = list.add_partition(&partition.topic, partition.partition);
        entry.set_offset(Offset::Offset(position.offset)).map_err(|error| client_error(&*what, &error))?;
        if !position.metadata.is_empty() {
            entry.set_metadata(&position.metadata);
        }
    }
    // SAFETY: name and list are alive and are copied; the object is freed below, after the call copied it.
    let mut change = unsafe { sys::rd_kafka_AlterConsumerGroupOffsets_new(name.as_ptr(), list.ptr()) };
    let event = native.call(
        &what,
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
        |_| Ok(()),
        // SAFETY: `call` gives live objects; exactly one change, as the call demands.
        |rk, options, queue| unsafe {
            sys::rd_kafka_AlterConsumerGroupOffsets(rk, &mut change, 1, options, queue);
        },
    );
    // SAFETY: ours, and not used afterwards.
    unsafe { sys::rd_kafka_AlterConsumerGroupOffsets_destroy(change) };
    let event = event.map_err(|error| in_use(group, error))?;
    // SAFETY: the event is of this kind, and the array lives as long as it does.
    let result = unsafe { sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event.ptr()) };
    // SAFETY: the result belongs to the event, which is still there.
    let groups =
        event.elements(|_, n| unsafe { sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, n) });
    for entry in group_results(&what, groups)? {
        if let Some(code) = entry.error {
            let error = coded(&format!("{what} in {}", entry.partition), code, "");
            let refused = matches!(
                code,
                RDKafkaErrorCode::UnknownMemberId
                    | RDKafkaErrorCode::NonEmptyGroup
                    | RDKafkaErrorCode::RebalanceInProgress
                    | RDKafkaErrorCode::IllegalGeneration
            );
            return Err(if refused { in_use(group, error) } else { error });
        }
    }
    Ok(())
}

fn in_use(group: &str, error: Error) -> Error {
    let said = error.to_string().to_lowercase();
    if !(said.contains("member") || said.contains("rebalanc") || said.contains("generation")) {
        return error;
    }
    let mut refused = Error::not_done(format!("group {group:?} is in use")).cause(error.message());
    for cause in error.causes() {
        refused = refused.cause(cause);
    }
    refused.hint(format!("kylo groups describe {group} shows its members; stop them and try again"))
}

fn group_results(what: &str, groups: &[*const sys::rd_kafka_group_result_t]) -> Result<Vec<ListEntry>> {
    let mut entries = Vec::new();
    for group in groups {
        // SAFETY: an element of a live result; its list is a part of it and is copied.
        unsafe {
            if let Some(error) = result_error(what, sys::rd_kafka_group_result_error(*group)) {
                return Err(error);
            }
            entries.extend(partitions_of(sys::rd_kafka_group_result_partitions(*group)));
        }
    }
    Ok(entries)
}

/// Copies a list; empty when it is null.
///
/// # Safety
/// `list` is null or a live list.
pub(in crate::kafka) unsafe fn partitions_of(
    list: *const sys::rd_kafka_topic_partition_list_t,
) -> Vec<ListEntry> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: live by the caller's word; it has `cnt` elements.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        array((*list).elems, count).iter().map(|entry| entry_of(entry)).collect()
    }
}

/// # Safety
/// The pointers inside `entry` are alive.
unsafe fn entry_of(entry: &sys::rd_kafka_topic_partition_t) -> ListEntry {
    // SAFETY: by the caller's word; both are copied.
    let (topic, metadata) = unsafe {
        let metadata: &[u8] = array(entry.metadata.cast_const().cast(), entry.metadata_size);
        (text_or_empty(entry.topic), String::from_utf8_lossy(metadata).into_owned())
    };
    let failed = entry.err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
    ListEntry {
        partition: TopicPartition::new(topic, entry.partition),
        offset: entry.offset,
        metadata,
        error: failed.then(|| entry.err.into()),
    }
}
