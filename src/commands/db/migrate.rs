//! `kylo db migrate`: brings the database to the schema this binary needs

use crate::app::App;
use crate::error::{Error, Result};

/// brings the database to the schema this binary needs
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo db migrate is not built yet"))
}
