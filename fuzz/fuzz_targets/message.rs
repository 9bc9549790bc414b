//! The ledger's messages. Whatever is accepted can be sent by us and is read back the same.
#![no_main]

use jiff::Timestamp;
use kylo::model::ledger::{csv, encode, message, webhook};
use libfuzzer_sys::fuzz_target;

// The key, a line feed, the value.
fuzz_target!(|data: &[u8]| {
    let (key, value) = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (Some(&data[..at]), &data[at + 1..]),
        None => (None, data),
    };
    if let Ok(batch) = message::parse_txns_batch(key, Some(value)) {
        assert_eq!(key, Some(batch.company_id.as_bytes()));
        let at = batch.created_at.unwrap_or(Timestamp::UNIX_EPOCH);
        let sent = encode::txns_batch(&batch.company_id, &batch.batch_id, at, &batch.transactions)
            .expect("what was read can be sent");
        let again = message::parse_txns_batch(key, Some(&sent)).expect("what is sent can be read");
        assert_eq!(again.created_at, Some(at));
        assert_eq!((again.company_id, again.batch_id), (batch.company_id, batch.batch_id));
        assert_eq!(again.transactions, batch.transactions);
    }
    if let Ok(request) = message::parse_promote(key, Some(value)) {
        let at = request.created_at.unwrap_or(Timestamp::UNIX_EPOCH);
        let sent = encode::promote(&request.company_id, at).expect("what was read can be sent");
        let again = message::parse_promote(key, Some(&sent)).expect("what is sent can be read");
        assert_eq!((again.company_id, again.created_at), (request.company_id, Some(at)));
    }
    // What a sender gives is cut into messages that are read back.
    for companies in [webhook::parse(value), csv::parse(value, Some("statement.csv"))].into_iter().flatten() {
        for (company, transactions) in encode::split(&companies) {
            let sent = encode::txns_batch(company, "b", Timestamp::UNIX_EPOCH, transactions)
                .expect("what was read can be sent");
            let again = message::parse_txns_batch(Some(company.as_bytes()), Some(&sent));
            assert_eq!(again.expect("what is sent can be read").transactions, transactions);
        }
    }
});
