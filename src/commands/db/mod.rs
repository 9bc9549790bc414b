//! `kylo db`: migrate the databases, and show how they stand

mod migrate;
mod status;
mod view;

use crate::app::App;
use crate::error::Result;

/// migrate the databases, and show how they stand
#[derive(Debug, clap::Subcommand)]
#[command(before_help = super::examples(&["kylo db migrate", "kylo db status"]))]
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
