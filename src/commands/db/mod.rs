//! `kylo db`: the database's schema

mod migrate;
mod status;
mod view;

use crate::app::App;
use crate::error::Result;

/// the database's schema
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Migrate(migrate::Args),
    Status(status::Args),
}

/// Runs the chosen leaf.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Migrate(args) => migrate::run(app, args).await,
        Command::Status(args) => status::run(app, args).await,
    }
}
