//! The numbers a consumer runs by.

use super::run_queue::RunQueue;
use crate::model::pipeline::WhenSpent;
use std::time::Duration;

/// How long a retry waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub first: Duration,
    /// Upper bound of any wait.
    pub most: Duration,
}

impl Backoff {
    /// The wait before the retry that follows failure number `failures` (from 1): full jitter, a uniformly
    /// random share `random` (0 to 1) of min(`most`, `first` x 2^(failures-1)). With full jitter many lanes that
    /// failed together do not come back together.
    pub fn wait(&self, failures: u32, random: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first.saturating_mul(1 << doublings).min(self.most).mul_f64(random.clamp(0.0, 1.0))
    }
}

/// What happens to a record whose transient failure does not go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Waits between tries.
    pub backoff: Backoff,
    /// The budget of tries and time, and what follows.
    pub when_spent: WhenSpent,
}

/// What happens when the log no longer holds the committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLost {
    /// Say which records are lost, and stop.
    Stop,
    /// Say which records are lost, and go on behind them.
    Continue,
}

/// The numbers a consumer runs by.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Handlers at once, over all workers.
    pub concurrency: usize,
    /// Tasks that run handlers; each is one thread's worth of work between awaits.
    pub workers: usize,
    /// Longest handler run; after that it is cancelled and counts as a transient failure. This is also what ends the
    /// wait for an answer that never comes, over a connection that swallows everything.
    pub handler_timeout: Duration,
    /// Retries in place.
    pub retry: RetryPolicy,
    /// Records taken in and unfinished at which partitions with a blocked lane pause; each has an equal share.
    pub budget_records: usize,
    /// Bytes of records alive, over all partitions, at which reading stops; a partition with a blocked lane
    /// pauses at its share, and once half is taken any does that leaves another without.
    pub budget_bytes: usize,
    /// Time between commits.
    pub commit_every: Duration,
    /// Records finished that make a commit due sooner.
    pub commit_records: usize,
    /// Longest wait for running handlers when a partition is asked back.
    pub revoke_drain: Duration,
    /// Longest wait for running handlers at shutdown.
    pub shutdown_drain: Duration,
    /// Longest wait for the result of a last commit. At shutdown also what is left of
    /// [`shutdown_drain`](Self::shutdown_drain).
    pub final_commit: Duration,
    /// Records the log no longer holds.
    pub on_lost: OnLost,
    /// Stop when everything there was is done.
    pub exit_when_idle: bool,
    /// With `exit_when_idle`: longest time without any progress before giving up.
    pub idle_timeout: Option<Duration>,
    /// Dead letters in a row, of one partition, that stop it: a bad deploy must not drain a topic into its
    /// dead letters. 0 = without limit.
    pub flood_run: u32,
}

impl Policy {
    /// The queue of runs that its workers share.
    pub(super) fn run_queue(&self) -> RunQueue {
        let slots = self.concurrency.max(1);
        RunQueue::new(slots, self.workers.clamp(1, slots))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            concurrency: 64,
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8),
            handler_timeout: Duration::from_secs(60),
            retry: RetryPolicy {
                backoff: Backoff { first: Duration::from_millis(100), most: Duration::from_secs(10) },
                when_spent: WhenSpent::Block,
            },
            budget_records: 65_536,
            budget_bytes: 64 << 20,
            commit_every: Duration::from_secs(1),
            commit_records: 1_000,
            revoke_drain: Duration::from_secs(30),
            shutdown_drain: Duration::from_secs(25),
            final_commit: Duration::from_secs(5),
            on_lost: OnLost::Stop,
            exit_when_idle: false,
            idle_timeout: None,
            flood_run: 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_to_its_limit_with_full_jitter() {
        let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(10) };
        let full: Vec<u128> = (1..=9).map(|n| backoff.wait(n, 1.0).as_millis()).collect();
        assert_eq!(full, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(backoff.wait(u32::MAX, 1.0), backoff.most);
        assert_eq!(backoff.wait(3, 0.0), Duration::ZERO);
        assert_eq!(backoff.wait(3, 0.5), Duration::from_millis(200));
    }
}
