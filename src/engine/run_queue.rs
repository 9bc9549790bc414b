//! Runs that were handed out and not begun, in one queue that all workers share: whoever has a hand free takes the
//! next, and the loop takes back what must not begin any more.

use super::runner::Run;
use super::scheduler::MOST_PER_RUN;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The queue, and how many handlers may still begin. One of these slots is taken with each chunk of runs, which
/// one worker begins one after the other; a run that does not end at once keeps the slot.
///
/// No wake-up is lost: whoever makes it possible that a run begins wakes a worker, or is a worker that looks again
/// before it waits; one that takes and leaves more wakes the next.
pub(super) struct RunQueue {
    state: Mutex<State>,
    more: Notify,
    workers: usize,
}

struct State {
    runs: VecDeque<Run>,
    slots: usize,
}

impl RunQueue {
    /// An empty queue for `workers` tasks that run `slots` handlers at once, together.
    pub fn new(slots: usize, workers: usize) -> Self {
        let state = Mutex::new(State { runs: VecDeque::new(), slots });
        RunQueue { state, more: Notify::new(), workers }
    }

    /// The tasks that share it.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Nothing that can panic happens under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds `runs`, and wakes as many workers as can begin one.
    pub fn put(&self, runs: Vec<Run>) {
        let mut state = self.lock();
        let wake = runs.len().min(state.slots).min(self.workers);
        state.runs.extend(runs);
        drop(state);
        (0..wake).for_each(|_| self.more.notify_one());
    }

    /// Takes those back out for which `unwanted` says so.
    pub fn take_back(&self, unwanted: impl Fn(&Run) -> bool) -> Vec<Run> {
        let mut state = self.lock();
        if !state.runs.iter().any(&unwanted) {
            return Vec::new();
        }
        let (back, stay) = std::mem::take(&mut state.runs).into_iter().partition::<Vec<_>, _>(unwanted);
        state.runs = stay.into();
        back
    }

    /// Gives `freed` slots back. Then, if a run can begin, takes a slot and puts the next run into `chunk`; with
    /// `several` as many as hold the records of one full run, and no more than a worker's part of all.
    pub fn take(&self, freed: usize, several: bool, chunk: &mut VecDeque<Run>) -> bool {
        let mut state = self.lock();
        state.slots += freed;
        if state.slots == 0 || state.runs.is_empty() {
            return false;
        }
        state.slots -= 1;
        let most = if several { state.runs.len().div_ceil(self.workers) } else { 1 };
        let mut records = 0;
        while chunk.len() < most
            && records < MOST_PER_RUN
            && let Some(run) = state.runs.pop_front()
        {
            records += run.items.len();
            chunk.push_back(run);
        }
        let more = state.slots > 0 && !state.runs.is_empty();
        drop(state);
        if more {
            self.more.notify_one();
        }
        true
    }

    /// Waits until [`take`](Self::take) takes something. `freed` is 0 afterwards, also when this is not waited for
    /// to its end.
    pub async fn next(&self, freed: &mut usize, several: bool, chunk: &mut VecDeque<Run>) {
        loop {
            let more = self.more.notified();
            if self.take(std::mem::take(freed), several, chunk) {
                return;
            }
            more.await;
        }
    }

    /// Puts `chunk`, which was taken and cannot begin yet, before all others; gives those back whose assignment
    /// ends, since the loop does not look for them again. Whoever calls this looks again before it waits.
    pub fn put_back(&self, chunk: &mut VecDeque<Run>) -> Vec<Run> {
        let mut over = Vec::new();
        // Asked under the lock: an assignment ends first, and then the loop looks here.
        let mut state = self.lock();
        while let Some(run) = chunk.pop_back() {
            if run.cancel.is_ending() {
                over.push(run);
            } else {
                state.runs.push_front(run);
            }
        }
        over
    }
}
