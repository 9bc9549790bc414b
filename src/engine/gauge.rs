//! How many bytes of records are alive, between the source that reads them and the runtime that ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
struct Inner {
    held: AtomicUsize,
    limit: usize,
}

/// Counts the bytes of all living batches of one consumer: what is in a channel, in a lane, in a handler. A
/// source reads no data while it [is full](MemoryGauge::is_full), and goes on polling. Cheap to clone; clones
/// are the same gauge.
#[derive(Clone, Debug)]
pub struct MemoryGauge(Arc<Inner>);

impl MemoryGauge {
    /// A gauge that is full at `limit` bytes.
    pub fn new(limit: usize) -> Self {
        MemoryGauge(Arc::new(Inner { held: AtomicUsize::new(0), limit }))
    }
    /// True while no more may be read.
    pub fn is_full(&self) -> bool {
        self.held() >= self.0.limit
    }
    /// Bytes alive now.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }
    pub(super) fn add(&self, bytes: usize) {
        self.0.held.fetch_add(bytes, Ordering::Relaxed);
    }
    pub(super) fn sub(&self, bytes: usize) {
        self.0.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}
