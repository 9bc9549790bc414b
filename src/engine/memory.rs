//! A broker in memory: the second implementation of [`Source`] and [`Publisher`], for tests of the runtime and
//! of one's own handlers. One group, its partitions moved by hand.
//!
//! Size: source, publisher and group share one state, and are read together.

use super::{
    Assigned, BatchBuilder, CommitReport, Committed, Epoch, MemoryGauge, PublishError, PublishFuture,
    Publisher, Source, SourceCommand, SourceEvent,
};
use crate::model::record::{Delivery, Header, OutgoingRecord, StoredRecord, TopicPartition};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Time between looks at a full memory.
const FULL_PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

#[derive(Default)]
struct State {
    logs: BTreeMap<TopicPartition, Log>,
    committed: BTreeMap<TopicPartition, Committed>,
    commits: Vec<(TopicPartition, i64)>,
    owners: BTreeMap<TopicPartition, u64>,
    epochs: u64,
    members: Vec<(u64, mpsc::UnboundedSender<Control>)>,
    refuse_commits: usize,
    refuse_publishes: usize,
}

#[derive(Default)]
struct Log {
    start: i64,
    /// Below it records were deleted.
    trimmed: i64,
    records: Vec<StoredRecord>,
}

impl Log {
    fn end(&self) -> i64 {
        self.start.max(self.records.last().map_or(0, |record| record.offset + 1))
    }
}

#[derive(Debug)]
enum Control {
    Assign(Vec<TopicPartition>),
    Revoke(Vec<TopicPartition>),
    Lose(Vec<TopicPartition>),
    Fatal(String),
}

/// A broker in memory. Cheap to clone; clones are the same broker.
#[derive(Clone, Default)]
pub struct MemoryBroker {
    state: Arc<Mutex<State>>,
    /// Something was written.
    written: Arc<Notify>,
}

impl MemoryBroker {
    /// A broker with `partitions` partitions of `topic`.
    pub fn with_topic(topic: &str, partitions: i32) -> Self {
        let broker = Self::default();
        for partition in 0..partitions {
            broker.lock().logs.insert(TopicPartition::new(topic, partition), Log::default());
        }
        broker
    }
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Appends a record; returns its offset.
    pub fn produce(&self, topic: &str, partition: i32, key: Option<&str>, value: &str) -> i64 {
        self.append(OutgoingRecord {
            topic: topic.into(),
            partition: Some(partition),
            key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            headers: Vec::new(),
            timestamp_ms: None,
        })
        .offset
    }
    /// Appends a record as it is; without a partition it goes to partition 0.
    pub fn append(&self, record: OutgoingRecord) -> Delivery {
        let target = TopicPartition::new(record.topic, record.partition.unwrap_or(0));
        let mut state = self.lock();
        let log = state.logs.entry(target.clone()).or_default();
        let offset = log.end();
        log.records.push(StoredRecord {
            source: target.clone(),
            offset,
            timestamp_ms: record.timestamp_ms,
            key: record.key,
            value: record.value,
            headers: record.headers,
        });
        drop(state);
        self.written.notify_waiters();
        Delivery { target, offset }
    }
    /// Deletes the records of a partition below `offset`.
    pub fn trim(&self, topic: &str, partition: i32, offset: i64) {
        if let Some(log) = self.lock().logs.get_mut(&TopicPartition::new(topic, partition)) {
            (log.start, log.trimmed) = (offset, offset);
            log.records.retain(|record| record.offset >= offset);
        }
    }
    /// Leaves a gap of `count` offsets, as transaction markers do.
    pub fn skip(&self, topic: &str, partition: i32, count: i64) {
        if let Some(log) = self.lock().logs.get_mut(&TopicPartition::new(topic, partition)) {
            log.start = log.end() + count;
        }
    }
    /// What the group committed for a partition.
    pub fn committed(&self, topic: &str, partition: i32) -> Option<Committed> {
        self.lock().committed.get(&TopicPartition::new(topic, partition)).cloned()
    }
    /// Commits for the group from outside, as another tool would.
    pub fn commit(&self, topic: &str, partition: i32, offset: i64, metadata: &str) {
        let committed = Committed { offset, metadata: metadata.to_owned() };
        self.lock().committed.insert(TopicPartition::new(topic, partition), committed);
    }
    /// Every commit so far, in order.
    pub fn commits(&self) -> Vec<(TopicPartition, i64)> {
        self.lock().commits.clone()
    }
    /// The records of a topic, partition by partition.
    pub fn records(&self, topic: &str) -> Vec<StoredRecord> {
        let state = self.lock();
        let logs = state.logs.iter().filter(|(partition, _)| &*partition.topic == topic);
        logs.flat_map(|(_, log)| log.records.clone()).collect()
    }
    /// Refuses the next `count` commits.
    pub fn refuse_commits(&self, count: usize) {
        self.lock().refuse_commits = count;
    }
    /// Refuses the next `count` publishes.
    pub fn refuse_publishes(&self, count: usize) {
        self.lock().refuse_publishes = count;
    }
    /// A member of the group that starts with the partitions of `topic` nobody has.
    pub fn source(&self, topic: &str) -> MemorySource {
        MemorySource { broker: self.clone(), topic: topic.to_owned() }
    }
    /// Asks every member that has one of `partitions` to give it back.
    pub fn revoke(&self, topic: &str, partitions: &[i32]) {
        self.control(Control::Revoke(list(topic, partitions)));
    }
    /// Takes partitions away without asking.
    pub fn lose(&self, topic: &str, partitions: &[i32]) {
        self.control(Control::Lose(list(topic, partitions)));
    }
    /// Gives free partitions to the members.
    pub fn assign(&self, topic: &str, partitions: &[i32]) {
        self.control(Control::Assign(list(topic, partitions)));
    }
    /// Makes every member's client give up.
    pub fn fail(&self, reason: &str) {
        self.control(Control::Fatal(reason.to_owned()));
    }
    fn control(&self, control: Control) {
        for (_, member) in &self.lock().members {
            let copy = match &control {
                Control::Assign(list) => Control::Assign(list.clone()),
                Control::Revoke(list) => Control::Revoke(list.clone()),
                Control::Lose(list) => Control::Lose(list.clone()),
                Control::Fatal(reason) => Control::Fatal(reason.clone()),
            };
            // A member that left does not listen.
            let _ = member.send(copy);
        }
    }
}

fn list(topic: &str, partitions: &[i32]) -> Vec<TopicPartition> {
    partitions.iter().map(|partition| TopicPartition::new(topic, *partition)).collect()
}

impl Publisher for MemoryBroker {
    fn publish<'a>(&'a self, record: &'a OutgoingRecord) -> PublishFuture<'a> {
        Box::pin(async move {
            {
                let mut state = self.lock();
                if state.refuse_publishes > 0 {
                    state.refuse_publishes -= 1;
                    let topic = record.topic.to_string();
                    return Err(PublishError { topic, reason: "refused".into(), too_large: false });
                }
            }
            Ok(self.append(record.clone()))
        })
    }
}

/// One member of the group of a [`MemoryBroker`].
pub struct MemorySource {
    broker: MemoryBroker,
    topic: String,
}

impl Source for MemorySource {
    fn start(
        self: Box<Self>,
        memory: MemoryGauge,
        events: mpsc::UnboundedSender<SourceEvent>,
        commands: mpsc::UnboundedReceiver<SourceCommand>,
    ) -> std::io::Result<()> {
        let (control, controls) = mpsc::unbounded_channel();
        let mut state = self.broker.lock();
        let id = state.members.len() as u64 + 1;
        state.members.push((id, control.clone()));
        let free: Vec<TopicPartition> = state
            .logs
            .keys()
            .filter(|partition| *partition.topic == self.topic && !state.owners.contains_key(*partition))
            .cloned()
            .collect();
        drop(state);
        // Our own receiver is still here.
        let _ = control.send(Control::Assign(free));
        let member = Member { id, broker: self.broker, events, held: BTreeMap::new(), memory };
        tokio::spawn(member.run(commands, controls));
        Ok(())
    }
}

struct Held {
    epoch: Epoch,
    /// `None` until started.
    next: Option<i64>,
    paused: bool,
    end_told: Option<i64>,
}

struct Member {
    id: u64,
    broker: MemoryBroker,
    events: mpsc::UnboundedSender<SourceEvent>,
    held: BTreeMap<TopicPartition, Held>,
    memory: MemoryGauge,
}

impl Member {
    async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<SourceCommand>,
        mut controls: mpsc::UnboundedReceiver<Control>,
    ) {
        let written = self.broker.written.clone();
        loop {
            let news = written.notified();
            self.read();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    None => break,
                    Some(SourceCommand::Leave) => {
                        self.tell(SourceEvent::Left);
                        break;
                    }
                    Some(command) => self.command(command),
                },
                Some(control) = controls.recv() => self.control(control),
                () = news => {}
                () = tokio::time::sleep(FULL_PAUSE), if !self.memory.may_read() => {}
            }
        }
        let mut state = self.broker.lock();
        state.owners.retain(|_, owner| *owner != self.id);
        state.members.retain(|(id, _)| *id != self.id);
    }

    fn tell(&self, event: SourceEvent) {
        // A runtime that ended does not listen.
        let _ = self.events.send(event);
    }

    fn read(&mut self) {
        if !self.memory.may_read() {
            return;
        }
        let state = self.broker.lock();
        let mut builder = BatchBuilder::default();
        let (mut ends, mut overtaken) = (Vec::new(), Vec::new());
        for (partition, held) in &mut self.held {
            let (Some(next), false) = (held.next, held.paused) else { continue };
            let Some(log) = state.logs.get(partition) else { continue };
            if next < log.trimmed {
                held.next = None;
                overtaken.push((partition.clone(), held.epoch, next..log.trimmed));
                continue;
            }
            let slot = builder.slot(partition, held.epoch);
            let mut position = next;
            for record in log.records.iter().filter(|record| record.offset >= next).take(100) {
                let headers =
                    record.headers.iter().map(|Header { name, value }| (&name[..], value.as_deref()));
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                builder.push(slot, record.offset, record.timestamp_ms, key, value, headers);
                position = record.offset + 1;
            }
            if log.records.last().is_none_or(|last| last.offset < position) {
                position = position.max(log.end());
                if held.end_told != Some(position) {
                    held.end_told = Some(position);
                    ends.push((partition.clone(), held.epoch, position));
                }
            } else {
                // More waits: read again before the next wait.
                self.broker.written.notify_waiters();
            }
            held.next = Some(position);
        }
        drop(state);
        if !builder.is_empty() {
            self.tell(SourceEvent::Batch(builder.build_counted(&self.memory)));
            self.broker.written.notify_waiters();
        }
        for (partition, epoch, offsets) in overtaken {
            self.tell(SourceEvent::Overtaken { partition, epoch, offsets });
        }
        for (partition, epoch, position) in ends {
            self.tell(SourceEvent::End { partition, epoch, position });
        }
    }

    fn live(&mut self, partition: &TopicPartition, epoch: Epoch) -> Option<&mut Held> {
        self.held.get_mut(partition).filter(|held| held.epoch == epoch)
    }

    fn command(&mut self, command: SourceCommand) {
        match command {
            SourceCommand::Start(starts) => {
                for (partition, epoch, offset) in starts {
                    if let Some(held) = self.live(&partition, epoch) {
                        held.next = Some(offset);
                    }
                }
            }
            SourceCommand::Commit { id, positions } => {
                let mut results = Vec::new();
                for position in positions {
                    if self.live(&position.partition, position.epoch).is_none() {
                        continue;
                    }
                    let mut state = self.broker.lock();
                    if state.refuse_commits > 0 {
                        state.refuse_commits -= 1;
                        results.push((position, Err("refused".to_owned())));
                        continue;
                    }
                    let committed =
                        Committed { offset: position.offset, metadata: position.metadata.clone() };
                    state.commits.push((position.partition.clone(), position.offset));
                    state.committed.insert(position.partition.clone(), committed);
                    results.push((position, Ok(())));
                }
                self.tell(SourceEvent::Committed(CommitReport { id, results }));
            }
            SourceCommand::Skip(partition, epoch, offset) => {
                if let Some(held) = self.live(&partition, epoch) {
                    held.next = Some(offset);
                }
            }
            SourceCommand::Pause(partition, epoch) => {
                if let Some(held) = self.live(&partition, epoch) {
                    held.paused = true;
                }
            }
            SourceCommand::Resume(partition, epoch) => {
                if let Some(held) = self.live(&partition, epoch) {
                    held.paused = false;
                }
            }
            SourceCommand::Release(partitions) => {
                for (partition, epoch) in partitions {
                    if self.live(&partition, epoch).is_some() {
                        self.held.remove(&partition);
                        self.broker.lock().owners.remove(&partition);
                    }
                }
            }
            SourceCommand::Leave => {}
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Assign(partitions) => {
                let mut state = self.broker.lock();
                let mut assigned = Vec::new();
                for partition in partitions {
                    if state.owners.contains_key(&partition) {
                        continue;
                    }
                    state.owners.insert(partition.clone(), self.id);
                    state.epochs += 1;
                    let epoch = Epoch(state.epochs);
                    let (log_start, log_end) =
                        state.logs.get(&partition).map_or((0, 0), |log| (log.start_offset(), log.end()));
                    let committed = state.committed.get(&partition).cloned();
                    let held = Held { epoch, next: None, paused: false, end_told: None };
                    self.held.insert(partition.clone(), held);
                    assigned.push(Assigned { partition, epoch, committed, log_start, log_end });
                }
                drop(state);
                self.tell(SourceEvent::Assigned(assigned));
            }
            Control::Revoke(partitions) => {
                let partitions = self.epochs(&partitions);
                for (partition, _) in &partitions {
                    if let Some(held) = self.held.get_mut(partition) {
                        held.paused = true;
                    }
                }
                self.tell(SourceEvent::Revoked { partitions });
            }
            Control::Lose(partitions) => {
                let partitions = self.epochs(&partitions);
                for (partition, _) in &partitions {
                    self.held.remove(partition);
                    self.broker.lock().owners.remove(partition);
                }
                self.tell(SourceEvent::Lost { partitions });
            }
            Control::Fatal(reason) => self.tell(SourceEvent::Fatal(reason)),
        }
    }

    fn epochs(&self, partitions: &[TopicPartition]) -> Vec<(TopicPartition, Epoch)> {
        partitions.iter().filter_map(|p| self.held.get(p).map(|held| (p.clone(), held.epoch))).collect()
    }
}

impl Log {
    /// The offset of the first record there is, or would be.
    fn start_offset(&self) -> i64 {
        self.records.first().map_or(self.start, |record| record.offset.min(self.start.max(record.offset)))
    }
}
