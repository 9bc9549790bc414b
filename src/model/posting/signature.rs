//! Signatures: the same rows on the same tab are the same post, whoever computes it.

use crate::model::ledger::ascii_json::push_string;
use crate::model::ledger::rules::ActiveRule;
use md5::{Digest, Md5};
use std::fmt::Write as _;

/// Signature of a post to the Pending tab: MD5 hex of `company|tab|v1|` and the row ids, sorted, joined by `,`.
pub fn pending_signature<I: ToString>(company: &str, tab: &str, ids: impl IntoIterator<Item = I>) -> String {
    let mut ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    ids.sort_unstable();
    hex(format!("{company}|{tab}|v1|{}", ids.join(",")).as_bytes())
}

/// Signature of the Active tab's body: MD5 hex of `company|tab|` and the rules as compact JSON objects with the
/// keys `s`, `t`, `h` (source, target sheet, target header), sorted, joined by `|`.
///
/// The JSON is what Python's `json.dumps` writes by default, since signatures made by it are in use.
pub fn active_signature<'r>(
    company: &str,
    tab: &str,
    rules: impl IntoIterator<Item = &'r ActiveRule>,
) -> String {
    let mut objects: Vec<String> = rules.into_iter().map(rule_object).collect();
    objects.sort_unstable();
    hex(format!("{company}|{tab}|{}", objects.join("|")).as_bytes())
}

fn rule_object(rule: &ActiveRule) -> String {
    let mut out = String::from("{\"s\":");
    push_string(&mut out, &rule.source);
    out.push_str(",\"t\":");
    push_string(&mut out, &rule.target_sheet);
    out.push_str(",\"h\":");
    push_string(&mut out, &rule.target_header);
    out.push('}');
    out
}

/// Largest id a marker can have: the field is a signed 32-bit integer, and 0 means "choose one for me".
const MARKER_IDS: u64 = (1 << 31) - 1;

/// The id of a post's marker on its tab, 1 to 2^31 - 1: a hash of the signature, moved on by the ordinal.
///
/// Two ordinals of one signature never share an id (a hash of the pair could), because their markers carry the
/// same value and could not be told apart.
pub fn marker_id(signature: &str, ordinal: i32) -> i32 {
    let digest = Md5::digest(signature.as_bytes());
    let hash = digest.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    let id = (hash % MARKER_IDS + u64::from(ordinal.unsigned_abs())) % MARKER_IDS + 1;
    // At most 2^31 - 1 by the line above.
    i32::try_from(id).unwrap_or(i32::MAX)
}

fn hex(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().fold(String::with_capacity(32), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(source: &str, sheet: &str, header: &str) -> ActiveRule {
        ActiveRule {
            rule_id: uuid::Uuid::nil(),
            source: source.to_owned(),
            source_norm: source.to_owned(),
            target_sheet: sheet.to_owned(),
            target_header: header.to_owned(),
            notes: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            applied_at: jiff::Timestamp::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn pending_vectors() {
        let table: [(&[&str], &str); 3] = [
            (&["a", "b"], "4e2cd5ce26210c11838077fd510855c9"),
            (&["b", "a"], "4e2cd5ce26210c11838077fd510855c9"),
            (&["a168bbee-d47e-5ba2-83b7-7bddae251edb"], "59fe49519f6476caebdae54c76aa6929"),
        ];
        for (ids, want) in table {
            assert_eq!(pending_signature("710", "710 Pending", ids), want, "{ids:?}");
        }
    }

    #[test]
    fn active_vectors() {
        let starbucks = rule("starbucks", "NUGZ EXPENSES", "Coffee");
        assert_eq!(active_signature("710", "710 Active", [&starbucks]), "6d164069deae61798a4b53f9c1d278dd");
        assert_eq!(active_signature("710", "710 Active", []), "b3b9f755e7ecefdb9609ee5d84533c9a");
    }

    #[test]
    fn rule_order_does_not_matter() {
        let (a, b) = (rule("a", "S", "H"), rule("b", "S", "H"));
        assert_eq!(active_signature("1", "T", [&a, &b]), active_signature("1", "T", [&b, &a]));
    }

    proptest! {
        #[test]
        fn marker_ids_are_positive_and_differ_by_ordinal(
            signature in "[0-9a-f]{32}",
            first in 0..1_000_i32,
            apart in 1..1_000_i32,
        ) {
            let id = marker_id(&signature, first);
            prop_assert!(id > 0);
            prop_assert_eq!(id, marker_id(&signature, first));
            prop_assert_ne!(id, marker_id(&signature, first + apart));
        }
    }
}
