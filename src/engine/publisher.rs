//! Where dead letters (and later retries and outputs) go.

use crate::model::record::{Delivery, OutgoingRecord};
use std::future::Future;
use std::pin::Pin;

/// The future of one publish; resolves with the broker's acknowledgement.
pub type PublishFuture<'a> = Pin<Box<dyn Future<Output = Result<Delivery, PublishError>> + Send + 'a>>;

/// Why a record was not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
#[error("publishing to {topic}: {reason}")]
pub struct PublishError {
    /// The topic that refused.
    pub topic: String,
    /// What the client or the broker said.
    pub reason: String,
    /// The broker refuses the record for its size: a smaller one may pass.
    pub too_large: bool,
}

/// Writes a record and waits for the broker's acknowledgement.
pub trait Publisher: Send + Sync + 'static {
    /// Publishes `record`; `Ok` only after the broker acknowledged it.
    fn publish<'a>(&'a self, record: &'a OutgoingRecord) -> PublishFuture<'a>;
}
