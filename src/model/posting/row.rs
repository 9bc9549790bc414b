//! The rows of the two tabs.

use crate::model::ledger::rules::ActiveRule;
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

/// Which of a company's tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TabKind {
    /// Transactions no rule matches; rows are appended.
    Pending,
    /// The rules in force; the body is replaced whole.
    Active,
}

/// Header of the Pending tab.
pub const PENDING_HEADER: [&str; 7] =
    ["Date", "Source", "Company", "Amount", "Target_Sheet", "Target_Header", "Approved"];

/// Header of the Active tab.
pub const ACTIVE_HEADER: [&str; 8] = [
    "Ruleset_Version",
    "Effective_At",
    "Company_ID",
    "Source",
    "Target_Sheet",
    "Target_Header",
    "Match_Notes",
    "Created_At",
];

impl TabKind {
    /// The tab's first row.
    pub fn header(self) -> &'static [&'static str] {
        match self {
            TabKind::Pending => &PENDING_HEADER,
            TabKind::Active => &ACTIVE_HEADER,
        }
    }
}

/// One value of a row, typed so that a backend cannot take text for a number or a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text, never a formula, whatever it begins with.
    Text(String),
    /// A day.
    Date(Date),
    /// An amount in cents, shown as a decimal number with two places.
    Cents(i64),
    /// A whole number.
    Number(i64),
    /// A moment, shown as RFC 3339 UTC in seconds.
    Time(Timestamp),
    /// A checkbox.
    Check(bool),
}

impl Cell {
    /// The value as text, the way a person reads it in the tab: `2025-08-26`, `-12.34`, `FALSE`.
    pub fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Date(date) => date.to_string(),
            Cell::Cents(cents) => {
                let (sign, cents) = (if *cents < 0 { "-" } else { "" }, cents.unsigned_abs());
                format!("{sign}{}.{:02}", cents / 100, cents % 100)
            }
            Cell::Number(number) => number.to_string(),
            Cell::Time(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Cell::Check(true) => "TRUE".to_owned(),
            Cell::Check(false) => "FALSE".to_owned(),
        }
    }
}

/// A transaction that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRow {
    /// Its id in the ledger.
    pub txn_uid: Uuid,
    /// The day it happened.
    pub occurred_at: Date,
    /// Its description, normalised.
    pub description_norm: String,
    /// Its amount in cents.
    pub amount_cents: i64,
}

impl PendingRow {
    /// The row under [`PENDING_HEADER`]; the last three columns are the person's to fill in.
    pub fn cells(&self, company: &str) -> Vec<Cell> {
        vec![
            Cell::Date(self.occurred_at),
            Cell::Text(self.description_norm.clone()),
            Cell::Text(company.to_owned()),
            Cell::Cents(self.amount_cents),
            Cell::Text(String::new()),
            Cell::Text(String::new()),
            Cell::Check(false),
        ]
    }
    /// About how many bytes of a JSON request the row takes.
    pub fn json_bytes(&self) -> usize {
        // 412 bytes were measured for a row with a description of ordinary length (40); every character beyond
        // ASCII may be escaped to six bytes.
        372 + self.description_norm.chars().map(|c| if c.is_ascii() { 1 } else { 6 }).sum::<usize>()
    }
}

/// The Active tab's body under [`ACTIVE_HEADER`], ordered by `applied_at`, then `rule_id`.
pub fn active_rows(company: &str, rules: &[ActiveRule]) -> Vec<Vec<Cell>> {
    let mut rules: Vec<&ActiveRule> = rules.iter().collect();
    rules.sort_by_key(|rule| (rule.applied_at, rule.rule_id));
    rules
        .into_iter()
        .map(|rule| {
            vec![
                Cell::Number(rule.version),
                Cell::Time(rule.applied_at),
                Cell::Text(company.to_owned()),
                Cell::Text(rule.source.clone()),
                Cell::Text(rule.target_sheet.clone()),
                Cell::Text(rule.target_header.clone()),
                Cell::Text(rule.notes.clone().unwrap_or_default()),
                Cell::Time(rule.created_at),
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn shown(cells: &[Cell]) -> Vec<String> {
        cells.iter().map(Cell::shown).collect()
    }

    #[test]
    fn cents_are_exact() {
        let table = [
            (1999, "19.99"),
            (-1234, "-12.34"),
            (5, "0.05"),
            (-5, "-0.05"),
            (100, "1.00"),
            (0, "0.00"),
            (i64::MIN, "-92233720368547758.08"),
        ];
        for (cents, want) in table {
            assert_eq!(Cell::Cents(cents).shown(), want);
        }
    }

    #[test]
    fn a_pending_row_fits_its_header() {
        let row = PendingRow {
            txn_uid: Uuid::nil(),
            occurred_at: date(2025, 8, 26),
            description_norm: "starbucks".to_owned(),
            amount_cents: -1234,
        };
        let cells = row.cells("710");
        assert_eq!(cells.len(), PENDING_HEADER.len());
        assert_eq!(shown(&cells), ["2025-08-26", "starbucks", "710", "-12.34", "", "", "FALSE"]);
    }

    #[test]
    fn active_rows_stand_in_order_of_application() {
        let rule = |id: u128, applied: i64, source: &str| ActiveRule {
            rule_id: Uuid::from_u128(id),
            source: source.to_owned(),
            source_norm: source.to_owned(),
            target_sheet: "S".to_owned(),
            target_header: "H".to_owned(),
            notes: Some("n".to_owned()),
            created_at: Timestamp::from_second(1).unwrap(),
            applied_at: Timestamp::new(applied, 999).unwrap(),
            version: 7,
        };
        let rows = active_rows("710", &[rule(2, 9, "c"), rule(9, 5, "b"), rule(1, 5, "a")]);
        let sources: Vec<String> = rows.iter().map(|row| row[3].shown()).collect();
        assert_eq!(sources, ["a", "b", "c"]);
        assert_eq!(rows[0].len(), ACTIVE_HEADER.len());
        assert_eq!(
            shown(&rows[0]),
            ["7", "1970-01-01T00:00:05Z", "710", "a", "S", "H", "n", "1970-01-01T00:00:01Z"]
        );
    }
}
