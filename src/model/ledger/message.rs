//! The ledger's messages, read strictly from bytes: `TXNS_BATCH` and `PROMOTE_RULES`.
//!
//! Unknown fields are ignored, and so is `routing`: where a company's rows go is never a message's to say.

use super::transaction::{MAX_TRANSACTIONS, Txn, slice_signature};
use super::wire::{Text, WireTxn};
use hashbrown::HashSet;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Why a message can never be handled. Names ids and fields, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFault {
    /// A short, stable word: `no-key`, `no-value`, `bad-json`, `bad-message`, `wrong-event-type`, `key-mismatch`,
    /// `old-version`, `unknown-version`, `bad-transaction`, `bad-signature`.
    pub kind: &'static str,
    /// One line for a person.
    pub message: String,
}

impl fmt::Display for MessageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn fault<T>(kind: &'static str, message: impl Into<String>) -> Result<T, MessageFault> {
    Err(MessageFault { kind, message: message.into() })
}

/// A batch of one company's transactions, every field checked, no id twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnsBatch<'a> {
    /// One per publish.
    pub batch_id: Cow<'a, str>,
    /// The company; equals the record's key.
    pub company_id: Cow<'a, str>,
    /// When the sender made it.
    pub created_at: Option<Timestamp>,
    /// 1 to 2000 transactions, in the sender's order.
    pub transactions: Vec<Txn<'a>>,
}

/// A wish that a company's approved rules become active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromoteRequest<'a> {
    /// The company; equals the record's key.
    pub company_id: Cow<'a, str>,
    /// When the sender made it.
    pub created_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow, default)]
    event_type: Text<'a>,
    #[serde(borrow, default)]
    version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    batch_id: Text<'a>,
    #[serde(borrow, default)]
    company_id: Text<'a>,
    #[serde(borrow, default)]
    transactions: Option<Vec<WireTxn<'a>>>,
    #[serde(borrow, default)]
    slice_signature: Text<'a>,
    #[serde(borrow, default)]
    created_at: Text<'a>,
}

/// Parses a `TXNS_BATCH` from a record's key and value.
///
/// Two transactions of one id in one message are a fault: which of them would count depends on an order that
/// senders do not promise.
pub fn parse_txns_batch<'a>(
    key: Option<&[u8]>,
    value: Option<&'a [u8]>,
) -> Result<TxnsBatch<'a>, MessageFault> {
    let (wire, company_id, created_at) = parse_head(key, value, "TXNS_BATCH")?;
    let transactions = match (wire.version.map(RawValue::get), wire.transactions) {
        (None | Some("1"), None) => {
            return fault(
                "old-version",
                "a batch of version 1 carries no transactions: let its producer send version 2, with the \
                 transactions in the message, and send the batch again",
            );
        }
        (None | Some("1" | "2"), Some(transactions)) => transactions,
        (Some("2"), None) => return fault("bad-message", "transactions is missing"),
        (Some(_), _) => return fault("unknown-version", "version is neither 1 nor 2"),
    };
    let batch_id =
        wire.batch_id.named().or_else(|reason| fault("bad-message", format!("batch_id {reason}")))?;
    match transactions.len() {
        0 => return fault("bad-message", "transactions is empty"),
        1..=MAX_TRANSACTIONS => {}
        count => {
            return fault(
                "bad-message",
                format!("transactions has {count} entries, {MAX_TRANSACTIONS} is the most"),
            );
        }
    }
    let mut checked: Vec<Txn<'a>> = Vec::with_capacity(transactions.len());
    for (index, wire) in transactions.into_iter().enumerate() {
        let txn = wire
            .check(index + 1)
            .or_else(|reason| fault("bad-transaction", format!("batch {batch_id:?}: {reason}")))?;
        checked.push(txn);
    }
    let mut ids = HashSet::with_capacity(checked.len());
    let twice = checked.iter().find(|txn| !ids.insert(txn.id.as_ref()));
    if let Some(twice) = twice {
        let id: String = twice.id.chars().take(100).collect();
        return fault("bad-transaction", format!("batch {batch_id:?}: transaction {id:?}: id appears twice"));
    }
    drop(ids);
    if let Some(expected) = optional(wire.slice_signature, "slice_signature")?
        && !expected.eq_ignore_ascii_case(&slice_signature(&checked))
    {
        return fault(
            "bad-signature",
            format!("batch {batch_id:?}: slice_signature does not fit the transactions"),
        );
    }
    Ok(TxnsBatch { batch_id, company_id, created_at, transactions: checked })
}

/// Parses a `PROMOTE_RULES` from a record's key and value.
pub fn parse_promote<'a>(
    key: Option<&[u8]>,
    value: Option<&'a [u8]>,
) -> Result<PromoteRequest<'a>, MessageFault> {
    let (wire, company_id, created_at) = parse_head(key, value, "PROMOTE_RULES")?;
    match wire.version.map_or("1", RawValue::get) {
        "1" => Ok(PromoteRequest { company_id, created_at }),
        _ => fault("unknown-version", "version is not 1"),
    }
}

type Head<'a> = (WireMessage<'a>, Cow<'a, str>, Option<Timestamp>);

fn parse_head<'a>(
    key: Option<&[u8]>,
    value: Option<&'a [u8]>,
    event_type: &'static str,
) -> Result<Head<'a>, MessageFault> {
    let Some(key) = key else {
        return fault("no-key", "the record has no key; it must be the company_id");
    };
    let Some(value) = value else {
        return fault("no-value", "the record has no value");
    };
    let mut wire: WireMessage<'a> = parse_json(value)?;
    match optional(std::mem::take(&mut wire.event_type), "event_type")? {
        Some(other) if other != event_type => {
            return fault("wrong-event-type", format!("event_type is not {event_type}"));
        }
        _ => {}
    }
    let company_id = std::mem::take(&mut wire.company_id)
        .named()
        .or_else(|reason| fault("bad-message", format!("company_id {reason}")))?;
    if company_id.as_bytes() != key {
        return fault("key-mismatch", "the record's key is not its company_id");
    }
    let created_at = match optional(std::mem::take(&mut wire.created_at), "created_at")? {
        None => None,
        Some(text) => match parse_timestamp(&text) {
            Some(at) => Some(at),
            None => return fault("bad-message", "created_at is not an ISO-8601 time"),
        },
    };
    Ok((wire, company_id, created_at))
}

/// Parses JSON; faults give the place, and never repeat the text.
pub(crate) fn parse_json<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, MessageFault> {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text,
        Err(error) => {
            return fault("bad-json", format!("the value is not UTF-8 at byte {}", error.valid_up_to()));
        }
    };
    serde_json::from_str(text).or_else(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        if error.is_data() {
            fault("bad-message", format!("the value has the wrong shape at {place}"))
        } else {
            fault("bad-json", format!("the value is not JSON at {place}"))
        }
    })
}

fn optional<'a>(text: Text<'a>, field: &str) -> Result<Option<Cow<'a, str>>, MessageFault> {
    match text {
        Text::Absent => Ok(None),
        Text::Is(text) => Ok(Some(text)),
        Text::Wrong => fault("bad-message", format!("{field} is not a string")),
    }
}

/// ISO-8601 with a zone, or without one, which means UTC.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: Option<&str>, value: &str) -> Result<usize, (&'static str, String)> {
        parse_txns_batch(key.map(str::as_bytes), Some(value.as_bytes()))
            .map(|batch| batch.transactions.len())
            .map_err(|fault| (fault.kind, fault.message))
    }

    const TXN: &str = r#"{"id":"t1","date":"2025-08-26","amount":19.99,"description":"STARBUCKS"}"#;

    fn batch(fields: &str, transactions: &str) -> String {
        format!(r#"{{"batch_id":"b1","company_id":"710",{fields}"transactions":[{transactions}]}}"#)
    }

    #[test]
    fn good_batches() {
        let value = batch(
            r#""event_type":"TXNS_BATCH","version":2,"created_at":"2025-08-26T10:00:00","ingest_batch_id":5,
               "routing":{"db_dsn_rw":"x"},"meta":{},"later":[1],"#,
            TXN,
        );
        let parsed = parse_txns_batch(Some(b"710"), Some(value.as_bytes())).unwrap();
        assert_eq!(parsed.transactions[0].cents, 1999);
        assert_eq!(parsed.created_at.unwrap().to_string(), "2025-08-26T10:00:00Z");
        assert_eq!(parse(Some("710"), &batch("", TXN)), Ok(1));
        assert_eq!(
            parse(Some("710"), &batch(r#""version":1,"#, TXN)),
            Ok(1),
            "an old producer that does carry them"
        );
        let signature = slice_signature(&parsed.transactions);
        assert_eq!(parse(Some("710"), &batch(&format!(r#""slice_signature":"{signature}","#), TXN)), Ok(1));
    }

    #[test]
    fn faults() {
        let kind = |key, value: &str| parse(key, value).unwrap_err().0;
        let good = batch("", TXN);
        assert_eq!(kind(None, &good), "no-key");
        assert_eq!(kind(Some("711"), &good), "key-mismatch");
        assert_eq!(parse_txns_batch(Some(b"710"), None).unwrap_err().kind, "no-value");
        assert_eq!(parse_txns_batch(Some(b"710"), Some(b"{\"\xff\"}")).unwrap_err().kind, "bad-json");
        for text in
            ["", "nonsense", "{", &good[..good.len() - 1], &format!("{good}x"), r#"{"batch_id":"\ud800"}"#]
        {
            assert_eq!(kind(Some("710"), text), "bad-json", "{text}");
        }
        for text in ["[]", "7", r#"{"company_id":"710","transactions":{}}"#, r#"{"transactions":[7]}"#] {
            assert_eq!(kind(Some("710"), text), "bad-message", "{text}");
        }
        let table = [
            (batch(r#""event_type":"PROMOTE_RULES","#, TXN), "wrong-event-type"),
            (batch(r#""event_type":7,"#, TXN), "bad-message"),
            (batch(r#""version":3,"#, TXN), "unknown-version"),
            (batch(r#""version":"2","#, TXN), "unknown-version"),
            (batch(r#""created_at":"yesterday","#, TXN), "bad-message"),
            (batch(r#""slice_signature":"00","#, TXN), "bad-signature"),
            (batch("", ""), "bad-message"),
            (batch("", &vec![TXN; 2001].join(",")), "bad-message"),
            (batch("", &format!("{TXN},{TXN}")), "bad-transaction"),
            (r#"{"company_id":"710","batch_id":"b","version":1}"#.to_owned(), "old-version"),
            (r#"{"company_id":"710","batch_id":"b"}"#.to_owned(), "old-version"),
            (r#"{"company_id":"710","batch_id":"b","version":2}"#.to_owned(), "bad-message"),
            (format!(r#"{{"company_id":"710","version":2,"transactions":[{TXN}]}}"#), "bad-message"),
            (format!(r#"{{"batch_id":"b","version":2,"transactions":[{TXN}]}}"#), "bad-message"),
        ];
        for (value, expected) in &table {
            assert_eq!(kind(Some("710"), value), *expected, "{value}");
        }
    }

    #[test]
    fn a_bad_transaction_is_named() {
        let bad = TXN.replace("t1", "t2").replace("19.99", "1.005");
        let (kind, message) = parse(Some("710"), &batch("", &format!("{TXN},{bad}"))).unwrap_err();
        assert_eq!(kind, "bad-transaction");
        assert_eq!(message, "batch \"b1\": transaction \"t2\": amount has more than two decimal places");
        let (_, message) = parse(Some("710"), &batch("", &format!("{TXN},{TXN}"))).unwrap_err();
        assert_eq!(message, "batch \"b1\": transaction \"t1\": id appears twice");
    }

    #[test]
    fn promote_requests() {
        let parse = |key: &str, value: &str| {
            parse_promote(Some(key.as_bytes()), Some(value.as_bytes()))
                .map(|request| request.company_id.into_owned())
                .map_err(|fault| fault.kind)
        };
        assert_eq!(parse("710", r#"{"company_id":"710"}"#), Ok("710".to_owned()));
        assert_eq!(
            parse("710", r#"{"event_type":"PROMOTE_RULES","version":1,"company_id":"710","routing":{}}"#),
            Ok("710".to_owned())
        );
        assert_eq!(parse("711", r#"{"company_id":"710"}"#), Err("key-mismatch"));
        assert_eq!(
            parse("710", r#"{"company_id":"710","event_type":"TXNS_BATCH"}"#),
            Err("wrong-event-type")
        );
        assert_eq!(parse("710", r#"{"company_id":"710","version":2}"#), Err("unknown-version"));
    }

    #[test]
    fn times_with_and_without_zone() {
        for (text, expected) in [
            ("2025-08-26T10:00:00Z", Some("2025-08-26T10:00:00Z")),
            ("2025-08-26T10:00:00+02:00", Some("2025-08-26T08:00:00Z")),
            ("2025-08-26T10:00:00.123456", Some("2025-08-26T10:00:00.123456Z")),
            ("2025-08-26 10:00:00", Some("2025-08-26T10:00:00Z")),
            ("soon", None),
        ] {
            assert_eq!(parse_timestamp(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }
}
