//! The end of a consumer: handlers finish, the last positions are committed, the group is left.

use super::report::{Abandoned, RunError, Summary};
use super::runtime::{Runtime, TICK};
use super::{Epoch, SourceCommand};
use crate::model::record::TopicPartition;
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait for the source to leave its group; its own limit is 5 s.
const LEAVE: Duration = Duration::from_secs(6);

/// How far the end has come.
pub(super) enum Ending {
    /// Handlers finish.
    Draining { until: Instant, cut: bool },
    /// The last positions are committed.
    Committing { until: Instant, sent: bool },
    /// The group is being left.
    Leaving { until: Instant },
    /// Over.
    Over,
}

/// Longest wait for a cancelled run to come back.
pub(super) const CUT: Duration = Duration::from_secs(1);

impl Runtime {
    /// Begins the end: nothing new is handed out.
    pub(super) fn end(&mut self, now: Instant) {
        if self.ending.is_some() {
            return;
        }
        let held: Vec<_> = self.held();
        for (partition, epoch) in &held {
            self.scheduler.partitions.drain(partition, *epoch);
        }
        self.ending =
            Some(Ending::Draining { until: now + self.scheduler.policy.shutdown_drain, cut: false });
        self.take_back();
    }
    pub(super) fn fail(&mut self, error: RunError) {
        self.error.get_or_insert(error);
        self.send(SourceCommand::Leave);
        self.ending = Some(Ending::Leaving { until: Instant::now() + LEAVE });
        self.take_back();
    }
    pub(super) fn fail_after_commit(&mut self, error: RunError) {
        self.error.get_or_insert(error);
        self.end(Instant::now());
    }
    /// Nothing of what is held is suspect any more.
    pub(super) fn clear_marks(&self) {
        for (partition, epoch) in self.held() {
            self.clear_mark(&partition, epoch);
        }
    }
    pub(super) fn held(&self) -> Vec<(TopicPartition, Epoch)> {
        self.scheduler.partitions.iter().map(|held| (held.partition.clone(), held.epoch)).collect()
    }

    /// One step towards the end. Returns true once it is reached.
    pub(super) fn advance_ending(&mut self, now: Instant) -> bool {
        match &self.ending {
            None => return false,
            Some(Ending::Draining { until, cut }) => {
                if self.scheduler.running > 0 && now < *until {
                    return false;
                }
                if self.scheduler.running > 0 && !cut {
                    self.abandon();
                    // What such a run had finished before comes back with it.
                    self.ending = Some(Ending::Draining { until: now + CUT, cut: true });
                    return false;
                }
                // A group that is being shared anew answers no commit until a member that went away with its request
                // open is given up: what the handlers left of their time is worth waiting.
                let until = (now + self.scheduler.policy.final_commit).max(*until);
                self.ending = Some(Ending::Committing { until, sent: false });
            }
            Some(Ending::Committing { until, sent }) => {
                let (until, sent) = (*until, *sent);
                let late = now >= until;
                if self.in_flight.is_some() && !late {
                    return false;
                }
                // Refused: once more with the newest values, a little later.
                let again = self.commit_failed && now.duration_since(self.last_commit) >= TICK * 5;
                if !late && (!sent || again) {
                    self.commit(now);
                    self.ending = Some(Ending::Committing { until, sent: true });
                    return false;
                }
                if !late && self.commit_failed {
                    return false;
                }
                self.commit_failed |= self.in_flight.is_some();
                let snapshot = self.snapshot(now);
                self.reporter.snapshot(&snapshot);
                self.totals = snapshot;
                // Before anybody else can hold the partitions, and write marks of his own.
                self.clear_marks();
                self.send(SourceCommand::Leave);
                self.ending = Some(Ending::Leaving { until: now + LEAVE });
            }
            Some(Ending::Leaving { until }) => return now >= *until,
            Some(Ending::Over) => return true,
        }
        false
    }

    /// Cancels what still runs and notes it.
    pub(super) fn abandon(&mut self) {
        let cut: Vec<Abandoned> = self
            .scheduler
            .partitions
            .iter()
            .filter(|partition| partition.running > 0)
            .map(|partition| {
                partition.cancel.cancel();
                let offsets = partition.tracker.low_water()..partition.tracker.end();
                Abandoned { partition: partition.partition.clone(), offsets }
            })
            .filter(|abandoned| !self.abandoned.contains(abandoned))
            .collect();
        self.abandoned.extend(cut);
    }

    pub(super) fn finish(self) -> Result<Summary, RunError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Summary {
                totals: self.totals,
                abandoned: self.abandoned,
                uncommitted: self.commit_failed,
            }),
        }
    }
}
