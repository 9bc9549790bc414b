//! `kylo seed`: brings the companies of a file into the database.

use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::model::company::{CompanyChange, CompanyConfig};
use crate::model::company_file;
use crate::model::count::counted;
use crate::postgres::rollout::{self, Fault, SeedPlan};
use crate::ui::{Column, Row};
use serde::Serialize;
use std::path::PathBuf;

/// bring the companies of a file into the database
///
/// The file holds a [[company]] table for each; ${NAME} is taken from the environment. Shows the difference to the
/// table first; running it again changes nothing.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo seed companies.toml", "kylo seed companies.toml --dry-run", "kylo seed companies.toml --prune --yes"]))]
pub struct Args {
    /// The companies' file
    #[arg(value_name = "FILE", default_value = "companies.toml")]
    file: PathBuf,
    /// Remove companies that the file lacks, never one that has data
    #[arg(long)]
    prune: bool,
}

#[derive(Debug, Serialize)]
struct ChangeRow {
    company_id: String,
    change: &'static str,
    columns: Vec<&'static str>,
}

impl Row for ChangeRow {
    const COLUMNS: &'static [Column] =
        &[Column::text("COMPANY"), Column::text("CHANGE"), Column::text("COLUMNS")];
    fn cells(&self) -> Vec<String> {
        vec![self.company_id.clone(), self.change.to_owned(), self.columns.join(",")]
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let file = read(app, &args.file)?;
    let (control, pools) = (app.control_dsn()?, app.pools());
    let plan = rollout::plan_seed(pools, &control, &file, args.prune)
        .await
        .map_err(|faults| refused(&args.file, faults))?;
    app.about(&format!("{}", pools.get(&control).await?.reached().await?));
    for database in plan.databases.iter().filter(|database| database.dsn != control) {
        app.about(&format!("{}", database.reached));
    }
    show(app, &plan)?;
    if plan.is_empty() {
        app.ui.status(&format!("nothing to do: {}", summary(&plan)));
        return Ok(());
    }
    if let Some(token) = app.confirm_change(&question(&plan)).await? {
        rollout::seed(pools, &plan, &token).await?;
        app.ui.status(&summary(&plan));
    }
    Ok(())
}

fn read(app: &App, path: &PathBuf) -> Result<Vec<CompanyConfig>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("reading {}", path.display()))
            .source(&error)
            .hint("kylo seed FILE; `kylo init` writes one to start from")
    })?;
    let lookup = |name: &str| {
        // The database that kylo itself was given has this name in every companies file.
        let own = || match name {
            "PG_DSN_RW" => app.settings.database_url().ok().map(|found| found.expose().clone()),
            _ => None,
        };
        app.settings.environment(name).or_else(own)
    };
    company_file::parse(&text, lookup).map_err(|faults| {
        let error = Error::usage(format!("{} cannot be used", path.display()));
        faults.into_iter().fold(error, Error::cause)
    })
}

/// All faults as one error; its kind is that of the first.
fn refused(path: &std::path::Path, faults: Vec<Fault>) -> Error {
    let mut shown: Option<Error> = None;
    for fault in faults {
        let error = match fault {
            Fault::Database(error) => Error::from(error),
            Fault::Clash(text) => Error::usage(text),
        };
        shown = Some(match shown {
            None => error.context(format!("nothing of {} was seeded", path.display())),
            Some(first) => first.cause(error.to_string()),
        });
    }
    shown.unwrap_or_else(|| Error::failed("seeding failed"))
}

fn show(app: &App, plan: &SeedPlan) -> Result<()> {
    let rows: Vec<ChangeRow> = plan
        .changes
        .iter()
        .map(|change| ChangeRow {
            company_id: change.company_id().to_owned(),
            change: change.word(),
            columns: match change {
                CompanyChange::Update(_, columns) => columns.clone(),
                _ => Vec::new(),
            },
        })
        .collect();
    app.ui.list("seed", &rows)?;
    for database in &plan.databases {
        if database.pending() > 0 {
            app.ui.status(&format!(
                "{}: pending: {}",
                database.dsn,
                counted(database.pending(), "migration", "migrations")
            ));
        }
        for home in &database.homes {
            app.ui.status(&format!(
                "{}: partitions of company {} in schema {}",
                database.dsn, home.company_id, home.schema
            ));
        }
    }
    Ok(())
}

fn counts(plan: &SeedPlan) -> [usize; 4] {
    let count = |wanted: fn(&CompanyChange) -> bool| plan.changes.iter().filter(|c| wanted(c)).count();
    [
        count(|change| matches!(change, CompanyChange::Insert(_))),
        count(|change| matches!(change, CompanyChange::Update(..))),
        count(|change| matches!(change, CompanyChange::Unchanged(_))),
        count(|change| matches!(change, CompanyChange::Remove(_))),
    ]
}

/// What will be done, without what will not.
fn question(plan: &SeedPlan) -> String {
    let [inserted, updated, _, removed] = counts(plan);
    let migrations: usize = plan.databases.iter().map(|database| database.pending()).sum();
    let homes: usize = plan.databases.iter().map(|database| database.homes.len()).sum();
    let parts = [
        ("apply", migrations, ["migration", "migrations"]),
        ("insert", inserted, ["company", "companies"]),
        ("update", updated, ["company", "companies"]),
        ("remove", removed, ["company", "companies"]),
        ("create the partitions of", homes, ["company", "companies"]),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(verb, count, [one, many])| format!("{verb} {}", counted(count, one, many)))
        .collect();
    match parts.is_empty() {
        true => "go on?".to_owned(),
        false => format!("{}?", parts.join(", ")),
    }
}

fn summary(plan: &SeedPlan) -> String {
    let [inserted, updated, unchanged, removed] = counts(plan);
    let removed = match removed {
        0 => String::new(),
        _ => format!(", {removed} removed"),
    };
    format!("{inserted} inserted, {updated} updated, {unchanged} unchanged{removed}")
}
