//! The handlers of the `ledger` pipeline.
