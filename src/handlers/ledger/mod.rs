//! The handlers of the `ledger` pipeline.

pub mod posting;
