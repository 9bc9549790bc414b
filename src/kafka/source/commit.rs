//! Commits: stored first, then what is stored is committed, for live epochs only, and the result is read.
//!
//! The client leaves a partition out whose stored offset is the committed one, even when its metadata is new
//! (a lane that is blocked keeps its low-water while the done-map above it grows). Such positions are committed
//! by name in a second step, after their epochs were looked at again; the partitions of a revoke are not given
//! up before the result is there, so no answer of an old assignment is ever on its way in a new one.

use super::io::Io;
use crate::engine::{CommitReport, Position, SourceEvent};
use crate::kafka::error::describe;
use crate::kafka::raw::{Item, items};
use crate::model::record::TopicPartition;
use crate::mutants::planted;
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;
use std::collections::HashMap;

/// How one position ended.
type Ended = Result<(), String>;

/// The commit in flight.
pub(super) struct Committing {
    id: u64,
    /// Without a result yet.
    open: Vec<Position>,
    done: Vec<(Position, Ended)>,
    /// The second step is running.
    by_name: bool,
}

impl Io {
    /// Begins a commit. The engine sends the next one only after the report.
    pub(super) fn commit(&mut self, id: u64, positions: Vec<Position>) {
        let live: Vec<Position> = positions
            .into_iter()
            .filter(|position| self.holdings.live(&position.partition, position.epoch).is_some())
            .collect();
        let mut commit = Committing { id, open: Vec::new(), done: Vec::new(), by_name: false };
        if planted("commit-by-list-after-revoke") {
            let list = list_of(&ever(&live));
            commit.open = live;
            return self.send_commit(commit, Some(&list));
        }
        if self.committing.is_some() {
            let refused = "another commit is in flight";
            commit.done = live.into_iter().map(|position| (position, Err(refused.into()))).collect();
            return self.report(commit);
        }
        if self.queues.assignment_lost() {
            commit.done =
                live.into_iter().map(|position| (position, Err("assignment lost".into()))).collect();
            return self.report(commit);
        }
        let list = list_of(&live);
        // Success is told even when some were refused: every line is looked at.
        let stored = self.consumer().store_offsets(&list);
        let lines: HashMap<TopicPartition, Item> =
            items(&list).into_iter().map(|item| (item.partition.clone(), item)).collect();
        for position in live {
            let refused = match lines.get(&position.partition) {
                Some(line) => line.error,
                None => Some(RDKafkaErrorCode::InvalidArgument),
            };
            match refused {
                Some(code) => commit.done.push((position, Err(describe(code)))),
                None => commit.open.push(position),
            }
        }
        if let (Err(error), true) = (stored, commit.done.is_empty()) {
            let reason = error.rdkafka_error_code().map_or_else(|| error.to_string(), describe);
            commit.done = commit.open.drain(..).map(|position| (position, Err(reason.clone()))).collect();
        }
        self.send_commit(commit, None);
    }

    /// Sends the open positions on their way: what is stored, or `by_name`.
    fn send_commit(&mut self, mut commit: Committing, by_name: Option<&TopicPartitionList>) {
        if commit.open.is_empty() {
            return self.report(commit);
        }
        match self.queues.commit(by_name) {
            Ok(()) => self.committing = Some(commit),
            Err(code) => {
                commit.settle(|_| Some(Err(describe(code))));
                self.report(commit);
            }
        }
    }

    /// The client says how the commit ended.
    pub(super) fn commit_ended(&mut self, error: Option<RDKafkaErrorCode>, lines: Vec<Item>) {
        let Some(mut commit) = self.committing.take() else { return };
        let lines: HashMap<&TopicPartition, &Item> =
            lines.iter().map(|line| (&line.partition, line)).collect();
        commit.settle(|position| judge_line(position, lines.get(&position.partition).copied(), error));
        if commit.by_name {
            commit.settle(|_| Some(Err("the answer does not name the partition".into())));
        } else if !commit.open.is_empty() {
            commit.by_name = true;
            let lost = self.queues.assignment_lost();
            commit.open.retain(|position| {
                !lost && self.holdings.live(&position.partition, position.epoch).is_some()
            });
            let list = list_of(&commit.open);
            return self.send_commit(commit, Some(&list));
        }
        self.report(commit);
    }

    fn report(&mut self, commit: Committing) {
        let Committing { id, done, .. } = commit;
        self.tell(SourceEvent::Committed(CommitReport { id, results: done }));
    }
}

impl Committing {
    /// Moves the open positions that `judge` gives an end to those that are done.
    fn settle(&mut self, judge: impl Fn(&Position) -> Option<Ended>) {
        for position in std::mem::take(&mut self.open) {
            match judge(&position) {
                Some(ended) => self.done.push((position, ended)),
                None => self.open.push(position),
            }
        }
    }
}

/// How a position ended, from its line of the answer; `None` when the client left it out.
fn judge_line(position: &Position, line: Option<&Item>, error: Option<RDKafkaErrorCode>) -> Option<Ended> {
    match (line.and_then(|line| line.error), error) {
        (Some(code), _) => Some(Err(describe(code))),
        (None, Some(RDKafkaErrorCode::NoOffset)) => None,
        (None, Some(code)) => Some(Err(describe(code))),
        (None, None) => line.filter(|line| line.offset == position.offset).map(|_| Ok(())),
    }
}

/// For a planted bug: `now`, and the last position of every partition that was ever held.
fn ever(now: &[Position]) -> Vec<Position> {
    static ALL: std::sync::Mutex<Vec<Position>> = std::sync::Mutex::new(Vec::new());
    let mut all = ALL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.retain(|known| now.iter().all(|position| position.partition != known.partition));
    all.extend(now.iter().cloned());
    all.clone()
}

fn list_of(positions: &[Position]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for Position { partition, offset, metadata, .. } in positions {
        let mut element = list.add_partition(&partition.topic, partition.partition);
        // A position below zero cannot be set and stays "none", which the client refuses by line.
        let _ = element.set_offset(Offset::Offset(*offset));
        if !metadata.is_empty() {
            element.set_metadata(metadata);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Epoch;

    #[test]
    fn an_answer_is_judged_line_by_line() {
        let partition = TopicPartition::new("t", 0);
        let position =
            Position { partition: partition.clone(), epoch: Epoch(1), offset: 7, metadata: String::new() };
        let line =
            |offset, error| Item { partition: partition.clone(), offset, metadata: String::new(), error };
        let unknown = RDKafkaErrorCode::UnknownMemberId;
        let table = [
            (Some(line(7, None)), None, Some(true)),
            // Left out: the committed offset is the same already.
            (Some(line(-1001, None)), None, None),
            (None, None, None),
            (None, Some(RDKafkaErrorCode::NoOffset), None),
            (Some(line(-1001, None)), Some(RDKafkaErrorCode::NoOffset), None),
            // One partition refused, in an answer that is a success as a whole.
            (Some(line(7, Some(RDKafkaErrorCode::OffsetMetadataTooLarge))), None, Some(false)),
            (Some(line(7, None)), Some(unknown), Some(false)),
            (None, Some(unknown), Some(false)),
        ];
        for (line, error, expected) in table {
            let ended = judge_line(&position, line.as_ref(), error);
            assert_eq!(ended.map(|ended| ended.is_ok()), expected, "{line:?} {error:?}");
        }
    }
}
