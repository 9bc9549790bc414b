//! Headers by bytes: names need not be UTF-8, a null value is not the empty value, order and duplicates stay.
#![expect(
    unsafe_code,
    reason = "rdkafka takes and gives header names as str only, and panics on other bytes"
)]

use crate::model::record::Header;
use rdkafka::bindings::{
    rd_kafka_header_add, rd_kafka_headers_destroy, rd_kafka_headers_new, rd_kafka_headers_t,
};
use std::ptr::NonNull;

/// A header list for one record to be produced.
pub(super) struct Headers(NonNull<rd_kafka_headers_t>);

impl Headers {
    /// The list for `headers`; `None` without any.
    pub(super) fn new(headers: &[Header]) -> Option<Self> {
        if headers.is_empty() {
            return None;
        }
        // SAFETY: a plain allocation; the argument is only a size hint.
        let list = Headers(NonNull::new(unsafe { rd_kafka_headers_new(headers.len()) })?);
        for header in headers {
            let (value, value_len) = match &header.value {
                // An empty `Bytes` has a pointer that is not null, which is how the library tells empty from null.
                Some(value) => (value.as_ptr(), value.len()),
                None => (std::ptr::null(), 0),
            };
            // SAFETY: name and value point at as many readable bytes as said (none for null) and are copied
            // before the call returns. The only error is a list that is read-only, which ours is not.
            unsafe {
                rd_kafka_header_add(
                    list.0.as_ptr(),
                    header.name.as_ptr().cast(),
                    header.name.len() as isize,
                    value.cast(),
                    value_len as isize,
                )
            };
        }
        Some(list)
    }

    /// The pointer, still owned by `self`.
    pub(super) fn as_ptr(&self) -> *mut rd_kafka_headers_t {
        self.0.as_ptr()
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        // SAFETY: `self` owns the list: whoever hands it on forgets `self`.
        unsafe { rd_kafka_headers_destroy(self.0.as_ptr()) }
    }
}
