//! The ledger's values and decisions: messages, money, normalisation, identities, rules. No I/O.

pub mod ascii_json;
pub mod csv;
pub mod decide;
pub mod encode;
pub mod identity;
pub mod message;
pub mod money;
pub mod normalise;
pub mod promote;
pub mod rules;
pub mod rules_csv;
pub mod transaction;
pub mod webhook;
pub mod wire;

#[cfg(test)]
pub(crate) mod samples;
