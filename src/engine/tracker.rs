//! Which records of one partition are finished, under one assignment; pure.
//!
//! One [`Tracker`] belongs to one (topic, partition, epoch) and dies with it. Records are numbered as they are
//! taken in, so offsets may have gaps (compaction, transaction markers): a gap is nothing to wait for.

use super::DoneMap;
use crate::mutants::planted;
use std::collections::VecDeque;

/// The number of a record within its tracker: dense, from 0, in offset order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// What is to be done with a record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Handle it, then [`Tracker::finish`] with this number.
    Run(Sequence),
    /// Nothing: it was finished under an earlier assignment, or read before.
    Skip,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    offset: i64,
    finished: bool,
}

/// Follows one partition from the offset it starts at.
#[derive(Clone, Debug)]
pub struct Tracker {
    /// Number of the first slot.
    first: u64,
    /// Records from the oldest unfinished one on.
    slots: VecDeque<Slot>,
    /// The next offset that can be taken in; everything below was, or is a gap.
    end: i64,
    /// What was finished under earlier assignments and was not read again yet.
    inherited: DoneMap,
    unfinished: usize,
}

impl Tracker {
    /// Starts at `start`; `inherited` was committed with it.
    pub fn new(start: i64, mut inherited: DoneMap) -> Self {
        inherited.forget_below(start);
        if planted("forget-done-map") {
            inherited = DoneMap::new();
        }
        Tracker { first: 0, slots: VecDeque::new(), end: start, inherited, unfinished: 0 }
    }

    /// A record was read.
    pub fn take(&mut self, offset: i64) -> Taken {
        if offset < self.end {
            return Taken::Skip;
        }
        self.end = offset + 1;
        let finished = !self.inherited.is_empty() && self.inherited.contains(offset);
        if finished && self.slots.is_empty() {
            self.first += 1;
            return Taken::Skip;
        }
        let sequence = Sequence(self.first + self.slots.len() as u64);
        self.slots.push_back(Slot { offset, finished });
        if finished {
            return Taken::Skip;
        }
        self.unfinished += 1;
        Taken::Run(sequence)
    }

    /// The reader came to `position` without a record: a trailing gap.
    pub fn reach(&mut self, position: i64) {
        self.end = self.end.max(position);
    }

    /// A record came to its end. Finishing twice changes nothing.
    pub fn finish(&mut self, sequence: Sequence) {
        let Some(index) = sequence.0.checked_sub(self.first) else { return };
        let Some(slot) = self.slots.get_mut(index as usize) else { return };
        if std::mem::replace(&mut slot.finished, true) {
            return;
        }
        self.unfinished -= 1;
        while self.slots.front().is_some_and(|slot| slot.finished) {
            self.slots.pop_front();
            self.first += 1;
        }
    }

    /// The offset to commit: the oldest unfinished record, else the end of what was taken in.
    pub fn low_water(&self) -> i64 {
        if planted("commit-highest-seen") {
            return self.end;
        }
        if planted("low-water-off-by-one") && self.unfinished > 0 {
            return self.slots.front().map_or(self.end, |slot| slot.offset + 1);
        }
        self.slots.front().map_or(self.end, |slot| slot.offset)
    }
    /// The next offset that can be taken in.
    pub fn end(&self) -> i64 {
        self.end
    }
    /// Records taken in and not finished.
    pub fn unfinished(&self) -> usize {
        self.unfinished
    }
    /// Records from the low-water to the end, finished ones included: the span a crash may run again.
    pub fn span(&self) -> usize {
        self.slots.len()
    }

    /// What is finished above the low-water.
    pub fn done_map(&self) -> DoneMap {
        let mut map = DoneMap::new();
        let mut run: Option<i64> = None;
        let mut end = 0;
        for slot in &self.slots {
            match (slot.finished, run) {
                (true, None) => run = Some(slot.offset),
                (false, Some(start)) => {
                    map.insert(start..end);
                    run = None;
                }
                _ => {}
            }
            end = slot.offset + 1;
        }
        if let Some(start) = run {
            map.insert(start..end);
        }
        let mut ahead = self.inherited.clone();
        ahead.forget_below(self.end);
        for range in ahead.ranges() {
            map.insert(range.clone());
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn trailing_gap_moves_the_low_water_only_when_all_is_finished() {
        let mut tracker = Tracker::new(10, DoneMap::new());
        assert_eq!(tracker.low_water(), 10);
        let Taken::Run(first) = tracker.take(12) else { panic!() };
        tracker.reach(20);
        assert_eq!(tracker.low_water(), 12);
        tracker.finish(first);
        assert_eq!(tracker.low_water(), 20);
    }

    /// The naive oracle: a set of read offsets and a set of finished ones.
    #[derive(Default)]
    struct Oracle {
        end: i64,
        open: BTreeMap<i64, Sequence>,
        finished: BTreeSet<i64>,
    }
    impl Oracle {
        fn low_water(&self) -> i64 {
            self.open.keys().next().copied().unwrap_or(self.end)
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// Read a record after a gap of this many offsets.
        Take(i64),
        /// Finish one of the open records.
        Finish(prop::sample::Index),
        /// End of partition, this far behind the last record.
        Reach(i64),
        /// Commit, lose the assignment, get it back.
        Restart,
    }
    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0_i64..3).prop_map(Step::Take),
            4 => any::<prop::sample::Index>().prop_map(Step::Finish),
            1 => (0_i64..4).prop_map(Step::Reach),
            1 => Just(Step::Restart),
        ];
        prop::collection::vec(step, 0..120)
    }

    proptest! {
        #[test]
        fn agrees_with_the_oracle(steps in steps()) {
            // The log: every offset that was ever taken is a record, the others are gaps.
            let mut log = BTreeSet::new();
            let mut oracle = Oracle::default();
            let mut tracker = Tracker::new(0, DoneMap::new());
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Take(gap) => {
                        let offset = log.range(next..).next().copied().unwrap_or(next + gap);
                        log.insert(offset);
                        next = offset + 1;
                        oracle.end = next;
                        match tracker.take(offset) {
                            Taken::Run(sequence) => {
                                prop_assert!(!oracle.finished.contains(&offset), "ran {} again", offset);
                                oracle.open.insert(offset, sequence);
                            }
                            Taken::Skip => prop_assert!(oracle.finished.contains(&offset), "lost {}", offset),
                        }
                        prop_assert_eq!(tracker.take(offset), Taken::Skip, "the same record twice");
                    }
                    Step::Finish(index) if !oracle.open.is_empty() => {
                        let offset = *index.get(&oracle.open.keys().copied().collect::<Vec<_>>());
                        let sequence = oracle.open.remove(&offset).unwrap();
                        oracle.finished.insert(offset);
                        tracker.finish(sequence);
                        tracker.finish(sequence);
                    }
                    Step::Finish(_) => {}
                    Step::Reach(gap) => {
                        if log.range(next..).next().is_none() {
                            next += gap;
                            oracle.end = next;
                            tracker.reach(next);
                        }
                    }
                    Step::Restart => {
                        let low = tracker.low_water();
                        let text = tracker.done_map().encode(low).unwrap();
                        tracker = Tracker::new(low, DoneMap::decode(&text, low));
                        oracle.open.clear();
                        oracle.end = low;
                        next = low;
                    }
                }
                prop_assert_eq!(tracker.low_water(), oracle.low_water());
                prop_assert_eq!(tracker.unfinished(), oracle.open.len());
                let map = tracker.done_map();
                for offset in log.range(tracker.low_water()..) {
                    prop_assert_eq!(map.contains(*offset), oracle.finished.contains(offset), "{}", offset);
                }
            }
        }
    }
}
