//! Which runs may go out while there are suspects: alone, or in their probation. `quarantine.rs` says why.

use super::Epoch;
use super::breaker::LaneId;
use super::items::Item;
use super::partition::{Partition, PartitionId};
use super::quarantine::{DEATHS, Mark, PROBATION};
use super::runner::Run;
use super::runtime::Runtime;
use super::scheduler::{LaneState, MOST_PER_RUN, Scheduler};
use crate::model::record::TopicPartition;
use crate::mutants::planted;
use tokio::time::Instant;

/// What may run while there are records that may kill the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quarantine {
    /// There are none.
    None,
    /// One run at a time, of lanes with suspects.
    Alone,
    /// Everything but the lanes with suspects.
    Probation,
}

impl Scheduler {
    /// What may run now, while there are records that may kill the process. `full`: no more can be read, so
    /// suspects that were not read yet are not waited for.
    pub fn quarantine(&mut self, now: Instant, full: bool) -> Quarantine {
        let suspect = |partition: &&Partition| !partition.suspects.is_empty() && partition.dispatching();
        if !self.partitions.iter().any(|partition| suspect(&partition)) {
            self.probation_ends = None;
            if !self.suspect_lanes.is_empty() {
                self.forget_suspect_lanes();
            }
            return Quarantine::None;
        }
        self.forget_suspect_lanes();
        let mut suspects = self.partitions.iter().filter(suspect);
        let alone = suspects.any(|partition| {
            let unread = |first: i64| {
                !partition.suspects_in_hand.contains(&first) && partition.suspects.deaths(first) == 0
            };
            !partition.alone.is_empty()
                || (!full && partition.paused().is_none() && partition.suspects.firsts().any(unread))
        });
        if alone || self.suspect_lanes.iter().any(|lane| self.deaths_ahead(*lane) == Some(0)) {
            self.probation_ends = None;
            return Quarantine::Alone;
        }
        let over = now >= *self.probation_ends.get_or_insert(now + PROBATION);
        match over && self.suspect_lanes.iter().any(|lane| self.deaths_ahead(*lane).is_some()) {
            true => Quarantine::Alone,
            false => Quarantine::Probation,
        }
    }

    /// The deaths of the first suspect in a lane that could run now.
    fn deaths_ahead(&self, lane_id: LaneId) -> Option<u32> {
        let lane = &self.lanes[lane_id as usize];
        let partition = self.partitions.get(lane.partition);
        if lane.state != LaneState::Ready || !partition.dispatching() {
            return None;
        }
        let mut offsets = lane.queue.iter().map(|item| item.record.offset());
        offsets.find(|at| partition.suspects.group(*at).is_some()).map(|at| partition.suspects.deaths(at))
    }

    /// The next run of a lane with suspects, to run with nothing beside it: those with the fewest deaths first.
    pub fn next_alone(&mut self) -> Option<Run> {
        if self.running > 0 {
            return None;
        }
        let ahead = self.suspect_lanes.iter().filter_map(|lane| Some((*lane, self.deaths_ahead(*lane)?)));
        let (lane_id, _) = ahead.min_by_key(|(_, deaths)| *deaths)?;
        let lane = &self.lanes[lane_id as usize];
        let partition = self.partitions.get_mut(lane.partition);
        let suspects = &partition.suspects;
        let offset_at = |at: usize| lane.queue.get(at).map(|item| item.record.offset());
        let head = offset_at(0)?;
        // A suspect's group, or the innocent records that stand before it in its lane.
        let most = suspects.group(head).map_or(MOST_PER_RUN, |count| count.max(1) as usize);
        let begins = |at: usize| offset_at(at).is_none_or(|offset| suspects.group(offset).is_some());
        let many = (1..most).find(|at| begins(*at)).unwrap_or(most).min(lane.queue.len());
        let condemned =
            many == 1 && suspects.deaths(head) >= if planted("condemn-early") { 1 } else { DEATHS };
        partition.alone = match suspects.group(head) {
            Some(_) if !condemned => (0..many).filter_map(offset_at).collect(),
            _ => Vec::new(),
        };
        let mut run = self.hand_out(lane_id, many);
        run.condemned = condemned;
        Some(run)
    }

    /// Lanes without a suspect left run with the others again.
    fn forget_suspect_lanes(&mut self) {
        let (lanes, partitions, ready) = (&self.lanes, &self.partitions, &mut self.ready);
        self.suspect_lanes.retain(|id| {
            let lane = &lanes[*id as usize];
            let known = partitions.knows(lane.partition, lane.key_hash, *id);
            let is_suspect =
                |item: &Item| partitions.get(lane.partition).suspects.group(item.record.offset()).is_some();
            let keep = known && lane.queue.iter().any(is_suspect);
            if !keep && known && lane.state == LaneState::Ready {
                ready.push_back(*id);
            }
            keep
        });
    }

    /// Remembers that a lane holds a suspect.
    pub fn note_suspect(&mut self, id: PartitionId, lane: LaneId, offset: i64) {
        let partition = self.partitions.get_mut(id);
        if partition.suspects.group(offset).is_some() {
            partition.suspects_in_hand.insert(offset);
            if !self.suspect_lanes.contains(&lane) {
                self.suspect_lanes.push_back(lane);
            }
        }
    }
}

impl Runtime {
    /// Says which records are about to run, before they do.
    pub(super) fn write_marks(&self, runs: &[Run]) {
        if self.marks.is_none() {
            return;
        }
        let mut touched: Vec<(&TopicPartition, Epoch)> = Vec::new();
        for run in runs {
            let Some(record) = run.items.records().first() else { continue };
            let of = (record.partition(), record.epoch());
            if !touched.contains(&of) {
                touched.push(of);
            }
        }
        for (partition, epoch) in touched {
            self.write_mark(partition, epoch);
        }
    }

    /// Says in which state of quarantine the suspects are.
    pub(super) fn write_suspects(&self) {
        let suspects = self.scheduler.partitions.iter().filter(|partition| !partition.suspects.is_empty());
        suspects.for_each(|partition| self.write_mark(&partition.partition, partition.epoch));
    }

    pub(super) fn write_mark(&self, partition: &TopicPartition, epoch: Epoch) {
        let Some(marks) = &self.marks else { return };
        let Some(id) = self.scheduler.partitions.find(partition, epoch) else { return };
        let probation = self.quarantine == Quarantine::Probation;
        let mark = self.scheduler.partitions.get(id).mark(probation);
        if let Err(error) = marks.write(partition, mark) {
            tracing::warn!(%partition, %error, "writing the mark of running records");
        }
    }

    /// The partition is given back, or the consumer ends, and nothing of it runs: nothing is suspect but what
    /// was and was not tried.
    pub(super) fn clear_mark(&self, partition: &TopicPartition, epoch: Epoch) {
        let Some(marks) = &self.marks else { return };
        let Some(id) = self.scheduler.partitions.find(partition, epoch) else { return };
        let suspects = &self.scheduler.partitions.get(id).suspects;
        let cleared = if suspects.is_empty() {
            marks.remove(partition)
        } else {
            marks.write(partition, Mark::of_suspects(suspects, Vec::new()))
        };
        if let Err(error) = cleared {
            tracing::warn!(%partition, %error, "clearing the mark of running records");
        }
    }
}
