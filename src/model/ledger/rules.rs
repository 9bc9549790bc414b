//! Rules: their identity, and the set that transactions are compared with.

use super::ascii_json::push_string;
use super::identity::hex;
use super::normalise::normalise;
use hashbrown::HashMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// An approved rule, before it is promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedRule {
    /// The source as a person wrote it, trimmed.
    pub source: String,
    /// Its normal form, what descriptions are compared with; not empty.
    pub source_norm: String,
    /// Where a match belongs.
    pub target_sheet: String,
    /// Under which header there.
    pub target_header: String,
    /// A note.
    pub notes: Option<String>,
}

impl ApprovedRule {
    /// SHA-256, in hexadecimal, of the rule's content as compact JSON with sorted keys and ASCII escapes.
    pub fn content_hash(&self) -> String {
        let mut json = String::with_capacity(160);
        let source = self.source.trim().to_lowercase();
        let fields = [
            ("{\"source\":", source.as_str()),
            (",\"source_norm\":", &self.source_norm),
            (",\"target_header\":", &self.target_header),
            (",\"target_sheet\":", &self.target_sheet),
        ];
        for (before, text) in fields {
            json.push_str(before);
            push_string(&mut json, text);
        }
        json.push('}');
        hex(&Sha256::digest(json.as_bytes()))
    }
    /// The uuid made from [`content_hash`](Self::content_hash).
    pub fn rule_id(&self) -> Uuid {
        rule_id(&self.content_hash())
    }
}

/// UUIDv5 of a rule's content hash in the URL namespace.
pub fn rule_id(content_hash: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, content_hash.as_bytes())
}

/// A rule as it is in force. Its JSON is the form of the snapshots in control.rule_versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveRule {
    /// Made from its content.
    pub rule_id: Uuid,
    /// As the person wrote it.
    pub source: String,
    /// Its normal form.
    pub source_norm: String,
    /// Where a match belongs.
    pub target_sheet: String,
    /// Under which header there.
    pub target_header: String,
    /// A note.
    pub notes: Option<String>,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When its present content came into force.
    pub applied_at: Timestamp,
    /// The version of the company's rules that brought this content.
    pub version: i64,
}

/// What tells one state of a company's active rules from another without reading them: how many there are, and
/// the newest version among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesMark {
    /// Number of rules.
    pub count: i64,
    /// Highest version, 0 without rules.
    pub version: i64,
}

/// A company's active rules, ready for comparison.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// The state it was read in.
    pub mark: RulesMark,
    by_source: HashMap<String, Arc<ActiveRule>>,
}

impl RuleSet {
    /// The set of `rules`, read in the state `mark`.
    pub fn new(mark: RulesMark, rules: Vec<ActiveRule>) -> Self {
        let by_source = rules.into_iter().map(|rule| (rule.source_norm.clone(), Arc::new(rule))).collect();
        RuleSet { mark, by_source }
    }
    /// The rule whose source equals `description_norm`.
    pub fn find(&self, description_norm: &str) -> Option<&Arc<ActiveRule>> {
        self.by_source.get(description_norm)
    }
}

/// SHA-256, in hexadecimal, of what the rules say, whatever their order, age or version.
pub fn checksum(rules: &[ActiveRule]) -> String {
    let mut lines: Vec<String> = rules
        .iter()
        .map(|rule| format!("{}\u{1f}{}\n", rule.rule_id, rule.notes.as_deref().unwrap_or_default()))
        .collect();
    lines.sort_unstable();
    hex(&Sha256::digest(lines.concat().as_bytes()))
}

/// An approved rule from its parts; `None` when nothing of the source is left in its normal form.
pub fn approved(source: &str, target_sheet: &str, target_header: &str, notes: &str) -> Option<ApprovedRule> {
    let source_norm = normalise(source);
    let notes = notes.trim();
    (!source_norm.is_empty()).then(|| ApprovedRule {
        source: source.trim().to_owned(),
        source_norm,
        target_sheet: target_sheet.trim().to_owned(),
        target_header: target_header.trim().to_owned(),
        notes: (!notes.is_empty()).then(|| notes.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::samples::sample_rule;

    #[test]
    fn rule_identity_vectors() {
        let rule = approved("  Starbucks*1234 ", "NUGZ EXPENSES", "Coffee", "").unwrap();
        assert_eq!(rule.source_norm, "starbucks 1234");
        assert_eq!(rule.content_hash(), "cfb43190d63a7f2392529f603d425dddfdc877f3976e89187b9cc2f70e0ba043");
        assert_eq!(rule.rule_id().to_string(), "a1b9af94-822a-5ac9-8800-b3bab4502951");
        let odd = ApprovedRule {
            source: "caffè \u{1F600}\"\\\n\u{7f}\u{1}".into(),
            source_norm: "x".into(),
            target_sheet: "é".into(),
            target_header: "Coffee".into(),
            notes: None,
        };
        assert_eq!(odd.content_hash(), "372e0687b0a0382c775adeb57a87e04dab9b2a890075f2eda23beb6c2cdf7b5e");
    }

    #[test]
    fn the_checksum_is_about_content_only() {
        let one = sample_rule("a");
        let two = ActiveRule { version: 7, ..sample_rule("b") };
        let sum = checksum(&[one.clone(), two.clone()]);
        assert_eq!(checksum(&[ActiveRule { version: 9, ..two.clone() }, one.clone()]), sum);
        assert_ne!(checksum(std::slice::from_ref(&two)), sum);
        assert_ne!(checksum(&[one, ActiveRule { notes: Some("x".into()), ..two }]), sum);
    }
}
