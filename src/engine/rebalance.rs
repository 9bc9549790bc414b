//! Partitions that come and go: where reading starts, and how a partition is given back.

use super::ending::CUT;
use super::report::{Abandoned, Event, RunError};
use super::runtime::{Runtime, TICK};
use super::{Assigned, CommitReport, DoneMap, Epoch, OnLost, SourceCommand};
use crate::model::record::TopicPartition;
use crate::mutants::planted;
use std::ops::Range;
use tokio::time::Instant;

/// Where reading starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StartingPoint {
    pub start: i64,
    pub inherited: DoneMap,
    /// What the log does not hold.
    pub gap: Option<Gap>,
}

/// Offsets between what the group committed and what the log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// They were deleted before the group had read them.
    Lost(Range<i64>),
    /// The group had read them, and the log ends before them.
    Ahead(Range<i64>),
}

/// Decides where reading starts. A group without a commit starts at the earliest record. A commit below the
/// start of the log means that records were deleted unread. One beyond its end means that the log was made anew or
/// cut back, or that an open transaction holds its end back from readers that wait for it; going on, the log is read
/// from its start.
pub(super) fn starting_point(assigned: &Assigned) -> StartingPoint {
    let fresh = |start| StartingPoint { start, inherited: DoneMap::new(), gap: None };
    let Some(committed) = &assigned.committed else { return fresh(assigned.log_start) };
    if committed.offset > assigned.log_end {
        let ahead = Gap::Ahead(assigned.log_end..committed.offset);
        return StartingPoint { gap: Some(ahead), ..fresh(assigned.log_start) };
    }
    let inherited = DoneMap::decode(&committed.metadata, committed.offset);
    if committed.offset < assigned.log_start {
        if planted("ignore-lost") {
            return fresh(assigned.log_start);
        }
        let gap = Some(Gap::Lost(committed.offset..assigned.log_start));
        return StartingPoint { start: assigned.log_start, inherited, gap };
    }
    StartingPoint { start: committed.offset, inherited, gap: None }
}

/// Partitions that are asked back.
#[derive(Debug)]
pub(super) struct Revoking {
    partitions: Vec<(TopicPartition, Epoch)>,
    until: Instant,
    /// What ran too long was cancelled.
    cut: bool,
    /// The commit of their last positions was refused, and is sent again.
    refused: bool,
    stage: RevokeStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RevokeStage {
    /// Handlers finish.
    Draining,
    /// The commit with this number holds their last positions.
    Committing(u64),
    /// They may go.
    Committed,
}

impl Revoking {
    pub fn new(partitions: Vec<(TopicPartition, Epoch)>, until: Instant) -> Self {
        Revoking { partitions, until, cut: false, refused: false, stage: RevokeStage::Draining }
    }
    pub fn forget(&mut self, lost: &[(TopicPartition, Epoch)]) {
        self.partitions.retain(|partition| !lost.contains(partition));
    }
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }
    /// What distinguishes it from others: partitions, stage, whether its time is up; `newest` is the last commit.
    #[cfg(test)]
    pub fn outline(&self, now: Instant, newest: u64) -> String {
        let names: Vec<i32> = self.partitions.iter().map(|(partition, _)| partition.partition).collect();
        let stage = match self.stage {
            RevokeStage::Committing(id) => format!("Committing(newest - {})", (newest - id).min(2)),
            stage => format!("{stage:?}"),
        };
        format!("{names:?} {stage} cut {} refused {} late {}", self.cut, self.refused, now >= self.until)
    }
    /// How a commit ended. A group that moves on while a partition is given up refuses the commit of before, and
    /// takes the next: without it the new owner would do again what was done here.
    pub fn committed(&mut self, report: &CommitReport) {
        if self.stage == RevokeStage::Committing(report.id) {
            self.refused = report.results.iter().any(|(position, result)| {
                let holds = |(name, epoch): &(TopicPartition, Epoch)| {
                    *name == position.partition && *epoch == position.epoch
                };
                result.is_err() && self.partitions.iter().any(holds)
            });
            self.stage = if self.refused { RevokeStage::Draining } else { RevokeStage::Committed };
        }
    }
}

impl Runtime {
    /// Says and counts that records were deleted before they were read.
    pub(super) fn note_lost(&mut self, partition: &TopicPartition, offsets: Range<i64>) -> Abandoned {
        self.totals.lost += (offsets.end - offsets.start).max(0) as u64;
        let partition = partition.clone();
        self.reporter.event(Event::RecordsLost { partition: partition.clone(), offsets: offsets.clone() });
        Abandoned { partition, offsets }
    }

    /// Says that the log ends before what the group had committed.
    pub(super) fn note_ahead(&mut self, partition: &TopicPartition, offsets: Range<i64>) -> Abandoned {
        let ahead = Abandoned { partition: partition.clone(), offsets };
        self.reporter.event(Event::CommittedAhead(ahead.clone()));
        ahead
    }

    /// The log's start has passed the place where a partition is read: it was paused, or is slow.
    pub(super) fn overtaken(&mut self, partition: TopicPartition, epoch: Epoch, offsets: Range<i64>) {
        let Some(id) = self.scheduler.partitions.find(&partition, epoch) else { return };
        let to = offsets.end;
        let lost = self.note_lost(&partition, offsets);
        if self.scheduler.policy.on_lost == OnLost::Stop {
            // What is in hand comes to its end; the commit stays below what was lost, so that the next start
            // says it again.
            self.fail_after_commit(RunError::Lost(vec![lost]));
            return;
        }
        let known = self.scheduler.partitions.get_mut(id);
        known.tracker.reach(to);
        known.forget_suspects();
        self.send(SourceCommand::Skip(partition, epoch, to));
    }

    fn cancel(&self, partitions: &[(TopicPartition, Epoch)]) {
        for (partition, epoch) in partitions {
            if let Some(id) = self.scheduler.partitions.find(partition, *epoch) {
                self.scheduler.partitions.get(id).cancel.cancel();
            }
        }
    }

    /// Moves each revocation on: drain, commit, release.
    pub(super) fn advance_revocations(&mut self, now: Instant) {
        let mut going = std::mem::take(&mut self.revoking);
        for revoking in &mut going {
            if revoking.stage == RevokeStage::Draining {
                let running = |(partition, epoch): &(TopicPartition, Epoch)| {
                    self.scheduler.partitions.running(partition, *epoch)
                };
                let busy: usize = revoking.partitions.iter().map(running).sum();
                if busy > 0 && now < revoking.until {
                    continue;
                }
                if busy > 0 && !revoking.cut {
                    revoking.cut = true;
                    // What a cancelled run had finished before comes back with it.
                    revoking.until = now + CUT;
                    self.cancel(&revoking.partitions);
                    continue;
                }
                if revoking.refused && now >= revoking.until {
                    self.reporter.event(Event::Trouble("the commit before a revoke was refused".into()));
                    revoking.stage = RevokeStage::Committed;
                    continue;
                }
                // One commit at a time: while another is under way, this one waits for its answer. After a refusal
                // a little later.
                let soon = revoking.refused && now.duration_since(self.last_commit) < TICK * 5;
                if self.is_committing() || soon {
                    continue;
                }
                self.cancel(&revoking.partitions);
                if !revoking.refused {
                    revoking.until = now + self.scheduler.policy.final_commit;
                }
                revoking.stage = match self.commit(now) {
                    Some(id) => RevokeStage::Committing(id),
                    None => RevokeStage::Committed,
                };
            }
            if matches!(revoking.stage, RevokeStage::Committing(_)) && now >= revoking.until {
                self.reporter
                    .event(Event::Trouble("the commit before a revoke was not answered in time".into()));
                revoking.stage = RevokeStage::Committed;
            }
        }
        let (done, going): (Vec<_>, Vec<_>) =
            going.into_iter().partition(|revoking| revoking.stage == RevokeStage::Committed);
        self.revoking = going;
        for revoking in done {
            for (partition, epoch) in &revoking.partitions {
                self.clear_mark(partition, *epoch);
                self.scheduler.drop_partition(partition, *epoch);
                self.reporter.event(Event::Revoked(partition.clone()));
            }
            self.send(SourceCommand::Release(revoking.partitions));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Committed;

    #[test]
    fn where_reading_starts() {
        let with = |committed: Option<(i64, &str)>, log_start, log_end| {
            starting_point(&Assigned {
                partition: TopicPartition::new("t", 0),
                epoch: Epoch(1),
                committed: committed
                    .map(|(offset, metadata)| Committed { offset, metadata: metadata.into() }),
                log_start,
                log_end,
            })
        };
        let mut map = DoneMap::new();
        map.insert(12..14);
        let text = map.encode(10).unwrap();
        // committed, log start, log end -> start, gap
        let table = [
            (None, 0, 100, 0, None),
            (None, 7, 100, 7, None),
            (Some((10, "")), 0, 100, 10, None),
            (Some((100, "")), 0, 100, 100, None),
            (Some((10, "")), 30, 100, 30, Some(Gap::Lost(10..30))),
            (Some((10, "")), 0, 3, 0, Some(Gap::Ahead(3..10))),
            (Some((10, "somebody's own")), 0, 100, 10, None),
        ];
        for (committed, log_start, log_end, start, gap) in table {
            let point = with(committed, log_start, log_end);
            assert_eq!((point.start, point.gap), (start, gap), "{committed:?} {log_start} {log_end}");
        }
        assert_eq!(with(Some((10, &text)), 0, 100).inherited, map);
        assert!(with(Some((10, &text)), 0, 3).inherited.is_empty(), "the log was made anew");
    }
}
