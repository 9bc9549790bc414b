//! Consumer groups, as the brokers describe them.

use crate::model::record::TopicPartition;
use serde::Serialize;
use std::fmt;

/// What a group is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupState {
    /// The broker named a state this client does not know.
    Unknown,
    /// Members are being collected.
    PreparingRebalance,
    /// Partitions are being handed out.
    CompletingRebalance,
    /// Its members are reading.
    Stable,
    /// The group does not exist.
    Dead,
    /// It has offsets but no members.
    Empty,
}

impl GroupState {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupState::Unknown => "unknown",
            GroupState::PreparingRebalance => "preparing-rebalance",
            GroupState::CompletingRebalance => "completing-rebalance",
            GroupState::Stable => "stable",
            GroupState::Dead => "dead",
            GroupState::Empty => "empty",
        }
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupSummary {
    /// Its name.
    pub group: String,
    /// What it is doing.
    pub state: GroupState,
    /// `classic`, `consumer` (KIP-848) or `unknown`.
    pub protocol: String,
}

/// A group with its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its name.
    pub group: String,
    /// What it is doing.
    pub state: GroupState,
    /// `classic`, `consumer` (KIP-848) or `unknown`.
    pub protocol: String,
    /// How partitions are handed out.
    pub assignor: Option<String>,
    /// Node id of the broker that keeps it.
    pub coordinator: Option<i32>,
    /// Its members.
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The id the broker gave it.
    pub id: String,
    /// The name its client gave itself.
    pub client_id: String,
    /// Its static name, if it has one.
    pub instance_id: Option<String>,
    /// Where it connected from.
    pub host: String,
    /// What it reads.
    pub assignment: Vec<TopicPartition>,
}

impl Group {
    /// The member that reads `partition`.
    pub fn reader_of(&self, partition: &TopicPartition) -> Option<&Member> {
        self.members.iter().find(|member| member.assignment.contains(partition))
    }
}
