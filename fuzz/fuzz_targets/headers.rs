//! A record's headers: any bytes as names and values. They come out of the runtime as they went in, and an
//! envelope that is found among them is one that stands exactly behind its producer's headers.
#![no_main]

mod shared;

use kylo::engine::BatchBuilder;
use kylo::engine::dead_letter::Envelope;
use libfuzzer_sys::fuzz_target;
use shared::{Headers, parts, record};

fuzz_target!(|data: &[u8]| {
    let (key, value, headers) = parts(data);
    let read = record(key.as_deref(), value.as_deref(), &headers);
    let same = |read: &kylo::engine::Record| {
        assert_eq!((read.key(), read.value()), (key.as_deref(), value.as_deref()));
        let found: Headers =
            read.headers().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
        assert_eq!(found, headers);
    };
    same(&read);
    // Into a batch of its own, as when memory runs short.
    let mut copy = BatchBuilder::default();
    copy.push_copy(&read);
    same(&copy.build().records().next().expect("one was pushed"));
    let stored = read.to_stored();
    assert_eq!(shared::first(&stored.headers, headers.len()), headers);
    for (name, _) in &headers {
        if let Ok(name) = std::str::from_utf8(name) {
            let last = headers.iter().rev().find(|(other, _)| other == name.as_bytes());
            let text = last.and_then(|(_, value)| std::str::from_utf8(value.as_deref()?).ok());
            assert_eq!(read.header_text(name), text);
        }
    }
    let envelope = Envelope::of(&stored);
    assert_eq!(envelope, Envelope::parse(read.headers()));
    match envelope {
        None => assert_eq!((read.origin().partition, read.origin().offset), (read.partition().clone(), 42)),
        Some(envelope) => {
            let own = envelope.user_headers;
            assert_eq!(headers[own].0, b"__kylo.v");
            assert!(headers[own..].iter().all(|(name, _)| name.starts_with(b"__kylo.")));
            assert_eq!(read.origin(), envelope.origin);
        }
    }
});
