//! A bank transaction whose every field was checked.

use super::money::format_cents;
use jiff::civil::Date;
use std::borrow::Cow;

/// Most transactions one message may carry.
pub const MAX_TRANSACTIONS: usize = 2000;

/// One transaction. Texts hold no NUL character (PostgreSQL cannot store one); `id` is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn<'a> {
    /// The bank's or the sender's own id, unique within the company.
    pub id: Cow<'a, str>,
    /// Day of posting.
    pub date: Date,
    /// Amount in cents; negative is money going out.
    pub cents: i64,
    /// ISO code, `USD` when the sender said nothing.
    pub currency: Cow<'a, str>,
    /// As the bank wrote it.
    pub description: Cow<'a, str>,
    /// The other side.
    pub counterparty: Option<Cow<'a, str>>,
    /// A note.
    pub memo: Option<Cow<'a, str>>,
    /// The sender's own category.
    pub category: Option<Cow<'a, str>>,
}

impl Txn<'_> {
    /// A copy that owns its texts.
    pub fn into_owned(self) -> Txn<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Txn {
            id: own(self.id),
            date: self.date,
            cents: self.cents,
            currency: own(self.currency),
            description: own(self.description),
            counterparty: self.counterparty.map(own),
            memo: self.memo.map(own),
            category: self.category.map(own),
        }
    }
    /// The amount as decimal text, two places.
    pub fn amount(&self) -> String {
        format_cents(self.cents)
    }
}

/// One company's share of what a sender gave, in the sender's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyTxns<'a> {
    /// The company.
    pub company_id: String,
    /// Its transactions; no two of one id.
    pub transactions: Vec<Txn<'a>>,
}

/// A calendar day written `YYYY-MM-DD`, and nothing else.
pub fn parse_date(text: &str) -> Option<Date> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range]
            .iter()
            .try_fold(0i16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i16::from(byte - b'0')))
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    Date::new(year, month as i8, day as i8).ok()
}

/// SHA-256, in hexadecimal, of the lines `id|date|cents|description\n` sorted by id.
pub fn slice_signature(transactions: &[Txn<'_>]) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let mut sorted: Vec<&Txn<'_>> = transactions.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut text = String::new();
    for txn in sorted {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}|{}|{}|{}", txn.id, txn.date, txn.cents, txn.description);
    }
    super::identity::hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::samples::txn;

    #[test]
    fn dates() {
        for text in ["2025-08-26", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(parse_date(text).map(|date| date.to_string()).as_deref(), Some(text));
        }
        for text in
            ["2025-02-29", "2025-13-01", "2025-00-10", "26/08/2025", "2025-8-26", "2025-08-26 ", "", "٢٠٢٥-٠"]
        {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn the_slice_signature_does_not_depend_on_the_order() {
        let a = txn("a", "2025-08-26", -1234, "STARBUCKS");
        let b = txn("b", "2025-08-27", 5, "x|y");
        let signature = slice_signature(&[a.clone(), b.clone()]);
        assert_eq!(signature, slice_signature(&[b, a]));
        assert_eq!(signature, "a84d1c78c08a84749a97d8493494b57913746cb7c3ed92f3ba01baba48f9099c");
    }
}
