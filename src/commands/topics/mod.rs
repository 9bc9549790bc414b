//! `kylo topics`: create topics, look at them, write to them

mod create;
mod describe;
mod list;
mod produce;
mod view;

use crate::app::App;
use crate::error::Result;

/// create topics, look at them, write to them
#[derive(Debug, clap::Subcommand)]
#[command(before_help = super::examples(&["kylo topics create --pipeline ledger", "kylo topics list", "kylo topics describe txns.company.batches"]))]
pub enum Command {
    Create(create::Args),
    #[command(alias = "ls")]
    List(list::Args),
    Describe(describe::Args),
    Produce(produce::Args),
}

/// Runs the chosen leaf.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Create(args) => create::run(app, args).await,
        Command::List(args) => list::run(app, args).await,
        Command::Describe(args) => describe::run(app, args).await,
        Command::Produce(args) => produce::run(app, args).await,
    }
}
