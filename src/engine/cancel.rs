//! How the runs of an assignment hear that it ends.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Tells the runs of one assignment that it is over. Apart from the count of its handles, which one thread changes
/// all the time while others ask.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Cancel {
    ending: AtomicBool,
    over: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// The assignment ends: a run stops after the batch in hand.
    pub fn wind_down(&self) {
        self.ending.store(true, Ordering::Release);
    }
    /// True once no further batch may begin.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire) || self.is_cancelled()
    }
    /// The assignment is over: running handlers are dropped at their next await.
    pub fn cancel(&self) {
        self.over.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }
    /// True once it is over.
    pub fn is_cancelled(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
    /// Returns once it is over.
    pub async fn cancelled(&self) {
        let notified = self.notify.notified();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}
