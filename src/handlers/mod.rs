//! The library of handlers, one folder a pipeline.

pub mod ledger;
