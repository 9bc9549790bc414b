//! How far the replay of one dead-letter partition has come: the first letter that is not done, and those done
//! above it. Kept in the committed offset of the replay group and the text committed with it.

use crate::engine::DoneMap;
use crate::model::offsets::{GroupOffset, Watermarks};

/// The progress in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Everything below is done.
    low: i64,
    /// Where the present run has looked up to: below it, what was not a letter is known to be a gap.
    seen: i64,
    done: DoneMap,
}

impl Progress {
    /// The progress that was committed, if any, within the log as it is now.
    pub fn new(committed: Option<&GroupOffset>, log: Watermarks) -> Self {
        let mut done = DoneMap::new();
        let mut low = log.start;
        // A commit behind the end belongs to a topic of that name that was deleted: it says nothing of this one.
        if let Some(position) = committed.filter(|position| position.offset <= log.end) {
            done = DoneMap::decode(&position.metadata, position.offset);
            low = low.max(position.offset);
            done.forget_below(low);
        }
        Progress { low, seen: low, done }
    }

    /// The first offset to look at.
    pub fn start(&self) -> i64 {
        self.low
    }

    /// True for a letter that was sent back already.
    pub fn is_done(&self, offset: i64) -> bool {
        offset < self.low || self.done.contains(offset)
    }

    /// A letter stands at `offset`. Offsets must rise; what lies between holds no letter and counts as done.
    pub fn pass(&mut self, offset: i64) {
        if offset >= self.seen {
            self.done.insert(self.seen..offset);
            self.seen = offset + 1;
        }
    }

    /// The letter at `offset` was sent back, and the broker has it.
    pub fn mark(&mut self, offset: i64) {
        self.done.insert(offset..offset + 1);
    }

    /// No letter is left before `end`.
    pub fn pass_all(&mut self, end: i64) {
        if end > self.seen {
            self.done.insert(self.seen..end);
            self.seen = end;
        }
    }

    /// What to commit; `None` when it does not fit a commit's metadata.
    pub fn position(&self) -> Option<GroupOffset> {
        let first = self.done.ranges().first().filter(|range| range.start <= self.low);
        let offset = first.map_or(self.low, |range| range.end.max(self.low));
        let mut above = self.done.clone();
        above.forget_below(offset);
        Some(GroupOffset { offset, metadata: above.encode(offset)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const LOG: Watermarks = Watermarks { start: 10, end: 60 };

    #[test]
    fn an_undone_letter_holds_the_offset_and_is_seen_again() {
        let mut progress = Progress::new(None, LOG);
        for offset in [10, 11, 12, 15] {
            progress.pass(offset);
            if offset != 11 {
                progress.mark(offset);
            }
        }
        progress.pass_all(60);
        let position = progress.position().unwrap();
        assert_eq!(position.offset, 11);
        let again = Progress::new(Some(&position), LOG);
        let undone: Vec<i64> = (10..60).filter(|offset| !again.is_done(*offset)).collect();
        assert_eq!(undone, [11]);
    }

    #[test]
    fn what_was_committed_for_another_log_is_not_believed() {
        let at = |offset| GroupOffset { offset, metadata: String::new() };
        assert_eq!(Progress::new(Some(&at(99)), LOG).start(), 10, "behind the end");
        assert_eq!(Progress::new(Some(&at(3)), LOG).start(), 10, "before the start");
        assert_eq!(Progress::new(Some(&at(60)), LOG).start(), 60, "at the end");
        let odd = GroupOffset { offset: 20, metadata: "somebody else's".into() };
        assert_eq!(Progress::new(Some(&odd), LOG).start(), 20);
    }

    #[test]
    fn too_many_holes_do_not_fit() {
        let log = Watermarks { start: 0, end: 10_000 };
        let mut progress = Progress::new(None, log);
        for offset in 0..8_000 {
            progress.pass(offset);
            if offset % 2 == 1 {
                progress.mark(offset);
            }
        }
        assert_eq!(progress.position(), None);
    }

    proptest! {
        /// Runs one after the other, each sending some letters: none is sent twice, none is forgotten.
        #[test]
        fn letters_are_done_once(
            letters in prop::collection::btree_set(10_i64..60, 0..30),
            runs in prop::collection::vec(prop::collection::btree_set(10_i64..60, 0..30), 1..4),
        ) {
            let mut committed: Option<GroupOffset> = None;
            let mut sent = BTreeSet::new();
            for wanted in runs {
                let mut progress = Progress::new(committed.as_ref(), LOG);
                for offset in letters.range(progress.start()..) {
                    progress.pass(*offset);
                    if !progress.is_done(*offset) && wanted.contains(offset) {
                        prop_assert!(sent.insert(*offset), "{} was sent twice", offset);
                        progress.mark(*offset);
                    }
                }
                progress.pass_all(LOG.end);
                let position = progress.position().unwrap();
                let after = Progress::new(Some(&position), LOG);
                for offset in &letters {
                    prop_assert_eq!(after.is_done(*offset), sent.contains(offset), "{}", offset);
                }
                let all_done = letters.iter().all(|offset| sent.contains(offset));
                prop_assert_eq!(position.offset == LOG.end, all_done);
                committed = Some(position);
            }
        }
    }
}
