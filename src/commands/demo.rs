//! `kylo demo`: plays the whole ledger flow on services of its own

use crate::app::App;
use crate::error::{Error, Result};

/// plays the whole ledger flow on services of its own
#[derive(Debug, clap::Args)]
#[command(before_help = super::examples(&["kylo demo", "kylo demo --keep", "kylo demo --transactions 50000"]))]
pub struct Args {}

/// Runs the command.
pub async fn run(_app: &App, _args: Args) -> Result<()> {
    Err(Error::failed("kylo demo is not built yet"))
}
