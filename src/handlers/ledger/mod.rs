//! The handlers of the `ledger` pipeline.

mod context;
pub mod posting;
mod promote;
mod runs;
mod txns;

pub use context::{AfterCommit, Company, Ledger, ShadowReport};
pub use promote::Promote;
pub use txns::Txns;
