//! Where records come from: events in, commands out. A source runs on a thread of its own.

use super::{Batch, MemoryGauge};
use crate::model::record::TopicPartition;
use std::ops::Range;
use tokio::sync::mpsc;

/// One assignment of one partition. Grows with every assignment in a process; what carries an older epoch
/// than the current one is dropped unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// A group's committed position in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read.
    pub offset: i64,
    /// What was committed with it: the done-map, in text.
    pub metadata: String,
}

/// A partition that is ours now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Which.
    pub partition: TopicPartition,
    /// Its epoch; every batch and command about it carries the same.
    pub epoch: Epoch,
    /// What the group committed before, if anything.
    pub committed: Option<Committed>,
    /// First offset in the log.
    pub log_start: i64,
    /// Next offset the log will give out.
    pub log_end: i64,
}

/// A low-water to store and commit, valid only while `epoch` is current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which partition.
    pub partition: TopicPartition,
    /// The assignment it belongs to.
    pub epoch: Epoch,
    /// The next offset to read.
    pub offset: i64,
    /// Metadata to commit with it.
    pub metadata: String,
}

/// The result of one commit, per partition.
#[derive(Clone, Debug)]
pub struct CommitReport {
    /// The number given with [`SourceCommand::Commit`].
    pub id: u64,
    /// `Err` says why that partition was not committed; stale epochs are left out.
    pub results: Vec<(Position, Result<(), String>)>,
}

/// What a source tells the runtime.
#[derive(Debug)]
pub enum SourceEvent {
    /// Partitions are being assigned. Reading starts at the [`SourceCommand::Start`] that answers it.
    Assigned(Vec<Assigned>),
    /// Partitions are asked back: finish, commit, then answer with [`SourceCommand::Release`]. The source goes
    /// on polling meanwhile.
    Revoked {
        /// Which, with the epoch that ends.
        partitions: Vec<(TopicPartition, Epoch)>,
    },
    /// Partitions are gone already: drop their state; nothing may be committed for them.
    Lost {
        /// Which, with the epoch that ended.
        partitions: Vec<(TopicPartition, Epoch)>,
    },
    /// Records.
    Batch(Batch),
    /// The end of a partition was reached; `position` is the next offset to read there (it is past trailing
    /// transaction markers).
    End {
        /// Which.
        partition: TopicPartition,
        /// Its epoch.
        epoch: Epoch,
        /// Next offset to read.
        position: i64,
    },
    /// Records were deleted before they were read. Reading stands still until [`SourceCommand::Skip`].
    Overtaken {
        /// Which.
        partition: TopicPartition,
        /// Its epoch.
        epoch: Epoch,
        /// From the next offset to read to the new start of the log.
        offsets: Range<i64>,
    },
    /// So many partitions are ours and cannot be read yet, since their leader is away. Each is assigned later, by
    /// itself; 0 = none is left.
    Unread(usize),
    /// Where logs end now, of partitions that are not read to their end: for the lag, and for nothing else.
    LogEnds(Vec<(TopicPartition, Epoch, i64)>),
    /// A commit's result.
    Committed(CommitReport),
    /// Something went wrong that the client deals with by itself (a broker away).
    Trouble(String),
    /// The source cannot go on.
    Fatal(String),
    /// The answer to [`SourceCommand::Leave`]: the group was left, or the time for it was up.
    Left,
}

/// What the runtime tells a source.
#[derive(Debug)]
pub enum SourceCommand {
    /// Start reading each partition at its offset.
    Start(Vec<(TopicPartition, Epoch, i64)>),
    /// Store the positions whose epoch is current, commit what is stored, report with the same id.
    Commit {
        /// Echoed in the report.
        id: u64,
        /// Positions.
        positions: Vec<Position>,
    },
    /// Go on reading a partition at this offset, where its log starts now.
    Skip(TopicPartition, Epoch, i64),
    /// Stop fetching a partition (a long stall).
    Pause(TopicPartition, Epoch),
    /// Fetch it again.
    Resume(TopicPartition, Epoch),
    /// The revoked partitions may go.
    Release(Vec<(TopicPartition, Epoch)>),
    /// Leave the group within the client's own limit, then answer [`SourceEvent::Left`].
    Leave,
}

/// A subscription that is not running yet.
pub trait Source: Send + 'static {
    /// Starts reading on a thread of its own. Events go to `events`; commands come from `commands`; the thread
    /// ends after [`SourceCommand::Leave`] or when `commands` is closed. Every batch is counted by `memory`;
    /// while that is full no data is read, and polling goes on.
    fn start(
        self: Box<Self>,
        memory: MemoryGauge,
        events: mpsc::UnboundedSender<SourceEvent>,
        commands: mpsc::UnboundedReceiver<SourceCommand>,
    ) -> std::io::Result<()>;
}
