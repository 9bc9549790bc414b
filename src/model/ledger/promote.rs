//! What a promotion does to a company's active rules. Pure.

use super::rules::{ActiveRule, ApprovedRule};
use hashbrown::HashMap;
use jiff::Timestamp;

/// An approved rule that waits for its promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The rule; one for each normal form.
    pub rule: ApprovedRule,
    /// When it was entered.
    pub created_at: Timestamp,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The version all of `written` carry: one above every version there was.
    pub version: i64,
    /// Rules that are new or say something else now; never empty.
    pub written: Vec<ActiveRule>,
    /// All rules in force afterwards: the snapshot of the version.
    pub after: Vec<ActiveRule>,
}

/// Decides a promotion. `None` when everything that waits is in force just so already: then there is no new
/// version. A rule that says what the active one says keeps its age and version; otherwise the last approval of a
/// source wins.
pub fn decide(
    active: &[ActiveRule],
    waiting: &[Waiting],
    last_version: i64,
    now: Timestamp,
) -> Option<Promotion> {
    let version = active.iter().map(|rule| rule.version).fold(last_version, i64::max) + 1;
    let mut place: HashMap<String, usize> =
        active.iter().enumerate().map(|(at, rule)| (rule.source_norm.clone(), at)).collect();
    let mut after = active.to_vec();
    let mut written = Vec::new();
    for Waiting { rule, created_at } in waiting {
        let rule_id = rule.rule_id();
        let present = place.get(&rule.source_norm).copied();
        if present.is_some_and(|at| after[at].rule_id == rule_id && after[at].notes == rule.notes) {
            continue;
        }
        let rule = ActiveRule {
            rule_id,
            source: rule.source.clone(),
            source_norm: rule.source_norm.clone(),
            target_sheet: rule.target_sheet.clone(),
            target_header: rule.target_header.clone(),
            notes: rule.notes.clone(),
            created_at: *created_at,
            applied_at: now,
            version,
        };
        written.push(rule.clone());
        match present {
            Some(at) => after[at] = rule,
            None => {
                place.insert(rule.source_norm.clone(), after.len());
                after.push(rule);
            }
        }
    }
    (!written.is_empty()).then_some(Promotion { version, written, after })
}

#[cfg(test)]
mod tests {
    use super::super::rules::approved;
    use super::super::samples::sample_rule;
    use super::*;

    fn waiting(source: &str, header: &str) -> Waiting {
        Waiting { rule: approved(source, "s", header, "").unwrap(), created_at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn only_what_differs_makes_a_version() {
        let now = Timestamp::from_second(100).unwrap();
        let active = [sample_rule("a"), sample_rule("b")];
        assert_eq!(decide(&active, &[], 1, now), None);
        assert_eq!(decide(&active, &[waiting("A", "h")], 1, now), None);
        let promotion =
            decide(&active, &[waiting("a", "h"), waiting("b", "other"), waiting("c", "h")], 4, now).unwrap();
        assert_eq!(promotion.version, 5);
        let shape: Vec<_> = promotion
            .after
            .iter()
            .map(|rule| (rule.source_norm.as_str(), rule.target_header.as_str(), rule.version))
            .collect();
        assert_eq!(shape, [("a", "h", 1), ("b", "other", 5), ("c", "h", 5)]);
        assert_eq!(promotion.written.len(), 2);
        assert!(promotion.written.iter().all(|rule| rule.applied_at == now));
        // A version that only the rules themselves remember still counts.
        assert_eq!(decide(&active, &[waiting("c", "h")], 0, now).unwrap().version, 2);
    }
}
