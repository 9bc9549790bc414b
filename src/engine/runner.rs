//! Runs handlers: the worker tasks, and the story of one run from first try to its records' ends.
//!
//! Size: the story of a run is told in one place.

use super::breaker::LaneId;
use super::dead_letter::{self, Attempts, Sender};
use super::partition::Cancel;
use super::scheduler::Item;
use super::timing::{Stopwatch, Timing};
use super::{Dependency, Failure, FailureClass, Handler, Outcome, Outcomes, Policy, Publisher, Record};
use crate::model::clock::SharedClock;
use crate::mutants::planted;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Waiting records of one lane, handed to a worker.
#[derive(Debug)]
pub(super) struct Run {
    pub lane: LaneId,
    /// The worker it was given to.
    pub worker: usize,
    pub items: Vec<Item>,
    pub cancel: Arc<Cancel>,
    /// Failures of the record at the head so far.
    pub failures: u32,
    pub first_failure: Option<Timestamp>,
    /// The retry budget is used up: a transient failure of the head is now dead-lettered.
    pub spent: bool,
    /// Its only record killed the process too often: it is dead-lettered without being handled.
    pub condemned: bool,
    /// How many runs its times stand for; 0 = it is not timed.
    pub sample: u32,
}

/// A record that went to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLettered {
    /// Where the record was read.
    pub partition: crate::model::record::TopicPartition,
    /// Its offset there.
    pub offset: i64,
    /// The class of the failure.
    pub class: FailureClass,
    /// The failure's short word.
    pub kind: &'static str,
    /// The failure's line.
    pub message: String,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct RunEnd {
    pub lane: LaneId,
    pub worker: usize,
    /// Records that came to an end.
    pub items: Vec<Item>,
    /// Records that did not, in order.
    pub rest: Vec<Item>,
    /// Of the ended: handled, rejections included.
    pub handled: usize,
    pub rejected: usize,
    pub dead_letters: Vec<DeadLettered>,
    /// Why the head of `rest` must wait; `None` when the run just stopped (cancelled).
    pub failure: Option<Failure>,
    /// It ended without ever waiting.
    pub inline: bool,
    /// How long it took, if it was timed. In a box: most are not.
    pub timing: Option<Box<Timing>>,
}

/// What every run needs.
pub(super) struct Shared {
    pub handler: Arc<dyn Handler>,
    pub publisher: Arc<dyn Publisher>,
    pub dead_letter_topic: Arc<str>,
    pub sender: Sender,
    pub clock: SharedClock,
    pub policy: Policy,
}

type RunFuture = Pin<Box<dyn Future<Output = RunEnd> + Send>>;

/// One worker: polls each new run at once, where most short handlers end, and keeps the others, at most `share`
/// of them.
pub(super) async fn work(
    shared: Arc<Shared>,
    share: usize,
    mut runs: mpsc::UnboundedReceiver<Vec<Run>>,
    ends: mpsc::UnboundedSender<Vec<RunEnd>>,
) {
    let mut waiting: FuturesUnordered<RunFuture> = FuturesUnordered::new();
    let mut queued: VecDeque<Run> = VecDeque::new();
    loop {
        let mut ended = Vec::new();
        tokio::select! {
            biased;
            Some(end) = waiting.next(), if !waiting.is_empty() => {
                ended.push(end);
                while let Some(Some(end)) = waiting.next().now_or_never() {
                    ended.push(end);
                }
            }
            new = runs.recv() => match new {
                None => break,
                Some(new) => queued.extend(new),
            },
        }
        while waiting.len() < share {
            let Some(run) = queued.pop_front() else { break };
            let mut future: RunFuture = Box::pin(run_lane(shared.clone(), run));
            match poll_once(&mut future).await {
                Poll::Ready(mut end) => {
                    end.inline = true;
                    ended.push(end);
                }
                Poll::Pending => waiting.push(future),
            }
        }
        if !ended.is_empty() && ends.send(ended).is_err() {
            break;
        }
    }
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|context: &mut Context<'_>| Poll::Ready(future.poll_unpin(context))).await
}

/// Everything about one run that its steps share.
struct Running {
    shared: Arc<Shared>,
    cancel: Arc<Cancel>,
    failures: u32,
    first_failure: Option<Timestamp>,
    spent: bool,
    condemned: bool,
    /// Until the handler's first call of a run that is timed.
    stopwatch: Option<Stopwatch>,
    end: RunEnd,
}

/// How a piece of a run went.
enum Step {
    Ended,
    /// The rest must wait.
    Stopped,
}

async fn run_lane(shared: Arc<Shared>, run: Run) -> RunEnd {
    let Run { lane, worker, mut items, cancel, failures, first_failure, spent, condemned, sample } = run;
    let limit = shared.handler.batch_limit().max(1);
    let end = RunEnd {
        lane,
        worker,
        items: Vec::new(),
        rest: Vec::new(),
        handled: 0,
        rejected: 0,
        dead_letters: Vec::new(),
        failure: None,
        inline: false,
        timing: None,
    };
    let stopwatch = (sample > 0).then(|| {
        let first = items.first().filter(|_| first_failure.is_none());
        Stopwatch { weight: sample, read: first.map(|item| item.record.read_at()) }
    });
    let mut running = Running { shared, cancel, failures, first_failure, spent, condemned, stopwatch, end };
    let mut from = 0;
    if condemned && let Some(item) = items.first() {
        let record = item.record.clone();
        let deaths = super::quarantine::DEATHS;
        let message = format!("the process died {deaths} times while this record ran alone");
        running.give_up(&record, Failure::new(FailureClass::Crash, "crash", message), &mut from).await;
    }
    let mut batch: Vec<Record> = Vec::with_capacity(limit.min(items.len()));
    while from < items.len() && !(condemned && from == 0) {
        if running.cancel.is_ending() {
            break;
        }
        let to = if limit == 1 { from + 1 } else { same_key(&items, from, limit) };
        batch.clear();
        batch.extend(items[from..to].iter().map(|item| item.record.clone()));
        match running.batch(&batch, &mut items, &mut from).await {
            Step::Ended => {}
            Step::Stopped => break,
        }
    }
    let mut end = running.end;
    if from < items.len() {
        end.rest = items.split_off(from);
    }
    end.items = items;
    end
}

/// The end of the run of equal keys that begins at `from`, at most `limit` long. Keys of one lane differ only
/// where two keys share a hash.
fn same_key(items: &[Item], from: usize, limit: usize) -> usize {
    let key = items[from].record.key();
    let most = items.len().min(from + limit);
    items[from + 1..most].iter().position(|item| item.record.key() != key).map_or(most, |at| from + 1 + at)
}

impl Running {
    /// Handles the records `items[*from..*from + batch.len()]` and moves `from` behind those that ended.
    fn batch<'a>(
        &'a mut self,
        batch: &'a [Record],
        items: &'a mut Vec<Item>,
        from: &'a mut usize,
    ) -> Pin<Box<dyn Future<Output = Step> + Send + 'a>> {
        Box::pin(async move {
            let timed = self.stopwatch.take().map(|stopwatch| (stopwatch, Instant::now()));
            let outcome = self.call(batch).await;
            if let Some((stopwatch, began)) = timed {
                self.end.timing = Some(Box::new(stopwatch.stop(began)));
            }
            let outcome = match outcome {
                None => return Step::Stopped,
                Some(outcome) => outcome,
            };
            let failure = match outcome {
                Ok(Outcomes::AllDone) => {
                    self.end.handled += batch.len();
                    *from += batch.len();
                    self.next_record();
                    return Step::Ended;
                }
                Ok(Outcomes::Each(outcomes)) if outcomes.len() == batch.len() => {
                    return self.each(batch, outcomes, items, from).await;
                }
                Ok(Outcomes::Each(outcomes)) => Failure::new(
                    FailureClass::Poison,
                    "outcome-count",
                    format!("the handler gave {} outcomes for {} records", outcomes.len(), batch.len()),
                ),
                Err(failure) => failure,
            };
            let impatient = planted("dead-letter-in-an-outage") && self.failures >= 2;
            if failure.class == FailureClass::Transient && !self.spent && !impatient {
                self.end.failure = Some(failure);
                return Step::Stopped;
            }
            if let [record] = batch {
                return self.give_up(record, failure, from).await;
            }
            // Split until the bad record stands alone: the others must not share its fate.
            let (left, right) = batch.split_at(batch.len() / 2);
            match self.batch(left, items, from).await {
                Step::Ended => self.batch(right, items, from).await,
                Step::Stopped => Step::Stopped,
            }
        })
    }

    /// Calls the handler; `None` when the assignment ended meanwhile.
    async fn call(&self, batch: &[Record]) -> Option<Result<Outcomes, Failure>> {
        let handler = &self.shared.handler;
        let mut future = match std::panic::catch_unwind(AssertUnwindSafe(|| handler.handle(batch))) {
            Ok(future) => AssertUnwindSafe(future).catch_unwind(),
            Err(_) => return Some(Err(panicked())),
        };
        if let Poll::Ready(outcome) = poll_once(&mut future).await {
            return Some(outcome.unwrap_or_else(|_| Err(panicked())));
        }
        tokio::select! {
            biased;
            outcome = tokio::time::timeout(self.shared.policy.handler_timeout, future) => Some(match outcome {
                Ok(outcome) => outcome.unwrap_or_else(|_| Err(panicked())),
                Err(_) => Err(Failure::transient(
                    "handler-timeout",
                    format!("the handler ran longer than {:?}", self.shared.policy.handler_timeout),
                )),
            }),
            () = self.cancel.cancelled() => None,
        }
    }

    async fn each(
        &mut self,
        batch: &[Record],
        outcomes: Vec<Outcome>,
        items: &mut Vec<Item>,
        from: &mut usize,
    ) -> Step {
        let mut retry: Option<Failure> = None;
        let mut behind = Vec::new();
        for (record, outcome) in batch.iter().zip(outcomes) {
            let failure = match outcome {
                Outcome::Done => None,
                Outcome::Rejected { .. } => {
                    self.end.rejected += 1;
                    None
                }
                Outcome::Failed(failure) if failure.class == FailureClass::Transient && !self.spent => {
                    // It waits, and keeps its place; what the handler ended behind it has ended.
                    behind.push(items.remove(*from));
                    retry.get_or_insert(failure);
                    continue;
                }
                Outcome::Failed(failure) => Some(failure),
            };
            match failure {
                None => {
                    self.end.handled += 1;
                    *from += 1;
                }
                Some(failure) => {
                    if let Step::Stopped = self.give_up(record, failure, from).await {
                        let Some(refused) = self.end.failure.take() else {
                            items.splice(*from..*from, behind);
                            return Step::Stopped;
                        };
                        // It waits like one that failed; what the handler ended behind it has ended.
                        behind.push(items.remove(*from));
                        retry.get_or_insert(refused);
                    }
                }
            }
        }
        self.next_record();
        items.splice(*from..*from, behind);
        match retry {
            None => Step::Ended,
            Some(failure) => {
                self.end.failure = Some(failure);
                Step::Stopped
            }
        }
    }

    /// Publishes the dead letter of `record`. Refused, the record goes back to its lane, which waits and tries
    /// again: it is never skipped, and holds no handler's slot meanwhile.
    async fn give_up(&mut self, record: &Record, failure: Failure, from: &mut usize) -> Step {
        let now = self.shared.clock.now();
        let attempts =
            Attempts { count: self.failures + 1, first_failure: self.first_failure.unwrap_or(now) };
        let topic = self.shared.dead_letter_topic.clone();
        let mut letter =
            dead_letter::dead_letter(record, topic, &self.shared.sender, &failure, attempts, now);
        let mut tries = 0;
        loop {
            if planted("finish-before-the-acknowledgement") {
                let (publisher, letter) = (self.shared.publisher.clone(), letter.clone());
                tokio::spawn(async move { publisher.publish(&letter).await });
                break;
            }
            let publish = self.shared.publisher.publish(&letter);
            let refused = tokio::select! {
                biased;
                published = publish => match published {
                    Ok(_) => break,
                    Err(_) if planted("skip-refused-letter") => break,
                    Err(refused) => refused,
                },
                () = self.cancel.cancelled() => return Step::Stopped,
            };
            tries += 1;
            tracing::warn!(
                partition = %record.partition(), offset = record.offset(), tries, %refused,
                "the dead letter was not accepted; its lane is held"
            );
            if refused.too_large
                && let Some(shorter) = dead_letter::shortened(&letter)
            {
                letter = shorter;
                continue;
            }
            if !self.condemned {
                let topic = &self.shared.dead_letter_topic;
                let message =
                    format!("the dead letter of {} was not accepted by {topic}", record.partition());
                let refused = Failure::transient("dead-letter-refused", message).caused_by(&refused);
                self.end.failure = Some(refused.on(Dependency(topic.clone())));
                return Step::Stopped;
            }
            // A record that kills the process must not go back: coming back would acquit it.
            let wait = self.shared.policy.retry.backoff.wait(tries, fastrand::f64().max(0.1));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.cancel.cancelled() => return Step::Stopped,
            }
        }
        self.end.dead_letters.push(DeadLettered {
            partition: record.partition().clone(),
            offset: record.offset(),
            class: failure.class,
            kind: failure.kind,
            message: failure.message,
        });
        *from += 1;
        self.next_record();
        Step::Ended
    }

    /// The head of the lane changed: the new one has its whole budget.
    fn next_record(&mut self) {
        self.failures = 0;
        self.first_failure = None;
        self.spent = false;
    }
}

fn panicked() -> Failure {
    // The panic's own text may quote the record.
    Failure::new(FailureClass::Poison, "panic", "the handler panicked on this record")
}
