//! Which records of one partition are finished, under one assignment; pure.
//!
//! One [`Tracker`] belongs to one (topic, partition, epoch) and dies with it. Records are numbered as they are
//! taken in, so offsets may have gaps (compaction, transaction markers): a gap is nothing to wait for.
//!
//! What is kept follows the unfinished records, not the span above the oldest of them, which a blocked lane can let
//! grow for days: once most of the older slots are finished, the others are kept by themselves, and numbers that
//! are missing between them are finished records.

use super::DoneMap;
use crate::mutants::planted;
use std::collections::{BTreeMap, VecDeque};

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

/// The slots are looked over for the first time when they are so many.
const MANY: usize = 16_384;

/// Follows one partition from the offset it starts at.
#[derive(Clone, Debug)]
pub struct Tracker {
    /// Unfinished records before the first slot: number -> offset.
    old: BTreeMap<u64, i64>,
    /// Number of the first slot.
    first: u64,
    /// Records from the oldest unfinished one on that is not in `old`.
    slots: VecDeque<Slot>,
    /// They are looked over when they are so many.
    look_at: usize,
    /// The next offset that can be taken in; everything below was, or is a gap.
    end: i64,
    /// Behind the last record taken in.
    taken: i64,
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
        Tracker {
            old: BTreeMap::new(),
            first: 0,
            slots: VecDeque::new(),
            look_at: MANY,
            end: start,
            taken: start,
            inherited,
            unfinished: 0,
        }
    }

    /// A record was read.
    pub fn take(&mut self, offset: i64) -> Taken {
        if offset < self.end {
            return Taken::Skip;
        }
        self.end = offset + 1;
        self.taken = self.end;
        if self.slots.len() >= self.look_at {
            self.thin_out();
        }
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

    /// Takes the older half of the slots apart if most of them are finished.
    fn thin_out(&mut self) {
        let half = self.slots.len() / 2;
        let finished = self.slots.iter().take(half).filter(|slot| slot.finished).count();
        if finished >= half / 16 * 15 {
            let numbered = (self.first..).zip(self.slots.drain(..half));
            let open =
                numbered.filter(|(_, slot)| !slot.finished).map(|(number, slot)| (number, slot.offset));
            self.old.extend(open);
            self.first += half as u64;
            self.drop_finished();
        }
        // Looked over again after as many were added: a constant share of the work of taking them in.
        self.look_at = MANY.max(self.slots.len() * 2);
    }
    fn drop_finished(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.finished) {
            self.slots.pop_front();
            self.first += 1;
        }
    }

    /// The reader came to `position` without a record: a trailing gap.
    pub fn reach(&mut self, position: i64) {
        self.end = self.end.max(position);
    }

    /// A record came to its end. Finishing twice changes nothing.
    pub fn finish(&mut self, sequence: Sequence) {
        let Some(index) = sequence.0.checked_sub(self.first) else {
            self.unfinished -= usize::from(self.old.remove(&sequence.0).is_some());
            return;
        };
        let Some(slot) = self.slots.get_mut(index as usize) else { return };
        if std::mem::replace(&mut slot.finished, true) {
            return;
        }
        self.unfinished -= 1;
        self.drop_finished();
    }

    /// Number and offset of the unfinished records, in order.
    fn open(&self) -> impl Iterator<Item = (u64, i64)> + '_ {
        let old = self.old.iter().map(|(number, offset)| (*number, *offset));
        let slots = (self.first..).zip(&self.slots).filter(|(_, slot)| !slot.finished);
        old.chain(slots.map(|(number, slot)| (number, slot.offset)))
    }

    /// The offset to commit: the oldest unfinished record, else the end of what was taken in.
    pub fn low_water(&self) -> i64 {
        if planted("commit-highest-seen") {
            return self.end;
        }
        if planted("low-water-off-by-one") && self.unfinished > 0 {
            return self.open().next().map_or(self.end, |(_, offset)| offset + 1);
        }
        self.open().next().map_or(self.end, |(_, offset)| offset)
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
        let next = self.first + self.slots.len() as u64;
        self.open().next().map_or(0, |(number, _)| (next - number) as usize)
    }

    /// What is finished above the low-water.
    pub fn done_map(&self) -> DoneMap {
        let mut map = DoneMap::new();
        let next = (self.first + self.slots.len() as u64, self.taken);
        let mut before: Option<(u64, i64)> = None;
        for (number, offset) in self.open().chain([next]) {
            // Numbers that are missing are finished; a gap beside them may go with them.
            if let Some((last, from)) = before
                && number > last + 1
            {
                map.insert(from + 1..offset);
            }
            before = Some((number, offset));
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

    #[test]
    fn what_a_blocked_record_holds_up_takes_no_room() {
        let mut tracker = Tracker::new(0, DoneMap::new());
        let Taken::Run(blocked) = tracker.take(0) else { panic!() };
        let mut late = Vec::new();
        for offset in 1..1_000_000 {
            let Taken::Run(sequence) = tracker.take(offset) else { panic!() };
            if offset % 100_000 == 0 { late.push(sequence) } else { tracker.finish(sequence) }
        }
        assert!(tracker.slots.capacity() <= 2 * MANY, "{}", tracker.slots.capacity());
        assert_eq!((tracker.low_water(), tracker.span(), tracker.old.len()), (0, 1_000_000, 10));
        assert_eq!(tracker.done_map().ranges().len(), 10);
        late.into_iter().for_each(|sequence| tracker.finish(sequence));
        assert!(tracker.done_map().ranges().iter().eq(std::iter::once(&(1..1_000_000))));
        tracker.finish(blocked);
        assert_eq!((tracker.low_water(), tracker.span(), tracker.unfinished()), (1_000_000, 0, 0));
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
        /// The slots are looked over.
        Look,
        /// Commit, lose the assignment, get it back.
        Restart,
    }
    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0_i64..3).prop_map(Step::Take),
            4 => any::<prop::sample::Index>().prop_map(Step::Finish),
            1 => (0_i64..4).prop_map(Step::Reach),
            1 => Just(Step::Look),
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
                    Step::Look => tracker.thin_out(),
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
