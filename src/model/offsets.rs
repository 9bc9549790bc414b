//! Offsets of a group against its logs: lag, and what is lost.

use serde::Serialize;

/// First and next offset of a partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Watermarks {
    /// First offset still there.
    pub start: i64,
    /// Next offset to be given out.
    pub end: i64,
}

impl Watermarks {
    /// True when nothing can be read.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

/// What a group committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupOffset {
    /// The next offset to read.
    pub offset: i64,
    /// The text that was committed with it.
    pub metadata: String,
}

/// How far behind a group is in one partition. Offsets, not records: markers and compaction leave gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lag {
    /// Offsets that wait to be read.
    pub waiting: i64,
    /// Offsets that were deleted before the group read them: those records are gone, not waiting.
    pub lost: i64,
}

impl Lag {
    /// The lag of a group that committed `committed`. Without a commit everything in the log waits, since
    /// kylo's consumers begin at the first record.
    pub fn of(committed: Option<i64>, log: Watermarks) -> Self {
        let next = committed.unwrap_or(log.start);
        Lag {
            waiting: (log.end - next.max(log.start)).max(0),
            lost: if next >= 0 { (log.start - next).max(0) } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_table() {
        let table = [
            (None, (5, 9), (4, 0)),
            (Some(5), (5, 9), (4, 0)),
            (Some(9), (5, 9), (0, 0)),
            (Some(2), (5, 9), (4, 3)),
            // The topic was made anew under the group: nothing waits until the log passes the commit.
            (Some(20), (5, 9), (0, 0)),
            (Some(3), (9, 9), (0, 6)),
            (None, (0, 0), (0, 0)),
        ];
        for (committed, (start, end), (waiting, lost)) in table {
            let lag = Lag::of(committed, Watermarks { start, end });
            assert_eq!(lag, Lag { waiting, lost }, "{committed:?} in {start}..{end}");
        }
    }
}
