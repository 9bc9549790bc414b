//! The world of the model: what the broker holds, who is a member of the group, what is on its way, and the
//! promises that every step must keep.
//!
//! The broker takes a commit from every member, whoever owns the partition, as Kafka does. The source is what
//! its trait says: it commits only positions of assignments it holds, and gives a partition up only when no
//! commit is under way. A test takes these two rules away and shows that the promises break.
//!
//! Size: the state of the world and how it changes, read together with the promises.

mod choices;

use super::process::{Commit, Event, Log, Machine, Partitions, Said, State};
use hashbrown::HashMap;
use std::cell::RefCell;

/// Bit r is record r.
type Records = u8;

/// A rule of the source, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Right,
    /// It commits whatever the runtime says.
    CommitsAnyEpoch,
    /// It gives a partition up while its commit is under way.
    ReleasesAtOnce,
}

/// An event of the source that the runtime has not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Letter {
    Assigned(u8, Commit),
    Revoked(Partitions),
    Lost(Partitions),
}

/// A commit under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Sent {
    /// The live positions, by partition; 0 is none.
    commits: [Commit; 2],
    /// The broker does not take it any more: its member was put out.
    dead: bool,
    applied: bool,
}

/// One process and its source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Member {
    state: State,
    /// The coordinator counts it in.
    counted: bool,
    /// What the source holds.
    holds: Partitions,
    /// Of these: asked back.
    asked: Partitions,
    /// Of these: released by the runtime.
    released: Partitions,
    /// A commit of these was refused, and none was accepted since.
    refused: Partitions,
    /// Their revocation was not waited for to its end.
    late: Partitions,
    /// The next offset to read, by partition; -1 before the start.
    next: [i64; 2],
    letters: Vec<Letter>,
    sent: Option<Sent>,
    leaving: bool,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    members: [Member; 2],
    committed: [Commit; 2],
    /// Records whose effect is durable.
    effect: Records,
    /// Records that may run again: their end had not been committed when an assignment ended hard.
    exposed: Records,
    /// Disturbances to come.
    faults: u8,
}

/// A [`World`], its members by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Packed([u32; 2], [Commit; 2], [u8; 3]);

/// What can happen next. Those that disturb are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The coordinator gives a free partition to a member.
    Assign(u8),
    /// The runtime hears the next letter.
    Hear,
    Read(u8),
    ReachEnd(u8),
    Back {
        run: u8,
        ended: u8,
        failed: bool,
    },
    Wake,
    CommitDue,
    /// The broker applies and accepts a part of the commit under way.
    Answer {
        applied: Partitions,
        accepted: Partitions,
    },
    TimeUp,
    TryAgain,
    Tick,
    Stop,
    /// The group is left. A commit under way may still be applied; a handler that was cut may still end.
    Leave {
        applied: bool,
        landed: u8,
    },
    /// kill -9, and a new process at once.
    Crash {
        applied: bool,
        landed: u8,
    },
    /// The coordinator puts a member out, which does not know it yet.
    PutOut {
        applied: bool,
    },
    /// The source learns that it was put out, and joins again.
    Learn,
    Revoke(Partitions),
}

/// What a step is to the question whether everything ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Calm,
    /// It may go on for a while: a handler fails again and again, or a member that was put out tries to commit
    /// until it learns of it.
    Idle,
    /// A disturbance. They are counted.
    Fault,
}

fn bit(partition: u8) -> Partitions {
    1 << partition
}
fn all(partitions: Partitions) -> impl Iterator<Item = u8> {
    (0..2).filter(move |partition| partitions & bit(*partition) != 0)
}

const FRESH: Member = Member {
    state: 0,
    counted: true,
    holds: 0,
    asked: 0,
    released: 0,
    refused: 0,
    late: 0,
    next: [-1; 2],
    letters: Vec::new(),
    sent: None,
    leaving: false,
};

impl Member {
    /// What the runtime does about `partition` is about the assignment the source holds, and the coordinator
    /// counts.
    fn live(&self, partition: u8) -> bool {
        let newer = |letter: &Letter| match letter {
            Letter::Assigned(other, _) => *other == partition,
            Letter::Lost(lost) => lost & bit(partition) != 0,
            Letter::Revoked(_) => false,
        };
        self.counted && self.holds & bit(partition) != 0 && !self.letters.iter().any(newer)
    }
}

/// The rules by which worlds follow one another.
pub(super) struct Rules {
    pub machine: Machine,
    pub source: Source,
    /// What can be read is read before anything else happens.
    pub eager: bool,
    /// Handlers may fail, any number of times.
    pub failing: bool,
    /// What commits say is done, by partition and number.
    covers: [RefCell<Vec<Option<Records>>>; 2],
    /// The records of a partition.
    of: [Records; 2],
    members: Vec<Member>,
    numbers: HashMap<Member, u32>,
}

impl Rules {
    pub fn new(log: Log, concurrency: usize, source: Source, eager: bool, failing: bool) -> Self {
        let of = |at: u8| {
            let records = log.records.iter().enumerate().filter(|(_, (other, ..))| *other == at);
            records.fold(0, |all, (number, _)| all | 1 << number)
        };
        Rules {
            of: [of(0), of(1)],
            machine: Machine::new(log, concurrency),
            source,
            eager,
            failing,
            covers: [RefCell::default(), RefCell::default()],
            members: Vec::new(),
            numbers: HashMap::new(),
        }
    }
    /// A world in few bytes.
    pub fn pack(&mut self, world: &World) -> Packed {
        let members = [0, 1].map(|who: usize| {
            let member = &world.members[who];
            if let Some(number) = self.numbers.get(member) {
                return *number;
            }
            self.members.push(member.clone());
            self.numbers.insert(member.clone(), self.members.len() as u32 - 1);
            self.members.len() as u32 - 1
        });
        Packed(members, world.committed, [world.effect, world.exposed, world.faults])
    }
    pub fn unpack(&self, Packed(members, committed, [effect, exposed, faults]): Packed) -> World {
        let members = members.map(|number| self.members[number as usize].clone());
        World { members, committed, effect, exposed, faults }
    }
    pub fn start(&self, faults: u8) -> World {
        World { members: [FRESH, FRESH], committed: [1; 2], effect: 0, exposed: 0, faults }
    }
    /// Every record has its effect, and everything is committed.
    pub fn is_over(&self, world: &World) -> bool {
        let ends = world.committed.map(|commit| self.machine.commits[usize::from(commit)].0);
        world.effect == self.every() && ends == self.machine.log.ends
    }
    fn every(&self) -> Records {
        (1 << self.machine.log.records.len()) - 1
    }

    /// The records that a commit of `partition` says are done.
    fn covered(&self, partition: u8, commit: Commit) -> Records {
        let cached = &self.covers[usize::from(partition)];
        let mut cached = cached.borrow_mut();
        if cached.len() <= usize::from(commit) {
            cached.resize(usize::from(commit) + 1, None);
        }
        *cached[usize::from(commit)].get_or_insert_with(|| self.read_map(partition, commit))
    }
    fn read_map(&self, partition: u8, commit: Commit) -> Records {
        let (offset, metadata) = &self.machine.commits[usize::from(commit)];
        let map = super::super::DoneMap::decode(metadata, *offset);
        let records = self.machine.log.records.iter().enumerate();
        let done = records
            .filter(|(_, (at, record, _))| *at == partition && (*record < *offset || map.contains(*record)));
        done.fold(0, |all, (number, _)| all | 1 << number)
    }
    fn uncovered(&self, world: &World, partition: u8) -> Records {
        self.of[usize::from(partition)] & !self.covered(partition, world.committed[usize::from(partition)])
    }

    /// The world after `step` of member `who`, or the promise that breaks. The same world again is no step.
    pub fn follow(&mut self, world: &World, who: usize, step: Step, kind: Kind) -> Result<World, String> {
        let mut world = world.clone();
        world.faults -= u8::from(kind == Kind::Fault);
        let member = &mut world.members[who];
        match step {
            Step::Assign(at) => {
                member.holds |= bit(at);
                member.refused &= !bit(at);
                member.late &= !bit(at);
                member.next[usize::from(at)] = -1;
                let letter = Letter::Assigned(at, world.committed[usize::from(at)]);
                self.post(&mut world, who, letter)?;
            }
            Step::Hear => {
                let letter = member.letters.remove(0);
                self.hear(&mut world, who, letter)?;
            }
            Step::Read(record) => {
                let (at, offset, _) = self.machine.log.records[usize::from(record)];
                member.next[usize::from(at)] = offset + 1;
                self.tell(&mut world, who, Event::Read(record))?;
            }
            Step::ReachEnd(at) => {
                member.next[usize::from(at)] = self.machine.log.ends[usize::from(at)];
                self.tell(&mut world, who, Event::End(at))?;
            }
            Step::Back { run, ended, failed } => {
                let out = self.machine.view(member.state).out[usize::from(run)].clone();
                for record in &out.records[..usize::from(ended)] {
                    self.land(&mut world, who, *record, out.current);
                }
                self.tell(&mut world, who, Event::Back { run, ended, failed })?;
            }
            Step::Wake => self.tell(&mut world, who, Event::Wake)?,
            Step::CommitDue => self.tell(&mut world, who, Event::CommitDue)?,
            Step::TryAgain => self.tell(&mut world, who, Event::TryAgain)?,
            Step::Tick => self.tell(&mut world, who, Event::Tick)?,
            Step::Stop => self.tell(&mut world, who, Event::Stop)?,
            Step::Answer { applied, accepted } => {
                let sent = member.sent.take().ok_or("no commit is under way")?;
                let positions = (0..2).filter(|at| sent.commits[usize::from(*at)] != 0);
                let positions = positions.fold(0, |all, at| all | bit(at));
                member.refused = (member.refused | (positions & !accepted)) & !accepted;
                self.apply(&mut world, sent.commits, applied)?;
                self.tell(&mut world, who, Event::Answered { positions, accepted })?;
                self.give_up(&mut world, who);
            }
            Step::TimeUp => {
                // A commit that was never answered leaves all it held in doubt.
                let all = self.machine.view(member.state).ending || member.sent.is_some();
                member.late |= if all { member.holds } else { member.asked };
                self.tell(&mut world, who, Event::TimeUp)?;
            }
            Step::Leave { applied, landed } | Step::Crash { applied, landed } => {
                let sent = member.sent.filter(|sent| applied && !sent.dead);
                if let Some(sent) = sent {
                    self.apply(&mut world, sent.commits, 3)?;
                }
                let view = self.machine.view(world.members[who].state);
                for (number, out) in view.out.iter().enumerate() {
                    if landed & (1 << number) != 0 {
                        for record in &out.records {
                            self.land(&mut world, who, *record, out.current);
                        }
                    }
                }
                let member = &world.members[who];
                let crash = matches!(step, Step::Crash { .. });
                let told = if view.clean { 0 } else { 3 };
                let hard = if crash { 3 } else { member.late | member.refused | told };
                for at in all(hard & member.holds) {
                    world.exposed |= world.effect & self.uncovered(&world, at);
                }
                world.members[who] = FRESH;
            }
            Step::PutOut { applied } => {
                member.counted = false;
                if let Some(sent) = member.sent.as_mut().filter(|sent| !sent.dead) {
                    (sent.dead, sent.applied) = (true, applied);
                    let commits = sent.commits;
                    self.apply(&mut world, commits, if applied { 3 } else { 0 })?;
                }
                let member = &world.members[who];
                let view = self.machine.view(member.state);
                let out =
                    view.out.iter().flat_map(|out| &out.records).fold(0, |all, record| all | 1 << record);
                for at in all(member.holds) {
                    world.exposed |= (world.effect | out) & self.uncovered(&world, at);
                }
            }
            Step::Learn => {
                if member.holds != 0 {
                    member.letters.push(Letter::Lost(member.holds));
                }
                (member.holds, member.asked, member.released) = (0, 0, 0);
                (member.next, member.counted) = ([-1; 2], true);
            }
            Step::Revoke(back) => {
                member.asked |= back;
                self.post(&mut world, who, Letter::Revoked(back))?;
            }
        }
        // What no longer bears on anything is forgotten.
        world.exposed &= self.uncovered(&world, 0) | self.uncovered(&world, 1);
        for member in &mut world.members {
            member.refused &= member.holds;
            member.late &= member.holds;
            for at in all(!member.holds) {
                member.next[usize::from(at)] = -1;
            }
        }
        if world.members[0] > world.members[1] {
            world.members.swap(0, 1);
        }
        Ok(world)
    }

    /// The effect of `record` is durable. `current`: its runtime still has the assignment it ran for.
    fn land(&self, world: &mut World, who: usize, record: u8, current: bool) {
        let (at, ..) = self.machine.log.records[usize::from(record)];
        world.effect |= 1 << record;
        if current && world.members[who].live(at) {
            world.exposed &= !(1 << record);
        } else {
            world.exposed |= (1 << record) & self.uncovered(world, at);
        }
    }

    /// The broker applies the commits of these partitions.
    fn apply(&self, world: &mut World, commits: [Commit; 2], which: Partitions) -> Result<(), String> {
        for at in all(which).filter(|at| commits[usize::from(*at)] != 0) {
            let place = &mut world.committed[usize::from(at)];
            let old = std::mem::replace(place, commits[usize::from(at)]);
            let new = *place;
            let offset = |commit: Commit| self.machine.commits[usize::from(commit)].0;
            let (before, after) = (self.covered(at, old), self.covered(at, new));
            if after & !world.effect != 0 {
                return Err(format!(
                    "committed without an effect: {:?}",
                    self.machine.commits[usize::from(new)]
                ));
            }
            if offset(new) < offset(old) || before & !after != 0 {
                let told = |commit: Commit| &self.machine.commits[usize::from(commit)];
                return Err(format!("a commit went back: {:?} after {:?}", told(new), told(old)));
            }
        }
        Ok(())
    }

    /// Gives up what was released, once no commit is under way.
    fn give_up(&self, world: &mut World, who: usize) {
        let member = &mut world.members[who];
        if member.sent.is_some() && self.source != Source::ReleasesAtOnce {
            return;
        }
        let going = std::mem::take(&mut member.released);
        let hard = going & (member.refused | member.late);
        member.holds &= !going;
        member.asked &= !going;
        for at in all(hard) {
            world.exposed |= world.effect & self.uncovered(world, at);
        }
    }

    /// A letter is heard at once unless others wait before it: only a loss is on its way for longer. For the
    /// other letters that would be the same as if they were sent later.
    fn post(&mut self, world: &mut World, who: usize, letter: Letter) -> Result<(), String> {
        match world.members[who].letters.is_empty() {
            true => self.hear(world, who, letter),
            false => {
                world.members[who].letters.push(letter);
                Ok(())
            }
        }
    }
    fn hear(&mut self, world: &mut World, who: usize, letter: Letter) -> Result<(), String> {
        let event = match letter {
            Letter::Assigned(at, commit) => Event::Assigned(at, commit),
            Letter::Revoked(back) => Event::Revoked(back),
            Letter::Lost(lost) => Event::Lost(lost),
        };
        self.tell(world, who, event)
    }

    /// The runtime of `who` hears `event`, and what it says is done.
    fn tell(&mut self, world: &mut World, who: usize, event: Event) -> Result<(), String> {
        let (state, said) = self.machine.step(world.members[who].state, event);
        world.members[who].state = state;
        for said in &*said {
            let member = &mut world.members[who];
            match said {
                Said::Start(at, offset) => {
                    if member.holds & bit(*at) != 0 && member.live(*at) | !member.counted {
                        member.next[usize::from(*at)] = *offset;
                    }
                }
                Said::Commit(positions) => {
                    let mut commits = [0; 2];
                    for (at, commit) in positions {
                        let counted = std::mem::replace(&mut member.counted, true);
                        if member.live(*at) || self.source == Source::CommitsAnyEpoch {
                            commits[usize::from(*at)] = *commit;
                        }
                        member.counted = counted;
                    }
                    member.sent = Some(Sent { commits, dead: !member.counted, applied: false });
                }
                Said::Release(partitions) => {
                    let live = all(*partitions).filter(|at| member.asked & bit(*at) != 0);
                    member.released |= live.fold(0, |all, at| all | bit(at));
                    self.give_up(world, who);
                }
                Said::Leave => member.leaving = true,
                Said::Run(records) => self.check_run(world, who, records)?,
            }
        }
        Ok(())
    }

    /// A handler is given `records`.
    fn check_run(&self, world: &World, who: usize, records: &[u8]) -> Result<(), String> {
        let log = &self.machine.log.records;
        for record in records {
            let (at, offset, key) = log[usize::from(*record)];
            if !world.members[who].live(at) {
                continue;
            }
            let mask = 1 << record;
            let commit = world.committed[usize::from(at)];
            if self.covered(at, commit) & mask != 0 {
                let commit = &self.machine.commits[usize::from(commit)];
                return Err(format!("in[{at}]@{offset} runs again, though it was committed: {commit:?}"));
            }
            if world.effect & mask != 0 && world.exposed & mask == 0 {
                return Err(format!("in[{at}]@{offset} runs again, though every end was clean"));
            }
            let earlier = (0..*record).filter(|other| {
                let (other_at, _, other_key) = log[usize::from(*other)];
                other_at == at && other_key == key && !records.contains(other)
            });
            if let Some(open) = earlier.into_iter().find(|other| world.effect & (1 << other) == 0) {
                return Err(format!("record {record} runs before record {open} of its key"));
            }
        }
        Ok(())
    }
}
