//! `kylo completions`: prints a completion script for a shell

use crate::app::App;
use crate::error::{Error, Result};

/// prints a completion script for a shell
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo completions is not built yet"))
}
