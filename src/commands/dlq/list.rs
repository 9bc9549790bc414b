//! `kylo dlq list`: lists dead letters

use crate::app::App;
use crate::error::{Error, Result};

/// lists dead letters
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo dlq list is not built yet"))
}
