//! Posts to sheets as values: what identifies a post, what its rows look like, and what a claim's fate is.

mod plan;
mod row;
mod signature;

pub use plan::{
    Claim, Earlier, Fate, NewClaim, POST_BYTES, POST_ROWS, Posted, Route, cut, fate, route, to_forget,
};
pub use row::{ACTIVE_HEADER, Cell, PENDING_HEADER, PendingRow, TabKind, active_rows};
pub use signature::{active_signature, marker_id, pending_signature};
