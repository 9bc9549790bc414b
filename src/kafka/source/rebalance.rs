//! Rebalances, one at a time, each answered once: with one assign or one unassign, also for an empty list.
//!
//! A partition that cannot be read yet, since its leader is away, does not hold the answer up: it is left out, and
//! assigned by itself later, between two rebalances.

use super::context::Letter;
use super::held::{Held, fresh_epoch};
use super::io::Io;
use super::lookup::{self, Found, News};
use crate::engine::{Assigned, Epoch, SourceEvent};
use crate::kafka::raw::{Item, items};
use crate::model::record::{LogId, TopicPartition};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::mpsc;

/// The rebalance being answered.
pub(super) enum Rebalance {
    /// Partitions are being added.
    Assigning {
        /// The client's own list.
        list: TopicPartitionList,
        step: Assigning,
        /// The client waits for no answer: partitions join that were left out before.
        late: bool,
    },
    /// Partitions are being given up; polling goes on until all are released.
    Revoking {
        /// The client's own list.
        list: TopicPartitionList,
        /// Not released yet.
        left: Vec<(TopicPartition, Epoch)>,
    },
}

/// Partitions that are ours and were left out of an assignment; who asks for them goes on asking.
pub(super) struct Late {
    news: mpsc::Receiver<News>,
    left: Vec<TopicPartition>,
}

/// How far an assignment has come.
pub(super) enum Assigning {
    /// Commits and log ends are being asked.
    LookingUp(mpsc::Receiver<News>),
    /// The engine was told and says where to start.
    Waiting(Vec<Starting>),
}

/// A partition about to start.
pub(super) struct Starting {
    partition: TopicPartition,
    epoch: Epoch,
    log: LogId,
    at: Option<i64>,
}

impl Io {
    /// Takes the present rebalance as far as it goes now, and begins the next.
    pub(super) fn rebalance_step(&mut self) {
        loop {
            match self.rebalance.take() {
                None => match self.waiting.pop_front() {
                    Some(letter) => self.begin(letter),
                    None if !self.join_late() => return,
                    None => {}
                },
                Some(Rebalance::Assigning { list, step: Assigning::LookingUp(news), .. }) => {
                    self.listen(list, news);
                }
                // The client would forget that it lost its assignment, and ask for these like for any other.
                Some(Rebalance::Assigning { step: Assigning::Waiting(starting), late: true, .. })
                    if self.queues.assignment_lost() =>
                {
                    let partitions = starting.into_iter().map(|one| (one.partition, one.epoch)).collect();
                    self.tell(SourceEvent::Lost { partitions });
                }
                Some(Rebalance::Assigning { list, step: Assigning::Waiting(starting), .. })
                    if starting.iter().all(|one| one.at.is_some()) =>
                {
                    self.assign(&list, starting);
                }
                Some(Rebalance::Revoking { list, .. }) if self.queues.assignment_lost() => self.lose(&list),
                // A commit on its way still speaks for these partitions: they go after its result.
                Some(Rebalance::Revoking { list, left }) if left.is_empty() && self.committing.is_none() => {
                    self.unassign(&list);
                }
                unfinished => {
                    self.rebalance = unfinished;
                    return;
                }
            }
            if matches!(&self.rebalance, Some(Rebalance::Assigning { step: Assigning::LookingUp(_), .. })) {
                return;
            }
        }
    }

    fn begin(&mut self, letter: Letter) {
        match letter {
            Letter::Assign(list) => {
                self.contact = true;
                let partitions: Vec<TopicPartition> =
                    items(&list).into_iter().map(|item| item.partition).collect();
                if partitions.is_empty() {
                    self.tell(SourceEvent::Assigned(Vec::new()));
                    self.assign(&list, Vec::new());
                    return;
                }
                let started =
                    lookup::start(self.consumer().clone(), partitions, self.timeout, self.alarm.clone());
                let news = started.unwrap_or_else(|error| {
                    self.fail(format!("starting a thread to read committed offsets: {error}"));
                    mpsc::channel().1
                });
                let step = Assigning::LookingUp(news);
                self.rebalance = Some(Rebalance::Assigning { list, step, late: false });
            }
            Letter::Revoke(list) if self.queues.assignment_lost() => self.lose(&list),
            Letter::Revoke(list) => {
                self.drop_late(&list);
                let left = self.holders(&list, true);
                if !left.is_empty() {
                    self.tell(SourceEvent::Revoked { partitions: left.clone() });
                }
                self.rebalance = Some(Rebalance::Revoking { list, left });
            }
            Letter::Commit { .. } | Letter::Error { .. } => {}
        }
    }

    fn listen(&mut self, list: TopicPartitionList, news: mpsc::Receiver<News>) {
        loop {
            match news.try_recv() {
                Ok(News::Found(found)) => {
                    let known = |item: &Item| found.iter().any(|one| one.partition == item.partition);
                    let left = items(&list).into_iter().filter(|item| !known(item));
                    let left: Vec<TopicPartition> = left.map(|item| item.partition).collect();
                    if !left.is_empty() {
                        self.late.push(Late { news, left });
                        self.tell_late();
                    }
                    let step = Assigning::Waiting(self.offer(found));
                    self.rebalance = Some(Rebalance::Assigning { list, step, late: false });
                    return;
                }
                Ok(News::Trouble(reason)) => self.tell(SourceEvent::Trouble(reason)),
                Err(reason) => {
                    if reason == mpsc::TryRecvError::Disconnected {
                        self.fail("the thread that reads committed offsets died".into());
                    }
                    // Kept, so that leaving can still answer the client.
                    let step = Assigning::LookingUp(news);
                    self.rebalance = Some(Rebalance::Assigning { list, step, late: false });
                    return;
                }
            }
        }
    }

    /// Begins to assign what was left out and can be read now. False when there is nothing of that kind.
    fn join_late(&mut self) -> bool {
        if self.late.is_empty() || self.queues.assignment_lost() {
            return false;
        }
        let mut joining = Vec::new();
        for at in 0..self.late.len() {
            loop {
                match self.late[at].news.try_recv() {
                    Ok(News::Trouble(reason)) => self.tell(SourceEvent::Trouble(reason)),
                    Ok(News::Found(found)) => {
                        let left = &mut self.late[at].left;
                        // What was taken from us meanwhile stays out.
                        joining.extend(found.into_iter().filter(|one| left.contains(&one.partition)));
                        left.retain(|left| joining.iter().all(|one| one.partition != *left));
                    }
                    Err(reason) => {
                        if reason == mpsc::TryRecvError::Disconnected && !self.late[at].left.is_empty() {
                            self.fail("the thread that asks for what cannot be read yet died".into());
                        }
                        break;
                    }
                }
            }
        }
        if joining.is_empty() {
            return false;
        }
        let mut list = TopicPartitionList::with_capacity(joining.len());
        for found in &joining {
            list.add_partition(&found.partition.topic, found.partition.partition);
        }
        let step = Assigning::Waiting(self.offer(joining));
        self.rebalance = Some(Rebalance::Assigning { list, step, late: true });
        // After the engine knows them: it must not take itself for idle in between.
        self.late.retain(|late| !late.left.is_empty());
        self.tell_late();
        true
    }

    /// Those of the list that were left out need not be asked for any more.
    fn drop_late(&mut self, list: &TopicPartitionList) {
        if self.late.is_empty() {
            return;
        }
        let gone = items(list);
        for late in &mut self.late {
            late.left.retain(|left| gone.iter().all(|item| item.partition != *left));
        }
        self.late.retain(|late| !late.left.is_empty());
        self.tell_late();
    }

    fn tell_late(&self) {
        self.tell(SourceEvent::Unread(self.late.iter().map(|late| late.left.len()).sum()));
    }

    /// Tells the engine what is coming, each partition under an epoch of its own.
    fn offer(&mut self, found: Vec<Found>) -> Vec<Starting> {
        let (assigned, starting) = found
            .into_iter()
            .map(|Found { partition, log, committed, log_start, log_end }| {
                let epoch = fresh_epoch();
                let starting = Starting { partition: partition.clone(), epoch, log, at: None };
                (Assigned { partition, epoch, committed, log_start, log_end }, starting)
            })
            .unzip();
        self.tell(SourceEvent::Assigned(assigned));
        starting
    }

    /// The engine says where to start; what it does not name yet keeps the assignment waiting.
    pub(super) fn start(&mut self, positions: Vec<(TopicPartition, Epoch, i64)>) {
        let Some(Rebalance::Assigning { step: Assigning::Waiting(starting), .. }) = &mut self.rebalance
        else {
            return;
        };
        for (partition, epoch, offset) in positions {
            let known = starting.iter_mut().find(|one| one.epoch == epoch && one.partition == partition);
            match known {
                Some(one) if offset >= 0 => one.at = Some(offset),
                Some(_) => {
                    self.fail(format!("{partition} was told to start at {offset}"));
                    return;
                }
                None => {}
            }
        }
        // At once: the next command may already speak of what starts here.
        self.rebalance_step();
    }

    fn assign(&mut self, list: &TopicPartitionList, starting: Vec<Starting>) {
        let mut at = TopicPartitionList::with_capacity(list.count());
        for Starting { partition, epoch, log, at: offset } in starting {
            let next = offset.unwrap_or(0);
            if !self.queues.forward(&partition.topic, partition.partition)
                || at
                    .add_partition_offset(&partition.topic, partition.partition, Offset::Offset(next))
                    .is_err()
            {
                self.fail(format!("the client does not take {partition}"));
            }
            self.holdings.insert(Held {
                partition,
                epoch,
                log,
                next,
                paused: false,
                at_end: false,
                revoking: false,
            });
        }
        if let Err(error) = self.consumer().incremental_assign(&at) {
            self.fail(format!("taking an assignment of {} partitions: {error}", at.count()));
        }
    }

    /// The engine has finished with these partitions.
    pub(super) fn release(&mut self, partitions: Vec<(TopicPartition, Epoch)>) {
        if let Some(Rebalance::Revoking { left, .. }) = &mut self.rebalance {
            left.retain(|one| !partitions.contains(one));
        }
    }

    fn unassign(&mut self, list: &TopicPartitionList) {
        // The client remembers a pause beyond the assignment: the partition would never be read again if it came
        // back to this process.
        let mut paused = TopicPartitionList::new();
        // Without those that were left out: the client refuses a list that names one stranger.
        let mut held = TopicPartitionList::with_capacity(list.count());
        for (partition, _) in self.holders(list, true) {
            held.add_partition(&partition.topic, partition.partition);
            if self.holdings.get(&partition.topic, partition.partition).is_some_and(|held| held.paused) {
                paused.add_partition(&partition.topic, partition.partition);
            }
            self.holdings.remove(&partition);
        }
        if paused.count() > 0
            && let Err(error) = self.consumer().resume(&paused)
        {
            self.tell(SourceEvent::Trouble(format!("resuming {} partitions: {error}", paused.count())));
        }
        if let Err(error) = self.consumer().incremental_unassign(&held) {
            self.tell(SourceEvent::Trouble(format!("giving up {} partitions: {error}", held.count())));
        }
    }

    /// The group has given these partitions to others already: nothing may be stored or committed for them.
    fn lose(&mut self, list: &TopicPartitionList) {
        let partitions = self.holders(list, true);
        self.unassign(list);
        // Also of none: whoever waited for what could not be read has no assignment either. First this, so that the
        // engine does not take itself for idle in between.
        self.tell(SourceEvent::Lost { partitions });
        self.drop_late(list);
    }

    /// Those of the list that we hold, with their epochs; with `revoking` they are marked so.
    fn holders(&mut self, list: &TopicPartitionList, revoking: bool) -> Vec<(TopicPartition, Epoch)> {
        let mut holders = Vec::new();
        for item in items(list) {
            let TopicPartition { topic, partition } = &item.partition;
            if let Some(held) = self.holdings.get_mut(topic, *partition) {
                held.revoking |= revoking;
                holders.push((held.partition.clone(), held.epoch));
            }
        }
        holders
    }
}
