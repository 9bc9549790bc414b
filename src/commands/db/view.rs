//! What the commands of `kylo db` show.

use crate::model::migration::MigrationState;
use crate::postgres::rollout::DatabasePlan;
use crate::ui::{Column, Row};
use serde::Serialize;

/// One migration, or one company's partitions, on one database.
#[derive(Debug, Serialize)]
pub struct SchemaRow {
    /// Host, database and user.
    pub database: String,
    /// `control`, `company` or `partitions`.
    pub set: &'static str,
    /// The file, or the company and its schema.
    pub name: String,
    /// `applied`, `pending`, `changed`, `missing` or `skipped`.
    pub state: &'static str,
    /// When, RFC 3339.
    pub applied_on: Option<String>,
}

impl Row for SchemaRow {
    const COLUMNS: &'static [Column] = &[
        Column::text("DATABASE"),
        Column::text("SET"),
        Column::text("NAME"),
        Column::text("STATE"),
        Column::text("APPLIED"),
    ];
    fn cells(&self) -> Vec<String> {
        let applied = self.applied_on.as_deref().map_or("-", |on| on.split('.').next().unwrap_or(on));
        vec![
            self.database.clone(),
            self.set.to_owned(),
            self.name.clone(),
            self.state.to_owned(),
            applied.to_owned(),
        ]
    }
}

/// The rows of `plan`: all migrations, or with `open_only` those that are not simply applied.
pub fn rows(plan: &DatabasePlan, open_only: bool) -> Vec<SchemaRow> {
    let database = plan.dsn.display().to_owned();
    let migrations = plan.sets.iter().flat_map(|(set, steps)| steps.iter().map(move |step| (set, step)));
    let mut rows: Vec<SchemaRow> = migrations
        .filter(|(_, step)| !open_only || step.state != MigrationState::Applied)
        .map(|(set, step)| SchemaRow {
            database: database.clone(),
            set: set.as_str(),
            name: step.file.clone(),
            state: step.state.as_str(),
            applied_on: step.applied_on.clone(),
        })
        .collect();
    rows.extend(plan.homes.iter().map(|home| SchemaRow {
        database: database.clone(),
        set: "partitions",
        name: format!("company {} in schema {}", home.company_id, home.schema),
        state: "pending",
        applied_on: None,
    }));
    rows
}
