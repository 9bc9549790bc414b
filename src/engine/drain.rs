//! Drains: work that waits in a database, not in Kafka, done per key under a lock.

use super::Failure;
use std::future::Future;
use std::pin::Pin;
use tokio::sync::mpsc;

/// The future of one step of a drain.
pub type DrainFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// How one step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is left for this key.
    Empty,
    /// Something was done, more may wait.
    More,
    /// Another process leads this key now.
    NotLeader,
}

/// Work that waits in the database. Steps of one key never run at once in a process; across processes the
/// implementation takes a lock.
pub trait Drain: Send + Sync + 'static {
    /// The name in metrics and status lines (`posting`).
    fn name(&self) -> &'static str;
    /// The keys that have work now; called at the start and every sweep.
    fn sweep(&self) -> DrainFuture<'_, Vec<String>>;
    /// Does one bounded piece of work for `key`.
    fn step<'a>(&'a self, key: &'a str) -> DrainFuture<'a, Drained>;
}

/// Wakes a drain's key without waiting for the sweep. Handlers hold it and call it after their commit.
#[derive(Clone, Debug)]
pub struct Hints(mpsc::UnboundedSender<String>);

impl Hints {
    /// A connected pair: handlers keep the hints, the runtime the receiver.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Hints(sender), receiver)
    }
    /// There may be work for `key` now. Never blocks; without a drain it does nothing.
    pub fn wake(&self, key: &str) {
        // A closed channel means that no drain runs here (shadow): the sweep of a live process finds the work.
        let _ = self.0.send(key.to_owned());
    }
}
