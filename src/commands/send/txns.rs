//! `kylo send txns`: publishes bank transactions

use crate::app::App;
use crate::error::{Error, Result};

/// publishes bank transactions
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo send txns is not built yet"))
}
