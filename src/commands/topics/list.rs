//! `kylo topics list`: lists topics

use crate::app::App;
use crate::commands::examples;
use crate::error::Result;
use crate::model::topic::TopicSummary;
use crate::ui::{Column, Row};

/// list topics
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo topics list", "kylo topics list txns rules -o json"]))]
pub struct Args {
    /// Only topics whose name contains one of these
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// Show Kafka's own topics too
    #[arg(short, long)]
    internal: bool,
}

impl Row for TopicSummary {
    const COLUMNS: &'static [Column] =
        &[Column::text("TOPIC"), Column::number("PARTITIONS"), Column::number("REPLICAS")];
    fn cells(&self) -> Vec<String> {
        vec![self.topic.clone(), self.partitions.to_string(), self.replicas.to_string()]
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let mut topics = app.admin().await?.topics().await?;
    topics.retain(|topic| {
        let wanted =
            args.texts.is_empty() || args.texts.iter().any(|text| topic.topic.contains(text.as_str()));
        wanted && (args.internal || !topic.internal)
    });
    app.ui.list("topics.list", &topics)
}
