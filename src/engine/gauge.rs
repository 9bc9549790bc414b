//! How many bytes of records are alive, between the source that reads them and the runtime that ends them.

use super::buffers::Buffers;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Waker;

/// Buffers kept for the next batches, and the largest that is kept: at most 4 MiB in all.
const SPARE: usize = 8;
const LARGEST_SPARE: usize = 512 << 10;

#[derive(Debug)]
struct Inner {
    held: AtomicUsize,
    limit: usize,
    /// What may be held before reading stops for now; at most `limit`.
    ahead: AtomicUsize,
    reader: OnceLock<Waker>,
    spare: Mutex<Vec<Buffers>>,
}

/// Counts the bytes of all living batches of one consumer: what is in a channel, in a lane, in a handler. A
/// source reads only while it [may](MemoryGauge::may_read), and goes on polling. Cheap to clone; clones are the
/// same gauge.
#[derive(Clone, Debug)]
pub struct MemoryGauge(Arc<Inner>);

impl MemoryGauge {
    /// A gauge that is full at `limit` bytes.
    pub fn new(limit: usize) -> Self {
        MemoryGauge(Arc::new(Inner {
            held: AtomicUsize::new(0),
            limit,
            ahead: AtomicUsize::new(limit),
            reader: OnceLock::new(),
            spare: Mutex::default(),
        }))
    }
    /// True while the budget is used up.
    pub fn is_full(&self) -> bool {
        self.held() >= self.0.limit
    }
    /// True while half of the budget or more is used up.
    pub(super) fn is_half_full(&self) -> bool {
        self.held() >= self.0.limit / 2
    }
    /// True while a source may read: there is room, and the runtime wants more.
    pub fn may_read(&self) -> bool {
        self.held() < self.0.ahead.load(Ordering::Relaxed)
    }
    /// Bytes alive now.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }
    /// Says whom to wake when reading may go on: once, at the start of the source.
    pub fn belongs_to(&self, reader: Waker) {
        let _ = self.0.reader.set(reader);
    }
    /// From now on a source reads until `bytes` are held, within the limit.
    pub(super) fn read_ahead(&self, bytes: usize) {
        let bytes = bytes.min(self.0.limit);
        if self.0.ahead.load(Ordering::Relaxed) != bytes {
            self.0.ahead.store(bytes, Ordering::Relaxed);
            self.wake_reader();
        }
    }
    pub(super) fn add(&self, bytes: usize) {
        self.0.held.fetch_add(bytes, Ordering::Relaxed);
    }
    pub(super) fn sub(&self, bytes: usize) {
        let before = self.0.held.fetch_sub(bytes, Ordering::Relaxed);
        let ahead = self.0.ahead.load(Ordering::Relaxed);
        if before >= ahead && before - bytes < ahead {
            self.wake_reader();
        }
    }
    fn wake_reader(&self) {
        if let Some(reader) = self.0.reader.get() {
            reader.wake_by_ref();
        }
    }

    /// Buffers of a batch that is gone, empty; fresh ones would cost a page fault every 4 KiB.
    pub(super) fn spare(&self) -> Buffers {
        self.0.spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default()
    }
    pub(super) fn keep(&self, mut buffers: Buffers) {
        if buffers.size() > 0
            && buffers.size() <= LARGEST_SPARE
            && let Ok(mut spare) = self.0.spare.lock()
        {
            buffers.clear();
            if spare.len() < SPARE {
                spare.push(buffers);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::task::Wake;

    #[derive(Default)]
    struct Bell(AtomicBool);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    impl Bell {
        fn rang(&self) -> bool {
            self.0.swap(false, Ordering::Relaxed)
        }
    }

    #[test]
    fn the_reader_is_woken_when_it_may_go_on_and_not_before() {
        let (gauge, bell) = (MemoryGauge::new(100), Arc::new(Bell::default()));
        gauge.belongs_to(bell.clone().into());
        gauge.add(70);
        gauge.read_ahead(50);
        bell.rang();
        assert!(!gauge.may_read() && !gauge.is_full());
        gauge.sub(10);
        assert!(!gauge.may_read() && !bell.rang(), "60 of 50");
        gauge.sub(20);
        assert!(gauge.may_read() && bell.rang(), "40 of 50");
        gauge.sub(10);
        assert!(!bell.rang(), "it reads already");
        gauge.add(60);
        gauge.read_ahead(usize::MAX);
        assert!(gauge.may_read() && bell.rang(), "90 of 100");
        gauge.add(10);
        assert!(!gauge.may_read() && gauge.is_full(), "never past the limit");
    }
}
