//! The partitions a consumer holds, each under its epoch; pure.

use super::breaker::LaneId;
use super::buffers::RECORD_OVERHEAD;
use super::cancel::Cancel;
use super::quarantine::{Mark, Suspects};
use super::rebalance::StartingPoint;
use super::tracker::Tracker;
use super::{Assigned, Epoch, MAX_METADATA_BYTES, Position};
use crate::model::record::TopicPartition;
use hashbrown::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use tokio::time::Instant;

/// The number of an assignment within [`Partitions`]; given anew once the assignment is over and its last run
/// is back.
pub(super) type PartitionId = u32;

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct PassThrough(u64);

impl Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Why a partition is paused that has much to do beside others; no trouble, and often soon over.
pub const OVER_SHARE: &str = "more than its share of the memory";

/// Whether a partition is fetched from now on, and why it is or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetching {
    Pause(&'static str),
    Resume(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Records are taken in and handed out.
    Active,
    /// Asked back, or stopped: nothing new is handed out, what runs may finish and be committed.
    Draining,
    /// Over: nothing may be committed.
    Gone,
}

/// One assignment of one partition.
#[derive(Debug)]
pub(super) struct Partition {
    pub partition: TopicPartition,
    pub epoch: Epoch,
    pub tracker: Tracker,
    pub lanes: HashMap<u64, LaneId, BuildHasherDefault<PassThrough>>,
    pub cancel: Arc<Cancel>,
    /// Runs handed out, begun or not.
    pub running: usize,
    /// The end of the log when it was assigned.
    pub log_end: i64,
    /// The end of the log as last asked for; only the lag looks at it, since an end with transaction markers is
    /// never reached.
    pub newest_end: i64,
    /// The reader came to the end of the log at this offset.
    pub end_seen: Option<i64>,
    /// A run of dead letters stopped it.
    pub flooded: bool,
    /// Runs that may have killed a process.
    pub suspects: Suspects,
    /// The suspects' first records that are in hand.
    pub suspects_in_hand: HashSet<i64>,
    /// The runs that are out, for the mark: lane -> first offset, number of records.
    pub out: HashMap<LaneId, (i64, u32)>,
    /// The records that run alone now.
    pub alone: Vec<i64>,
    stage: Stage,
    paused: Option<&'static str>,
    /// Of the records in its lanes and in hand.
    pub bytes: usize,
    committed: Option<(i64, String)>,
    /// The done-map of the last commit was near its limit, or beyond it.
    map_full: bool,
    dead_letters_in_a_row: u32,
    /// Since when the low-water has not moved while something is unfinished.
    stuck_since: Option<(i64, Instant)>,
}

impl Partition {
    pub fn dispatching(&self) -> bool {
        self.stage == Stage::Active && !self.flooded
    }
    pub fn is_gone(&self) -> bool {
        self.stage == Stage::Gone
    }
    pub fn took(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes;
        if self.stuck_since.is_none() {
            self.stuck_since = Some((self.tracker.low_water(), now));
        }
    }
    pub fn finished(&mut self, bytes: usize, now: Instant) {
        self.bytes -= bytes;
        let low_water = self.tracker.low_water();
        if self.tracker.unfinished() == 0 {
            self.stuck_since = None;
        } else if self.stuck_since.is_none_or(|(at, _)| at != low_water) {
            self.stuck_since = Some((low_water, now));
        }
    }
    pub fn note_dead_letters(&mut self, dead: usize, handled: usize, most: u32) {
        if handled > 0 {
            self.dead_letters_in_a_row = 0;
        }
        self.dead_letters_in_a_row += dead as u32;
        if most > 0 && self.dead_letters_in_a_row >= most {
            self.flooded = true;
        }
    }
    /// Bytes its records would take in batches of their own.
    fn footprint(&self) -> usize {
        self.bytes + self.tracker.unfinished() * RECORD_OVERHEAD
    }
    /// Why it is not fetched, if it is not.
    pub fn paused(&self) -> Option<&'static str> {
        self.paused
    }
    /// How long the low-water has stood still over an unfinished record.
    pub fn stuck_for(&self, now: Instant) -> Option<std::time::Duration> {
        self.stuck_since.map(|(_, since)| now.duration_since(since))
    }
    /// What was last handed out to be committed.
    pub fn committed(&self) -> Option<i64> {
        self.committed.as_ref().map(|(offset, _)| *offset)
    }
    /// The same with its metadata.
    #[cfg(test)]
    pub fn handed_out(&self) -> Option<&(i64, String)> {
        self.committed.as_ref()
    }
    /// What would be suspect if the process died now.
    pub fn mark(&self, probation: bool) -> Mark {
        let mut mark = Mark::of_suspects(&self.suspects, self.alone.clone());
        mark.probation = probation && !self.suspects.is_empty();
        if self.alone.is_empty() {
            mark.out = self.out.values().copied().collect();
        }
        mark
    }
    /// Suspects that the log no longer holds, or that were finished before, are none.
    pub fn forget_suspects(&mut self) {
        if !self.suspects.is_empty() {
            let in_hand = &self.suspects_in_hand;
            self.suspects.forget_below(self.tracker.end(), |first| in_hand.contains(&first));
        }
    }
    /// Everything that was there is finished and handed out to be committed.
    pub fn is_idle(&self) -> bool {
        let low = self.tracker.low_water();
        self.tracker.unfinished() == 0 && (self.end_seen.is_some_and(|end| low >= end) || low >= self.log_end)
    }
}

/// All partitions a consumer holds or held a moment ago.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    slots: Vec<Option<Partition>>,
    active: HashMap<TopicPartition, PartitionId>,
}

impl Partitions {
    /// A new assignment, read from `point`.
    pub fn insert(&mut self, assigned: Assigned, point: StartingPoint, suspects: Suspects) {
        let Assigned { partition, epoch, committed, log_end, .. } = assigned;
        let committed = committed.map(|committed| (committed.offset, committed.metadata));
        let mut new = Partition {
            partition: partition.clone(),
            epoch,
            tracker: Tracker::new(point.start, point.inherited),
            lanes: HashMap::default(),
            cancel: Arc::new(Cancel::default()),
            running: 0,
            log_end,
            newest_end: log_end,
            end_seen: None,
            flooded: false,
            suspects,
            suspects_in_hand: HashSet::new(),
            out: HashMap::new(),
            alone: Vec::new(),
            stage: Stage::Active,
            paused: None,
            bytes: 0,
            committed,
            map_full: false,
            dead_letters_in_a_row: 0,
            stuck_since: None,
        };
        new.forget_suspects();
        // A log that was made anew does not hold them.
        new.suspects.forget_from(new.log_end);
        let free = self.slots.iter().position(Option::is_none);
        let id = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[id] = Some(new);
        self.active.insert(partition, id as PartitionId);
    }
    /// The assignment of `partition` under `epoch`, if it is current.
    pub fn find(&self, partition: &TopicPartition, epoch: Epoch) -> Option<PartitionId> {
        let id = *self.active.get(partition)?;
        (self.get(id).epoch == epoch).then_some(id)
    }
    pub fn get(&self, id: PartitionId) -> &Partition {
        self.slots[id as usize].as_ref().expect("a partition lives as long as its lanes")
    }
    pub fn get_mut(&mut self, id: PartitionId) -> &mut Partition {
        self.slots[id as usize].as_mut().expect("a partition lives as long as its lanes")
    }
    /// The current assignments.
    pub fn iter(&self) -> impl Iterator<Item = &Partition> {
        self.active.values().map(|id| self.get(*id))
    }
    fn ids(&self) -> Vec<PartitionId> {
        self.active.values().copied().collect()
    }
    /// How many are current.
    pub fn len(&self) -> usize {
        self.active.len()
    }
    /// True when `lane` serves that key of that partition.
    pub fn knows(&self, id: PartitionId, key_hash: u64, lane: LaneId) -> bool {
        let partition = self.slots.get(id as usize).and_then(Option::as_ref);
        partition.is_some_and(|partition| partition.lanes.get(&key_hash) == Some(&lane))
    }
    /// Nothing new is handed out for it.
    pub fn drain(&mut self, partition: &TopicPartition, epoch: Epoch) {
        if let Some(id) = self.find(partition, epoch) {
            let partition = self.get_mut(id);
            partition.stage = Stage::Draining;
            partition.cancel.wind_down();
        }
    }
    /// Runs of current assignments that are out.
    pub fn running(&self, partition: &TopicPartition, epoch: Epoch) -> usize {
        self.find(partition, epoch).map_or(0, |id| self.get(id).running)
    }
    pub fn mark_gone(&mut self, id: PartitionId) {
        let partition = self.get_mut(id);
        partition.stage = Stage::Gone;
        partition.cancel.cancel();
        let name = partition.partition.clone();
        if self.active.get(&name) == Some(&id) {
            self.active.remove(&name);
        }
    }
    /// Frees the slot of an assignment that is over once its last lane is.
    pub fn forget_if_over(&mut self, id: PartitionId) {
        let slot = &mut self.slots[id as usize];
        if slot.as_ref().is_some_and(|partition| partition.is_gone() && partition.lanes.is_empty()) {
            *slot = None;
        }
    }
    /// Positions that moved since they were last handed out.
    pub fn positions(&mut self) -> Vec<Position> {
        self.ids().into_iter().filter_map(|id| self.get_mut(id).position()).collect()
    }
    /// Whether anything was committed is not known: hand everything out again.
    pub fn nothing_is_committed(&mut self) {
        self.ids().into_iter().for_each(|id| self.get_mut(id).committed = None);
    }
    /// A commit of `position` failed: hand the newest out again.
    pub fn not_committed(&mut self, position: &Position) {
        if let Some(id) = self.find(&position.partition, position.epoch) {
            let partition = self.get_mut(id);
            let same = partition.committed.as_ref().is_some_and(|(offset, _)| *offset == position.offset);
            if same {
                partition.committed = None;
            }
        }
    }
    /// Decides which partitions to pause or to fetch again. `records` and `bytes` are the
    /// share of each; `short`: together they hold half of what they may.
    pub fn balance(
        &mut self,
        blocked: impl Fn(PartitionId, &Partition) -> bool,
        records: usize,
        bytes: usize,
        short: bool,
    ) -> Vec<(TopicPartition, Epoch, Fetching)> {
        // Where all have as much to do there is nobody to make room for.
        let short = short && self.iter().any(|partition| partition.footprint() < bytes / 2);
        let mut changes = Vec::new();
        for id in self.ids() {
            let blocked = blocked(id, self.get(id));
            let partition = self.get_mut(id);
            let waiting = partition.tracker.unfinished();
            let held = partition.footprint();
            let want = if partition.flooded {
                Some("dead letters in a row")
            } else if partition.map_full {
                Some("done-map nearly full")
            } else if blocked && (waiting >= records || held >= bytes) {
                Some("a blocked lane fills its budget")
            } else if short && held > bytes {
                // Before it can be known whether it is blocked: a lane that hangs would take all the memory first,
                // and what it holds is not given back.
                Some(OVER_SHARE)
            } else if partition.paused.is_some() && (held > bytes / 2 || (waiting > records / 2 && blocked)) {
                partition.paused
            } else {
                None
            };
            let change = match (partition.paused, want) {
                (None, Some(reason)) => Some(Fetching::Pause(reason)),
                (Some(reason), None) => Some(Fetching::Resume(reason)),
                _ => None,
            };
            changes.extend(change.map(|change| (partition.partition.clone(), partition.epoch, change)));
            partition.paused = want;
        }
        changes
    }
}

impl Partition {
    fn position(&mut self) -> Option<Position> {
        let offset = self.tracker.low_water();
        let (metadata, whole) = self.tracker.done_map().encode_lowest(offset);
        self.map_full = !whole || metadata.len() > MAX_METADATA_BYTES * 3 / 4;
        let new = (offset, metadata);
        if self.committed.as_ref() == Some(&new) {
            return None;
        }
        self.committed = Some(new.clone());
        Some(Position {
            partition: self.partition.clone(),
            epoch: self.epoch,
            offset: new.0,
            metadata: new.1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::DoneMap;
    use super::super::tracker::Taken;
    use super::*;

    #[test]
    fn a_partition_whose_done_map_overflows_stays_paused() {
        let name = TopicPartition::new("t", 0);
        let assigned =
            Assigned { partition: name.clone(), epoch: Epoch(1), committed: None, log_start: 0, log_end: 0 };
        let start = StartingPoint { start: 0, inherited: DoneMap::new(), gap: None };
        let mut partitions = Partitions::default();
        partitions.insert(assigned, start, Suspects::default());
        let id = partitions.find(&name, Epoch(1)).unwrap();
        // Every second record ends: one range more each.
        let end = |partitions: &mut Partitions, to: i64| {
            let tracker = &mut partitions.get_mut(id).tracker;
            for offset in tracker.end()..to {
                let Taken::Run(sequence) = tracker.take(offset) else { panic!("{offset} is new") };
                if offset % 2 == 1 {
                    tracker.finish(sequence);
                }
            }
            let position = partitions.positions().remove(0);
            assert!(position.metadata.len() <= MAX_METADATA_BYTES);
            let carried = DoneMap::decode(&position.metadata, position.offset).ranges().len();
            partitions.balance(|_, _| false, usize::MAX, usize::MAX, false);
            (carried, partitions.get(id).paused())
        };
        assert_eq!(end(&mut partitions, 2_000), (1_000, None));
        assert_eq!(end(&mut partitions, 2_500), (1_250, Some("done-map nearly full")));
        let (carried, paused) = end(&mut partitions, 8_000);
        assert!(carried > 1_500, "as many as fit: {carried}");
        assert_eq!(paused, Some("done-map nearly full"), "what was cut off would run again");
    }
}
