//! Runs a drain: one lane per key, woken by hints and by a sweep, each with a back-off of its own.

use super::policy::Backoff;
use super::report::{Event, Reporter};
use super::{Dependency, Drain, DrainFuture, Drained, Failure};
use crate::shutdown::Shutdown;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Time between sweeps.
pub const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Time between sweeps while somebody waits for the end.
const FLUSH_PAUSE: Duration = Duration::from_millis(50);
/// Longest step: longer than the slowest outside request (180 s).
const STEP_LIMIT: Duration = Duration::from_secs(200);
/// Longest sweep.
const SWEEP_LIMIT: Duration = Duration::from_secs(60);
/// Keys drained at once.
const CONCURRENCY: usize = 8;
/// Failing keys of one dependency that hold the others of it back.
const BREAKER_KEYS: usize = 3;

/// How a drain stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrainState {
    /// Its name.
    pub name: &'static str,
    /// Steps that did something.
    pub steps: u64,
    /// Steps that failed.
    pub failures: u64,
    /// Keys with work, waiting or running.
    pub keys: usize,
    /// Keys that back off.
    pub waiting: usize,
}

/// Asks a running drain to empty itself; answered when a sweep found nothing and nothing runs or waits.
#[derive(Clone, Debug)]
pub(super) struct Flush(mpsc::UnboundedSender<oneshot::Sender<()>>);

impl Flush {
    pub fn ask(&self) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        // A drain that ended has nothing left to flush; the dropped sender says so.
        let _ = self.0.send(answer);
        answered
    }
}

/// A drain that is not running yet.
pub(super) struct DrainTask {
    pub drain: Arc<dyn Drain>,
    pub hints: mpsc::UnboundedReceiver<String>,
    pub backoff: Backoff,
    pub reporter: Arc<dyn Reporter>,
    pub state: Arc<Mutex<DrainState>>,
}

#[derive(Default)]
struct Key {
    running: bool,
    /// Woken while it ran.
    again: bool,
    failures: u32,
    until: Option<Instant>,
    dependency: Option<Dependency>,
}

type StepFuture<'a> = Pin<Box<dyn Future<Output = (String, Result<Drained, Failure>)> + Send + 'a>>;

impl DrainTask {
    /// Starts the task; it ends after `shutdown` with the step in hand.
    pub fn spawn(self, shutdown: Shutdown) -> (Flush, tokio::task::JoinHandle<()>) {
        let (ask, asked) = mpsc::unbounded_channel();
        (Flush(ask), tokio::spawn(self.run(shutdown, asked)))
    }

    async fn run(mut self, shutdown: Shutdown, mut asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
        let drain = self.drain.clone();
        let mut keys: HashMap<String, Key> = HashMap::new();
        let mut ready: VecDeque<String> = VecDeque::new();
        let mut steps: FuturesUnordered<StepFuture<'_>> = FuturesUnordered::new();
        let mut flushes: Vec<oneshot::Sender<()>> = Vec::new();
        let mut next_sweep = Instant::now();
        let mut sweep: Option<DrainFuture<'_, Vec<String>>> = None;
        let mut stop = Box::pin(shutdown.requested());
        let mut hints_open = true;
        let mut asks_open = true;
        loop {
            let now = Instant::now();
            if now >= next_sweep && sweep.is_none() && !shutdown.is_requested() {
                sweep = Some(limited(SWEEP_LIMIT, "sweep", || drain.sweep()));
            }
            let due = keys.iter().filter(|(_, key)| key.until.is_some_and(|at| at <= now));
            let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
            for name in due {
                if let Some(key) = keys.get_mut(&name) {
                    key.until = None;
                }
                wake(&mut keys, &mut ready, name);
            }
            while steps.len() < CONCURRENCY && !shutdown.is_requested() {
                let Some(name) = ready.pop_front() else { break };
                if let Some(key) = keys.get_mut(&name) {
                    key.running = true;
                    key.again = false;
                }
                let drain = &drain;
                steps.push(Box::pin(async move {
                    let outcome = limited(STEP_LIMIT, "step", || drain.step(&name)).await;
                    (name, outcome)
                }));
            }
            self.publish(&keys);
            if shutdown.is_requested() && steps.is_empty() {
                return;
            }
            let sweep_at = if sweep.is_some() { now + SWEEP_EVERY } else { next_sweep };
            let wake_at =
                keys.values().filter_map(|key| key.until).chain([sweep_at]).min().unwrap_or(sweep_at);
            tokio::select! {
                found = async { match &mut sweep { Some(sweep) => sweep.await, None => std::future::pending().await } } => {
                    sweep = None;
                    next_sweep = Instant::now() + SWEEP_EVERY;
                    match found {
                        Ok(found) => {
                            let found_nothing = found.is_empty();
                            for key in found {
                                wake(&mut keys, &mut ready, key);
                            }
                            if found_nothing && ready.is_empty() && steps.is_empty() {
                                keys.retain(|_, key| key.until.is_some());
                                if keys.is_empty() {
                                    for answer in flushes.drain(..) {
                                        // Whoever asked may be gone.
                                        let _ = answer.send(());
                                    }
                                }
                            }
                        }
                        Err(failure) => self.failed("*", &failure),
                    }
                    if !flushes.is_empty() {
                        next_sweep = Instant::now() + FLUSH_PAUSE;
                    }
                }
                Some((name, outcome)) = steps.next(), if !steps.is_empty() => {
                    self.ended(&mut keys, &mut ready, name, outcome);
                    if steps.is_empty() && ready.is_empty() && !flushes.is_empty() {
                        // Soon, not at once: another process may lead what is left.
                        next_sweep = Instant::now() + FLUSH_PAUSE;
                    }
                }
                hint = self.hints.recv(), if hints_open => match hint {
                    Some(key) => wake(&mut keys, &mut ready, key),
                    None => hints_open = false,
                },
                ask = asked.recv(), if asks_open => match ask {
                    Some(answer) => {
                        flushes.push(answer);
                        next_sweep = Instant::now();
                    }
                    None => asks_open = false,
                },
                () = &mut stop, if !shutdown.is_requested() => {}
                () = tokio::time::sleep_until(wake_at), if !shutdown.is_requested() => {}
            }
        }
    }

    fn ended(
        &self,
        keys: &mut HashMap<String, Key>,
        ready: &mut VecDeque<String>,
        name: String,
        outcome: Result<Drained, Failure>,
    ) {
        let Some(key) = keys.get_mut(&name) else { return };
        key.running = false;
        match outcome {
            Ok(drained) => {
                if drained == Drained::More
                    && let Ok(mut state) = self.state.lock()
                {
                    state.steps += 1;
                }
                let recovered = key.dependency.take();
                key.failures = 0;
                let again = drained == Drained::More || std::mem::take(&mut key.again);
                if again {
                    wake(keys, ready, name);
                } else {
                    keys.remove(&name);
                }
                if let Some(dependency) = recovered {
                    // What held the others back is over.
                    for (other, key) in keys.iter_mut() {
                        if key.dependency.as_ref() == Some(&dependency)
                            && key.until.take().is_some()
                            && !key.running
                        {
                            ready.push_back(other.clone());
                        }
                    }
                }
            }
            Err(failure) => {
                self.failed(&name, &failure);
                key.failures = key.failures.saturating_add(1);
                key.dependency.clone_from(&failure.dependency);
                let wait = self.backoff.wait(key.failures, fastrand::f64().max(0.2));
                let mut wait = wait.max(failure.retry_after.unwrap_or_default());
                if let Some(dependency) = &failure.dependency {
                    let failing: HashSet<&String> = keys
                        .iter()
                        .filter(|(_, key)| key.dependency.as_ref() == Some(dependency) && key.failures > 0)
                        .map(|(name, _)| name)
                        .collect();
                    if failing.len() >= BREAKER_KEYS {
                        // Share the tries of the dependency among its keys instead of giving each its own.
                        wait = wait.saturating_mul(failing.len() as u32).min(self.backoff.most);
                    }
                }
                if let Some(key) = keys.get_mut(&name) {
                    key.until = Some(Instant::now() + wait);
                }
            }
        }
    }

    fn failed(&self, key: &str, failure: &Failure) {
        if let Ok(mut state) = self.state.lock() {
            state.failures += 1;
        }
        let drain = self.drain.name();
        self.reporter.event(Event::DrainFailed { drain, key: key.to_owned(), reason: failure.to_string() });
    }

    fn publish(&self, keys: &HashMap<String, Key>) {
        if let Ok(mut state) = self.state.lock() {
            state.keys = keys.len();
            state.waiting = keys.values().filter(|key| key.until.is_some()).count();
        }
    }
}

/// Ends what does not end by itself (a database that is frozen answers nothing and refuses nothing), and takes a
/// panic for a failure of this one key: the others must go on.
fn limited<'a, T: Send + 'a>(
    limit: Duration,
    what: &'static str,
    work: impl FnOnce() -> DrainFuture<'a, T>,
) -> DrainFuture<'a, T> {
    let work = std::panic::catch_unwind(AssertUnwindSafe(work));
    Box::pin(async move {
        // The panic's own text may quote what is in the database.
        let panicked = |_| Err(Failure::transient("drain-panic", format!("the {what} panicked")));
        let work = match work {
            Ok(work) => AssertUnwindSafe(work).catch_unwind(),
            Err(panic) => return panicked(panic),
        };
        match tokio::time::timeout(limit, work).await {
            Ok(ended) => ended.unwrap_or_else(panicked),
            Err(_) => Err(Failure::transient(
                "drain-timeout",
                format!("the {what} did not end within {} s", limit.as_secs()),
            )),
        }
    })
}

/// Makes `name` ready unless it runs (then it runs again after) or backs off.
fn wake(keys: &mut HashMap<String, Key>, ready: &mut VecDeque<String>, name: String) {
    let key = keys.entry(name.clone()).or_default();
    if key.running {
        key.again = true;
    } else if key.until.is_none() && !ready.contains(&name) {
        ready.push_back(name);
    }
}
