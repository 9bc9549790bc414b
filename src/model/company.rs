//! A company's configuration, and what seeding would change.

use crate::model::secret::Secret;
use std::collections::{BTreeMap, BTreeSet};

/// Where a company's rows and tabs are; a row of control.company_config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyConfig {
    /// The key of its messages, at most 50 characters.
    pub company_id: String,
    /// The database that holds its rows.
    pub db_dsn_rw: Secret<String>,
    /// The schema there that holds its partitions, at most 50 characters.
    pub db_schema: String,
    /// Its workbook, at most 100 characters.
    pub spreadsheet_id: String,
    /// The tab for what no rule matches.
    pub tab_pending: String,
    /// The tab that shows the rules in force.
    pub tab_active: String,
}

/// What seeding does to one company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompanyChange {
    /// It is new.
    Insert(CompanyConfig),
    /// It differs, in the columns named.
    Update(CompanyConfig, Vec<&'static str>),
    /// It is as the file says.
    Unchanged(String),
    /// The file lacks it, and it goes (`--prune`).
    Remove(String),
    /// The file lacks it, and it stays: it has data.
    KeepWithData(String),
    /// The file lacks it, and nobody asked to remove it.
    KeepUnlisted(String),
}

impl CompanyChange {
    /// The company it is about.
    pub fn company_id(&self) -> &str {
        match self {
            CompanyChange::Insert(config) | CompanyChange::Update(config, _) => &config.company_id,
            CompanyChange::Unchanged(id)
            | CompanyChange::Remove(id)
            | CompanyChange::KeepWithData(id)
            | CompanyChange::KeepUnlisted(id) => id,
        }
    }
    /// The word in tables.
    pub fn word(&self) -> &'static str {
        match self {
            CompanyChange::Insert(_) => "insert",
            CompanyChange::Update(..) => "update",
            CompanyChange::Unchanged(_) => "unchanged",
            CompanyChange::Remove(_) => "remove",
            CompanyChange::KeepWithData(_) => "keep: it has data",
            CompanyChange::KeepUnlisted(_) => "keep: not in the file",
        }
    }
    /// True when the table would be written.
    pub fn is_write(&self) -> bool {
        matches!(self, CompanyChange::Insert(_) | CompanyChange::Update(..) | CompanyChange::Remove(_))
    }
}

/// Companies of the table that the file lacks.
pub fn unlisted<'a>(file: &[CompanyConfig], table: &'a [CompanyConfig]) -> Vec<&'a CompanyConfig> {
    table.iter().filter(|row| file.iter().all(|config| config.company_id != row.company_id)).collect()
}

/// The difference between file and table, ordered by company. With `prune`, what the file lacks is removed
/// unless it is in `with_data`.
pub fn plan(
    file: &[CompanyConfig],
    table: &[CompanyConfig],
    prune: bool,
    with_data: &BTreeSet<String>,
) -> Vec<CompanyChange> {
    let rows: BTreeMap<&str, &CompanyConfig> =
        table.iter().map(|row| (row.company_id.as_str(), row)).collect();
    let mut changes: Vec<CompanyChange> = file
        .iter()
        .map(|config| match rows.get(config.company_id.as_str()) {
            None => CompanyChange::Insert(config.clone()),
            Some(row) => match differences(config, row) {
                columns if columns.is_empty() => CompanyChange::Unchanged(config.company_id.clone()),
                columns => CompanyChange::Update(config.clone(), columns),
            },
        })
        .collect();
    changes.extend(unlisted(file, table).into_iter().map(|row| {
        let id = row.company_id.clone();
        match (prune, with_data.contains(&id)) {
            (false, _) => CompanyChange::KeepUnlisted(id),
            (true, true) => CompanyChange::KeepWithData(id),
            (true, false) => CompanyChange::Remove(id),
        }
    }));
    changes.sort_by(|a, b| a.company_id().cmp(b.company_id()));
    changes
}

fn differences(config: &CompanyConfig, row: &CompanyConfig) -> Vec<&'static str> {
    let columns = [
        ("db_dsn_rw", config.db_dsn_rw == row.db_dsn_rw),
        ("db_schema", config.db_schema == row.db_schema),
        ("spreadsheet_id", config.spreadsheet_id == row.spreadsheet_id),
        ("tab_pending", config.tab_pending == row.tab_pending),
        ("tab_active", config.tab_active == row.tab_active),
    ];
    columns.into_iter().filter(|(_, equal)| !equal).map(|(name, _)| name).collect()
}

/// What two companies must not share: a tab of a workbook (each would post over the other), or a schema of a
/// database (their partitions have the same names). One line for each clash.
pub fn clashes(companies: &[&CompanyConfig]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut tabs: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut schemas: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for config in companies {
        let id = config.company_id.as_str();
        for tab in [&config.tab_pending, &config.tab_active] {
            match tabs.insert((&config.spreadsheet_id, tab), id) {
                Some(other) if other == id => {
                    faults.push(format!("company {id}: tab_pending and tab_active are the same tab {tab:?}"))
                }
                Some(other) => faults.push(format!(
                    "companies {other} and {id} share the tab {tab:?} of spreadsheet {}",
                    config.spreadsheet_id
                )),
                None => {}
            }
        }
        if let Some(other) = schemas.insert((config.db_dsn_rw.expose(), &config.db_schema), id) {
            faults.push(format!(
                "companies {other} and {id} share the schema {} of one database",
                config.db_schema
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company(id: &str) -> CompanyConfig {
        CompanyConfig {
            company_id: id.into(),
            db_dsn_rw: Secret::new("postgres://db/ledger".into()),
            db_schema: format!("app_{id}"),
            spreadsheet_id: format!("book-{id}"),
            tab_pending: "Pending".into(),
            tab_active: "Active".into(),
        }
    }

    #[test]
    fn plans_every_kind_of_change() {
        let mut moved = company("2");
        moved.db_dsn_rw = Secret::new("postgres://other/ledger".into());
        moved.tab_active = "Rules".into();
        let file = [company("3"), company("1"), moved.clone()];
        let table = [company("1"), company("2"), company("8"), company("9")];
        let with_data = BTreeSet::from(["9".to_owned()]);
        use CompanyChange::*;
        let same =
            vec![Unchanged("1".into()), Update(moved, vec!["db_dsn_rw", "tab_active"]), Insert(company("3"))];
        let expected = [same.clone(), vec![Remove("8".into()), KeepWithData("9".into())]].concat();
        assert_eq!(plan(&file, &table, true, &with_data), expected);
        let expected = [same, vec![KeepUnlisted("8".into()), KeepUnlisted("9".into())]].concat();
        assert_eq!(plan(&file, &table, false, &with_data), expected);
    }

    #[test]
    fn names_what_two_companies_share() {
        let (one, mut two, mut three) = (company("1"), company("2"), company("3"));
        assert!(clashes(&[&one, &two, &three]).is_empty());
        two.spreadsheet_id = one.spreadsheet_id.clone();
        two.tab_pending = one.tab_active.clone();
        two.tab_active = "x".into();
        three.tab_active = three.tab_pending.clone();
        three.db_schema = one.db_schema.clone();
        let faults = clashes(&[&one, &two, &three]);
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("companies 1 and 2 share the tab"));
        assert!(faults[1].contains("company 3: tab_pending and tab_active"));
        assert!(faults[2].contains("companies 1 and 3 share the schema"));
    }
}
