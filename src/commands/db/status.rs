//! `kylo db status`: shows which migrations are applied.

use super::view;
use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::postgres::rollout;

/// show which migrations are applied
///
/// Exits 7 when something is pending, changed, missing or skipped.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo db status", "kylo db status -o json"]))]
pub struct Args {}

/// Runs the command.
pub async fn run(app: &App, _args: Args) -> Result<()> {
    let survey = rollout::survey(&app.control_dsn()?).await?;
    for database in &survey.databases {
        app.ui.status(&format!("reached {}", database.reached));
    }
    for error in &survey.failed {
        app.ui.warn(&error.to_string());
    }
    let rows: Vec<_> = survey.databases.iter().flat_map(|database| view::rows(database, false)).collect();
    app.ui.list("db.status", &rows)?;
    for database in &survey.databases {
        database.refuse_faults()?;
    }
    if let Some(error) = survey.failed.into_iter().next() {
        return Err(error.into());
    }
    match survey.databases.iter().filter(|database| !database.is_current()).count() {
        0 => Ok(()),
        behind => Err(Error::check(format!("{behind} of {} databases are behind", survey.databases.len()))
            .hint("kylo db migrate")),
    }
}
