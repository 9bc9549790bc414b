//! Messages as we send them.

use super::transaction::{CompanyTxns, MAX_TRANSACTIONS, Txn, slice_signature};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct WireTxn<'a> {
    id: &'a str,
    date: String,
    amount: Box<RawValue>,
    description: &'a str,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterparty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
}

#[derive(Serialize)]
struct WireBatch<'a> {
    event_type: &'static str,
    version: u8,
    batch_id: &'a str,
    company_id: &'a str,
    created_at: Timestamp,
    slice_signature: String,
    transactions: Vec<WireTxn<'a>>,
}

#[derive(Serialize)]
struct WirePromote<'a> {
    event_type: &'static str,
    version: u8,
    company_id: &'a str,
    created_at: Timestamp,
}

/// Cuts what each company sends into messages of at most 2000 transactions, in order.
pub fn split<'t>(companies: &'t [CompanyTxns<'t>]) -> Vec<(&'t str, &'t [Txn<'t>])> {
    let cut = |company: &'t CompanyTxns<'t>| {
        company.transactions.chunks(MAX_TRANSACTIONS).map(|chunk| (company.company_id.as_str(), chunk))
    };
    companies.iter().flat_map(cut).collect()
}

/// A `TXNS_BATCH` of version 2.
pub fn txns_batch(
    company_id: &str,
    batch_id: &str,
    created_at: Timestamp,
    transactions: &[Txn<'_>],
) -> Result<Vec<u8>, serde_json::Error> {
    let wire = |txn: &'_ Txn<'_>| -> Result<Box<RawValue>, serde_json::Error> {
        RawValue::from_string(txn.amount())
    };
    let transactions_on_wire = transactions
        .iter()
        .map(|txn| {
            Ok(WireTxn {
                id: &txn.id,
                date: txn.date.to_string(),
                amount: wire(txn)?,
                description: &txn.description,
                currency: &txn.currency,
                counterparty: txn.counterparty.as_deref(),
                memo: txn.memo.as_deref(),
                category: txn.category.as_deref(),
            })
        })
        .collect::<Result<_, serde_json::Error>>()?;
    serde_json::to_vec(&WireBatch {
        event_type: "TXNS_BATCH",
        version: 2,
        batch_id,
        company_id,
        created_at,
        slice_signature: slice_signature(transactions),
        transactions: transactions_on_wire,
    })
}

/// A `PROMOTE_RULES` of version 1.
pub fn promote(company_id: &str, created_at: Timestamp) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&WirePromote { event_type: "PROMOTE_RULES", version: 1, company_id, created_at })
}

#[cfg(test)]
mod tests {
    use super::super::message::{parse_promote, parse_txns_batch};
    use super::super::samples::txn;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn companies_are_cut_at_two_thousand() {
        let transactions: Vec<_> = (0..4001).map(|n| txn(&n.to_string(), "2025-08-26", n, "x")).collect();
        let companies = [
            CompanyTxns { company_id: "710".into(), transactions },
            CompanyTxns { company_id: "711".into(), transactions: vec![txn("1", "2025-08-26", 1, "x")] },
        ];
        let sizes: Vec<_> =
            split(&companies).iter().map(|(company, chunk)| (*company, chunk.len())).collect();
        assert_eq!(sizes, [("710", 2000), ("710", 2000), ("710", 1), ("711", 1)]);
    }

    #[test]
    fn a_promote_request_is_read_back() {
        let value = promote("710", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(
            parse_promote(Some(b"710"), Some(&value)).unwrap().created_at,
            Some(Timestamp::UNIX_EPOCH)
        );
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read_back(cents: i64, description in "[^\u{0}]{0,40}", memo in proptest::option::of("[^\u{0}]{0,9}")) {
            let mut sent = txn("t1", "2025-08-26", cents, &description);
            sent.memo = memo.map(Into::into);
            let value = txns_batch("710", "b1", Timestamp::UNIX_EPOCH, std::slice::from_ref(&sent)).unwrap();
            let read = parse_txns_batch(Some(b"710"), Some(&value)).unwrap();
            prop_assert_eq!(read.transactions, vec![sent]);
        }
    }
}
