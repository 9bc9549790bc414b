//! Wakes the source's thread: for commands, for control events, for data.

use std::sync::{Arc, OnceLock};
use std::task::Wake;
use std::thread::Thread;

/// Unparks one thread. Waking before the thread is known, or while it runs, is kept: its next park returns at
/// once.
#[derive(Debug, Default)]
pub(super) struct Alarm(OnceLock<Thread>);

impl Alarm {
    /// Says whom to wake: the calling thread.
    pub(super) fn belongs_to_this_thread(&self) {
        // A second call cannot happen: a source is started once.
        let _ = self.0.set(std::thread::current());
    }
    /// Wakes the thread.
    pub(super) fn ring(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
