//! One admin request and its answer: the options, a queue of its own, and the event that holds the result.
//!
//! rdkafka's own admin client lacks half of the calls we need and waits 100 ms when it is dropped; all admin
//! calls of kylo therefore go through here, straight on the bindings.

#![allow(unsafe_code)] // the bindings are C; every block says what it relies on

use super::context::Quiet;
use super::error::{describe, kind_of};
use super::{Config, config::Role, error::client_error};
use crate::error::{Error, ErrorKind, Result};
use rdkafka::ClientContext;
use rdkafka::bindings as sys;
use rdkafka::client::Client;
use rdkafka::metadata::Metadata;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaType};
use std::ffi::{CStr, CString, c_char, c_int};
use std::time::{Duration, Instant};

/// How long one wait for an answer lasts before the client's own errors are looked at.
const SLICE: Duration = Duration::from_millis(50);

/// What an admin call is about: librdkafka's number of it.
pub(in crate::kafka) type Operation = sys::rd_kafka_admin_op_t;

/// A client that only asks and changes; neither reads nor writes records.
pub(in crate::kafka) struct Native {
    client: Client<Quiet>,
    timeout: Duration,
}

impl Native {
    /// Makes the client; dials nobody yet.
    pub(in crate::kafka) fn new(config: &Config) -> Result<Self> {
        let what = "making a kafka admin client";
        let settings = config.client(Role::Admin)?;
        let native = settings.create_native_config().map_err(|error| client_error(what, &error))?;
        // SAFETY: `native` is a live configuration object; the call only sets a bit mask in it.
        unsafe { sys::rd_kafka_conf_set_events(native.ptr(), sys::RD_KAFKA_EVENT_ERROR) };
        let client = Client::new(&settings, native, RDKafkaType::RD_KAFKA_PRODUCER, Quiet)
            .map_err(|error| client_error(what, &error))?;
        Ok(Native { client, timeout: config.timeout })
    }

    /// How long one request may take.
    pub(in crate::kafka) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The safe part of the client.
    pub(in crate::kafka) fn client(&self) -> &Client<Quiet> {
        &self.client
    }

    /// Issues one request and waits for its answer; blocks for at most a little more than the time-out.
    ///
    /// `issue` gets client, options and queue, and hands all three to the librdkafka call of `operation`.
    pub(in crate::kafka) fn call(
        &self,
        what: &str,
        operation: Operation,
        options: impl FnOnce(&Options) -> Result<()>,
        issue: impl FnOnce(*mut sys::rd_kafka_t, *const sys::rd_kafka_AdminOptions_t, *mut sys::rd_kafka_queue_t),
    ) -> Result<Event> {
        call(&self.client, self.timeout, what, operation, options, issue, || self.refusal())
    }

    /// Asks for brokers and all topics.
    ///
    /// The call of librdkafka waits without telling why; so it is asked in growing slices, and what the client
    /// says meanwhile about credentials and certificates ends it early.
    pub(in crate::kafka) fn metadata(&self, what: &str) -> Result<Metadata> {
        let deadline = Instant::now() + self.timeout;
        let mut slice = Duration::from_millis(500);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.client.fetch_metadata(None, slice.min(left)) {
                Ok(metadata) => return Ok(metadata),
                Err(error) => {
                    if let Some(refused) = self.refusal() {
                        return Err(refused.context(what));
                    }
                    if left <= slice {
                        return Err(client_error(what, &error));
                    }
                }
            }
            slice *= 2;
        }
    }

    /// An error of the whole client that waiting does not cure: refused credentials, a certificate not trusted.
    fn refusal(&self) -> Option<Error> {
        // SAFETY: `client` is alive; the reference to its main queue is given back by `Queue`.
        let queue = Queue(unsafe { sys::rd_kafka_queue_get_main(self.client.native_ptr()) });
        while let Some(event) = queue.poll(Duration::ZERO) {
            if let Some((code, text)) = event.error()
                && kind_of(code) == ErrorKind::Denied
            {
                return Some(Error::denied(describe(code)).cause(text));
            }
        }
        None
    }
}

/// [`Native::call`] on any client, within `timeout`; what `refusal` finds meanwhile ends it early.
pub(in crate::kafka) fn call<C: ClientContext>(
    client: &Client<C>,
    timeout: Duration,
    what: &str,
    operation: Operation,
    options: impl FnOnce(&Options) -> Result<()>,
    issue: impl FnOnce(*mut sys::rd_kafka_t, *const sys::rd_kafka_AdminOptions_t, *mut sys::rd_kafka_queue_t),
    refusal: impl Fn() -> Option<Error>,
) -> Result<Event> {
    let rk = client.native_ptr();
    // SAFETY: `rk` lives as long as `client`; the returned object is ours and freed by `Options`.
    let chosen = Options(unsafe { sys::rd_kafka_AdminOptions_new(rk, operation) });
    chosen.request_timeout(timeout)?;
    options(&chosen)?;
    // SAFETY: as above; the queue is freed by `Queue`, after the answer was taken from it.
    let queue = Queue(unsafe { sys::rd_kafka_queue_new(rk) });
    issue(rk, chosen.0, queue.0);
    // librdkafka answers at the time-out by itself; the margin only guards against its never answering.
    let deadline = Instant::now() + timeout + Duration::from_secs(2);
    loop {
        if let Some(event) = queue.poll(SLICE) {
            return event.into_result(what);
        }
        if let Some(refused) = refusal() {
            return Err(refused.context(what));
        }
        if Instant::now() > deadline {
            return Err(Error::unreachable(what).cause("no answer within the time-out"));
        }
    }
}

struct Queue(*mut sys::rd_kafka_queue_t);

impl Queue {
    fn poll(&self, wait: Duration) -> Option<Event> {
        // SAFETY: the queue is alive until we are dropped; an event that is returned is ours.
        let event = unsafe { sys::rd_kafka_queue_poll(self.0, milliseconds(wait)) };
        (!event.is_null()).then_some(Event(event))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { sys::rd_kafka_queue_destroy(self.0) };
    }
}

/// The options of one request.
pub(in crate::kafka) struct Options(*mut sys::rd_kafka_AdminOptions_t);

impl Options {
    fn request_timeout(&self, timeout: Duration) -> Result<()> {
        self.set("the request time-out", |options, text, size| {
            // SAFETY: `set` gives a live object and a buffer of `size` bytes.
            unsafe {
                sys::rd_kafka_AdminOptions_set_request_timeout(options, milliseconds(timeout), text, size)
            }
        })
    }
    /// How long the broker itself may take until a topic is made or gone.
    pub(in crate::kafka) fn operation_timeout(&self, timeout: Duration) -> Result<()> {
        self.set("the operation time-out", |options, text, size| {
            // SAFETY: `set` gives a live object and a buffer of `size` bytes.
            unsafe {
                sys::rd_kafka_AdminOptions_set_operation_timeout(options, milliseconds(timeout), text, size)
            }
        })
    }
    /// Which broker to ask; the one that is in charge unless told.
    pub(in crate::kafka) fn ask(&self, broker: i32) -> Result<()> {
        self.set("the broker", |options, text, size| {
            // SAFETY: `set` gives a live object and a buffer of `size` bytes.
            unsafe { sys::rd_kafka_AdminOptions_set_broker(options, broker, text, size) }
        })
    }
    /// Offsets as a reader sees them that skips open and aborted transactions.
    pub(in crate::kafka) fn read_committed(&self) -> Result<()> {
        let level = sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
        // SAFETY: a live object; a returned error is ours and freed here.
        unsafe {
            let error = sys::rd_kafka_AdminOptions_set_isolation_level(self.0, level);
            if !error.is_null() {
                let text = text_or_empty(sys::rd_kafka_error_string(error));
                sys::rd_kafka_error_destroy(error);
                return Err(Error::failed("setting the isolation level of a request").cause(text));
            }
        }
        Ok(())
    }
    fn set(
        &self,
        what: &str,
        call: impl FnOnce(*mut sys::rd_kafka_AdminOptions_t, *mut c_char, usize) -> sys::rd_kafka_resp_err_t,
    ) -> Result<()> {
        let mut text = [0 as c_char; 256];
        let code = call(self.0, text.as_mut_ptr(), text.len());
        if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        // SAFETY: librdkafka ends its texts with a zero inside the buffer.
        let reason = unsafe { text_or_empty(text.as_ptr()) };
        Err(Error::failed(format!("setting {what} of a request")).cause(reason))
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards; a request copies what it needs.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0) };
    }
}

/// An answer. What is read from it lives as long as it does.
pub(in crate::kafka) struct Event(*mut sys::rd_kafka_event_t);

impl Event {
    /// The event itself, for `rd_kafka_event_*_result`.
    pub(in crate::kafka) fn ptr(&self) -> *mut sys::rd_kafka_event_t {
        self.0
    }

    fn error(&self) -> Option<(RDKafkaErrorCode, String)> {
        // SAFETY: the event is alive; the text lives as long as the event and is copied.
        let (code, text) = unsafe {
            (sys::rd_kafka_event_error(self.0), text_or_empty(sys::rd_kafka_event_error_string(self.0)))
        };
        (code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| (code.into(), text))
    }

    fn into_result(self, what: &str) -> Result<Self> {
        match self.error() {
            None => Ok(self),
            Some((code, text)) => Err(coded(what, code, &text)),
        }
    }

    /// The elements of a result array of this event, as `read` finds it.
    pub(in crate::kafka) fn elements<T>(
        &self,
        read: impl FnOnce(*mut sys::rd_kafka_event_t, *mut usize) -> *mut *const T,
    ) -> &[*const T] {
        let mut count = 0;
        let first = read(self.0, &mut count);
        // SAFETY: librdkafka gives an array of `count` pointers that lives as long as the event.
        unsafe { array(first, count) }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { sys::rd_kafka_event_destroy(self.0) };
    }
}

/// The error of `what` with the client's code and words.
pub(in crate::kafka) fn coded(what: &str, code: RDKafkaErrorCode, text: &str) -> Error {
    let words = describe(code);
    let error = Error::new(kind_of(code), what).cause(words.clone());
    let text = text.trim_start_matches("Broker: ").trim_start_matches("Local: ").trim_end_matches([':', ' ']);
    // A request's bare name explains nothing.
    if !text.contains(' ') || text.eq_ignore_ascii_case(&words) { error } else { error.cause(text) }
}

/// True when the broker answered that somebody else is in charge by now: metadata catches up by itself.
pub(in crate::kafka) fn is_settling(error: &Error) -> bool {
    use RDKafkaErrorCode::*;
    // `coded` has put the code's words first.
    let Some(words) = error.causes().first() else { return false };
    [
        NotLeaderForPartition,
        LeaderNotAvailable,
        FencedLeaderEpoch,
        UnknownLeaderEpoch,
        OffsetNotAvailable,
        NotCoordinator,
        CoordinatorNotAvailable,
        CoordinatorLoadInProgress,
    ]
    .into_iter()
    .any(|code| describe(code) == *words)
}

/// Turns a result's own error into ours; `None` when it has none.
///
/// # Safety
/// `error` is null or a live error object.
pub(in crate::kafka) unsafe fn result_error(
    what: &str,
    error: *const sys::rd_kafka_error_t,
) -> Option<Error> {
    if error.is_null() {
        return None;
    }
    // SAFETY: checked for null above; live by the caller's word.
    let (code, text) =
        unsafe { (sys::rd_kafka_error_code(error), text_or_empty(sys::rd_kafka_error_string(error))) };
    (code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| coded(what, code.into(), &text))
}

/// A C array as a slice; empty when it is null.
///
/// # Safety
/// `first` is null or points to `count` elements that live for `'a`.
pub(in crate::kafka) unsafe fn array<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: by the caller's word.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// A C text as a `String`, bytes that are not UTF-8 replaced; `None` when it is null.
///
/// # Safety
/// `text` is null or ends with a zero.
pub(in crate::kafka) unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by the caller's word.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// As [`text`]; empty when it is null.
///
/// # Safety
/// As [`text`].
pub(in crate::kafka) unsafe fn text_or_empty(pointer: *const c_char) -> String {
    // SAFETY: by the caller's word.
    unsafe { text(pointer) }.unwrap_or_default()
}

/// A name for C: a zero inside is wrong use.
pub(in crate::kafka) fn c_text(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::usage(format!("the name {name:?} has a zero byte in it")))
}

pub(in crate::kafka) fn milliseconds(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

/// Runs blocking client work off the async threads.
pub(in crate::kafka) async fn off_thread<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::failed(what).source(&error)),
    }
}
