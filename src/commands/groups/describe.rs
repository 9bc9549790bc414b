//! `kylo groups describe`: shows members, offsets and lag of a group

use crate::app::App;
use crate::error::{Error, Result};

/// shows members, offsets and lag of a group
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo groups describe is not built yet"))
}
