//! The state of a running consumer: partitions, lanes, what is ready, what waits, what is full. No I/O, no
//! async: `runtime.rs` brings events in and carries decisions out.
//!
//! A lane is one key of one partition, known by a 64-bit hash of the key with a random seed. Two keys that
//! collide share a lane: that costs concurrency, never order.
//!
//! Size: one state and its transitions; the values it is made of (partitions, trackers, breakers) have their own
//! files.

use super::breaker::{Breakers, LaneId, Verdict};
use super::buffers::RECORD_OVERHEAD;
use super::items::{Item, Items};
use super::partition::{Fetching, PartitionId, Partitions};
use super::report::Blocked;
use super::runner::{Run, RunEnd};
use super::tracker::Taken;
use super::{Batch, BatchBuilder, Dependency, Epoch, Failure, Policy, Position, Record};
use crate::model::pipeline::WhenSpent;
use crate::model::record::TopicPartition;
use crate::mutants::planted;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneState {
    /// Nothing to do.
    Idle,
    /// In the ready queue.
    Ready,
    /// A run is out.
    Running,
    /// Backs off until then.
    Waiting(Instant),
    /// Held back by a breaker.
    Held,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub partition: PartitionId,
    pub key_hash: u64,
    pub state: LaneState,
    pub queue: VecDeque<Item>,
    pub failures: u32,
    pub first_failure: Option<(Instant, Timestamp)>,
    /// Why it waits, for the operator.
    pub reason: Option<Failure>,
}

impl Lane {
    fn waits(&self) -> bool {
        matches!(self.state, LaneState::Waiting(_) | LaneState::Held)
    }
}

/// Most records of a lane handed out in one run: bounds how long the low-water stands still.
pub(super) const MOST_PER_RUN: usize = 64;
/// A partition whose oldest record is in hand for longer counts as blocked.
const SLOW: Duration = Duration::from_secs(5);
/// Empty lanes kept for the next record of their key, so that a steady set of keys allocates nothing.
const IDLE_LANES: usize = 16_384;

/// A lane that waits, as the operator is told.
#[derive(Clone, Debug)]
pub struct BlockedLane {
    /// Its partition.
    pub partition: TopicPartition,
    /// The offset it waits at.
    pub offset: i64,
    /// Records that wait behind it, itself included.
    pub waiting: usize,
    /// Failures so far.
    pub failures: u32,
    /// The last failure.
    pub reason: Failure,
}

/// Moves records from intake to runs and their ends to low-waters.
#[derive(Debug)]
pub(super) struct Scheduler {
    pub policy: Policy,
    pub partitions: Partitions,
    pub lanes: Vec<Lane>,
    free: Vec<LaneId>,
    idle: usize,
    pub ready: VecDeque<LaneId>,
    timers: BinaryHeap<Reverse<(Instant, LaneId)>>,
    breakers: Breakers,
    /// Runs handed out, begun or not.
    pub running: usize,
    pub records: usize,
    pub bytes: usize,
    /// Spent vectors of items, used again.
    spare: Vec<Items>,
    slot_partitions: Vec<Option<PartitionId>>,
    /// Lanes with a suspect among their records.
    pub suspect_lanes: VecDeque<LaneId>,
    /// Note the runs that are out, for the marks.
    pub marking: bool,
    /// When the records with a death to their name may run again; begins when nothing else is suspect.
    pub probation_ends: Option<Instant>,
}

impl Scheduler {
    pub fn new(policy: Policy) -> Self {
        Scheduler {
            policy,
            partitions: Partitions::default(),
            lanes: Vec::new(),
            free: Vec::new(),
            idle: 0,
            ready: VecDeque::new(),
            timers: BinaryHeap::new(),
            breakers: Breakers::default(),
            running: 0,
            records: 0,
            bytes: 0,
            spare: Vec::new(),
            slot_partitions: Vec::new(),
            suspect_lanes: VecDeque::new(),
            marking: false,
            probation_ends: None,
        }
    }

    /// Takes records in. Those of an epoch that is not current are dropped unseen. Returns how many came in.
    pub fn intake(&mut self, batch: &Batch, now: Instant) -> usize {
        let mut slots = std::mem::take(&mut self.slot_partitions);
        slots.clear();
        slots.extend(batch.slots().iter().map(|slot| self.partitions.find(&slot.partition, slot.epoch)));
        let mut taken = 0;
        let drop_all = planted("drop-fresh-on-stale") && slots.contains(&None);
        for record in batch.records() {
            let Some(id) = slots[record.slot_index()] else { continue };
            let partition = self.partitions.get_mut(id);
            if drop_all {
                partition.tracker.reach(record.offset() + 1);
                continue;
            }
            let Taken::Run(sequence) = partition.tracker.take(record.offset()) else { continue };
            if partition.flooded {
                // It stays unfinished; whoever reads the partition after this process handles it.
                continue;
            }
            let size = record.size();
            partition.took(size, now);
            self.records += 1;
            self.bytes += size;
            taken += 1;
            // Without a key the partition is one lane.
            let key_hash = record.key_hash();
            let lane_id = match partition.lanes.get(&key_hash) {
                Some(lane) => *lane,
                None => self.new_lane(id, key_hash),
            };
            if !self.partitions.get(id).suspects.is_empty() {
                self.note_suspect(id, lane_id, record.offset());
            }
            let lane = &mut self.lanes[lane_id as usize];
            lane.queue.push_back(Item { record, sequence, size: size as u32 });
            if lane.state == LaneState::Idle {
                lane.state = LaneState::Ready;
                self.idle -= 1;
                self.ready.push_back(lane_id);
            }
        }
        for id in slots.iter().flatten() {
            self.partitions.get_mut(*id).forget_suspects();
        }
        self.slot_partitions = slots;
        if self.idle > IDLE_LANES {
            self.drop_idle_lanes();
        }
        taken
    }

    /// The next run, if a lane is ready, of at most `many` records.
    pub fn next_run(&mut self, many: usize) -> Option<Run> {
        while let Some(lane_id) = self.ready.pop_front() {
            let lane = &mut self.lanes[lane_id as usize];
            if lane.state != LaneState::Ready || self.suspect_lanes.contains(&lane_id) {
                continue;
            }
            let partition = self.partitions.get_mut(lane.partition);
            if !partition.dispatching() || lane.queue.is_empty() {
                lane.state = LaneState::Idle;
                self.idle += 1;
                // It may have been its breaker's probe: another lane must get the turn.
                self.breakers.forget(lane_id);
                continue;
            }
            let many = lane.queue.len().min(many);
            return Some(self.hand_out(lane_id, many));
        }
        None
    }

    /// True while runs of `lane` may begin.
    pub fn may_begin(&self, lane: LaneId) -> bool {
        self.partitions.get(self.lanes[lane as usize].partition).dispatching()
    }

    pub(super) fn hand_out(&mut self, lane_id: LaneId, many: usize) -> Run {
        let mut items = self.spare.pop().unwrap_or_default();
        let spent = self.is_spent(lane_id);
        let lane = &mut self.lanes[lane_id as usize];
        let partition = self.partitions.get_mut(lane.partition);
        items.extend(lane.queue.drain(..many));
        lane.state = LaneState::Running;
        partition.running += 1;
        self.running += 1;
        if self.marking
            && let Some(first) = items.records().first()
        {
            partition.out.insert(lane_id, (first.offset(), items.len() as u32));
        }
        Run {
            lane: lane_id,
            items,
            cancel: partition.cancel.clone(),
            failures: lane.failures,
            first_failure: lane.first_failure.map(|(_, at)| at),
            spent,
            condemned: false,
            sample: 0,
        }
    }

    /// True when the lane's last failure used up its budget and its policy is to give up: the next run
    /// dead-letters a transient failure instead of handing it back.
    fn is_spent(&self, lane_id: LaneId) -> bool {
        let WhenSpent::DeadLetter { attempts, wall_time } = self.policy.retry.when_spent else {
            return false;
        };
        let lane = &self.lanes[lane_id as usize];
        let Some((since, _)) = lane.first_failure else { return false };
        (attempts > 0 && lane.failures + 1 >= attempts) || since.elapsed() >= wall_time
    }

    /// A run came back. `random` (0 to 1) is the jitter of a back-off. Returns the lane's new wait, if it waits.
    pub fn finish(
        &mut self,
        mut end: RunEnd,
        now: Instant,
        wall: Timestamp,
        random: f64,
    ) -> Option<Duration> {
        self.running -= 1;
        let lane = &mut self.lanes[end.lane as usize];
        let partition = self.partitions.get_mut(lane.partition);
        partition.running -= 1;
        if self.marking {
            partition.out.remove(&end.lane);
        }
        if !partition.suspects.is_empty() {
            // What came back does not kill, however it ended.
            partition.alone.clear();
            let tried = end.ended + usize::from(end.failure.is_some());
            for record in end.items.records().iter().take(tried) {
                partition.suspects.acquit(record.offset());
                partition.suspects_in_hand.remove(&record.offset());
            }
        }
        // Behind a record that must wait others may have ended: then the head is still the same.
        let records = end.items.records();
        let next = records.get(end.ended).map(Record::offset);
        let progressed = end.ended > 0 && next.is_none_or(|next| records[0].offset() < next);
        for item in end.items.drain_first(end.ended) {
            partition.tracker.finish(item.sequence);
            partition.finished(item.size as usize, now);
            self.records -= 1;
            self.bytes -= item.size as usize;
        }
        partition.note_dead_letters(end.dead_letters.len(), end.handled, self.policy.flood_run);
        let (flooded, partition_id) = (partition.flooded, lane.partition);
        for item in end.items.drain_backwards() {
            lane.queue.push_front(item);
        }
        if self.spare.len() < 4096 {
            self.spare.push(end.items);
        }
        if flooded {
            self.set_aside(partition_id);
        }
        let lane = &mut self.lanes[end.lane as usize];
        let partition = self.partitions.get(partition_id);
        if partition.is_gone() {
            self.release_lane(end.lane);
            return None;
        }
        if progressed && end.failure.is_none() {
            lane.failures = 0;
            lane.first_failure = None;
            lane.reason = None;
            for held in self.breakers.succeeded(end.lane) {
                self.free_held(held);
            }
        }
        match end.failure {
            None => {
                self.settle(end.lane);
                None
            }
            Some(failure) => self.back_off(end.lane, *failure, progressed, now, wall, random),
        }
    }

    /// Forgets what waits in the lanes of a partition that was stopped, so that the others have its memory. The
    /// tracker still knows it as unfinished: no commit passes it.
    fn set_aside(&mut self, id: PartitionId) {
        let partition = self.partitions.get_mut(id);
        for lane in partition.lanes.values() {
            for item in self.lanes[*lane as usize].queue.drain(..) {
                self.records -= 1;
                self.bytes -= item.size as usize;
                partition.bytes -= item.size as usize;
            }
        }
    }

    fn back_off(
        &mut self,
        lane_id: LaneId,
        failure: Failure,
        progressed: bool,
        now: Instant,
        wall: Timestamp,
        random: f64,
    ) -> Option<Duration> {
        let verdict = match &failure.dependency {
            Some(dependency) => self.breakers.failed(lane_id, dependency),
            None => {
                // A probe that failed for a reason of its own tells nothing: another lane gets the turn.
                self.breakers.forget(lane_id);
                Verdict::Retry
            }
        };
        let lane = &mut self.lanes[lane_id as usize];
        if progressed {
            // Another record stands at the head now: it starts with a full budget.
            lane.failures = 0;
            lane.first_failure = None;
        }
        let retry_after = failure.retry_after;
        lane.reason = Some(failure);
        if verdict != Verdict::Retry {
            // The tries on the way here were the dependency's fault: they are given back.
            lane.failures = 0;
            lane.first_failure = None;
            lane.state = LaneState::Held;
            if verdict == Verdict::Opened {
                for other in self.breakers.failing(lane_id) {
                    let other = &mut self.lanes[other as usize];
                    (other.failures, other.first_failure) = (0, None);
                }
            }
            return None;
        }
        lane.failures = lane.failures.saturating_add(1);
        lane.first_failure.get_or_insert((now, wall));
        let wait = self.policy.retry.backoff.wait(lane.failures, random).max(retry_after.unwrap_or_default());
        lane.state = LaneState::Waiting(now + wait);
        self.timers.push(Reverse((now + wait, lane_id)));
        Some(wait)
    }

    /// Lanes whose wait is over become ready.
    pub fn wake_due(&mut self, now: Instant) {
        while let Some(Reverse((at, lane_id))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            if self.lanes[lane_id as usize].state == LaneState::Waiting(at) {
                self.make_ready(lane_id);
            }
        }
    }
    /// When [`wake_due`](Self::wake_due) has something to do next.
    pub fn next_wake(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }
    /// Lets one lane of each open breaker try.
    pub fn probe_breakers(&mut self) {
        for lane in self.breakers.probes() {
            self.free_held(lane);
        }
    }
    /// The open breakers and how many lanes each holds back.
    pub fn open_breakers(&self) -> Vec<(Dependency, usize)> {
        self.breakers.open().map(|(dependency, lanes)| (dependency.clone(), lanes)).collect()
    }
    /// Every dependency that ever failed, and whether its breaker is open.
    pub fn breaker_states(&self) -> Vec<(Dependency, bool)> {
        self.breakers.states().map(|(dependency, open)| (dependency.clone(), open)).collect()
    }

    /// The lanes that wait, the longest queues first, at most `most`.
    pub fn blocked(&self, most: usize) -> Vec<BlockedLane> {
        let mut lanes: Vec<BlockedLane> =
            (0..self.lanes.len() as LaneId).filter_map(|lane| self.describe(lane)).collect();
        lanes.sort_by_key(|lane| Reverse(lane.waiting));
        lanes.truncate(most);
        lanes
    }
    /// A lane that waits, as the operator is told; `None` when it does not wait.
    pub fn describe(&self, lane: LaneId) -> Option<BlockedLane> {
        let lane = self.lanes.get(lane as usize).filter(|lane| lane.waits())?;
        Some(BlockedLane {
            partition: self.partitions.get(lane.partition).partition.clone(),
            offset: lane.queue.front()?.record.offset(),
            waiting: lane.queue.len(),
            failures: lane.failures,
            reason: lane.reason.clone()?,
        })
    }
    /// How many lanes wait, by partition and reason.
    pub fn blocked_by(&self) -> Vec<Blocked> {
        let mut found = BTreeMap::new();
        for lane in self.lanes.iter().filter(|lane| lane.waits()) {
            let kind = lane.reason.as_ref().map_or("", |reason| reason.kind);
            *found.entry((lane.partition, kind)).or_insert(0) += 1;
        }
        let named = |((id, kind), lanes)| {
            let partition = self.partitions.get(id).partition.clone();
            Blocked { partition, kind, lanes }
        };
        found.into_iter().map(named).collect()
    }

    /// Partitions to pause or to fetch again, by what waits in them: a partition with a waiting lane pauses at
    /// its share of the budget, and with `short`, when half of the memory is taken, any partition does, so that
    /// the others always have room.
    pub fn balance(&mut self, now: Instant, short: bool) -> Vec<(TopicPartition, Epoch, Fetching)> {
        let mut blocked: hashbrown::HashSet<PartitionId> = hashbrown::HashSet::new();
        for lane in &self.lanes {
            if lane.waits() {
                blocked.insert(lane.partition);
            }
        }
        let shares = self.partitions.len() + 1;
        let (records, bytes) = (self.policy.budget_records / shares, self.policy.budget_bytes / shares);
        // A handler that does not end blocks like one that fails.
        let slow = |partition: &super::partition::Partition| {
            partition.stuck_for(now).is_some_and(|stuck| stuck >= SLOW)
        };
        self.partitions.balance(
            |id, partition| blocked.contains(&id) || slow(partition),
            records.max(1),
            bytes.max(1),
            short,
        )
    }

    /// Bytes the records in hand would take in batches of their own.
    pub fn footprint(&self) -> usize {
        self.bytes + self.records * RECORD_OVERHEAD
    }
    /// Copies the records that wait into batches of their own, lane by lane: a record keeps the whole batch alive
    /// it was read with, and those behind a blocked lane would keep all of them.
    pub fn compact(&mut self) {
        for lane in self.lanes.iter_mut().filter(|lane| !lane.queue.is_empty()) {
            let mut builder = BatchBuilder::default();
            let gauge = lane.queue.front().and_then(|item| item.record.gauge()).cloned();
            lane.queue.iter().for_each(|item| builder.push_copy(&item.record));
            builder.shrink();
            let batch = match &gauge {
                Some(gauge) => builder.build_counted(gauge),
                None => builder.build(),
            };
            for (item, record) in lane.queue.iter_mut().zip(batch.records()) {
                item.record = record;
            }
        }
    }
    /// True when some lane is ready to run.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Positions that moved since they were last handed out.
    pub fn positions(&mut self) -> Vec<Position> {
        self.partitions.positions()
    }

    /// The assignment is over: its lanes and what waits in them are forgotten.
    pub fn drop_partition(&mut self, partition: &TopicPartition, epoch: Epoch) {
        let Some(id) = self.partitions.find(partition, epoch) else { return };
        let lanes: Vec<LaneId> = self.partitions.get(id).lanes.values().copied().collect();
        self.partitions.mark_gone(id);
        for lane in lanes {
            if self.lanes[lane as usize].state != LaneState::Running {
                self.release_lane(lane);
            }
        }
        self.partitions.forget_if_over(id);
    }

    fn new_lane(&mut self, partition: PartitionId, key_hash: u64) -> LaneId {
        let lane_id = match self.free.pop() {
            Some(lane_id) => {
                let lane = &mut self.lanes[lane_id as usize];
                lane.partition = partition;
                lane.key_hash = key_hash;
                lane_id
            }
            None => {
                self.lanes.push(Lane {
                    partition,
                    key_hash,
                    state: LaneState::Idle,
                    queue: VecDeque::new(),
                    failures: 0,
                    first_failure: None,
                    reason: None,
                });
                (self.lanes.len() - 1) as LaneId
            }
        };
        self.partitions.get_mut(partition).lanes.insert(key_hash, lane_id);
        self.idle += 1;
        lane_id
    }

    /// A lane that is not running is emptied and can be used for another key.
    fn release_lane(&mut self, lane_id: LaneId) {
        self.breakers.forget(lane_id);
        let lane = &mut self.lanes[lane_id as usize];
        for item in lane.queue.drain(..) {
            self.records -= 1;
            self.bytes -= item.size as usize;
        }
        if lane.queue.capacity() > MOST_PER_RUN {
            lane.queue = VecDeque::new();
        }
        if lane.state == LaneState::Idle {
            self.idle -= 1;
        }
        lane.state = LaneState::Idle;
        lane.failures = 0;
        lane.first_failure = None;
        lane.reason = None;
        let partition = lane.partition;
        self.partitions.get_mut(partition).lanes.remove(&lane.key_hash);
        self.partitions.forget_if_over(partition);
        self.free.push(lane_id);
    }

    fn drop_idle_lanes(&mut self) {
        let idle: Vec<LaneId> = (0..self.lanes.len() as LaneId)
            .filter(|id| {
                let lane = &self.lanes[*id as usize];
                lane.state == LaneState::Idle
                    && lane.queue.is_empty()
                    && self.partitions.knows(lane.partition, lane.key_hash, *id)
            })
            .collect();
        for lane in idle {
            self.release_lane(lane);
        }
    }

    fn settle(&mut self, lane_id: LaneId) {
        if self.lanes[lane_id as usize].queue.is_empty() {
            self.lanes[lane_id as usize].state = LaneState::Idle;
            self.idle += 1;
        } else {
            self.make_ready(lane_id);
        }
    }
    fn free_held(&mut self, lane_id: LaneId) {
        if self.lanes[lane_id as usize].state == LaneState::Held {
            self.make_ready(lane_id);
        }
    }
    fn make_ready(&mut self, lane_id: LaneId) {
        self.lanes[lane_id as usize].state = LaneState::Ready;
        self.ready.push_back(lane_id);
    }
}
