//! A small engine for the source's tests, on the mock broker: every wait is on an event, under one limit.

use super::*;
use crate::consent::WriteToken;
use crate::engine::{Assigned, CommitReport, Epoch, MemoryGauge, Position, Record};
use crate::kafka::raw::items;
use crate::kafka::{MockBroker, Producer};
use crate::model::record::{OutgoingRecord, TopicPartition};
use crate::model::topic::TopicSpec;
use bytes::Bytes;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::{BTreeMap, HashMap};

pub(super) const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn broker(partitions: i32) -> MockBroker {
    let spec = TopicSpec { name: "t".into(), partitions, replicas: None, configs: BTreeMap::new() };
    MockBroker::start(&[spec]).unwrap()
}

pub(super) fn config(broker: &MockBroker, properties: &[(&str, &str)]) -> Config {
    Config {
        brokers: broker.bootstrap_servers().into(),
        properties: properties.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        timeout: Duration::from_secs(10),
    }
}

/// Members that hear of a rebalance soon.
pub(super) const QUICK: [(&str, &str); 2] =
    [("heartbeat.interval.ms", "100"), ("session.timeout.ms", "6000")];

pub(super) fn record(partition: i32, value: &str) -> OutgoingRecord {
    OutgoingRecord {
        topic: "t".into(),
        partition: Some(partition),
        key: Some(Bytes::from_static(b"k")),
        value: Some(Bytes::from(value.to_owned())),
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

pub(super) async fn produce(broker: &MockBroker, records: Vec<OutgoingRecord>) {
    let producer = Producer::connect(&config(broker, &[])).unwrap();
    let token = WriteToken::by_command("test");
    for result in producer.send_all(&token, records.into_iter(), |_| ()).await {
        result.unwrap();
    }
}

pub(super) fn numbered(partition: i32, numbers: std::ops::Range<usize>) -> Vec<OutgoingRecord> {
    numbers.map(|number| record(partition, &number.to_string())).collect()
}

/// A source as the engine would run it, with a record of what it was told.
/// What a member may hold, in bytes.
pub(super) const MEMORY: usize = 8 << 20;

pub(super) struct Member {
    pub(super) memory: MemoryGauge,
    pub(super) events: mpsc::UnboundedReceiver<SourceEvent>,
    pub(super) commands: mpsc::UnboundedSender<SourceCommand>,
    pub(super) epochs: HashMap<TopicPartition, Epoch>,
    pub(super) read: Vec<Record>,
    pub(super) ends: HashMap<TopicPartition, i64>,
    pub(super) log_ends: HashMap<TopicPartition, i64>,
    pub(super) assigned: Vec<Assigned>,
    pub(super) revoked: Vec<(TopicPartition, Epoch)>,
    pub(super) overtaken: Vec<std::ops::Range<i64>>,
    pub(super) lost: Vec<(TopicPartition, Epoch)>,
    pub(super) reports: Vec<CommitReport>,
    pub(super) troubles: Vec<String>,
    pub(super) unread: usize,
    pub(super) put_out: usize,
    pub(super) left: bool,
}

impl Member {
    pub(super) fn join(broker: &MockBroker, group: &str, properties: &[(&str, &str)]) -> Member {
        let options = SourceOptions { ends_every: Duration::from_millis(100), ..SourceOptions::default() };
        let source =
            ConsumerSource::new(&config(broker, properties), group, vec!["t".into()], options).unwrap();
        let (event_sender, events) = mpsc::unbounded_channel();
        let (commands, command_receiver) = mpsc::unbounded_channel();
        let memory = MemoryGauge::new(MEMORY);
        Box::new(source).start(memory.clone(), event_sender, command_receiver).unwrap();
        Member {
            memory,
            events,
            commands,
            epochs: HashMap::new(),
            read: Vec::new(),
            ends: HashMap::new(),
            log_ends: HashMap::new(),
            assigned: Vec::new(),
            revoked: Vec::new(),
            overtaken: Vec::new(),
            lost: Vec::new(),
            reports: Vec::new(),
            troubles: Vec::new(),
            unread: 0,
            put_out: 0,
            left: false,
        }
    }

    pub(super) fn say(&self, command: SourceCommand) {
        self.commands.send(command).unwrap();
    }

    /// Takes one event as a simple engine would: starts at the commit or the log start, releases at once.
    pub(super) fn hear(&mut self, event: SourceEvent) {
        match event {
            SourceEvent::Assigned(assigned) => {
                let start = |one: &Assigned| {
                    let at = one.committed.as_ref().map_or(one.log_start, |committed| committed.offset);
                    (one.partition.clone(), one.epoch, at)
                };
                self.say(SourceCommand::Start(assigned.iter().map(start).collect()));
                for one in &assigned {
                    self.epochs.insert(one.partition.clone(), one.epoch);
                }
                self.assigned.extend(assigned);
            }
            SourceEvent::Overtaken { partition, epoch, offsets } => {
                self.say(SourceCommand::Skip(partition, epoch, offsets.end));
                self.overtaken.push(offsets);
            }
            SourceEvent::Revoked { partitions } => {
                for (partition, epoch) in &partitions {
                    assert_eq!(self.epochs.remove(partition), Some(*epoch));
                }
                self.revoked.extend(partitions.clone());
                self.say(SourceCommand::Release(partitions));
            }
            SourceEvent::Lost { partitions } => {
                self.put_out += 1;
                for (partition, _) in &partitions {
                    self.epochs.remove(partition);
                }
                self.lost.extend(partitions);
            }
            SourceEvent::Batch(batch) => self.read.extend(batch.records()),
            SourceEvent::End { partition, position, epoch } => {
                assert_eq!(self.epochs.get(&partition), Some(&epoch));
                self.ends.insert(partition, position);
            }
            SourceEvent::LogEnds(ends) => {
                let of = |(partition, _, end): (TopicPartition, Epoch, i64)| (partition, end);
                self.log_ends.extend(ends.into_iter().map(of));
            }
            SourceEvent::Unread(partitions) => self.unread = partitions,
            SourceEvent::Committed(report) => self.reports.push(report),
            SourceEvent::Trouble(trouble) => self.troubles.push(trouble),
            SourceEvent::Fatal(reason) => panic!("fatal: {reason}"),
            SourceEvent::Left => self.left = true,
        }
    }

    /// Hears until `done`.
    pub(super) async fn until(&mut self, what: &str, done: impl Fn(&Member) -> bool) {
        let deadline = tokio::time::Instant::now() + LIMIT;
        while !done(self) {
            let event = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let event = event.unwrap_or_else(|_| {
                panic!(
                    "waiting for {what}: {} read, ends {:?}, {:?}",
                    self.read.len(),
                    self.ends,
                    self.troubles
                )
            });
            self.hear(event.expect(what));
        }
    }

    pub(super) async fn leave(&mut self) {
        self.say(SourceCommand::Leave);
        self.until("leaving", |member| member.left).await;
    }

    pub(super) fn position(&self, partition: i32, offset: i64, metadata: &str) -> Position {
        let partition = TopicPartition::new("t", partition);
        let epoch = self.epochs[&partition];
        Position { partition, epoch, offset, metadata: metadata.into() }
    }

    pub(super) async fn commit(
        &mut self,
        id: u64,
        positions: Vec<Position>,
    ) -> Vec<(Position, std::result::Result<(), String>)> {
        self.say(SourceCommand::Commit { id, positions });
        self.until("a commit report", |member| member.reports.iter().any(|report| report.id == id)).await;
        self.reports.pop().unwrap().results
    }
}

/// Two members side by side, each hearing its events, until `done`.
pub(super) async fn until_both(a: &mut Member, b: &mut Member, done: impl Fn(&Member, &Member) -> bool) {
    let deadline = tokio::time::Instant::now() + LIMIT;
    while !done(a, b) {
        tokio::select! {
            event = a.events.recv() => a.hear(event.unwrap()),
            event = b.events.recv() => b.hear(event.unwrap()),
            () = tokio::time::sleep_until(deadline) => panic!("{:?} {:?}", a.epochs, b.epochs),
        }
    }
}

/// What the broker holds for the group, asked by somebody else.
pub(super) fn committed(broker: &MockBroker, group: &str, partition: i32) -> (i64, String) {
    let mut settings = config(broker, &[]).client(Role::Admin).unwrap();
    let asker: BaseConsumer = settings.set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition("t", partition);
    let found = asker.committed_offsets(list, Duration::from_secs(10)).unwrap();
    let item = items(&found).remove(0);
    (item.offset, item.metadata)
}

pub(super) fn values(member: &Member, partition: i32) -> Vec<String> {
    let of = member.read.iter().filter(|record| record.partition().partition == partition);
    of.map(|record| String::from_utf8(record.value().unwrap().to_vec()).unwrap()).collect()
}
