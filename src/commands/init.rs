//! `kylo init`: writes kylo.toml, .env and companies.toml to start from

use crate::app::App;
use crate::error::{Error, Result};

/// writes kylo.toml, .env and companies.toml to start from
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo init is not built yet"))
}
