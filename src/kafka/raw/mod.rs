//! The only `unsafe` of kylo: small safe wrappers over what rdkafka does not offer, or offers in a way that
//! panics on odd bytes (a header name that is not UTF-8, another client's commit metadata).

mod headers;
mod list;
mod logs;
mod message;
mod mock;
mod produce;
mod queue;

pub(in crate::kafka) use list::{Item, items};
pub(in crate::kafka) use logs::log_ids;
pub(in crate::kafka) use message::Message;
#[cfg(test)]
pub(in crate::kafka) use mock::give_up;
pub(in crate::kafka) use mock::mock_groups_start_at_once;
pub(in crate::kafka) use produce::{Refused, produce};
pub(in crate::kafka) use queue::Queues;
