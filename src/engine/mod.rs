//! The consumer runtime: lanes, offsets, retry, dead letters. Knows no broker and no database; those come in
//! through the traits [`Source`], [`Handler`], [`Publisher`] and [`Drain`], each with an in-memory second
//! implementation for tests.

pub mod dead_letter;
mod done_map;
mod drain;
mod failure;
mod handler;
mod publisher;
mod record;
mod source;

pub use done_map::{DoneMap, MAX_METADATA_BYTES};
pub use drain::{Drain, DrainFuture, Drained, Hints};
pub use failure::{Dependency, Failure, FailureClass};
pub use handler::{Handler, HandlerFuture, Outcome, Outcomes};
pub use publisher::{PublishError, PublishFuture, Publisher};
pub use record::{Batch, BatchBuilder, HeaderIter, PartitionSlot, Record};
pub use source::{Assigned, CommitReport, Committed, Epoch, Position, Source, SourceCommand, SourceEvent};
