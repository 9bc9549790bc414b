//! The source's loop: commands, control, data, sleep until somebody rings.

use super::SourceOptions;
use super::commit::Committing;
use super::context::{Letter, LetterBox, answer_while_closing};
use super::ends::Ends;
use super::held::Holdings;
use super::intake::{Intake, PartitionError};
use super::judge::{Verdict, judge};
use super::rebalance::{Late, Rebalance};
use super::wake::Alarm;
use crate::engine::{Epoch, MemoryGauge, SourceCommand, SourceEvent};
use crate::kafka::error::describe;
use crate::kafka::raw::Queues;
use crate::model::record::TopicPartition;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;
use std::collections::VecDeque;
use std::sync::{Arc, mpsc as thread_mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::mpsc;

/// The loop looks by itself this often, should nobody ring: the group's poll deadline, lost assignments. Data,
/// control events and commands ring.
const TICK: Duration = Duration::from_millis(20);
/// Control events handled before data gets its turn.
const CONTROL_BURST: usize = 32;
/// How long the log start of a partition may take to look up for an error message.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// The state of the source's thread.
pub(super) struct Io {
    pub(super) queues: Queues<LetterBox>,
    pub(super) alarm: Arc<Alarm>,
    pub(super) timeout: Duration,
    pub(super) holdings: Holdings,
    /// The rebalance being answered; the client sends no second one before, but letters may wait.
    pub(super) rebalance: Option<Rebalance>,
    pub(super) waiting: VecDeque<Letter>,
    pub(super) late: Vec<Late>,
    pub(super) committing: Option<Committing>,
    /// The group has given us an assignment at least once.
    pub(super) contact: bool,
    pub(super) ends: Ends,
    options: SourceOptions,
    events: mpsc::UnboundedSender<SourceEvent>,
    commands: mpsc::UnboundedReceiver<SourceCommand>,
    memory: MemoryGauge,
    failed: bool,
    /// Partitions to be read from another offset on.
    skips: Vec<(TopicPartition, Epoch, i64)>,
}

/// What is to be done after the commands were read.
enum Next {
    GoOn,
    Leave,
}

impl Io {
    pub(super) fn new(
        queues: Queues<LetterBox>,
        alarm: Arc<Alarm>,
        timeout: Duration,
        options: SourceOptions,
        memory: MemoryGauge,
        events: mpsc::UnboundedSender<SourceEvent>,
        commands: mpsc::UnboundedReceiver<SourceCommand>,
    ) -> Self {
        Io {
            queues,
            alarm,
            timeout,
            holdings: Holdings::default(),
            rebalance: None,
            waiting: VecDeque::new(),
            late: Vec::new(),
            committing: None,
            contact: false,
            ends: Ends::new(options.ends_every),
            options,
            events,
            commands,
            memory,
            failed: false,
            skips: Vec::new(),
        }
    }

    pub(super) fn consumer(&self) -> &Arc<BaseConsumer<LetterBox>> {
        self.queues.consumer()
    }

    /// Tells the engine. Without a listener the closed command channel ends the loop.
    pub(super) fn tell(&self, event: SourceEvent) {
        let _ = self.events.send(event);
    }

    /// Runs until told to leave.
    pub(super) fn run(mut self) {
        self.alarm.belongs_to_this_thread();
        let waker = Waker::from(self.alarm.clone());
        self.memory.belongs_to(waker.clone());
        loop {
            if let Next::Leave = self.obey(&mut Context::from_waker(&waker)) {
                break;
            }
            self.control();
            self.rebalance_step();
            self.skip_if_free();
            let may_read = self.memory.may_read();
            self.watch_ends(self.memory.is_full());
            let busy = may_read && !self.failed && self.read();
            if !busy {
                std::thread::park_timeout(TICK);
            }
        }
        self.leave();
    }

    /// Does what the engine says.
    fn obey(&mut self, context: &mut Context<'_>) -> Next {
        loop {
            match self.commands.poll_recv(context) {
                Poll::Pending => return Next::GoOn,
                Poll::Ready(None | Some(SourceCommand::Leave)) => return Next::Leave,
                Poll::Ready(Some(SourceCommand::Start(positions))) => self.start(positions),
                Poll::Ready(Some(SourceCommand::Commit { id, positions })) => self.commit(id, positions),
                Poll::Ready(Some(SourceCommand::Skip(partition, epoch, to))) => {
                    self.skips.push((partition, epoch, to));
                }
                Poll::Ready(Some(SourceCommand::Pause(partition, epoch))) => self.pause(&partition, epoch),
                Poll::Ready(Some(SourceCommand::Resume(partition, epoch))) => self.resume(&partition, epoch),
                Poll::Ready(Some(SourceCommand::Release(partitions))) => self.release(partitions),
            }
        }
    }

    /// Polls control and reads the letters. Polled at least once a turn: that is what the group's poll deadline
    /// counts.
    fn control(&mut self) {
        let mut ended = None;
        for _ in 0..CONTROL_BURST {
            let strayed = match self.consumer().poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    let held = self.holdings.get(message.topic(), message.partition());
                    Some((message.partition(), held.map(|held| (held.partition.clone(), held.epoch))))
                }
                // Errors are told to the context too, with their reason; here only, whether it is the end.
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    ended = Some(code);
                    None
                }
                Some(Err(_)) | None => None,
            };
            if let Some((partition, held)) = strayed {
                // Cannot be: every partition is forwarded before it is assigned. The record is gone, and nothing may
                // be committed above it.
                self.tell(SourceEvent::Lost { partitions: held.into_iter().collect() });
                self.fail(format!("a record of partition {partition} came past the data queue"));
            }
            if !self.queues.has_control() {
                break;
            }
        }
        for letter in self.consumer().context().take() {
            match letter {
                Letter::Commit { error, items } => self.commit_ended(error, items),
                Letter::Error { code, reason } => match judge(code, ended.is_some(), self.contact) {
                    Verdict::Fatal => self.fail(reason),
                    Verdict::Trouble => self.tell(SourceEvent::Trouble(reason)),
                },
                rebalance @ (Letter::Assign(_) | Letter::Revoke(_)) => self.waiting.push_back(rebalance),
            }
        }
        if let Some(code) = ended {
            self.fail(describe(code));
        }
    }

    /// Reads what waits. True when something was there.
    fn read(&mut self) -> bool {
        let events = &self.events;
        // Without a listener the closed command channel ends the loop.
        let mut full = |batch| drop(events.send(SourceEvent::Batch(batch)));
        let mut intake = Intake::new(&mut self.holdings, self.options.batch_records, &self.memory, &mut full);
        let busy = self.queues.read(|message| intake.take(message));
        let taken = intake.finish();
        for (partition, epoch, position) in taken.ends {
            self.tell(SourceEvent::End { partition, epoch, position });
        }
        for error in taken.errors {
            self.partition_failed(&error);
        }
        busy
    }

    fn partition_failed(&mut self, error: &PartitionError) {
        let PartitionError { partition, code, text } = error;
        if *code == RDKafkaErrorCode::AutoOffsetReset {
            let held = self.holdings.get(&partition.topic, partition.partition);
            let (next, epoch) = held.map_or((-1, Epoch(0)), |held| (held.next, held.epoch));
            let ends = self.consumer().fetch_watermarks(&partition.topic, partition.partition, LAST_LOOK);
            if let Ok((start, _)) = ends
                && (0..start).contains(&next)
            {
                let partition = partition.clone();
                self.tell(SourceEvent::Overtaken { partition, epoch, offsets: next..start });
                return;
            }
            let ends = ends.map_or_else(
                |_| "its ends are unknown".to_owned(),
                |(start, end)| format!("the log starts at {start} and ends at {end}"),
            );
            self.fail(format!("{partition} has no record at offset {next}, where reading stood: {ends}"));
            return;
        }
        let text = format!("reading {partition}: {text}");
        match judge(Some(*code), false, self.contact) {
            Verdict::Fatal => self.fail(text),
            Verdict::Trouble => self.tell(SourceEvent::Trouble(text)),
        }
    }

    /// Tells the engine, once, that this source is at its end. Polling goes on until it says leave.
    pub(super) fn fail(&mut self, reason: String) {
        if !self.failed {
            self.failed = true;
            self.tell(SourceEvent::Fatal(reason));
        }
    }

    fn pause(&mut self, partition: &TopicPartition, epoch: Epoch) {
        let Some(held) = self.holdings.live(partition, epoch).filter(|held| !held.paused) else { return };
        held.paused = true;
        let next = held.next;
        // A pause throws the prefetched records away; where to go on is said from what was handed over.
        let list = one(partition, next);
        let paused = self
            .consumer()
            .pause(&list)
            .and_then(|()| self.consumer().seek_partitions(list, Duration::ZERO).map(drop));
        if let Err(error) = paused {
            self.tell(SourceEvent::Trouble(format!("pausing {partition}: {error}")));
        }
    }

    fn resume(&mut self, partition: &TopicPartition, epoch: Epoch) {
        let Some(held) = self.holdings.live(partition, epoch).filter(|held| held.paused) else { return };
        held.paused = false;
        let list = one(partition, held.next);
        if let Err(error) = self.consumer().resume(&list) {
            self.tell(SourceEvent::Trouble(format!("resuming {partition}: {error}")));
        }
    }

    /// Does the skips that wait, once no rebalance is open: the client would take the first of a skip's two calls for
    /// the answer to it, and give away what is still being handled.
    fn skip_if_free(&mut self) {
        if self.rebalance.is_some() || !self.waiting.is_empty() || self.skips.is_empty() {
            return;
        }
        if self.queues.assignment_lost() {
            return;
        }
        for (partition, epoch, to) in std::mem::take(&mut self.skips) {
            self.skip(&partition, epoch, to);
        }
    }

    /// Goes on at `to`. The client has given the partition up for itself, and takes no seek: it is assigned anew.
    fn skip(&mut self, partition: &TopicPartition, epoch: Epoch, to: i64) {
        let Some(held) = self.holdings.live(partition, epoch).filter(|held| !held.revoking) else { return };
        held.next = to;
        let list = one(partition, to);
        let consumer = self.consumer();
        let again = consumer.incremental_unassign(&list).and_then(|()| consumer.incremental_assign(&list));
        // The client takes the forward back when it stops a partition; both calls have answered, so it has stopped.
        let forwarded = self.queues.forward(&partition.topic, partition.partition);
        if again.is_err() || !forwarded {
            let reason =
                again.err().map_or_else(|| "the client does not take it".into(), |error| error.to_string());
            self.fail(format!("reading {partition} from its new start at {to}: {reason}"));
        }
    }

    /// Leaves the group on a thread of its own, since closing can hang, and tells the engine when it is done or
    /// the time for it is up.
    fn leave(mut self) {
        let consumer = self.consumer().clone();
        consumer.context().close();
        // What the client still waits for must be answered, or it never gets to leaving.
        match self.rebalance.take() {
            Some(Rebalance::Assigning { list, .. }) => answer_while_closing(&consumer, true, &list),
            Some(Rebalance::Revoking { list, .. }) => answer_while_closing(&consumer, false, &list),
            None => {}
        }
        for letter in self.waiting.drain(..).chain(consumer.context().take()) {
            match letter {
                Letter::Assign(list) => answer_while_closing(&consumer, true, &list),
                Letter::Revoke(list) => answer_while_closing(&consumer, false, &list),
                Letter::Commit { .. } | Letter::Error { .. } => {}
            }
        }
        let (done, left) = thread_mpsc::channel();
        let Io { queues, events, options, .. } = self;
        // The data queue goes before the client does.
        drop(queues);
        let closing = std::thread::Builder::new().name("kylo-leave".into()).spawn(move || {
            match consumer.close_queue() {
                Ok(()) => {
                    while !consumer.closed() {
                        consumer.poll(TICK);
                    }
                }
                Err(error) => tracing::debug!(%error, "leaving the group"),
            }
            let _ = done.send(());
            drop(consumer);
        });
        if closing.is_ok() {
            // Time up, or done: the engine may end either way.
            let _ = left.recv_timeout(options.leave_limit);
        }
        let _ = events.send(SourceEvent::Left);
    }
}

/// A list of one partition at an offset.
pub(super) fn one(partition: &TopicPartition, offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    // The only error is an offset below zero, which no position of ours is; without it the list is empty.
    let _ = list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(offset));
    list
}
