//! `kylo topics produce`: writes lines from standard input to a topic

use crate::app::App;
use crate::error::{Error, Result};

/// writes lines from standard input to a topic
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo topics produce is not built yet"))
}
