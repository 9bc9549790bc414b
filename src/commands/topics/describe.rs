//! `kylo topics describe`: shows partitions and configuration of topics

use crate::app::App;
use crate::error::{Error, Result};

/// shows partitions and configuration of topics
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo topics describe is not built yet"))
}
