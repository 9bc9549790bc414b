//! `kylo topics create`: creates the topics a pipeline declares, or named ones

use crate::app::App;
use crate::error::{Error, Result};

/// creates the topics a pipeline declares, or named ones
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo topics create is not built yet"))
}
