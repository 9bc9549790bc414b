//! The commands: one leaf command, one file. A leaf has its arguments (`Args`) and its story (`run`).

mod completions;
mod consume;
mod db;
mod demo;
mod dlq;
mod groups;
mod help;
mod init;
mod rules;
mod seed;
mod send;
mod topics;

use crate::app::App;
use crate::error::Result;

/// What kylo can do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Demo(demo::Args),
    Init(init::Args),
    #[command(subcommand, visible_alias = "topic")]
    Topics(topics::Command),
    #[command(subcommand, visible_alias = "group")]
    Groups(groups::Command),
    #[command(subcommand)]
    Dlq(dlq::Command),
    #[command(subcommand)]
    Db(db::Command),
    Seed(seed::Args),
    #[command(subcommand)]
    Rules(rules::Command),
    #[command(subcommand)]
    Send(send::Command),
    Consume(consume::Args),
    Completions(completions::Args),
    Help(help::Args),
}

impl Command {
    /// True when the first signal lets the command finish what it has in hand; the others end at once, with 130.
    pub fn drains(&self) -> bool {
        matches!(self, Command::Demo(_) | Command::Consume(_) | Command::Dlq(dlq::Command::Replay(_)))
    }
}

/// The examples that open a command's `--help`; for `#[command(before_help = examples(&[...]))]`.
pub fn examples(lines: &[&str]) -> String {
    format!("Examples:\n  {}", lines.join("\n  "))
}

/// Runs the chosen command.
pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Demo(args) => demo::run(app, args).await,
        Command::Init(args) => init::run(app, args).await,
        Command::Topics(command) => topics::run(app, command).await,
        Command::Groups(command) => groups::run(app, command).await,
        Command::Dlq(command) => dlq::run(app, command).await,
        Command::Db(command) => db::run(app, command).await,
        Command::Seed(args) => seed::run(app, args).await,
        Command::Rules(command) => rules::run(app, command).await,
        Command::Send(command) => send::run(app, command).await,
        Command::Consume(args) => consume::run(app, args).await,
        Command::Completions(args) => completions::run(app, args).await,
        Command::Help(args) => help::run(app, args).await,
    }
}
