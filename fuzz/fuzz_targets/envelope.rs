//! Dead letters and replays: whatever a record's bytes are, its dead letter carries them, and a replay gives
//! back exactly the original key, value and headers, however often it goes round.
#![no_main]

mod shared;

use jiff::Timestamp;
use kylo::engine::dead_letter::{
    Attempts, Envelope, MAX_ENVELOPE_BYTES, Sender, dead_letter, replayed, shortened,
};
use kylo::engine::{Failure, FailureClass};
use libfuzzer_sys::fuzz_target;
use shared::{first, parts, record, stored};

fuzz_target!(|data: &[u8]| {
    let (key, value, headers) = parts(data);
    let source = record(key.as_deref(), value.as_deref(), &headers);
    // A producer that imitates a whole sound block is taken at its word.
    let before = Envelope::parse(source.headers());
    let own = before.as_ref().map_or(headers.len(), |before| before.user_headers);
    let sender = Sender { cluster: "c".into(), group: "g".into() };
    let at = Timestamp::UNIX_EPOCH;
    let attempts = Attempts { count: 3, first_failure: at };
    let text = String::from_utf8_lossy(data);
    let failure = Failure::new(FailureClass::Permanent, "kind", text.repeat(8));
    let mut read = source;
    for round in 1..=3 {
        let letter = dead_letter(&read, "in.dlq".into(), &sender, &failure, attempts, at);
        assert_eq!((letter.key.as_deref(), letter.value.as_deref()), (key.as_deref(), value.as_deref()));
        assert_eq!(first(&letter.headers, own), headers[..own]);
        let size = |header: &kylo::model::record::Header| {
            header.name.len() + header.value.as_ref().map_or(0, |value| value.len())
        };
        let ours: usize = letter.headers[own..].iter().map(size).sum();
        assert!(ours <= MAX_ENVELOPE_BYTES || before.is_some(), "{ours} bytes of ours");
        let shortest = std::iter::successors(Some(letter), shortened).last().expect("the first");
        assert_eq!(first(&shortest.headers, own), headers[..own]);

        let letter = stored(shortest.key, shortest.value, shortest.headers);
        let envelope = Envelope::of(&letter).expect("our own dead letter is read");
        assert_eq!(envelope.user_headers, own);
        let earlier = before.as_ref().map_or(0, |before| before.replay_count);
        assert_eq!(envelope.replay_count, earlier.saturating_add(round - 1));
        let error = envelope.error.as_ref().expect("a dead letter has a reason");
        assert!(error.is(FailureClass::Permanent) && error.kind == "kind" && error.attempts == 3);

        let back = replayed(&letter, &envelope, "in".into(), "fuzz", at);
        assert_eq!((back.key.as_deref(), back.value.as_deref()), (key.as_deref(), value.as_deref()));
        assert_eq!(first(&back.headers, own), headers[..own]);
        read = record(back.key.as_deref(), back.value.as_deref(), &first(&back.headers, back.headers.len()));
        assert_eq!(read.origin(), envelope.origin);
    }
});
