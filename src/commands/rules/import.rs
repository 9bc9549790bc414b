//! `kylo rules import`: imports approved rules from a CSV file

use crate::app::App;
use crate::error::{Error, Result};

/// imports approved rules from a CSV file
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo rules import is not built yet"))
}
