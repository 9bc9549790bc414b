//! companies.toml: `[[company]]` tables, `${NAME}` from the environment, every fault found at once.

use crate::model::company::{CompanyConfig, clashes};
use crate::model::secret::Secret;
use crate::model::suggest::{did_you_mean, nearest};
use std::collections::BTreeSet;
use toml::Value;

/// The columns, in the table's order, with the most characters each may have; 0 is no limit.
const COLUMNS: [(&str, usize); 6] = [
    ("company_id", 50),
    ("db_dsn_rw", 0),
    ("db_schema", 50),
    ("spreadsheet_id", 100),
    ("tab_pending", 100),
    ("tab_active", 100),
];

/// Schemas that belong to somebody else.
const RESERVED: [&str; 4] = ["app", "control", "public", "information_schema"];

/// Reads `text`; `environment` gives the value of a name, or nothing. All faults are returned, one line each; none of
/// them shows a value that came from the environment.
pub fn parse(
    text: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<CompanyConfig>, Vec<String>> {
    let document: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The parser's own text quotes the line, which may hold a password.
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        vec![format!("line {line}: {}", error.message())]
    })?;
    let mut faults = Vec::new();
    for key in document.keys().filter(|key| *key != "company") {
        faults.push(format!("unknown key {key}: companies are written as [[company]] tables"));
    }
    let empty = Vec::new();
    let tables = match document.get("company") {
        Some(Value::Array(tables)) => tables,
        Some(_) => {
            faults.push("company must be written as [[company]]".to_owned());
            &empty
        }
        None => {
            faults.push("the file has no [[company]] table".to_owned());
            &empty
        }
    };
    let mut companies = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, table) in tables.iter().enumerate() {
        let Value::Table(table) = table else {
            faults.push(format!("[[company]] number {}: not a table", index + 1));
            continue;
        };
        let name = match table.get("company_id").and_then(Value::as_str) {
            Some(id) => format!("company {id}"),
            None => format!("[[company]] number {}", index + 1),
        };
        let before = faults.len();
        let config = company(table, &name, &environment, &mut faults);
        if faults.len() > before {
            continue;
        }
        if !ids.insert(config.company_id.clone()) {
            faults.push(format!("{name} is there twice"));
        }
        companies.push(config);
    }
    if faults.is_empty() {
        faults = clashes(&companies.iter().collect::<Vec<_>>());
    }
    match faults.is_empty() {
        true => Ok(companies),
        false => Err(faults),
    }
}

fn company(
    table: &toml::Table,
    name: &str,
    environment: &impl Fn(&str) -> Option<String>,
    faults: &mut Vec<String>,
) -> CompanyConfig {
    for key in table.keys().filter(|key| COLUMNS.iter().all(|(column, _)| column != key)) {
        faults.push(match nearest(key, COLUMNS.iter().map(|(column, _)| *column)) {
            Some(near) => format!("{name}: unknown key {key}, {}", did_you_mean(near)),
            None => format!("{name}: unknown key {key}"),
        });
    }
    let mut values = COLUMNS.iter().map(|(column, limit)| {
        let text = match table.get(*column) {
            Some(Value::String(text)) => text.as_str(),
            Some(_) => {
                faults.push(format!("{name}: {column} must be a text in quotes"));
                return String::new();
            }
            None => {
                faults.push(format!("{name}: {column} is missing"));
                return String::new();
            }
        };
        match expand(text, environment) {
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| format!("{name}: {column}: {fault}")));
                String::new()
            }
            Ok(value) => {
                faults.extend(
                    value_fault(column, *limit, &value).map(|fault| format!("{name}: {column} {fault}")),
                );
                value
            }
        }
    });
    let mut next = || values.next().unwrap_or_default();
    CompanyConfig {
        company_id: next(),
        db_dsn_rw: Secret::new(next()),
        db_schema: next(),
        spreadsheet_id: next(),
        tab_pending: next(),
        tab_active: next(),
    }
}

/// Replaces every `${NAME}`; a name that is not set and a placeholder left as `<LIKE_THIS>` are faults.
fn expand(text: &str, environment: &impl Fn(&str) -> Option<String>) -> Result<String, Vec<String>> {
    let mut value = String::new();
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        value.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            faults.push("${ without }".to_owned());
            rest = "";
            break;
        };
        let name = &rest[at + 2..at + end];
        match environment(name).filter(|found| !found.is_empty()) {
            Some(found) => value.push_str(&found),
            None => faults.push(format!("${{{name}}} is not set in the environment")),
        }
        rest = &rest[at + end + 1..];
    }
    value.push_str(rest);
    if let Some(placeholder) = placeholder(&value) {
        faults.push(format!("the placeholder {placeholder} was not replaced"));
    }
    match faults.is_empty() {
        true => Ok(value),
        false => Err(faults),
    }
}

fn placeholder(value: &str) -> Option<&str> {
    let start = value.find('<')?;
    let end = start + value[start..].find('>')? + 1;
    let inner = &value[start + 1..end - 1];
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    match !inner.is_empty() && inner.chars().all(is_name) {
        true => Some(&value[start..end]),
        false => placeholder(&value[start + 1..]),
    }
}

fn value_fault(column: &str, limit: usize, value: &str) -> Option<String> {
    if value.trim().is_empty() {
        return Some("is empty".to_owned());
    }
    if limit > 0 && value.chars().count() > limit {
        return Some(format!("has more than {limit} characters"));
    }
    if value.chars().any(char::is_control) {
        return Some("holds a control character".to_owned());
    }
    match column {
        "company_id" if value.chars().any(|c| c.is_whitespace() || matches!(c, '\'' | '"' | '\\' | '|')) => {
            Some("holds a space, a quote, a backslash or a bar".to_owned())
        }
        "db_schema" => {
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let starts_well = value.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
            if !starts_well || !value.chars().all(word) {
                return Some(
                    "must be lower-case letters, digits and _, not beginning with a digit".to_owned(),
                );
            }
            match RESERVED.contains(&value) || value.starts_with("pg_") {
                true => Some("must be a schema of the company's own".to_owned()),
                false => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "PG_DSN_RW" => Some("postgres://u:s3cret@h/d".to_owned()),
            "EMPTY" => Some(String::new()),
            "LONG" => Some("s3cret".repeat(20)),
            _ => None,
        }
    }
    fn table(id: &str, more: &str) -> String {
        let lines = [
            format!("company_id = \"{id}\""),
            "db_dsn_rw = \"${PG_DSN_RW}?sslmode=disable\"".to_owned(),
            format!("db_schema = \"app_{id}\""),
            format!("spreadsheet_id = \"book-{id}\""),
            "tab_pending = \"Pending\"".to_owned(),
            "tab_active = \"Active\"".to_owned(),
        ];
        let overridden = |line: &&String| {
            let key = line.split(' ').next().unwrap_or_default();
            more.lines().all(|other| !other.starts_with(key))
        };
        let kept: Vec<&str> = lines.iter().filter(overridden).map(String::as_str).collect();
        format!("[[company]]\n{}\n{more}\n", kept.join("\n"))
    }

    #[test]
    fn the_example_is_read() {
        let companies = parse(include_str!("../../examples/companies.toml"), environment).unwrap();
        let ids: Vec<_> = companies.iter().map(|config| config.company_id.as_str()).collect();
        assert_eq!(ids, ["710", "711"]);
        assert_eq!(companies[0].db_dsn_rw.expose(), "postgres://u:s3cret@h/d");
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let text = table("1", "spreadsheet_id = \"<SHEET_ID_710>\"\ntab_pending = \"${NOPE} ${EMPTY}\"")
            + &table("2", "tab_active = 5\ntab_pendng = \"x\"")
            + &table("3", "db_schema = \"pg_x\"\ntab_active = \"${LONG}\"")
            + "[other]\n";
        let faults = parse(&text, environment).unwrap_err();
        let expected = [
            "unknown key other: companies are written as [[company]] tables",
            "company 1: spreadsheet_id: the placeholder <SHEET_ID_710> was not replaced",
            "company 1: tab_pending: ${NOPE} is not set in the environment",
            "company 1: tab_pending: ${EMPTY} is not set in the environment",
            "company 2: unknown key tab_pendng, did you mean `tab_pending`?",
            "company 2: tab_active must be a text in quotes",
            "company 3: db_schema must be a schema of the company's own",
            "company 3: tab_active has more than 100 characters",
        ];
        assert_eq!(faults, expected);
        assert!(!faults.join(" ").contains("s3cret"));
    }

    #[test]
    fn duplicates_and_clashes() {
        let twice = parse(&(table("1", "") + &table("1", "")), environment).unwrap_err();
        assert_eq!(twice, ["company 1 is there twice"]);
        let shared = table("1", "") + &table("2", "spreadsheet_id = \"book-1\"\ntab_pending = \"x\"");
        let faults = parse(&shared, environment).unwrap_err();
        assert_eq!(faults, ["companies 1 and 2 share the tab \"Active\" of spreadsheet book-1"]);
    }

    #[test]
    fn a_syntax_error_names_the_line_and_quotes_nothing() {
        let faults = parse("[[company]]\ndb_dsn_rw = \"postgres://u:s3cret@h\n", environment).unwrap_err();
        assert!(faults[0].starts_with("line 2: "), "{faults:?}");
        assert!(!faults[0].contains("s3cret"));
        assert_eq!(parse("", environment).unwrap_err(), ["the file has no [[company]] table"]);
    }
}
