//! `kylo dlq replay`: sends dead letters back to where they came from

use crate::app::App;
use crate::error::{Error, Result};

/// sends dead letters back to where they came from
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo dlq replay is not built yet"))
}
