//! The time of day, passed in so that a test can choose it.

use jiff::Timestamp;
use std::sync::Arc;

/// Tells the time of day. The only implementation that asks the system is in `app.rs`.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}

/// A clock shared by everything in the process.
pub type SharedClock = Arc<dyn Clock>;

/// A clock that always shows the same time, for tests and for replaying a plan.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
