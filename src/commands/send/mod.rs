//! `kylo send`: publishes test and real payloads

mod promote;
mod txns;
mod view;

use crate::app::App;
use crate::error::Result;

/// publishes test and real payloads
#[derive(Debug, clap::Subcommand)]
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
