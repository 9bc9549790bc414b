//! What the records of a batch are kept in: their bytes in one piece, and where in it each has its own.

use hashbrown::DefaultHashBuilder;
use std::hash::BuildHasher;
use std::sync::LazyLock;

#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: u32,
    /// Negative: null.
    len: i32,
}

/// What the runtime asks of every record. Apart from the rest, since another processor's cache has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub offset: i64,
    /// Of the key; 0 without one.
    pub key_hash: u64,
    /// Bytes of key, value and headers.
    pub size: u32,
    pub slot: u16,
}

/// What a handler asks of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    /// Negative: none.
    pub timestamp_ms: i64,
    pub key: Span,
    pub value: Span,
    pub headers: Span,
}

/// Hashes keys, with a seed of this process.
static KEYS: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// Bytes a record takes beside its key, value and headers.
pub(super) const RECORD_OVERHEAD: usize = size_of::<Entry>() + size_of::<Content>();

/// What the records of a batch are kept in.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    pub bytes: Vec<u8>,
    pub entries: Vec<Entry>,
    pub contents: Vec<Content>,
}

impl Buffers {
    /// Bytes they take, filled or not.
    pub fn size(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * RECORD_OVERHEAD
    }
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.contents.clear();
    }
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.contents.shrink_to_fit();
    }
    /// True when most of the room is empty.
    pub fn is_roomy(&self) -> bool {
        self.bytes.capacity() > self.bytes.len() * 2 || self.entries.capacity() > self.entries.len() * 2
    }
    /// The bytes of a span; `None` is null.
    pub fn get(&self, span: Span) -> Option<&[u8]> {
        let len = usize::try_from(span.len).ok()?;
        let start = span.start as usize;
        self.bytes.get(start..start + len)
    }
    /// Appends a record. Headers are names and values in order.
    pub fn push<'h>(
        &mut self,
        slot: u16,
        offset: i64,
        timestamp_ms: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
    ) {
        // Here, where the key is at hand; whoever sorts records into lanes need not fetch its bytes.
        let key_hash = key.map_or(0, |key| KEYS.hash_one(key));
        let key = self.copy(key);
        let value = self.copy(value);
        let start = self.bytes.len();
        for (name, header_value) in headers {
            // Kafka's own wire format bounds names and values at i32.
            self.bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
            let value_len = header_value.map_or(-1, |value| value.len() as i32);
            self.bytes.extend_from_slice(&value_len.to_le_bytes());
            self.bytes.extend_from_slice(name);
            self.bytes.extend_from_slice(header_value.unwrap_or_default());
        }
        let headers = Span { start: start as u32, len: (self.bytes.len() - start) as i32 };
        let timestamp_ms = timestamp_ms.unwrap_or(-1);
        let size = (key.len.max(0) + value.len.max(0) + headers.len) as u32;
        self.entries.push(Entry { offset, key_hash, size, slot });
        self.contents.push(Content { timestamp_ms, key, value, headers });
    }

    fn copy(&mut self, bytes: Option<&[u8]>) -> Span {
        let start = self.bytes.len() as u32;
        match bytes {
            None => Span { start, len: -1 },
            Some(bytes) => {
                self.bytes.extend_from_slice(bytes);
                Span { start, len: bytes.len() as i32 }
            }
        }
    }
}
