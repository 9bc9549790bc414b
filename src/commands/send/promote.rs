//! `kylo send promote`: asks for approved rules to be promoted

use crate::app::App;
use crate::error::{Error, Result};

/// asks for approved rules to be promoted
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo send promote is not built yet"))
}
