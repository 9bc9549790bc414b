//! `kylo topics list`: lists topics

use crate::app::App;
use crate::error::{Error, Result};

/// lists topics
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo topics list is not built yet"))
}
