//! `kylo dlq show`: shows one dead letter whole

use crate::app::App;
use crate::error::{Error, Result};

/// shows one dead letter whole
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo dlq show is not built yet"))
}
