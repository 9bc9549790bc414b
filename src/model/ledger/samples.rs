//! Values for tests.

use super::transaction::{Txn, parse_date};

/// A transaction in dollars without optional fields.
pub(crate) fn txn(id: &str, date: &str, cents: i64, description: &str) -> Txn<'static> {
    Txn {
        id: id.to_owned().into(),
        date: parse_date(date).unwrap(),
        cents,
        currency: "USD".into(),
        description: description.to_owned().into(),
        counterparty: None,
        memo: None,
        category: None,
    }
}
