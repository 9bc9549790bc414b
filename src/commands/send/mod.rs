//! `kylo send`: publish test and real payloads

mod promote;
mod txns;
mod view;

use crate::app::App;
use crate::error::Result;

/// publish test and real payloads
#[derive(Debug, clap::Subcommand)]
#[command(before_help = super::examples(&["kylo send txns examples/payloads/three-transactions.json", "kylo send promote --company 710"]))]
pub enum Command {
    Txns(txns::Args),
    Promote(promote::Args),
}

/// Runs the chosen leaf.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Txns(args) => txns::run(app, args).await,
        Command::Promote(args) => promote::run(app, args).await,
    }
}
