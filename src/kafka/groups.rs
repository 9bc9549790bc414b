//! Consumer groups: list and describe, of the classic and of the newer (KIP-848) protocol.
//!
//! Through ListConsumerGroups and DescribeConsumerGroups of librdkafka; the older call that rdkafka wraps shows
//! groups of the newer protocol as dead.

#![allow(unsafe_code)] // the bindings are C; every block says what it relies on

use super::admin::Admin;
use super::offsets::partitions_of;
use super::request::{Native, c_text, result_error, text, text_or_empty};
use crate::consent::WriteToken;
use crate::error::Result;
use crate::model::groups::{Group, GroupState, GroupSummary, Member};
use rdkafka::bindings as sys;
use std::ffi::{CString, c_char};

impl Admin {
    /// Every group of the cluster, in order of names. Groups that a broker did not answer for are an error, not
    /// left out.
    pub async fn groups(&self) -> Result<Vec<GroupSummary>> {
        self.run("listing groups", move |native| {
            let what = "listing groups";
            let event = native.call(
                what,
                sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
                |_| Ok(()),
                // SAFETY: `call` gives live objects.
                |rk, options, queue| unsafe { sys::rd_kafka_ListConsumerGroups(rk, options, queue) },
            )?;
            // SAFETY: the event is of this kind, and the arrays live as long as it does.
            let result = unsafe { sys::rd_kafka_event_ListConsumerGroups_result(event.ptr()) };
            // SAFETY: the result belongs to the event, which is still there.
            let errors =
                event.elements(|_, n| unsafe { sys::rd_kafka_ListConsumerGroups_result_errors(result, n) });
            for error in errors {
                // SAFETY: an element of a live result.
                if let Some(error) = unsafe { result_error(what, *error) } {
                    return Err(error);
                }
            }
            // SAFETY: the result belongs to the event, which is still there.
            let found =
                event.elements(|_, n| unsafe { sys::rd_kafka_ListConsumerGroups_result_valid(result, n) });
            let mut groups: Vec<GroupSummary> = found
                .iter()
                // SAFETY: elements of a live result; texts are copied.
                .map(|group| unsafe {
                    GroupSummary {
                        group: text_or_empty(sys::rd_kafka_ConsumerGroupListing_group_id(*group)),
                        state: state_of(sys::rd_kafka_ConsumerGroupListing_state(*group)),
                        protocol: type_of(sys::rd_kafka_ConsumerGroupListing_type(*group)).to_owned(),
                    }
                })
                .collect();
            groups.sort_by(|one, other| one.group.cmp(&other.group));
            Ok(groups)
        })
        .await
    }

    /// The named groups with their members, in the order asked. A group nobody knows is [`GroupState::Dead`].
    pub async fn describe_groups(&self, names: &[String]) -> Result<Vec<Group>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = names.to_vec();
        self.run("describing groups", move |native| {
            let what = format!("describing {}", quoted(&names));
            let owned: Vec<CString> = names.iter().map(|name| c_text(name)).collect::<Result<_>>()?;
            let mut pointers: Vec<*const c_char> = owned.iter().map(|name| name.as_ptr()).collect();
            let event = native.call(
                &what,
                sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
                |_| Ok(()),
                // SAFETY: `call` gives live objects; the names outlive the call, which copies them.
                |rk, options, queue| unsafe {
                    let (first, count) = (pointers.as_mut_ptr(), pointers.len());
                    sys::rd_kafka_DescribeConsumerGroups(rk, first, count, options, queue);
                },
            )?;
            // SAFETY: the event is of this kind, and the array lives as long as it does.
            let result = unsafe { sys::rd_kafka_event_DescribeConsumerGroups_result(event.ptr()) };
            // SAFETY: the result belongs to the event, which is still there.
            let found = event
                .elements(|_, n| unsafe { sys::rd_kafka_DescribeConsumerGroups_result_groups(result, n) });
            // SAFETY: elements of a live result.
            found.iter().map(|group| unsafe { group_of(*group) }).collect()
        })
        .await
    }

    /// Deletes groups with everything they committed; each has its own result. The broker refuses a group that
    /// has members. A group nobody knows is an error, too.
    pub async fn delete_groups(
        &self,
        _token: &WriteToken,
        names: &[String],
    ) -> Result<Vec<(String, Result<()>)>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = names.to_vec();
        self.run("deleting groups", move |native| delete_groups(native, &names)).await
    }
}

fn delete_groups(native: &Native, names: &[String]) -> Result<Vec<(String, Result<()>)>> {
    let owned: Vec<CString> = names.iter().map(|name| c_text(name)).collect::<Result<_>>()?;
    // SAFETY: the names are alive and are copied; the objects are freed below.
    let mut doomed: Vec<_> =
        owned.iter().map(|name| unsafe { sys::rd_kafka_DeleteGroup_new(name.as_ptr()) }).collect();
    let event = native.call(
        "deleting groups",
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETEGROUPS,
        |_| Ok(()),
        // SAFETY: `call` gives live objects; the call copies the names.
        |rk, options, queue| unsafe {
            sys::rd_kafka_DeleteGroups(rk, doomed.as_mut_ptr(), doomed.len(), options, queue);
        },
    );
    // SAFETY: ours, and not used afterwards.
    unsafe { sys::rd_kafka_DeleteGroup_destroy_array(doomed.as_mut_ptr(), doomed.len()) };
    let event = event?;
    // SAFETY: the event is of this kind, and the array lives as long as it does.
    let result = unsafe { sys::rd_kafka_event_DeleteGroups_result(event.ptr()) };
    // SAFETY: as above.
    let found = event.elements(|_, n| unsafe { sys::rd_kafka_DeleteGroups_result_groups(result, n) });
    let ends = found.iter().map(|group| {
        // SAFETY: elements of a live result; texts are copied.
        unsafe {
            let name = text_or_empty(sys::rd_kafka_group_result_name(*group));
            let what = format!("deleting group {name:?}");
            (name, result_error(&what, sys::rd_kafka_group_result_error(*group)).map_or(Ok(()), Err))
        }
    });
    Ok(ends.collect())
}

fn quoted(names: &[String]) -> String {
    match names {
        [one] => format!("group {one:?}"),
        many => format!("{} groups", many.len()),
    }
}

/// # Safety
/// `group` is a live description.
unsafe fn group_of(group: *const sys::rd_kafka_ConsumerGroupDescription_t) -> Result<Group> {
    // SAFETY: live by the caller's word; texts are copied, members are elements of it.
    unsafe {
        let name = text_or_empty(sys::rd_kafka_ConsumerGroupDescription_group_id(group));
        let error = sys::rd_kafka_ConsumerGroupDescription_error(group);
        if let Some(error) = result_error(&format!("describing group {name:?}"), error) {
            // Kafka answers so for a group that does not exist, where older brokers say "dead".
            let code = sys::rd_kafka_error_code(sys::rd_kafka_ConsumerGroupDescription_error(group));
            if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND {
                return Err(error);
            }
        }
        let coordinator = sys::rd_kafka_ConsumerGroupDescription_coordinator(group);
        let count = sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        let members = (0..count)
            .map(|index| member_of(sys::rd_kafka_ConsumerGroupDescription_member(group, index)))
            .collect();
        Ok(Group {
            group: name,
            state: state_of(sys::rd_kafka_ConsumerGroupDescription_state(group)),
            protocol: type_of(sys::rd_kafka_ConsumerGroupDescription_type(group)).to_owned(),
            assignor: text(sys::rd_kafka_ConsumerGroupDescription_partition_assignor(group))
                .filter(|assignor| !assignor.is_empty()),
            coordinator: (!coordinator.is_null()).then(|| sys::rd_kafka_Node_id(coordinator)),
            members,
        })
    }
}

/// # Safety
/// `member` is a live description.
unsafe fn member_of(member: *const sys::rd_kafka_MemberDescription_t) -> Member {
    // SAFETY: live by the caller's word; everything is copied.
    unsafe {
        let assignment = sys::rd_kafka_MemberDescription_assignment(member);
        let partitions = if assignment.is_null() {
            std::ptr::null()
        } else {
            sys::rd_kafka_MemberAssignment_partitions(assignment)
        };
        Member {
            id: text_or_empty(sys::rd_kafka_MemberDescription_consumer_id(member)),
            client_id: text_or_empty(sys::rd_kafka_MemberDescription_client_id(member)),
            instance_id: text(sys::rd_kafka_MemberDescription_group_instance_id(member)),
            host: text_or_empty(sys::rd_kafka_MemberDescription_host(member)),
            assignment: partitions_of(partitions).into_iter().map(|entry| entry.partition).collect(),
        }
    }
}

fn state_of(state: sys::rd_kafka_consumer_group_state_t) -> GroupState {
    use sys::rd_kafka_consumer_group_state_t as native;
    match state {
        native::RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE => GroupState::PreparingRebalance,
        native::RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE => GroupState::CompletingRebalance,
        native::RD_KAFKA_CONSUMER_GROUP_STATE_STABLE => GroupState::Stable,
        native::RD_KAFKA_CONSUMER_GROUP_STATE_DEAD => GroupState::Dead,
        native::RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY => GroupState::Empty,
        _ => GroupState::Unknown,
    }
}

fn type_of(group_type: sys::rd_kafka_consumer_group_type_t) -> &'static str {
    use sys::rd_kafka_consumer_group_type_t as native;
    match group_type {
        native::RD_KAFKA_CONSUMER_GROUP_TYPE_CONSUMER => "consumer",
        native::RD_KAFKA_CONSUMER_GROUP_TYPE_CLASSIC => "classic",
        _ => "unknown",
    }
}
