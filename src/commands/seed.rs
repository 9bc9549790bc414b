//! `kylo seed`: brings the companies of a file into the database

use crate::app::App;
use crate::error::{Error, Result};

/// brings the companies of a file into the database
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo seed is not built yet"))
}
