//! `kylo rules`: the companies' rules

mod import;
pub(in crate::commands) mod view;

use crate::app::App;
use crate::error::Result;

/// the companies' rules
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Import(import::Args),
}

/// Runs the chosen leaf.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Import(args) => import::run(app, args).await,
    }
}
