//! `kylo rules`: approve the companies' rules

mod import;
pub(in crate::commands) mod view;

use crate::app::App;
use crate::error::Result;

/// approve the companies' rules
#[derive(Debug, clap::Subcommand)]
#[command(before_help = super::examples(&["kylo rules import rules.csv"]))]
pub enum Command {
    Import(import::Args),
}

/// Runs the chosen leaf.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Import(args) => import::run(app, args).await,
    }
}
