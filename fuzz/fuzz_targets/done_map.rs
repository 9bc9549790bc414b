//! The done-map: metadata of a commit, which anybody can write. Whatever is read is sound, and is said again.
#![no_main]

use kylo::engine::{DoneMap, MAX_METADATA_BYTES};
use libfuzzer_sys::fuzz_target;

// Eight bytes of committed offset, then the metadata.
fuzz_target!(|data: &[u8]| {
    let Some((base, text)) = data.split_first_chunk::<8>() else { return };
    // Offsets are not negative.
    let base = i64::from_le_bytes(*base) & i64::MAX;
    let Ok(text) = std::str::from_utf8(text) else { return };

    // Metadata that names its own base is the interesting kind: let the fuzzer keep both in step.
    let named = text.split(':').nth(1).and_then(|named| named.parse().ok()).filter(|named| *named >= 0);
    for base in [base, named.unwrap_or(base)] {
        let map = DoneMap::decode(text, base);
        let mut end = base;
        for (number, range) in map.ranges().iter().enumerate() {
            assert!(range.start < range.end, "an empty range");
            assert!(
                if number == 0 { range.start >= end } else { range.start > end },
                "out of order, or touching"
            );
            assert!(map.contains(range.start) && map.contains(range.end - 1) && !map.contains(range.end));
            end = range.end;
        }
        if !map.is_empty() {
            assert!(text.starts_with(&format!("k1:{base}:")) || named == Some(base), "somebody else's map");
        }
        match map.encode(base) {
            Some(again) => {
                assert!(again.len() <= MAX_METADATA_BYTES);
                assert_eq!(DoneMap::decode(&again, base), map);
                if let Some(other) = base.checked_add(1) {
                    assert!(map.is_empty() || DoneMap::decode(&again, other).is_empty(), "of another offset");
                }
            }
            None => {
                assert!(text.len() > MAX_METADATA_BYTES, "what was read is not longer when it is said again")
            }
        }
    }
});
