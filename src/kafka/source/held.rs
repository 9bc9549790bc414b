//! The partitions a source holds now, each with its epoch and the next offset it expects.

use crate::engine::Epoch;
use crate::model::record::{LogId, TopicPartition};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Epochs are counted for the whole process, so that two sources never share one.
static EPOCHS: AtomicU64 = AtomicU64::new(1);

/// An epoch nobody had before.
pub(super) fn fresh_epoch() -> Epoch {
    Epoch(EPOCHS.fetch_add(1, Ordering::Relaxed))
}

/// One partition we read.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) partition: TopicPartition,
    pub(super) epoch: Epoch,
    pub(super) log: LogId,
    /// The next offset to hand over: all below was handed over, or lies before the start.
    pub(super) next: i64,
    pub(super) paused: bool,
    /// Its end was reached, and nothing has come since.
    pub(super) at_end: bool,
    /// It is being taken from us: nothing new is handed over, commits still count.
    pub(super) revoking: bool,
}

/// All partitions we read.
#[derive(Debug, Default)]
pub(super) struct Holdings(HashMap<Arc<str>, HashMap<i32, Held>>);

impl Holdings {
    pub(super) fn insert(&mut self, held: Held) {
        let TopicPartition { topic, partition } = held.partition.clone();
        self.0.entry(topic).or_default().insert(partition, held);
    }
    pub(super) fn remove(&mut self, partition: &TopicPartition) {
        if let Some(topic) = self.0.get_mut(&partition.topic) {
            topic.remove(&partition.partition);
        }
    }
    /// The partitions of which more may lie in the log than was seen; with `full` that is all of them.
    pub(super) fn behind(&self, full: bool) -> Vec<(TopicPartition, Epoch)> {
        let all = self.0.values().flat_map(HashMap::values);
        let behind = all.filter(|held| !held.revoking && (full || held.paused || !held.at_end));
        behind.map(|held| (held.partition.clone(), held.epoch)).collect()
    }
    /// By name, without allocating: this is asked for every run of records.
    pub(super) fn get(&self, topic: &str, partition: i32) -> Option<&Held> {
        self.0.get(topic)?.get(&partition)
    }
    pub(super) fn get_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Held> {
        self.0.get_mut(topic)?.get_mut(&partition)
    }
    /// The partition, if `epoch` is its present one.
    pub(super) fn live(&mut self, partition: &TopicPartition, epoch: Epoch) -> Option<&mut Held> {
        self.get_mut(&partition.topic, partition.partition).filter(|held| held.epoch == epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_is_what_is_not_at_its_end_or_not_being_read() {
        let mut holdings = Holdings::default();
        let states = [(true, false, false), (false, false, false), (true, true, false), (false, false, true)];
        for (number, (at_end, paused, revoking)) in (0..).zip(states) {
            let partition = TopicPartition::new("t", number);
            holdings.insert(Held {
                partition,
                epoch: Epoch(1),
                log: LogId::UNKNOWN,
                next: 0,
                paused,
                at_end,
                revoking,
            });
        }
        let numbers = |full| {
            let mut found: Vec<i32> = holdings.behind(full).iter().map(|(one, _)| one.partition).collect();
            found.sort_unstable();
            found
        };
        assert_eq!((numbers(false), numbers(true)), (vec![1, 2], vec![0, 1, 2]));
    }

    #[test]
    fn only_the_present_epoch_is_live() {
        let partition = TopicPartition::new("t", 1);
        let (old, new) = (fresh_epoch(), fresh_epoch());
        assert!(old < new);
        let mut holdings = Holdings::default();
        for epoch in [old, new] {
            let partition = partition.clone();
            holdings.insert(Held {
                partition,
                epoch,
                log: LogId::UNKNOWN,
                next: 0,
                paused: false,
                at_end: false,
                revoking: false,
            });
        }
        assert!(holdings.live(&partition, old).is_none());
        assert!(holdings.live(&partition, new).is_some());
        holdings.remove(&partition);
        assert!(holdings.get("t", 1).is_none());
    }
}
