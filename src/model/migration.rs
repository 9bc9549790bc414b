//! Migrations as values: what a binary declares against what a database says was applied.

use serde::Serialize;

/// Which tables a set of migrations makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MigrationSet {
    /// What belongs to the whole bus; applied once, on the control database.
    Control,
    /// A company's rows; applied on every database that holds a company, and on the control database.
    Company,
}

impl MigrationSet {
    /// `control` or `company`
    pub fn as_str(self) -> &'static str {
        match self {
            MigrationSet::Control => "control",
            MigrationSet::Company => "company",
        }
    }
    /// The schema its history lives in.
    pub fn history_schema(self) -> &'static str {
        match self {
            MigrationSet::Control => "control",
            MigrationSet::Company => "app",
        }
    }
}

/// A migration this binary carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The number its file name begins with.
    pub version: i32,
    /// File name in db/ddl.
    pub file: String,
    /// Over name, version and text.
    pub checksum: u64,
}

/// A migration a database remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub version: i32,
    /// Its name without number, as `control_sheet_posts`.
    pub name: String,
    /// What was computed when it was applied.
    pub checksum: String,
    /// RFC 3339.
    pub applied_on: String,
}

/// How a migration stands in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MigrationState {
    /// Applied, and equal to what this binary carries.
    Applied,
    /// To be applied.
    Pending,
    /// Applied from a text that differs from this binary's.
    Changed,
    /// Applied, and unknown to this binary: a newer kylo was here.
    Missing,
    /// Not applied although a later one was.
    Skipped,
}

impl MigrationState {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            MigrationState::Applied => "applied",
            MigrationState::Pending => "pending",
            MigrationState::Changed => "changed",
            MigrationState::Missing => "missing",
            MigrationState::Skipped => "skipped",
        }
    }
    /// True when migrating cannot mend it.
    pub fn is_fault(self) -> bool {
        matches!(self, MigrationState::Changed | MigrationState::Missing | MigrationState::Skipped)
    }
}

/// One migration and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStep {
    /// Its number.
    pub version: i32,
    /// File name; for an unknown one what its name would be.
    pub file: String,
    /// How it stands.
    pub state: MigrationState,
    /// When it was applied, RFC 3339.
    pub applied_on: Option<String>,
}

/// Compares, ordered by number. Neither list needs to be sorted.
pub fn compare(declared: &[Declared], applied: &[Applied]) -> Vec<MigrationStep> {
    let newest = applied.iter().map(|found| found.version).max();
    let mut steps: Vec<MigrationStep> = declared
        .iter()
        .map(|file| {
            let found = applied.iter().find(|found| found.version == file.version);
            let state = match found {
                Some(found) if found.checksum == file.checksum.to_string() => MigrationState::Applied,
                Some(_) => MigrationState::Changed,
                None if newest.is_some_and(|newest| newest > file.version) => MigrationState::Skipped,
                None => MigrationState::Pending,
            };
            let applied_on = found.map(|found| found.applied_on.clone());
            MigrationStep { version: file.version, file: file.file.clone(), state, applied_on }
        })
        .collect();
    let unknown = applied.iter().filter(|found| declared.iter().all(|file| file.version != found.version));
    steps.extend(unknown.map(|found| MigrationStep {
        version: found.version,
        file: format!("{:04}_{}.sql", found.version, found.name),
        state: MigrationState::Missing,
        applied_on: Some(found.applied_on.clone()),
    }));
    steps.sort_by_key(|step| step.version);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(version: i32) -> Declared {
        Declared { version, file: format!("{version:04}_x.sql"), checksum: version as u64 * 10 }
    }
    fn applied(version: i32, checksum: u64) -> Applied {
        Applied { version, name: "x".into(), checksum: checksum.to_string(), applied_on: "t".into() }
    }

    #[test]
    fn each_state() {
        use MigrationState::{Changed, Missing, Pending, Skipped};
        const DONE: MigrationState = MigrationState::Applied;
        type Case = (Vec<Declared>, Vec<Applied>, Vec<(i32, MigrationState)>);
        let table: Vec<Case> = vec![
            (vec![], vec![], vec![]),
            (vec![declared(2), declared(1)], vec![], vec![(1, Pending), (2, Pending)]),
            (vec![declared(1), declared(2)], vec![applied(1, 10)], vec![(1, DONE), (2, Pending)]),
            (vec![declared(1)], vec![applied(1, 11)], vec![(1, Changed)]),
            (vec![declared(1)], vec![applied(1, 10), applied(2, 20)], vec![(1, DONE), (2, Missing)]),
            (vec![declared(1), declared(2)], vec![applied(2, 20)], vec![(1, Skipped), (2, DONE)]),
        ];
        for (files, history, expected) in table {
            let seen: Vec<_> =
                compare(&files, &history).into_iter().map(|step| (step.version, step.state)).collect();
            assert_eq!(seen, expected);
        }
    }
}
