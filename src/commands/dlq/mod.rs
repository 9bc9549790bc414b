//! `kylo dlq`: look at dead letters, and send them back

mod list;
mod replay;
mod show;
mod view;

use crate::app::App;
use crate::error::Result;

/// look at dead letters, and send them back
#[derive(Debug, clap::Subcommand)]
#[command(before_help = super::examples(&["kylo dlq list", "kylo dlq replay --max-retries 3"]))]
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
