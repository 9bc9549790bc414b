//! Identities: a transaction's uuid and the hash of its content.

use super::transaction::Txn;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use uuid::Uuid;

static TXN_NAMESPACE: LazyLock<Uuid> = LazyLock::new(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, b"kylo://txn"));

/// A SHA-256.
pub type ContentHash = [u8; 32];

/// UUIDv5 of `company_id|id` in the namespace UUIDv5(URL, `kylo://txn`).
pub fn txn_uid(company_id: &str, id: &str) -> Uuid {
    let mut name = String::with_capacity(company_id.len() + id.len() + 1);
    name.push_str(company_id);
    name.push('|');
    name.push_str(id);
    Uuid::new_v5(&TXN_NAMESPACE, name.as_bytes())
}

/// SHA-256 of date, cents, currency, description, counterparty, memo and category; two transactions of one id
/// with the same hash say the same.
///
/// Each text is written as its length and itself (`-` when absent), so that no two different contents can be
/// written the same way.
pub fn content_hash(txn: &Txn<'_>) -> ContentHash {
    let mut buffer = Vec::with_capacity(96 + txn.description.len());
    // Date and cents have a fixed width: no length is needed.
    buffer.extend_from_slice(&txn.date.year().to_le_bytes());
    buffer.extend_from_slice(&[txn.date.month() as u8, txn.date.day() as u8]);
    buffer.extend_from_slice(&txn.cents.to_le_bytes());
    push(&mut buffer, Some(&txn.currency));
    push(&mut buffer, Some(&txn.description));
    push(&mut buffer, txn.counterparty.as_deref());
    push(&mut buffer, txn.memo.as_deref());
    push(&mut buffer, txn.category.as_deref());
    Sha256::digest(&buffer).into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

fn push(buffer: &mut Vec<u8>, field: Option<&str>) {
    match field {
        None => buffer.push(b'-'),
        Some(text) => {
            buffer.extend_from_slice(&(text.len() as u64).to_le_bytes());
            buffer.push(b':');
            buffer.extend_from_slice(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::samples::txn;

    #[test]
    fn uid_vectors() {
        assert_eq!(txn_uid("710", "t1").to_string(), "90ede549-b343-54e6-94d8-303803bf1536");
        assert_eq!(txn_uid("711", "t1").to_string(), "1bcecb82-5bb1-5c6f-9c17-4a84051d9cfb");
    }

    #[test]
    fn every_field_of_the_content_counts_and_nothing_else() {
        let base = txn("t1", "2025-08-26", -1234, "STARBUCKS");
        let hash = content_hash(&base);
        let mut same = base.clone();
        same.id = "other".into();
        assert_eq!(content_hash(&same), hash);
        let changes: [fn(&mut Txn<'static>); 7] = [
            |txn| txn.date = jiff::civil::date(2025, 8, 27),
            |txn| txn.cents += 1,
            |txn| txn.currency = "EUR".into(),
            |txn| txn.description = "STARBUCKS ".into(),
            |txn| txn.counterparty = Some("".into()),
            |txn| txn.memo = Some("".into()),
            |txn| txn.category = Some("".into()),
        ];
        let mut seen = vec![hash];
        for change in changes {
            let mut changed = base.clone();
            change(&mut changed);
            let hash = content_hash(&changed);
            assert!(!seen.contains(&hash));
            seen.push(hash);
        }
    }
}
