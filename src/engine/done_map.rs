//! The done-map: which records above the low-water are finished already.
//!
//! It travels as text in the metadata of a commit, so that a stop with a blocked lane, a rebalance or a crash
//! does not run them again. The form is `k1:<base>:<ranges>`, where `base` is the committed offset it belongs
//! to, and `ranges` is base64 (URL-safe, no padding) of LEB128 numbers: for each range the gap from the end of
//! the one before (from `base` for the first), then its length. A map that cannot be read, or that belongs to
//! another offset (somebody else committed), is ignored: records run again, none is skipped.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::Range;

/// The broker's limit on a commit's metadata is 4,096 bytes (`offset.metadata.max.bytes`); at 4,097 the commit
/// fails.
pub const MAX_METADATA_BYTES: usize = 4096;

const VERSION: &str = "k1";

/// Finished offset ranges above a low-water: sorted, apart from each other, none empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoneMap {
    ranges: Vec<Range<i64>>,
}

impl DoneMap {
    /// A map without ranges.
    pub fn new() -> Self {
        Self::default()
    }
    /// The ranges, in order.
    pub fn ranges(&self) -> &[Range<i64>] {
        &self.ranges
    }
    /// True when nothing above the low-water is finished.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
    /// True when `offset` is finished.
    pub fn contains(&self, offset: i64) -> bool {
        let after = self.ranges.partition_point(|range| range.end <= offset);
        self.ranges.get(after).is_some_and(|range| range.contains(&offset))
    }
    /// Adds `range`, joining it with those it touches. Adding in ascending order is cheap.
    pub fn insert(&mut self, range: Range<i64>) {
        if range.is_empty() {
            return;
        }
        let from = self.ranges.partition_point(|known| known.end < range.start);
        let to = self.ranges.partition_point(|known| known.start <= range.end);
        if from == to {
            self.ranges.insert(from, range);
            return;
        }
        let joined = self.ranges[from].start.min(range.start)..self.ranges[to - 1].end.max(range.end);
        self.ranges.splice(from..to, [joined]);
    }
    /// Forgets everything below `offset`.
    pub fn forget_below(&mut self, offset: i64) {
        self.ranges.retain_mut(|range| {
            range.start = range.start.max(offset);
            !range.is_empty()
        });
    }
    /// The text to commit with offset `base`; empty for an empty map. `None` when it would not fit
    /// [`MAX_METADATA_BYTES`].
    pub fn encode(&self, base: i64) -> Option<String> {
        let (text, whole) = self.encode_lowest(base);
        whole.then_some(text)
    }
    /// [`encode`](Self::encode) of as many ranges as fit, the lowest first, since those a restart meets first; and
    /// whether that is all of them.
    pub fn encode_lowest(&self, base: i64) -> (String, bool) {
        if self.ranges.is_empty() {
            return (String::new(), true);
        }
        let head = format!("{VERSION}:{base}:");
        // Four characters carry three bytes; what is left over rounds down.
        let most = (MAX_METADATA_BYTES - head.len()) / 4 * 3;
        let mut bytes = Vec::with_capacity(most.min(self.ranges.len() * 4));
        let mut end = base;
        for range in &self.ranges {
            let before = bytes.len();
            let numbers = (range.start.checked_sub(end), range.end.checked_sub(range.start));
            let (Some(gap @ 0..), Some(length @ 0..)) = numbers else { break };
            write_leb128(&mut bytes, gap.unsigned_abs());
            write_leb128(&mut bytes, length.unsigned_abs());
            if bytes.len() > most {
                bytes.truncate(before);
                break;
            }
            end = range.end;
        }
        let whole = self.ranges.last().is_none_or(|last| last.end == end);
        let text = if bytes.is_empty() { String::new() } else { head + &URL_SAFE_NO_PAD.encode(bytes) };
        (text, whole)
    }
    /// Reads what was committed with offset `base`. Anything else than a map of ours for that offset is an
    /// empty map.
    pub fn decode(text: &str, base: i64) -> Self {
        Self::try_decode(text, base).unwrap_or_default()
    }

    fn try_decode(text: &str, base: i64) -> Option<Self> {
        let rest = text.strip_prefix(VERSION)?.strip_prefix(':')?;
        let (written_base, ranges) = rest.split_once(':')?;
        if written_base.parse::<i64>().ok()? != base {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(ranges).ok()?;
        let mut map = DoneMap::new();
        let mut end = base;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let start = end.checked_add(i64::try_from(read_leb128(&mut rest)?).ok()?)?;
            let stop = start.checked_add(i64::try_from(read_leb128(&mut rest)?).ok()?)?;
            if stop <= start {
                return None;
            }
            map.insert(start..stop);
            end = stop;
        }
        Some(map)
    }
}

fn write_leb128(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_leb128(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn unreadable_maps_are_empty() {
        let mut map = DoneMap::new();
        map.insert(12..15);
        let good = map.encode(10).unwrap();
        assert_eq!(DoneMap::decode(&good, 10), map);
        for bad in [
            "",
            "x",
            "k1",
            "k1:",
            "k1:10:",
            "k1:10:?",
            "k2:10:AgM",
            "k1:9:AgM",
            "k1:10:Ag",
            "k1:10:AgA",
            "k1:10:____________",
        ] {
            assert!(DoneMap::decode(bad, 10).is_empty(), "{bad}");
        }
        assert!(DoneMap::decode(&good, 11).is_empty(), "the map of another offset");
    }

    #[test]
    fn too_many_ranges_do_not_fit() {
        let mut map = DoneMap::new();
        for n in 0..2000 {
            map.insert(n * 2 + 1..n * 2 + 2);
        }
        assert_eq!(map.encode(0), None);
        map.forget_below(2000);
        assert!(map.encode(0).unwrap().len() <= MAX_METADATA_BYTES);
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(inserts in prop::collection::vec((0_i64..200, 0_i64..12), 0..40), cut in 0_i64..220) {
            let mut map = DoneMap::new();
            let mut set = BTreeSet::new();
            for (start, len) in inserts {
                map.insert(start..start + len);
                set.extend(start..start + len);
            }
            for offset in 0..220 {
                prop_assert_eq!(map.contains(offset), set.contains(&offset));
            }
            for pair in map.ranges().windows(2) {
                prop_assert!(pair[0].end < pair[1].start);
            }
            prop_assert_eq!(DoneMap::decode(&map.encode(0).unwrap(), 0), map.clone());
            map.forget_below(cut);
            for offset in 0..220 {
                prop_assert_eq!(map.contains(offset), offset >= cut && set.contains(&offset));
            }
        }

        #[test]
        fn any_text_is_read_without_harm(text in "(k1:)?[0-9-]{0,3}:?[A-Za-z0-9_=-]{0,20}", base in any::<i64>()) {
            let map = DoneMap::decode(&text, base);
            prop_assert!(map.ranges().iter().all(|range| range.start >= base));
        }
    }
}
