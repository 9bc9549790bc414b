//! What a consumer does with its records.

use super::{Failure, Record};
use std::future::Future;
use std::pin::Pin;

/// The future of one handler run.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Outcomes, Failure>> + Send + 'a>>;

/// The end of one record.
#[derive(Debug)]
pub enum Outcome {
    /// Its effect is durable.
    Done,
    /// A business rule said no; that was recorded (and answered), and is not retried.
    Rejected {
        /// A short, stable word for metrics.
        kind: &'static str,
    },
    /// It failed, alone: transient failures are retried, the others dead-lettered.
    Failed(Failure),
}

/// The ends of a batch of records.
#[derive(Debug)]
pub enum Outcomes {
    /// Every record of the batch is done.
    AllDone,
    /// One outcome a record, in the batch's order; a wrong length fails the batch as poison.
    Each(Vec<Outcome>),
}

/// Handles the records of one lane (one key of one partition), in order.
///
/// The runtime never runs two batches of one lane at once, and calls again with the same records after a
/// transient failure, a crash or a rebalance: what a handler does must be idempotent. It must be cancellable
/// at every await; blocking work belongs on a thread of its own (`tokio::task::spawn_blocking`).
pub trait Handler: Send + Sync + 'static {
    /// Handles `records`, 1 to [`batch_limit`](Handler::batch_limit) of them. `Err` fails the batch as a
    /// whole: transient is retried whole, permanent is split until the bad record stands alone.
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a>;

    /// How many waiting records of a lane it takes at once.
    fn batch_limit(&self) -> usize {
        1
    }
}
