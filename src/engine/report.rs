//! What a running consumer tells: events as they happen, a snapshot a second, a summary at the end.

use super::runner::DeadLettered;
use super::scheduler::BlockedLane;
use super::{Dependency, DrainState, FailureClass};
use crate::model::metrics::Histogram;
use crate::model::record::TopicPartition;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// Something an operator may want to know.
#[derive(Clone, Debug)]
pub enum Event {
    /// A partition is ours; reading starts at `start`.
    Assigned {
        /// Which.
        partition: TopicPartition,
        /// The first offset to read.
        start: i64,
        /// The group had committed nothing there: it starts at the earliest record.
        fresh: bool,
    },
    /// A partition went to another member.
    Revoked(TopicPartition),
    /// The log no longer holds these offsets, which the group had not read.
    RecordsLost {
        /// Which partition.
        partition: TopicPartition,
        /// The offsets.
        offsets: Range<i64>,
    },
    /// The log ends before these offsets, which the group had committed; it is read from its start.
    CommittedAhead(Abandoned),
    /// A record went to the dead letters.
    DeadLettered(DeadLettered),
    /// A lane failed and waits this long.
    Retrying {
        /// The lane.
        lane: BlockedLane,
        /// Until its next try; `None` when a breaker holds it.
        wait: Option<Duration>,
    },
    /// A partition is not fetched for now.
    Paused {
        /// Which.
        partition: TopicPartition,
        /// Why.
        reason: &'static str,
    },
    /// It is fetched again.
    Resumed {
        /// Which.
        partition: TopicPartition,
        /// Why it was not.
        reason: &'static str,
    },
    /// A breaker opened: a dependency is away for most lanes that use it.
    BreakerOpened {
        /// What is away.
        dependency: Dependency,
        /// Lanes held back.
        lanes: usize,
    },
    /// It answers again.
    BreakerClosed(Dependency),
    /// A commit was refused; it is tried again.
    CommitFailed {
        /// Which partition.
        partition: TopicPartition,
        /// What the broker said.
        reason: String,
    },
    /// The client has trouble that it deals with by itself.
    Trouble(String),
    /// A step of a drain failed; it is tried again.
    DrainFailed {
        /// The drain's name.
        drain: &'static str,
        /// The key.
        key: String,
        /// The failure's line.
        reason: String,
    },
}

/// One partition, as it stands.
#[derive(Clone, Debug)]
pub struct PartitionSnapshot {
    /// Which.
    pub partition: TopicPartition,
    /// The offset below which everything is finished.
    pub low_water: i64,
    /// The next offset to be taken in.
    pub end: i64,
    /// What was last handed to the broker to commit.
    pub committed: Option<i64>,
    /// The end of the log, as last seen.
    pub log_end: i64,
    /// Records taken in and not finished.
    pub in_flight: usize,
    /// Records from the low-water to the end: what a crash may run again at most.
    pub span: usize,
    /// Age of the oldest unfinished record, by when it was read.
    pub oldest: Option<Duration>,
    /// Why it is not fetched, if it is not.
    pub paused: Option<&'static str>,
}

/// Lanes of one partition that wait for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The partition.
    pub partition: TopicPartition,
    /// The failure's short word.
    pub kind: &'static str,
    /// How many lanes.
    pub lanes: usize,
}

/// The whole consumer, as it stands. Counters grow from its start.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The group has given it an assignment, be it an empty one, and has not put it out since.
    pub assigned: bool,
    /// Records taken in.
    pub taken: u64,
    /// Records handled, rejections included.
    pub handled: u64,
    /// Of these, rejected by a rule.
    pub rejected: u64,
    /// Records dead-lettered.
    pub dead_lettered: u64,
    /// The same by class and the failure's short word.
    pub dead_letters: BTreeMap<(FailureClass, &'static str), u64>,
    /// Failed handler runs that are tried again.
    pub retries: u64,
    /// Rebalances seen.
    pub rebalances: u64,
    /// Records lost: deleted from the log before they were read.
    pub lost: u64,
    /// Records in hand.
    pub in_flight: usize,
    /// Their bytes.
    pub in_flight_bytes: usize,
    /// Lanes that wait.
    pub blocked_lanes: usize,
    /// The same by partition and reason.
    pub blocked: Vec<Blocked>,
    /// Commits that the broker took.
    pub commits: u64,
    /// Commits of which it refused at least one partition.
    pub failed_commits: u64,
    /// How long there has been something to commit and no commit succeeded; `None` when the last one did.
    pub uncommitted_for: Option<Duration>,
    /// Seconds from the moment a record was read to its handler's start: samples, each standing for the runs
    /// between two of them.
    pub queue_seconds: Histogram,
    /// Seconds of a handler's call, sampled like `queue_seconds`.
    pub handler_seconds: Histogram,
    /// The partitions held.
    pub partitions: Vec<PartitionSnapshot>,
    /// The dependencies that ever failed, and whether their breaker is open.
    pub breakers: Vec<(Dependency, bool)>,
    /// The drains.
    pub drains: Vec<DrainState>,
}

/// Receives what a consumer tells. Must not block.
pub trait Reporter: Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: Event);
    /// Once a second, and at the end.
    fn snapshot(&self, _snapshot: &Snapshot) {}
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _event: Event) {}
}

/// Records whose handlers were cancelled at the end; they will run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// Which partition.
    pub partition: TopicPartition,
    /// From its low-water to the end of what was taken in.
    pub offsets: Range<i64>,
}

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}..{}", self.partition, self.offsets.start, self.offsets.end)
    }
}

/// What was done, at the end.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The last snapshot.
    pub totals: Snapshot,
    /// Handlers that had to be cancelled.
    pub abandoned: Vec<Abandoned>,
    /// The last positions could not be committed: what follows them will run again.
    pub uncommitted: bool,
}

/// Why a consumer could not go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// The source gave up.
    #[error("the consumer cannot go on: {0}")]
    Source(String),
    /// The log no longer holds what the group has not read.
    #[error("records were deleted before they were read: {}", list(.0))]
    Lost(Vec<Abandoned>),
    /// The log ends before what the group committed.
    #[error("the group has committed offsets that the log does not hold: {}", list(.0))]
    Ahead(Vec<Abandoned>),
    /// Nothing moved for too long.
    #[error("no progress for {waited:?}, {} waiting", .blocked.len())]
    Stalled {
        /// How long.
        waited: Duration,
        /// The lanes that wait.
        blocked: Vec<BlockedLane>,
    },
    /// Every partition was stopped by a run of dead letters.
    #[error("every partition was stopped by {0} dead letters in a row")]
    Flooded(u32),
    /// The source's thread could not start.
    #[error("starting the consumer's thread: {0}")]
    Start(String),
}

fn list(lost: &[Abandoned]) -> String {
    let shown: Vec<String> = lost
        .iter()
        .map(|lost| format!("{lost} ({} offsets)", lost.offsets.end - lost.offsets.start))
        .collect();
    shown.join(", ")
}
