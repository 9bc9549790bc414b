//! One process of the model: the real [`Runtime`], driven event by event instead of by its loop.
//!
//! What the runtime is told and what it answers is a machine with few states, so each (state, event) is played
//! once, on a runtime that is brought to the state by the events that first led there, and then remembered.
//!
//! Size: a third is the vocabulary of events and answers.

use super::super::*;
use crate::engine::breaker::LaneId;
use crate::engine::ending::Ending;
use crate::engine::runner::{Run, RunEnd};
use crate::engine::runtime::Runtime;
use crate::engine::scheduler::LaneState;
use crate::model::record::TopicPartition;
use hashbrown::HashMap;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::rc::Rc;
use tokio::sync::mpsc;

/// Bit 0 is partition 0, bit 1 is partition 1.
pub(super) type Partitions = u8;
/// An offset and metadata that were committed, by number; 0 is "never committed", 1 the start.
pub(super) type Commit = u16;
/// A state of a process.
pub(super) type State = u32;

/// What lies in the log.
pub(super) struct Log {
    /// Partition, offset and key of every record; in order within a partition.
    pub records: Vec<(u8, i64, Option<&'static str>)>,
    /// Where the log of each partition ends.
    pub ends: [i64; 2],
}

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    Assigned(u8, Commit),
    /// A record was read. The batch also carries one of an older assignment of each partition.
    Read(u8),
    /// The end of a partition was reached.
    End(u8),
    Revoked(Partitions),
    Lost(Partitions),
    /// A run comes back with so many of its records ended, the others not: its assignment ends, or it failed.
    Back {
        run: u8,
        ended: u8,
        failed: bool,
    },
    /// The wait after a failure is over.
    Wake,
    /// It is time to commit.
    CommitDue,
    /// The answer to a commit that went out with these positions, of which some were accepted.
    Answered {
        positions: Partitions,
        accepted: Partitions,
    },
    /// Whatever is waited for, it is not waited for any longer.
    TimeUp,
    /// A little later, a refused last commit may be tried again.
    TryAgain,
    /// The loop turns.
    Tick,
    /// SIGTERM.
    Stop,
}

/// What the process says to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Start(u8, i64),
    Commit(Vec<(u8, Commit)>),
    Release(Partitions),
    Leave,
    /// These records are given to a handler.
    Run(Vec<u8>),
}

/// A run that is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Out {
    pub records: Vec<u8>,
    /// Its assignment is the one the runtime has.
    pub current: bool,
    pub ending: bool,
    pub cancelled: bool,
}

/// What can be seen of a state.
#[derive(Debug)]
pub(super) struct View {
    pub out: Vec<Out>,
    /// A lane waits after a failure.
    pub waits: bool,
    /// Something is waited for, up to a time.
    pub timed: bool,
    /// A commit is under way.
    pub committing: bool,
    pub ending: bool,
    /// A refused last commit can be tried again.
    pub retry: bool,
    /// Nothing was left undone or uncommitted, as it would say at its end.
    pub clean: bool,
}

struct Known {
    /// How it was first come to, and a second way, where there is one.
    ways: Vec<Vec<Event>>,
    view: Rc<View>,
    next: HashMap<Event, (State, Rc<[Said]>)>,
}

/// The states of a process, as far as they were visited.
pub(super) struct Machine {
    pub log: Rc<Log>,
    /// By number of [`Commit`].
    pub commits: Vec<(i64, String)>,
    /// Made once: its default asks how many processors there are.
    policy: Policy,
    states: Vec<Known>,
    by_text: HashMap<String, State>,
    /// Steps that were played on a runtime.
    pub played: usize,
}

const HOUR: Duration = Duration::from_secs(3600);

impl Machine {
    pub fn new(log: Log, concurrency: usize) -> Self {
        let commits = vec![(-1, String::new()), (0, String::new())];
        let log = Rc::new(log);
        let policy = Policy {
            concurrency,
            workers: 1,
            commit_every: Duration::from_millis(1),
            commit_records: usize::MAX,
            revoke_drain: HOUR,
            shutdown_drain: HOUR,
            final_commit: HOUR,
            ..Policy::default()
        };
        let (states, by_text) = (Vec::new(), HashMap::new());
        let mut machine = Machine { log, commits, policy, states, by_text, played: 0 };
        let process = Process::new(machine.log.clone(), machine.policy.clone());
        machine.intern(&process, Vec::new());
        machine
    }
    pub fn len(&self) -> usize {
        self.states.len()
    }
    pub fn view(&self, state: State) -> Rc<View> {
        self.states[state as usize].view.clone()
    }

    /// What `state` says to `event`, and the state that follows.
    pub fn step(&mut self, state: State, event: Event) -> (State, Rc<[Said]>) {
        if let Some((next, said)) = self.states[state as usize].next.get(&event) {
            return (*next, said.clone());
        }
        let mut answer = None;
        // Every sixteenth state is looked at twice.
        let sampled = state.is_multiple_of(16);
        let ways = self.states[state as usize].ways.iter().take(1 + usize::from(sampled));
        for mut way in ways.cloned().collect::<Vec<_>>() {
            let mut process = Process::new(self.log.clone(), self.policy.clone());
            for event in &way {
                process.apply(*event, &mut self.commits);
            }
            if sampled {
                assert_eq!(self.by_text.get(&process.text()), Some(&state), "the same events, another state");
            }
            let said: Rc<[Said]> = process.apply(event, &mut self.commits).into();
            self.played += 1;
            way.push(event);
            let next = self.intern(&process, way);
            // Two ways to what looks the same state must stay the same, else the look misses something.
            let (same, words) = answer.get_or_insert((next, said.clone()));
            assert!((*same, &*words) == (next, &said), "{event:?} tells two states apart that look alike");
        }
        let answer = answer.expect("every state has a way to it");
        self.states[state as usize].next.insert(event, answer.clone());
        answer
    }

    fn intern(&mut self, process: &Process, way: Vec<Event>) -> State {
        let text = process.text();
        if let Some(known) = self.by_text.get(&text) {
            let ways = &mut self.states[*known as usize].ways;
            if ways.len() < 2 && !ways.contains(&way) {
                ways.push(way);
            }
            return *known;
        }
        let state = self.states.len() as State;
        self.states.push(Known { ways: vec![way], view: Rc::new(process.view()), next: HashMap::new() });
        self.by_text.insert(text, state);
        state
    }
}

struct Process {
    log: Rc<Log>,
    runtime: Runtime,
    commands: mpsc::UnboundedReceiver<SourceCommand>,
    /// Slots of runs that came back, until the queue of runs is asked again.
    freed: usize,
    /// Moves only where an event says that time goes by.
    clock: Instant,
    last_epoch: u64,
    epochs: [Epoch; 2],
    older: [Epoch; 2],
    /// Records taken in that wait in their lanes.
    waiting: Vec<u8>,
    out: Vec<Run>,
    /// The commit the source has not answered.
    unanswered: Option<(u64, Vec<Position>)>,
}

fn name(partition: u8) -> TopicPartition {
    TopicPartition::new("in", i32::from(partition))
}
fn members(partitions: Partitions) -> impl Iterator<Item = u8> {
    (0..2).filter(move |partition| partitions & (1 << partition) != 0)
}

impl Process {
    fn new(log: Rc<Log>, policy: Policy) -> Self {
        let (command_sender, commands) = mpsc::unbounded_channel();
        let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
        let runtime = Runtime::new(policy, command_sender, Arc::new(Silent), clock, None);
        let (waiting, out) = (Vec::new(), Vec::new());
        let epochs = [Epoch(0); 2];
        let clock = runtime.last_commit;
        Process {
            log,
            runtime,
            commands,
            freed: 0,
            clock,
            last_epoch: 0,
            epochs,
            older: epochs,
            waiting,
            out,
            unanswered: None,
        }
    }

    fn with_epochs(&self, partitions: Partitions) -> Vec<(TopicPartition, Epoch)> {
        members(partitions).map(|partition| (name(partition), self.epochs[partition as usize])).collect()
    }
    fn holds(&self, partition: u8) -> bool {
        let epoch = self.epochs[partition as usize];
        self.runtime.scheduler.partitions.find(&name(partition), epoch).is_some()
    }

    fn apply(&mut self, event: Event, commits: &mut Vec<(i64, String)>) -> Vec<Said> {
        match event {
            Event::Assigned(partition, commit) => {
                let at = usize::from(partition);
                self.last_epoch += 1;
                self.older[at] = std::mem::replace(&mut self.epochs[at], Epoch(self.last_epoch));
                let (offset, metadata) = commits[usize::from(commit)].clone();
                let committed = (offset >= 0).then_some(Committed { offset, metadata });
                let (partition, epoch) = (name(partition), self.epochs[at]);
                let log_end = self.log.ends[at];
                let assigned = Assigned { partition, epoch, committed, log_start: 0, log_end };
                self.runtime.source_event(SourceEvent::Assigned(vec![assigned]));
            }
            Event::Read(record) => self.read(record),
            Event::End(partition) => {
                let at = usize::from(partition);
                let (epoch, position) = (self.epochs[at], self.log.ends[at]);
                self.runtime.source_event(SourceEvent::End { partition: name(partition), epoch, position });
            }
            Event::Revoked(partitions) => {
                let partitions = self.with_epochs(partitions);
                self.runtime.source_event(SourceEvent::Revoked { partitions });
            }
            Event::Lost(partitions) => {
                let partitions = self.with_epochs(partitions);
                self.runtime.source_event(SourceEvent::Lost { partitions });
            }
            Event::Back { run, ended, failed } => self.back(run.into(), ended.into(), failed),
            Event::Wake => self.runtime.scheduler.wake_due(self.clock + HOUR * 24),
            Event::CommitDue => self.clock += Duration::from_millis(1),
            Event::Answered { positions, accepted } => {
                let (id, sent) = self.unanswered.take().expect("a commit is under way");
                let bit = |position: &Position| 1 << position.partition.partition as u8;
                let results = sent.into_iter().filter(|position| positions & bit(position) != 0);
                let judge = |position: Position| {
                    let accepted = accepted & bit(&position) != 0;
                    (position, if accepted { Ok(()) } else { Err("refused".to_owned()) })
                };
                self.report(CommitReport { id, results: results.map(judge).collect() });
            }
            Event::TimeUp => self.clock += HOUR * 2,
            Event::TryAgain => self.clock += Duration::from_millis(500),
            Event::Tick => {}
            Event::Stop => self.runtime.end(self.clock),
        }
        self.runtime.step(self.clock, true);
        let mut said = Vec::new();
        self.listen(commits, &mut said);
        self.out.sort_by_cached_key(|run| {
            let first = &run.items.records()[0];
            ((first.partition().partition, first.offset()), first.epoch())
        });
        for partition in 0..2 {
            if !self.holds(partition) {
                let log = self.log.clone();
                self.waiting.retain(|record| log.records[usize::from(*record)].0 != partition);
            }
        }
        said
    }

    fn read(&mut self, record: u8) {
        let (partition, offset, key) = self.log.records[usize::from(record)];
        let mut batch = BatchBuilder::default();
        let mut push = |partition: u8, epoch: Epoch| {
            let slot = batch.slot(&name(partition), epoch);
            batch.push(slot, offset, None, key.map(str::as_bytes), None, std::iter::empty());
        };
        push(0, self.older[0]);
        push(1, self.older[1]);
        push(partition, self.epochs[usize::from(partition)]);
        let before = self.runtime.totals.taken;
        self.runtime.source_event(SourceEvent::Batch(batch.build()));
        match self.runtime.totals.taken - before {
            0 => {}
            1 => self.waiting.push(record),
            more => panic!("{more} records taken in of one"),
        }
    }

    fn back(&mut self, run: usize, ended: usize, failed: bool) {
        let Run { lane, items, .. } = self.out.remove(run);
        self.freed += 1;
        for record in &items.records()[ended..] {
            let known = self.number(record);
            if self.runtime.scheduler.partitions.find(record.partition(), record.epoch()).is_some() {
                self.waiting.push(known);
            }
        }
        self.waiting.sort_unstable();
        let failure = failed.then(|| Failure::transient("away", "not there"));
        self.runtime.finished(RunEnd {
            ended,
            handled: ended,
            failure: failure.map(Box::new),
            ..RunEnd::new(lane, items)
        });
    }

    fn number(&self, record: &Record) -> u8 {
        let place = (record.partition().partition as u8, record.offset());
        let same = |(partition, offset, _): &(u8, i64, _)| (*partition, *offset) == place;
        self.log.records.iter().position(same).expect("it lies in the log") as u8
    }

    fn report(&mut self, report: CommitReport) {
        self.runtime.source_event(SourceEvent::Committed(report));
    }

    /// Hears what the runtime says, until it is silent.
    fn listen(&mut self, commits: &mut Vec<(i64, String)>, said: &mut Vec<Said>) {
        let mut refused = None;
        while let Ok(command) = self.commands.try_recv() {
            match command {
                SourceCommand::Start(starts) => said.extend(
                    starts.into_iter().map(|(at, _, offset)| Said::Start(at.partition as u8, offset)),
                ),
                SourceCommand::Commit { id, positions } if self.unanswered.is_some() => {
                    // As the source does while a commit is under way.
                    let no = |position| (position, Err("another commit is in flight".to_owned()));
                    refused = Some(CommitReport { id, results: positions.into_iter().map(no).collect() });
                }
                SourceCommand::Commit { id, mut positions } => {
                    positions.sort_by_key(|position| position.partition.partition);
                    let mut number = |position: &Position| {
                        let new = (position.offset, position.metadata.clone());
                        let known = commits.iter().position(|known| *known == new).unwrap_or_else(|| {
                            commits.push(new);
                            commits.len() - 1
                        });
                        (position.partition.partition as u8, known as Commit)
                    };
                    said.push(Said::Commit(positions.iter().map(&mut number).collect()));
                    self.unanswered = Some((id, positions));
                }
                SourceCommand::Release(partitions) => {
                    let bits = partitions.iter().map(|(at, _)| 1 << at.partition as u8);
                    said.push(Said::Release(bits.fold(0, |all, bit: Partitions| all | bit)));
                }
                SourceCommand::Leave => said.push(Said::Leave),
                SourceCommand::Pause(..) | SourceCommand::Resume(..) | SourceCommand::Skip(..) => {}
            }
        }
        let mut begun = Vec::new();
        let mut chunk = VecDeque::new();
        while self.runtime.runs.take(std::mem::take(&mut self.freed), false, &mut chunk) {
            for run in chunk.drain(..) {
                assert!(!run.cancel.is_ending(), "a run begins of an assignment that ends");
                let records: Vec<u8> = run.items.records().iter().map(|record| self.number(record)).collect();
                self.waiting.retain(|record| !records.contains(record));
                begun.push(records);
                self.out.push(run);
            }
        }
        // Lanes that wake together do so in the order of their jitter.
        begun.sort_unstable();
        said.extend(begun.into_iter().map(Said::Run));
        if let Some(refused) = refused {
            self.report(refused);
            self.runtime.step(self.clock, true);
            self.listen(commits, said);
        }
    }

    fn outs(&self) -> Vec<Out> {
        let out = |run: &Run| Out {
            records: run.items.records().iter().map(|record| self.number(record)).collect(),
            current: run.items.records().first().is_some_and(|record| {
                let (partition, epoch) = (record.partition(), record.epoch());
                self.runtime.scheduler.partitions.find(partition, epoch).is_some()
            }),
            ending: run.cancel.is_ending(),
            cancelled: run.cancel.is_cancelled(),
        };
        self.out.iter().map(out).collect()
    }

    fn view(&self) -> View {
        let runtime = &self.runtime;
        let committing = matches!(runtime.ending, Some(Ending::Committing { .. }));
        View {
            out: self.outs(),
            waits: !runtime.scheduler.blocked(1).is_empty(),
            timed: !runtime.revoking.is_empty() || runtime.ending.is_some() || runtime.is_committing(),
            committing: runtime.is_committing(),
            ending: runtime.ending.is_some(),
            retry: committing && runtime.commit_failed && !runtime.is_committing(),
            clean: !runtime.commit_failed && runtime.abandoned.is_empty(),
        }
    }

    /// Everything that bears on what it will do.
    fn text(&self) -> String {
        let (runtime, now) = (&self.runtime, self.clock);
        let mut text = String::new();
        for partition in 0..2 {
            let found =
                runtime.scheduler.partitions.find(&name(partition), self.epochs[usize::from(partition)]);
            if let Some(id) = found {
                let held = runtime.scheduler.partitions.get(id);
                let (active, running) = (held.dispatching(), held.running);
                let _ = write!(
                    text,
                    "{partition}: {:?} {active} {running} {:?}; ",
                    held.tracker,
                    held.handed_out()
                );
            }
        }
        let blocked = runtime.scheduler.blocked(9);
        let mut blocked: Vec<_> =
            blocked.iter().map(|lane| (lane.partition.partition, lane.offset)).collect();
        blocked.sort_unstable();
        let newest = runtime.next_commit;
        let revoking: Vec<_> = runtime.revoking.iter().map(|one| one.outline(now, newest)).collect();
        let ending = match &runtime.ending {
            None => "no".to_owned(),
            Some(Ending::Draining { until, cut }) => format!("draining {cut} {}", now >= *until),
            Some(Ending::Committing { until, sent }) => format!("committing {sent} {}", now >= *until),
            Some(Ending::Leaving { .. } | Ending::Over) => "leaving".to_owned(),
        };
        let in_flight = runtime.in_flight.as_ref();
        let in_flight = in_flight.map(|sent| {
            ((newest - sent.id).min(2), now.duration_since(sent.since) > Duration::from_secs(60))
        });
        let positions = self.unanswered.as_ref().map(|(id, positions)| {
            let of = |position: &Position| {
                let at = position.partition.partition as usize;
                (at, position.epoch == self.epochs[at], position.offset, position.metadata.clone())
            };
            ((newest - id).min(2), positions.iter().map(of).collect::<Vec<_>>())
        });
        let age = now.duration_since(runtime.last_commit);
        let due = (age >= runtime.scheduler.policy.commit_every, age >= Duration::from_millis(500));
        let failed = (runtime.commit_failed, due, &runtime.abandoned);
        // What waits for a hand, and what waits for a place there, in their orders.
        let head = |record: Option<&Record>| record.map(|record| self.number(record));
        let queued = RefCell::new(Vec::new());
        runtime.runs.take_back(|run| {
            queued.borrow_mut().push(head(run.items.records().first()));
            false
        });
        let lane = |id: &LaneId| &runtime.scheduler.lanes[*id as usize];
        let waits = |id: &&LaneId| lane(id).state == LaneState::Ready && runtime.scheduler.may_begin(**id);
        let ready = runtime.scheduler.ready.iter().filter(waits).map(lane);
        let ready: Vec<_> = ready.map(|lane| head(lane.queue.front().map(|item| &item.record))).collect();
        let _ = write!(text, "queued {queued:?} ready {ready:?} ");
        let _ = write!(text, "waiting {:?} blocked {blocked:?} out {:?} ", self.waiting, self.outs());
        let _ = write!(text, "{revoking:?} {ending} {in_flight:?} {positions:?} {failed:?}");
        text
    }
}
