//! `kylo groups list`: lists consumer groups

use crate::app::App;
use crate::error::{Error, Result};

/// lists consumer groups
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo groups list is not built yet"))
}
