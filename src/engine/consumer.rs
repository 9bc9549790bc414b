//! A consumer put together: source, handler, dead letters, drains; and its start.

use super::dead_letter::Sender;
use super::drains::DrainTask;
use super::quarantine::MarkStore;
use super::report::{Reporter, RunError, Summary};
use super::runner::{self, Shared};
use super::runtime::Runtime;
use super::scheduler::MOST_PER_RUN;
use super::{Drain, DrainState, Handler, MemoryGauge, Policy, Publisher, Source};
use crate::model::clock::SharedClock;
use crate::shutdown::Shutdown;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Work that waits in a database, and the hints that wake it.
pub struct DrainPart {
    /// The drain.
    pub drain: Arc<dyn Drain>,
    /// The receiving end of [`super::Hints::channel`].
    pub hints: mpsc::UnboundedReceiver<String>,
}

/// A consumer: one topic or more, one group, one handler. Build it, then [`run`](Consumer::run) it.
pub struct Consumer {
    /// Where records come from.
    pub source: Box<dyn Source>,
    /// What is done with them.
    pub handler: Arc<dyn Handler>,
    /// Writes dead letters.
    pub publisher: Arc<dyn Publisher>,
    /// Where dead letters go. Never a topic this consumer reads.
    pub dead_letter_topic: Arc<str>,
    /// Who we are, for the headers of dead letters.
    pub sender: Sender,
    /// The numbers to run by.
    pub policy: Policy,
    /// The time of day.
    pub clock: SharedClock,
    /// Who is told.
    pub reporter: Arc<dyn Reporter>,
    /// Work that waits in the database.
    pub drains: Vec<DrainPart>,
    /// Where it is noted which records run, so that one that kills the process is found out. `None`: not at all.
    pub marks: Option<Arc<dyn MarkStore>>,
}

impl Consumer {
    /// Runs until `shutdown`, until everything is done (`exit_when_idle`), or until it cannot go on. The first
    /// signal drains: handlers finish, what is finished is committed, the group is left. A second signal
    /// returns at once, without a commit: that is safe.
    pub async fn run(self, shutdown: Shutdown) -> Result<Summary, RunError> {
        let memory = MemoryGauge::new(self.policy.budget_bytes);
        let (event_sender, mut events) = mpsc::unbounded_channel();
        let (commands, command_receiver) = mpsc::unbounded_channel();
        self.source
            .start(memory.clone(), event_sender, command_receiver)
            .map_err(|error| RunError::Start(error.to_string()))?;

        let shared = Arc::new(Shared {
            handler: self.handler,
            publisher: self.publisher,
            dead_letter_topic: self.dead_letter_topic,
            sender: self.sender,
            clock: self.clock.clone(),
            policy: self.policy.clone(),
        });
        let mut runtime = Runtime::new(self.policy, commands, self.reporter.clone(), self.clock, self.marks);
        runtime.memory = Some(memory);
        runtime.batch = shared.handler.batch_limit().clamp(1, MOST_PER_RUN);
        let (end_sender, mut ends) = mpsc::unbounded_channel();
        // Dropped, also when this future is, it ends them.
        let mut workers = JoinSet::new();
        for _ in 0..runtime.runs.workers() {
            workers.spawn(runner::work(shared.clone(), runtime.runs.clone(), end_sender.clone()));
        }
        drop(end_sender);

        let (stop_drains, drains_stop) = crate::shutdown::channel();
        let mut drain_tasks = Vec::new();
        let mut flushes = Vec::new();
        let mut drain_states = Vec::new();
        for part in self.drains {
            let state = Arc::new(Mutex::new(DrainState { name: part.drain.name(), ..DrainState::default() }));
            drain_states.push(state.clone());
            let task = DrainTask {
                drain: part.drain,
                hints: part.hints,
                backoff: runtime.scheduler.policy.retry.backoff,
                reporter: self.reporter.clone(),
                state,
            };
            let (flush, handle) = task.spawn(drains_stop.clone());
            flushes.push(flush);
            drain_tasks.push(handle);
        }

        runtime.flushes = flushes;
        runtime.drain_states = drain_states;
        let stopped = runtime.run(&mut events, &mut ends, &shutdown).await;
        drop(workers);
        if stopped {
            // The group was not left: the partitions are nobody else's yet.
            runtime.clear_marks();
        }
        stop_drains.advance();
        let limit = if stopped { Duration::ZERO } else { runtime.scheduler.policy.shutdown_drain };
        for task in drain_tasks {
            // A step that does not end in time is dropped at its next await; drains settle that by reading.
            let abort = task.abort_handle();
            if tokio::time::timeout(limit, task).await.is_err() {
                abort.abort();
            }
        }
        runtime.finish()
    }
}
