//! `kylo db migrate`: brings the databases to the schema this binary needs.

use super::view;
use crate::app::App;
use crate::commands::examples;
use crate::error::Result;
use crate::model::count::counted;
use crate::postgres::rollout;

/// bring the databases to the schema this binary needs
///
/// Applies what is pending to the control database and to the database of every seeded company, and creates the
/// companies' partitions. Shows the plan first; running it again changes nothing.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo db migrate", "kylo db migrate --dry-run", "kylo db migrate --yes"]))]
pub struct Args {}

/// Runs the command.
pub async fn run(app: &App, _args: Args) -> Result<()> {
    let survey = rollout::survey(&app.control_dsn()?).await?;
    for database in &survey.databases {
        app.about(&format!("{}", database.reached));
    }
    for error in &survey.failed {
        app.ui.warn(&error.to_string());
    }
    for database in &survey.databases {
        database.refuse_faults()?;
    }
    let rows: Vec<_> = survey.databases.iter().flat_map(|database| view::rows(database, true)).collect();
    app.ui.list("db.migrate", &rows)?;
    if rows.is_empty() {
        app.ui.status("nothing to do: every migration is applied");
    } else if let Some(token) =
        app.confirm_change(&format!("apply {}?", counted(rows.len(), "change", "changes"))).await?
    {
        for database in &survey.databases {
            let applied = rollout::migrate(database, &token).await?;
            let mut done =
                format!("{}: {} applied", database.dsn, counted(applied.len(), "migration", "migrations"));
            if !database.homes.is_empty() {
                let companies = counted(database.homes.len(), "company", "companies");
                done.push_str(&format!(", partitions of {companies} created"));
            }
            app.ui.status(&done);
        }
    }
    match survey.failed.into_iter().next() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
