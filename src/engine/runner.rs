//! Runs handlers: the worker tasks, and the story of one run from first try to its records' ends.
//!
//! Size: the story of a run is told in one place.

use super::breaker::LaneId;
use super::cancel::Cancel;
use super::dead_letter::{self, Attempts, Sender};
use super::items::Items;
use super::run_queue::RunQueue;
use super::timing::{Stopwatch, Timing};
use super::{Dependency, Failure, FailureClass, Handler, Outcome, Outcomes, Policy, Publisher, Record};
use crate::model::clock::SharedClock;
use crate::mutants::planted;
use futures_util::FutureExt;
use futures_util::future::Fuse;
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Waiting records of one lane, handed out.
#[derive(Debug)]
pub(super) struct Run {
    pub lane: LaneId,
    pub items: Items,
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
    /// Its records: first those that came to an end, then those that did not, in order.
    pub items: Items,
    /// How many came to an end.
    pub ended: usize,
    /// Of the ended: handled, rejections included.
    pub handled: usize,
    pub rejected: usize,
    pub dead_letters: Vec<DeadLettered>,
    /// Why the first that did not end must wait; `None` when the run just stopped (cancelled). In a box: most
    /// runs have none.
    pub failure: Option<Box<Failure>>,
    /// It ended without ever waiting.
    pub inline: bool,
    /// How long it took, if it was timed. In a box: most are not.
    pub timing: Option<Box<Timing>>,
}

impl RunEnd {
    /// The end of a run of which nothing has happened.
    pub fn new(lane: LaneId, items: Items) -> Self {
        RunEnd {
            lane,
            items,
            ended: 0,
            handled: 0,
            rejected: 0,
            dead_letters: Vec::new(),
            failure: None,
            inline: false,
            timing: None,
        }
    }
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

/// One worker: takes runs whenever a handler may begin, polls each at once, where most short handlers end, and keeps
/// the others. Handlers that end at once are taken several at a time.
pub(super) async fn work(shared: Arc<Shared>, runs: Arc<RunQueue>, ends: mpsc::UnboundedSender<Vec<RunEnd>>) {
    let shared = &*shared;
    let mut waiting = FuturesUnordered::new();
    let mut chunk = VecDeque::new();
    // Slots of handlers that ended, until the queue is asked again.
    let mut freed = 0;
    let mut inline = false;
    // The place of the next run, used again for as long as runs end at once.
    let mut place = Box::pin(Fuse::terminated());
    loop {
        let mut ended = Vec::new();
        tokio::select! {
            biased;
            Some(end) = waiting.next(), if !waiting.is_empty() => {
                ended.push(end);
                while let Some(Some(end)) = waiting.next().now_or_never() {
                    ended.push(end);
                }
                freed += ended.len();
            }
            () = runs.next(&mut freed, inline, &mut chunk) => {}
        }
        ended.reserve(chunk.len());
        while let Some(run) = chunk.pop_front() {
            place.set(run_lane(shared, run).fuse());
            let polled = poll_once(&mut place).await;
            inline = polled.is_ready();
            match polled {
                Poll::Ready(mut end) => {
                    end.inline = true;
                    ended.push(end);
                    freed += usize::from(chunk.is_empty());
                }
                Poll::Pending => {
                    waiting.push(std::mem::replace(&mut place, Box::pin(Fuse::terminated())));
                    let over = runs.put_back(&mut chunk).into_iter();
                    ended.extend(over.map(|run| RunEnd::new(run.lane, run.items)));
                }
            }
        }
        if !ended.is_empty() && ends.send(ended).is_err() {
            break;
        }
        // A queue that is never empty must not keep the thread.
        tokio::task::coop::consume_budget().await;
    }
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|context: &mut Context<'_>| Poll::Ready(future.poll_unpin(context))).await
}

/// One run on its way.
struct Running<'s> {
    shared: &'s Shared,
    cancel: Arc<Cancel>,
    failures: u32,
    first_failure: Option<Timestamp>,
    spent: bool,
    condemned: bool,
    /// Until the handler's first call of a run that is timed.
    stopwatch: Option<Stopwatch>,
    /// What has come of it so far; `end.ended` is where the next piece begins.
    end: RunEnd,
}

/// How a piece of a run went.
enum Step {
    Ended,
    /// It fails as a whole, for good.
    Split,
    /// The rest must wait.
    Stopped,
}

async fn run_lane(shared: &Shared, run: Run) -> RunEnd {
    let Run { lane, items, cancel, failures, first_failure, spent, condemned, sample } = run;
    let limit = shared.handler.batch_limit().max(1);
    let stopwatch = (sample > 0).then(|| {
        let first = items.records().first().filter(|_| first_failure.is_none());
        Stopwatch { weight: sample, read: first.map(Record::read_at) }
    });
    let end = RunEnd::new(lane, items);
    let mut running = Running { shared, cancel, failures, first_failure, spent, condemned, stopwatch, end };
    if condemned {
        let deaths = super::quarantine::DEATHS;
        let message = format!("the process died {deaths} times while this record ran alone");
        if let Step::Stopped = running.give_up(Failure::new(FailureClass::Crash, "crash", message)).await {
            return running.end;
        }
    }
    // Where the halves of a batch that failed as a whole end, the nearest last.
    let mut halves: Vec<usize> = Vec::new();
    while running.end.ended < running.end.items.len() && !running.cancel.is_ending() {
        let from = running.end.ended;
        let to = halves.last().copied().unwrap_or_else(|| same_key(running.end.items.records(), from, limit));
        match running.piece(to).await {
            Step::Ended => {
                while halves.last() == Some(&running.end.ended) {
                    halves.pop();
                }
            }
            // Until the bad record stands alone: the others must not share its fate.
            Step::Split => {
                if halves.is_empty() {
                    halves.push(to);
                }
                halves.push(from + (to - from) / 2);
            }
            Step::Stopped => break,
        }
    }
    running.end
}

/// The end of the run of equal keys that begins at `from`, at most `limit` long. Keys of one lane differ only
/// where two keys share a hash.
fn same_key(records: &[Record], from: usize, limit: usize) -> usize {
    if limit == 1 {
        return from + 1;
    }
    let key = records[from].key();
    let most = records.len().min(from + limit);
    records[from + 1..most].iter().position(|record| record.key() != key).map_or(most, |at| from + 1 + at)
}

impl Running<'_> {
    /// Handles the records from `end.ended` up to `to`.
    async fn piece(&mut self, to: usize) -> Step {
        let from = self.end.ended;
        let timed = self.stopwatch.take().map(|stopwatch| (stopwatch, Instant::now()));
        let outcome = self.call(&self.end.items.records()[from..to]).await;
        if let Some((stopwatch, began)) = timed {
            self.end.timing = Some(Box::new(stopwatch.stop(began)));
        }
        let failure = match outcome {
            None => return Step::Stopped,
            Some(Ok(Outcomes::AllDone)) => {
                self.end.handled += to - from;
                self.end.ended = to;
                self.next_record();
                return Step::Ended;
            }
            Some(Ok(Outcomes::Each(outcomes))) if outcomes.len() == to - from => {
                return self.each(outcomes).await;
            }
            Some(Ok(Outcomes::Each(outcomes))) => Failure::new(
                FailureClass::Poison,
                "outcome-count",
                format!("the handler gave {} outcomes for {} records", outcomes.len(), to - from),
            ),
            Some(Err(failure)) => failure,
        };
        let impatient = planted("dead-letter-in-an-outage") && self.failures >= 2;
        if failure.class == FailureClass::Transient && !self.spent && !impatient {
            self.end.failure = Some(Box::new(failure));
            return Step::Stopped;
        }
        if to - from == 1 { self.give_up(failure).await } else { Step::Split }
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

    /// Takes one outcome for each record from `end.ended` on.
    async fn each(&mut self, outcomes: Vec<Outcome>) -> Step {
        let mut retry: Option<Box<Failure>> = None;
        let mut behind = Vec::new();
        for outcome in outcomes {
            let failure = match outcome {
                Outcome::Done => None,
                Outcome::Rejected { .. } => {
                    self.end.rejected += 1;
                    None
                }
                Outcome::Failed(failure) if failure.class == FailureClass::Transient && !self.spent => {
                    // It waits, and keeps its place; what the handler ended behind it has ended.
                    behind.push(self.end.items.remove(self.end.ended));
                    retry.get_or_insert(Box::new(failure));
                    self.next_record();
                    continue;
                }
                Outcome::Failed(failure) => Some(failure),
            };
            match failure {
                None => {
                    self.end.handled += 1;
                    self.end.ended += 1;
                    self.next_record();
                }
                Some(failure) => {
                    if let Step::Stopped = self.give_up(failure).await {
                        let Some(refused) = self.end.failure.take() else {
                            self.end.items.insert_all(self.end.ended, behind);
                            return Step::Stopped;
                        };
                        // It waits like one that failed; what the handler ended behind it has ended.
                        behind.push(self.end.items.remove(self.end.ended));
                        retry.get_or_insert(refused);
                        self.next_record();
                    }
                }
            }
        }
        self.next_record();
        self.end.items.insert_all(self.end.ended, behind);
        match retry {
            None => Step::Ended,
            Some(failure) => {
                self.end.failure = Some(failure);
                Step::Stopped
            }
        }
    }

    /// Publishes the dead letter of the record at `end.ended`. Refused, the record goes back to its lane, which
    /// waits and tries again: it is never skipped, and holds no handler's slot meanwhile.
    async fn give_up(&mut self, failure: Failure) -> Step {
        let Some(record) = self.end.items.records().get(self.end.ended).cloned() else { return Step::Ended };
        let now = self.shared.clock.now();
        let attempts =
            Attempts { count: self.failures + 1, first_failure: self.first_failure.unwrap_or(now) };
        let topic = self.shared.dead_letter_topic.clone();
        let mut letter =
            dead_letter::dead_letter(&record, topic, &self.shared.sender, &failure, attempts, now);
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
                self.end.failure = Some(Box::new(refused.on(Dependency(topic.clone()))));
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
        self.end.ended += 1;
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
