//! Records on their way to a handler and back, each with its number in the partition's tracker.

use super::Record;
use super::tracker::Sequence;

/// A record with its number.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub record: Record,
    pub sequence: Sequence,
    /// Its size. Kept here, since the record's bytes have left this processor's cache when it comes back.
    pub size: u32,
}

impl From<(Record, (Sequence, u32))> for Item {
    fn from((record, (sequence, size)): (Record, (Sequence, u32))) -> Self {
        Item { record, sequence, size }
    }
}

/// Records of one lane in order. Records and numbers stand in vectors of their own, so that a handler gets a
/// slice of records without a copy of it.
#[derive(Debug, Default)]
pub(super) struct Items {
    records: Vec<Record>,
    numbers: Vec<(Sequence, u32)>,
}

impl Items {
    pub fn len(&self) -> usize {
        self.records.len()
    }
    pub fn records(&self) -> &[Record] {
        &self.records
    }
    /// Takes out the one at `at`, which exists.
    pub fn remove(&mut self, at: usize) -> Item {
        let (sequence, size) = self.numbers.remove(at);
        Item { record: self.records.remove(at), sequence, size }
    }
    /// Puts `items` before the one at `at`.
    pub fn insert_all(&mut self, at: usize, items: Vec<Item>) {
        for item in items.into_iter().rev() {
            self.records.insert(at, item.record);
            self.numbers.insert(at, (item.sequence, item.size));
        }
    }
    /// Takes all out, the last first.
    pub fn drain_backwards(&mut self) -> impl Iterator<Item = Item> {
        let numbers = self.numbers.drain(..).rev();
        self.records.drain(..).rev().zip(numbers).map(Item::from)
    }
    /// Takes the first `many` out, in order.
    pub fn drain_first(&mut self, many: usize) -> impl Iterator<Item = Item> {
        let numbers = self.numbers.drain(..many);
        self.records.drain(..many).zip(numbers).map(Item::from)
    }
}

impl Extend<Item> for Items {
    fn extend<I: IntoIterator<Item = Item>>(&mut self, items: I) {
        let items = items.into_iter();
        self.records.reserve(items.size_hint().0);
        self.numbers.reserve(items.size_hint().0);
        for item in items {
            self.records.push(item.record);
            self.numbers.push((item.sequence, item.size));
        }
    }
}
