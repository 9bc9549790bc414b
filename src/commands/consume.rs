//! `kylo consume`: runs built-in consumers

use crate::app::App;
use crate::error::{Error, Result};

/// runs built-in consumers
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo consume is not built yet"))
}
