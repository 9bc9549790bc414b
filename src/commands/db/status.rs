//! `kylo db status`: shows which migrations are applied

use crate::app::App;
use crate::error::{Error, Result};

/// shows which migrations are applied
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo db status is not built yet"))
}
