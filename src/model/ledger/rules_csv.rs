//! Approved rules from a CSV file (`company_id,source,target_sheet,target_header,notes`), and the plan of an import.

use super::csv::open;
use super::rules::{ApprovedRule, approved};
use hashbrown::HashMap;
use std::collections::BTreeMap;

const COLUMNS: &[&str] = &["company_id", "source", "target_sheet", "target_header", "notes"];

/// Longest source, in bytes, for the same reason as a description's.
const MAX_SOURCE: usize = super::wire::MAX_DESCRIPTION;

/// A rule of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRule {
    /// Where it stands, from 1.
    pub line: u64,
    /// Whose it is.
    pub company_id: String,
    /// The rule.
    pub rule: ApprovedRule,
}

/// The rules of each company, in the file's order.
pub fn by_company(rules: Vec<ImportedRule>) -> BTreeMap<String, Vec<ApprovedRule>> {
    let mut by_company: BTreeMap<String, Vec<ApprovedRule>> = BTreeMap::new();
    for rule in rules {
        by_company.entry(rule.company_id).or_default().push(rule.rule);
    }
    by_company
}

/// Parses the file. `Err` lists every fault with its line: empty fields, and one source with two different
/// targets, where neither is taken. A row that repeats another is dropped.
pub fn parse(text: &[u8]) -> Result<Vec<ImportedRule>, Vec<String>> {
    let (mut reader, columns) = open(text, COLUMNS)?;
    if let Some(missing) = COLUMNS[..4].iter().find(|name| !columns.contains_key(**name)) {
        return Err(vec![format!("line 1: no column {missing}")]);
    }
    let mut faults = Vec::new();
    let mut rules: Vec<ImportedRule> = Vec::new();
    let mut seen: HashMap<(String, String), usize> = HashMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push(format!("line {line}: not a row as wide as the header, in UTF-8"));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let field = |name: &str| columns.get(name).and_then(|&at| record.get(at)).unwrap_or_default().trim();
        let empty = COLUMNS[..4].iter().find(|name| field(name).is_empty());
        let nul = COLUMNS.iter().find(|name| field(name).contains('\0'));
        let rule = approved(field("source"), field("target_sheet"), field("target_header"), field("notes"));
        match (empty, nul, rule) {
            (Some(name), _, _) => faults.push(format!("line {line}: {name} is empty")),
            (_, Some(name), _) => faults.push(format!("line {line}: {name} holds a NUL character")),
            (_, _, None) => faults.push(format!("line {line}: source has neither letters nor digits")),
            (_, _, Some(rule)) if rule.source.len() > MAX_SOURCE => {
                faults.push(format!("line {line}: source is longer than {MAX_SOURCE} bytes"));
            }
            (_, _, Some(rule)) => {
                let company_id = field("company_id").to_owned();
                let key = (company_id.clone(), rule.source_norm.clone());
                match seen.get(&key).map(|&at| &rules[at]) {
                    None => {
                        seen.insert(key, rules.len());
                        rules.push(ImportedRule { line, company_id, rule });
                    }
                    Some(first) if same_target(&first.rule, &rule) => {}
                    Some(first) => faults.push(format!(
                        "lines {} and {line}: source {:?} of company {:?} has two different targets",
                        first.line, rule.source_norm, company_id
                    )),
                }
            }
        }
    }
    match (faults.is_empty(), rules.is_empty()) {
        (false, _) => Err(faults),
        (true, true) => Err(vec!["no rules below the header line".to_owned()]),
        (true, false) => Ok(rules),
    }
}

fn same_target(a: &ApprovedRule, b: &ApprovedRule) -> bool {
    a.target_sheet == b.target_sheet && a.target_header == b.target_header
}

/// What the database knows of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownRule {
    /// The content hash of an approval that still stands (not withdrawn), and whether it was promoted.
    pub approval: Option<(String, bool)>,
    /// The content hash of the rule in force, by its id.
    pub active: Option<uuid::Uuid>,
}

/// What an import does with one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ImportAction {
    /// Nothing was known of this source.
    New,
    /// The source was known with another content, or was withdrawn.
    Changed,
    /// Approved just so already: waiting for its promotion, or in force.
    Unchanged,
}

impl ImportAction {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            ImportAction::New => "new",
            ImportAction::Changed => "changed",
            ImportAction::Unchanged => "unchanged",
        }
    }
}

/// Decides what an import does with `rule`. An approval that was promoted and is in force no longer (rolled back,
/// overruled) is given anew: the last approval wins.
pub fn decide(rule: &ApprovedRule, known: &KnownRule) -> ImportAction {
    let hash = rule.content_hash();
    match &known.approval {
        Some((approved, promoted)) if *approved == hash => {
            if *promoted && known.active != Some(super::rules::rule_id(&hash)) {
                ImportAction::Changed
            } else {
                ImportAction::Unchanged
            }
        }
        None if known.active.is_none() => ImportAction::New,
        _ => ImportAction::Changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_rules() {
        let text =
            b"company_id,source,target_sheet,target_header,notes\n710,STARBUCKS,NUGZ EXPENSES,Coffee,\n\
            710,starbucks,NUGZ EXPENSES,Coffee,again\n711,Starbucks,OTHER,Coffee,hi\n";
        let rules = parse(text).unwrap();
        let shape: Vec<_> = rules
            .iter()
            .map(|rule| (rule.line, rule.company_id.as_str(), rule.rule.notes.as_deref()))
            .collect();
        assert_eq!(shape, [(2, "710", None), (4, "711", Some("hi"))]);
    }

    #[test]
    fn faults_name_their_lines() {
        let text = b"company_id;source;target_sheet;target_header\n710;a;s;h\n710;A!;s;other\n;b;s;h\n710;!!;s;h\n710;c;;h\n710;d\n";
        assert_eq!(
            parse(text).unwrap_err(),
            [
                "lines 2 and 3: source \"a\" of company \"710\" has two different targets",
                "line 4: company_id is empty",
                "line 5: source has neither letters nor digits",
                "line 6: target_sheet is empty",
                "line 7: not a row as wide as the header, in UTF-8",
            ]
        );
        assert_eq!(
            parse(b"company_id,source,target_sheet\n").unwrap_err(),
            ["line 1: no column target_header"]
        );
        assert_eq!(parse(b"").unwrap_err(), ["line 1: no column company_id"]);
    }

    #[test]
    fn import_decisions() {
        let rule = approved("a", "s", "h", "").unwrap();
        let (hash, id) = (rule.content_hash(), rule.rule_id());
        let other = approved("a", "s", "x", "").unwrap();
        let table = [
            (None, None, ImportAction::New),
            (Some((hash.clone(), false)), None, ImportAction::Unchanged),
            (Some((hash.clone(), true)), Some(id), ImportAction::Unchanged),
            (Some((hash.clone(), true)), None, ImportAction::Changed),
            (Some((hash, true)), Some(other.rule_id()), ImportAction::Changed),
            (Some((other.content_hash(), false)), None, ImportAction::Changed),
            (None, Some(id), ImportAction::Changed),
        ];
        for (approval, active, expected) in table {
            let known = KnownRule { approval, active };
            assert_eq!(decide(&rule, &known), expected, "{known:?}");
        }
    }
}
