//! `kylo groups list`: lists consumer groups

use crate::app::App;
use crate::commands::examples;
use crate::error::Result;
use crate::model::groups::GroupSummary;
use crate::ui::{Column, Row};

/// list consumer groups
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo groups list", "kylo groups list kylo -o json"]))]
pub struct Args {
    /// Only groups whose name contains one of these
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
}

impl Row for GroupSummary {
    const COLUMNS: &'static [Column] =
        &[Column::text("GROUP"), Column::text("STATE"), Column::text("PROTOCOL")];
    fn cells(&self) -> Vec<String> {
        vec![self.group.clone(), self.state.to_string(), self.protocol.clone()]
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let mut groups = app.admin().await?.groups().await?;
    groups.retain(|group| {
        args.texts.is_empty() || args.texts.iter().any(|text| group.group.contains(text.as_str()))
    });
    app.ui.list("groups.list", &groups)
}
