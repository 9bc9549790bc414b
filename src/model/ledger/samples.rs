//! Values for tests.

use super::rules::{ActiveRule, approved};
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

/// A rule in force for `source`, of version 1, from 1970.
pub(crate) fn sample_rule(source: &str) -> ActiveRule {
    let rule = approved(source, "s", "h", "").unwrap();
    ActiveRule {
        rule_id: rule.rule_id(),
        source: rule.source,
        source_norm: rule.source_norm,
        target_sheet: rule.target_sheet,
        target_header: rule.target_header,
        notes: None,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        applied_at: jiff::Timestamp::UNIX_EPOCH,
        version: 1,
    }
}
