//! `kylo groups`: look at consumer groups and their lag

mod describe;
mod list;

use crate::app::App;
use crate::error::Result;

/// look at consumer groups and their lag
#[derive(Debug, clap::Subcommand)]
#[command(before_help = super::examples(&["kylo groups list", "kylo groups describe kylo-workers-txns"]))]
pub enum Command {
    #[command(alias = "ls")]
    List(list::Args),
    Describe(describe::Args),
}

/// Runs the chosen leaf.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::List(args) => list::run(app, args).await,
        Command::Describe(args) => describe::run(app, args).await,
    }
}
