//! The consumer runtime: lanes, offsets, retry, dead letters. Knows no broker and no database; those come in
//! through the traits [`Source`], [`Handler`], [`Publisher`] and [`Drain`], each with an in-memory second
//! implementation for tests.
//!
//! To read it: `source` (what comes in, what is said back), `consumer` (how it is put together), `runtime` (the
//! loop), `scheduler` with `partition` and `tracker` (what is decided, without I/O), `run_queue` and `runner` (how a
//! handler is run), `rebalance` and `ending` (how partitions and the process end). Beside that way lie
//! `record`, `buffers`, `items` and `gauge` (what records are kept in, and how their memory is counted), `done_map`
//! (what a commit carries), `dead_letter`, `breaker`, `isolation`, `quarantine` and `marks` (records that kill the
//! process: who may run, what is remembered, where), `drain` and `drains` (work that waits in a database), `report`,
//! `metrics` and `timing` (what is told), `memory` (a broker in memory, for tests).

mod breaker;
mod buffers;
mod cancel;
mod consumer;
pub mod dead_letter;
mod done_map;
mod drain;
mod drains;
mod ending;
mod failure;
mod gauge;
mod handler;
mod isolation;
mod items;
mod marks;
pub mod memory;
mod metrics;
mod partition;
mod policy;
mod publisher;
mod quarantine;
mod rebalance;
mod record;
mod report;
mod run_queue;
mod runner;
mod runtime;
mod scheduler;
mod source;
mod timing;
mod tracker;

pub use consumer::{Consumer, DrainPart};
pub use done_map::{DoneMap, MAX_METADATA_BYTES};
pub use drain::{Drain, DrainFuture, Drained, Hints};
pub use drains::{DrainState, SWEEP_EVERY};
pub use failure::{Dependency, Failure, FailureClass};
pub use gauge::MemoryGauge;
pub use handler::{Handler, HandlerFuture, Outcome, Outcomes};
pub use marks::{FolderMarks, MemoryMarks};
pub use partition::OVER_SHARE;
pub use policy::{Backoff, OnLost, Policy, RetryPolicy};
pub use publisher::{PublishError, PublishFuture, Publisher};
pub use quarantine::MarkStore;
pub use record::{Batch, BatchBuilder, HeaderIter, PartitionSlot, Record};
pub use report::{
    Abandoned, Blocked, Event, PartitionSnapshot, Reporter, RunError, Silent, Snapshot, Summary,
};
pub use runner::DeadLettered;
pub use scheduler::BlockedLane;
pub use source::{Assigned, CommitReport, Committed, Epoch, Position, Source, SourceCommand, SourceEvent};

#[cfg(test)]
mod tests;
