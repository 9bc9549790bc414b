//! What follows for a claim and for rows that wait: decisions only.

use super::{PendingRow, TabKind, marker_id};
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A post is cut at this many bytes of JSON; larger requests are slow and near the limits of the Sheets API.
pub const POST_BYTES: usize = 2 * 1024 * 1024;

/// Rows of ordinary length that fit into [`POST_BYTES`]: what is read from the database for one post.
pub const POST_ROWS: usize = POST_BYTES / 412;

/// Markers kept on a tab; a sheet's metadata is limited to 30,000 characters.
const MARKERS_KEPT: usize = 100;

/// A marker younger than this stays whatever their number: a late request may still be on its way.
const MARKER_AGE: SignedDuration = SignedDuration::from_mins(10);

/// How many of `rows`, from the front, go into one post: as many as fit into `limit` bytes, and at least one.
pub fn cut(rows: &[PendingRow], limit: usize) -> usize {
    let mut bytes = 0;
    let fitting = rows.iter().take_while(|row| {
        bytes += row.json_bytes();
        bytes <= limit
    });
    fitting.count().max(1).min(rows.len())
}

/// A claim that was written and is not finished: a row of `control.sheet_posts` in state `posting`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The row's id.
    pub id: i64,
    /// The tab.
    pub tab: String,
    /// What is posted.
    pub signature: String,
    /// Pending: the transactions being posted.
    pub row_ids: Vec<Uuid>,
    /// Active: the version of the rules being posted; `None` for Pending.
    pub rules_version: Option<i64>,
    /// Counts the posts of this row.
    pub ordinal: i32,
}

impl Claim {
    /// Which tab it is for: only Active carries a version.
    pub fn kind(&self) -> TabKind {
        if self.rules_version.is_some() { TabKind::Active } else { TabKind::Pending }
    }
    /// The id of its marker.
    pub fn marker(&self) -> i32 {
        marker_id(&self.signature, self.ordinal)
    }
}

/// A claim to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClaim {
    /// The tab.
    pub tab: String,
    /// What is posted.
    pub signature: String,
    /// Rows of the post.
    pub row_count: i32,
    /// Pending: the transactions being posted.
    pub row_ids: Vec<Uuid>,
    /// Active: the version of the rules being posted.
    pub rules_version: Option<i64>,
}

/// What became of an unfinished claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it is on the tab: apply its own rows, under the same id.
    Apply,
    /// It is on the tab: stamp and mark.
    Done,
    /// Another post has its id: take the next ordinal and ask again.
    Collision,
}

/// Decides an unfinished claim by the value of the marker found under its id.
pub fn fate(signature: &str, found: Option<&str>) -> Fate {
    match found {
        None => Fate::Apply,
        Some(value) if value == signature => Fate::Done,
        Some(_) => Fate::Collision,
    }
}

/// What `control.sheet_posts` knew about a signature before it is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing.
    Unknown,
    /// Claimed and not finished.
    Posting,
    /// Posted.
    Posted,
}

/// How a signature is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Insert a row, ordinal 0.
    Insert,
    /// Set the row back to `posting` with the next ordinal: the same content is shown again (rules A, B, A).
    Again,
    /// The rows are on the tab already (the company's database was set back): stamp them, post nothing.
    StampOnly,
    /// Somebody's unfinished claim: settle it first.
    Settle,
}

/// Decides how a signature of `kind` is claimed.
pub fn route(kind: TabKind, earlier: Earlier) -> Route {
    match (kind, earlier) {
        (_, Earlier::Unknown) => Route::Insert,
        (_, Earlier::Posting) => Route::Settle,
        (TabKind::Active, Earlier::Posted) => Route::Again,
        // A pending signature names transactions, and a transaction is posted once.
        (TabKind::Pending, Earlier::Posted) => Route::StampOnly,
    }
}

/// A finished post of a tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What was posted.
    pub signature: String,
    /// The post of this row that was the last.
    pub ordinal: i32,
    /// When it was marked.
    pub posted_at: Timestamp,
}

/// Which of the markers `listed` on a tab (id, value) are deleted with the next post: those beyond the newest
/// 100 posts, and those of earlier ordinals, when older than 10 minutes. Markers nobody knows here stay.
pub fn to_forget(listed: &[(i32, String)], posts: &[Posted], now: Timestamp) -> Vec<i32> {
    let mut newest: Vec<&Posted> = posts.iter().collect();
    newest.sort_by_key(|post| std::cmp::Reverse(post.posted_at));
    let kept: HashSet<i32> =
        newest.iter().take(MARKERS_KEPT).map(|post| marker_id(&post.signature, post.ordinal)).collect();
    let by_signature: HashMap<&str, &Posted> =
        posts.iter().map(|post| (post.signature.as_str(), post)).collect();
    listed
        .iter()
        .filter(|(id, value)| {
            // An earlier ordinal's marker is at least as old as the last post of its signature.
            !kept.contains(id)
                && by_signature
                    .get(value.as_str())
                    .is_some_and(|post| now.duration_since(post.posted_at) > MARKER_AGE)
        })
        .map(|(id, _)| *id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn row(description: &str) -> PendingRow {
        PendingRow {
            txn_uid: Uuid::nil(),
            occurred_at: date(2025, 1, 1),
            description_norm: description.to_owned(),
            amount_cents: 1,
        }
    }

    #[test]
    fn every_marker_decides_a_claim() {
        let table = [(None, Fate::Apply), (Some("mine"), Fate::Done), (Some("another"), Fate::Collision)];
        for (found, want) in table {
            assert_eq!(fate("mine", found), want, "{found:?}");
        }
    }

    #[test]
    fn every_earlier_state_has_its_route() {
        use Earlier::*;
        use TabKind::*;
        let table = [
            (Pending, Unknown, Route::Insert),
            (Pending, Posting, Route::Settle),
            (Pending, Posted, Route::StampOnly),
            (Active, Unknown, Route::Insert),
            (Active, Posting, Route::Settle),
            (Active, Posted, Route::Again),
        ];
        for (kind, earlier, want) in table {
            assert_eq!(route(kind, earlier), want, "{kind:?} {earlier:?}");
        }
    }

    #[test]
    fn a_post_is_cut_by_bytes_and_never_empty() {
        let rows = [row("a"), row("b"), row("c")];
        let one = rows[0].json_bytes();
        let table = [(0, 1), (one, 1), (one * 2, 2), (one * 3 - 1, 2), (one * 9, 3)];
        for (limit, want) in table {
            assert_eq!(cut(&rows, limit), want, "{limit}");
        }
        assert_eq!(cut(&[], 100), 0);
        assert!(row("é").json_bytes() > row("e").json_bytes());
    }

    fn post(number: usize, minutes_ago: i64) -> Posted {
        Posted {
            signature: format!("s{number}"),
            ordinal: 0,
            posted_at: now() - SignedDuration::from_mins(minutes_ago),
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    #[test]
    fn markers_are_forgotten_beyond_a_hundred_and_ten_minutes() {
        let listed = |posts: &[Posted]| -> Vec<(i32, String)> {
            posts.iter().map(|p| (marker_id(&p.signature, p.ordinal), p.signature.clone())).collect()
        };
        let old: Vec<Posted> = (0..103).map(|n| post(n, 1_000 - n as i64)).collect();
        let want: Vec<i32> = (0..3).map(|n| marker_id(&format!("s{n}"), 0)).collect();
        assert_eq!(to_forget(&listed(&old), &old, now()), want);
        let young: Vec<Posted> = (0..103).map(|n| post(n, 9)).collect();
        assert!(to_forget(&listed(&young), &young, now()).is_empty());
        // A marker of somebody else stays.
        assert!(to_forget(&[(5, "foreign".to_owned())], &old, now()).is_empty());
    }

    #[test]
    fn markers_of_earlier_ordinals_are_forgotten() {
        let again = Posted { ordinal: 2, ..post(1, 11) };
        let listed: Vec<(i32, String)> =
            (0..3).map(|ordinal| (marker_id("s1", ordinal), "s1".to_owned())).collect();
        assert_eq!(to_forget(&listed, &[again], now()), [marker_id("s1", 0), marker_id("s1", 1)]);
    }

    proptest! {
        #[test]
        fn cutting_again_and_again_posts_every_row(
            lengths in proptest::collection::vec(0..2_000_usize, 0..40),
            limit in 1..4_000_usize,
        ) {
            let rows: Vec<PendingRow> = lengths.iter().map(|n| row(&"x".repeat(*n))).collect();
            let (mut left, mut seen) = (&rows[..], 0);
            while !left.is_empty() {
                let taken = cut(left, limit);
                prop_assert!(taken >= 1);
                let bytes: usize = left[..taken].iter().map(PendingRow::json_bytes).sum();
                prop_assert!(taken == 1 || bytes <= limit);
                seen += taken;
                left = &left[taken..];
            }
            prop_assert_eq!(seen, rows.len());
        }
    }
}
