//! `kylo dlq`: dead letters: look, and send back

mod list;
mod replay;
mod show;
mod view;

use crate::app::App;
use crate::error::Result;

/// dead letters: look, and send back
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    #[command(alias = "ls")]
    List(list::Args),
    Show(show::Args),
    Replay(replay::Args),
}

/// Runs the chosen leaf.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::List(args) => list::run(app, args).await,
        Command::Show(args) => show::run(app, args).await,
        Command::Replay(args) => replay::run(app, args).await,
    }
}
