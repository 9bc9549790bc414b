//! Quarantine: a record that kills the process must not kill it for ever, and kill -9 must condemn nobody.
//!
//! While handlers run, a mark per partition says which runs are out: for each its first offset and how many
//! records of that lane it took. A clean end removes the mark. After an unclean one the marked runs are
//! suspects: they run alone, one at a time, with nothing beside them. A run that comes back, however it ended,
//! is innocent. A group that dies while alone is split into single records; a single record whose third death
//! comes while it runs alone is dead-lettered with class `crash`.
//!
//! Somebody may be killing the process from outside, and hit the same record three times. Hence the control: a
//! record with a death to its name runs again only after a probation, in which everything but such records runs
//! as usual. A process that dies in its probation is killed by something else, and all deaths are forgotten.
//!
//! A mark names the process that wrote it. One that lost its partition leaves its mark behind, since the file may be
//! somebody else's by then; when the partition comes back to it, its own runs prove no death.
//!
//! A mark survives the process, not the machine: it is written, not synced. Reading one that is torn finds no
//! suspects.

use crate::model::record::TopicPartition;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Deaths while running alone that condemn a record.
pub const DEATHS: u32 = 3;

/// How long everything else must have run before a record with a death to its name runs again.
pub const PROBATION: std::time::Duration = std::time::Duration::from_secs(3);

/// Where marks are kept: a folder ([`super::FolderMarks`]), or a test's memory.
pub trait MarkStore: Send + Sync + 'static {
    /// What was written last for `partition`, if it was not removed.
    fn read(&self, partition: &TopicPartition) -> io::Result<Option<Vec<u8>>>;
    /// Writes the mark of `partition`; after this returns it survives the process.
    fn write(&self, partition: &TopicPartition, mark: &[u8]) -> io::Result<()>;
    /// Removes the mark of `partition`.
    fn remove(&self, partition: &TopicPartition) -> io::Result<()>;
}

/// Runs of one partition that may have killed a process: first offset -> number of records; and the deaths of
/// single records so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Suspects {
    groups: BTreeMap<i64, u32>,
    deaths: BTreeMap<i64, u32>,
}

impl Suspects {
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
    /// How many records the group that begins at `offset` has.
    pub fn group(&self, offset: i64) -> Option<u32> {
        self.groups.get(&offset).copied()
    }
    /// The deaths of a single record while it ran alone.
    pub fn deaths(&self, offset: i64) -> u32 {
        self.deaths.get(&offset).copied().unwrap_or(0)
    }
    /// The record came back: it does not kill.
    pub fn acquit(&mut self, offset: i64) {
        self.groups.remove(&offset);
        self.deaths.remove(&offset);
    }
    /// Forgets groups below `offset` for which `waits` says that they are not in hand.
    pub fn forget_below(&mut self, offset: i64, waits: impl Fn(i64) -> bool) {
        self.groups.retain(|first, _| *first >= offset || waits(*first));
    }
    /// Forgets groups from `offset` on.
    pub fn forget_from(&mut self, offset: i64) {
        self.groups.retain(|first, _| *first < offset);
    }
    /// The first offsets of all groups.
    pub fn firsts(&self) -> impl Iterator<Item = i64> + '_ {
        self.groups.keys().copied()
    }

    /// What is still suspect where whoever wrote `mark` lives.
    fn of_the_living(mark: Mark) -> Self {
        let mut suspects = Suspects { groups: mark.waiting, deaths: mark.deaths };
        if let [first, ..] = mark.alone.as_slice() {
            suspects.groups.insert(*first, mark.alone.len() as u32);
        }
        suspects
    }

    /// What is suspect after a process died with `mark` written.
    fn after_death(mark: Mark) -> Self {
        let mut suspects = Suspects { groups: mark.waiting, deaths: mark.deaths };
        suspects.groups.extend(mark.out);
        if mark.probation {
            suspects.deaths.clear();
        }
        match mark.alone.as_slice() {
            [] => {}
            [single] => {
                suspects.groups.insert(*single, 1);
                *suspects.deaths.entry(*single).or_default() += 1;
            }
            group => suspects.groups.extend(group.iter().map(|offset| (*offset, 1))),
        }
        suspects
    }
}

/// The content of a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Who wrote it.
    pub by: u64,
    /// Suspects that wait.
    pub waiting: BTreeMap<i64, u32>,
    /// Runs that are out.
    pub out: BTreeMap<i64, u32>,
    /// The records that run alone now.
    pub alone: Vec<i64>,
    /// Deaths of single records so far.
    pub deaths: BTreeMap<i64, u32>,
    /// Records with deaths to their name wait while the others run.
    pub probation: bool,
}

const MAGIC: &[u8; 8] = b"kylomrk2";

impl Mark {
    /// The mark of a partition whose suspects still wait, with `alone` running.
    pub fn of_suspects(suspects: &Suspects, alone: Vec<i64>) -> Self {
        let mut waiting = suspects.groups.clone();
        for offset in &alone {
            waiting.remove(offset);
        }
        Mark { waiting, alone, deaths: suspects.deaths.clone(), ..Mark::default() }
    }

    /// Magic, who wrote it, four counts and the flag, the entries, magic again: little endian.
    pub fn encode(&self) -> Vec<u8> {
        let counts = [self.waiting.len(), self.out.len(), self.alone.len(), self.deaths.len()];
        let counts = counts.into_iter().chain([usize::from(self.probation)]);
        let mut bytes = Vec::with_capacity(48 + counts.clone().sum::<usize>() * 12);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.by.to_le_bytes());
        for count in counts {
            bytes.extend_from_slice(&(count as u32).to_le_bytes());
        }
        let alone = self.alone.iter().map(|offset| (offset, &1));
        for (offset, count) in self.waiting.iter().chain(&self.out).chain(alone).chain(&self.deaths) {
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        bytes.extend_from_slice(MAGIC);
        bytes
    }

    /// Reads a mark; what lies behind its end is left over from a longer one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (by, mut rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let mut number = || {
            let (bytes, tail) = rest.split_first_chunk::<4>()?;
            rest = tail;
            Some(u32::from_le_bytes(*bytes) as usize)
        };
        let (waiting, out, alone, deaths) = (number()?, number()?, number()?, number()?);
        let probation = number()? == 1;
        let mut entries = |count: usize| {
            (0..count)
                .map(|_| {
                    let (offset, tail) = rest.split_first_chunk::<8>()?;
                    let (count, tail) = tail.split_first_chunk::<4>()?;
                    rest = tail;
                    Some((i64::from_le_bytes(*offset), u32::from_le_bytes(*count)))
                })
                .collect::<Option<BTreeMap<i64, u32>>>()
        };
        let mark = Mark {
            by: u64::from_le_bytes(*by),
            waiting: entries(waiting)?,
            out: entries(out)?,
            alone: entries(alone)?.into_keys().collect(),
            deaths: entries(deaths)?,
            probation,
        };
        rest.starts_with(MAGIC).then_some(mark)
    }
}

/// The marks of one process.
pub(super) struct Marks {
    store: Arc<dyn MarkStore>,
    /// This process, as no other.
    by: u64,
}

impl Marks {
    /// Of a process that begins now.
    pub fn new(store: Arc<dyn MarkStore>) -> Self {
        Marks { store, by: fastrand::u64(..) }
    }
    /// The suspects that the mark of `partition` names. A store that cannot be read names none, and says so.
    pub fn suspects(&self, partition: &TopicPartition) -> Suspects {
        let bytes = self.store.read(partition).unwrap_or_else(|error| {
            tracing::warn!(%partition, %error, "reading the mark of running records");
            None
        });
        match bytes.and_then(|bytes| Mark::decode(&bytes)) {
            Some(mark) if mark.by == self.by => Suspects::of_the_living(mark),
            Some(mark) => Suspects::after_death(mark),
            None => Suspects::default(),
        }
    }
    /// Writes the mark of `partition`.
    pub fn write(&self, partition: &TopicPartition, mark: Mark) -> io::Result<()> {
        self.store.write(partition, &Mark { by: self.by, ..mark }.encode())
    }
    /// Removes the mark of `partition`.
    pub fn remove(&self, partition: &TopicPartition) -> io::Result<()> {
        self.store.remove(partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_group_that_dies_alone_is_split_and_a_single_counts() {
        let running = Mark { out: [(5, 3), (9, 1)].into(), ..Mark::default() };
        let suspects = Suspects::after_death(running);
        assert_eq!((suspects.group(5), suspects.group(9), suspects.deaths(9)), (Some(3), Some(1), 0));
        // 5, 6 and 8 run alone and the process dies.
        let alone = Mark::of_suspects(&suspects, vec![5, 6, 8]);
        let suspects = Suspects::after_death(alone);
        assert_eq!(suspects.firsts().collect::<Vec<_>>(), [5, 6, 8, 9]);
        assert_eq!((suspects.group(5), suspects.deaths(5)), (Some(1), 0));
        // 6 alone, three times.
        let mut suspects = suspects;
        for deaths in 1..=DEATHS {
            suspects = Suspects::after_death(Mark::of_suspects(&suspects, vec![6]));
            assert_eq!((suspects.deaths(6), suspects.deaths(5)), (deaths, 0));
        }
        let probation = Mark { probation: true, ..Mark::of_suspects(&suspects, Vec::new()) };
        assert_eq!(Suspects::after_death(probation).deaths(6), 0, "something else kills");
        suspects.acquit(6);
        assert_eq!(suspects.deaths(6), 0);
    }

    proptest! {
        #[test]
        fn marks_round_trip_also_over_a_longer_one(
            by in any::<u64>(),
            waiting in prop::collection::btree_map(any::<i64>(), any::<u32>(), 0..9),
            out in prop::collection::btree_map(any::<i64>(), any::<u32>(), 0..9),
            alone in prop::collection::btree_set(any::<i64>(), 0..4),
            deaths in prop::collection::btree_map(any::<i64>(), any::<u32>(), 0..4),
            probation in any::<bool>(),
            left_over in prop::collection::vec(any::<u8>(), 0..30),
        ) {
            let mark = Mark { by, waiting, out, alone: alone.into_iter().collect(), deaths, probation };
            let mut bytes = mark.encode();
            bytes.extend(left_over);
            prop_assert_eq!(Mark::decode(&bytes), Some(mark));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Mark::decode(&bytes);
            let mut magic = MAGIC.to_vec();
            magic.extend(bytes);
            let _ = Mark::decode(&magic);
        }
    }
}
