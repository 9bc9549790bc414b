//! `kylo topics describe`: shows partitions and configuration of topics

use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::kafka::LogEnd;
use crate::model::offsets::Watermarks;
use crate::model::record::TopicPartition;
use crate::model::suggest::not_found;
use crate::model::topic::{ConfigEntry, ConfigSource, PartitionState, TopicState};
use crate::ui::{Column, OutputFormat, Row, cell};
use serde::Serialize;
use std::collections::BTreeMap;

/// show partitions and configuration of topics
///
/// Tables show the configuration that is not the default; `-o wide` and `-o json` show all of it, `-o csv` shows
/// the partitions only.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo topics describe txns.company.batches",
    "kylo topics describe orders payments -o json",
]))]
pub struct Args {
    /// The topics to show
    #[arg(value_name = "TOPIC", required = true)]
    names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Detail {
    topic: String,
    internal: bool,
    partitions: Vec<PartitionDetail>,
    configs: BTreeMap<String, ConfigEntry>,
}

#[derive(Debug, Serialize)]
struct PartitionDetail {
    #[serde(skip)]
    topic: String,
    #[serde(flatten)]
    state: PartitionState,
    log_start: Option<i64>,
    log_end: Option<i64>,
}

#[derive(Debug, Serialize)]
struct ConfigRow {
    topic: String,
    name: String,
    value: Option<String>,
    source: ConfigSource,
}

impl Row for PartitionDetail {
    const COLUMNS: &'static [Column] = &[
        Column::text("TOPIC"),
        Column::number("PARTITION"),
        Column::number("LEADER"),
        Column::text("REPLICAS"),
        Column::text("IN-SYNC"),
        Column::number("LOG-START"),
        Column::number("LOG-END"),
    ];
    fn cells(&self) -> Vec<String> {
        let ids = |ids: &[i32]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        vec![
            self.topic.clone(),
            self.state.partition.to_string(),
            cell(&self.state.leader),
            ids(&self.state.replicas),
            ids(&self.state.in_sync),
            cell(&self.log_start),
            cell(&self.log_end),
        ]
    }
}

impl Row for ConfigRow {
    const COLUMNS: &'static [Column] =
        &[Column::text("TOPIC"), Column::text("CONFIG"), Column::text("VALUE"), Column::text("SET-BY")];
    fn cells(&self) -> Vec<String> {
        vec![self.topic.clone(), self.name.clone(), cell(&self.value), self.source.as_str().to_owned()]
    }
}

/// Runs the command. A topic that does not exist is an error, after the others were shown.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let admin = app.admin().await?;
    let found = admin.describe_topics(&args.names, true).await?;
    let states: Vec<TopicState> = found.iter().flatten().cloned().collect();
    // Without a leader there is nobody to ask for offsets, and asking waits until the time-out.
    let led: Vec<TopicPartition> = states
        .iter()
        .flat_map(|topic| {
            let led = topic.partitions.iter().filter(|partition| partition.leader.is_some());
            led.map(|partition| TopicPartition::new(topic.topic.as_str(), partition.partition))
        })
        .collect();
    let marks = admin.watermarks(&led, LogEnd::HighWatermark).await?;
    let details: Vec<Detail> = states.into_iter().map(|state| detail(state, &marks)).collect();
    show(app, details)?;
    let missing: Vec<&String> =
        args.names.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(name, _)| name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let known = admin.topics().await?;
    let errors = missing.into_iter().map(|name| {
        not_found("topic", name, known.iter().map(|topic| topic.topic.as_str()), "kylo topics list")
    });
    Error::together(errors.collect(), "topics do not exist").map_or(Ok(()), Err)
}

fn detail(state: TopicState, marks: &BTreeMap<TopicPartition, Watermarks>) -> Detail {
    let partitions = state.partitions.into_iter().map(|partition| {
        let found = marks.get(&TopicPartition::new(state.topic.as_str(), partition.partition));
        PartitionDetail {
            topic: state.topic.clone(),
            state: partition,
            log_start: found.map(|marks| marks.start),
            log_end: found.map(|marks| marks.end),
        }
    });
    Detail {
        partitions: partitions.collect(),
        topic: state.topic.clone(),
        internal: state.internal,
        configs: state.configs,
    }
}

fn show(app: &App, details: Vec<Detail>) -> Result<()> {
    if app.ui.nested("topics.describe", &details)? {
        return Ok(());
    }
    let format = app.ui.options().format;
    let mut partitions = Vec::new();
    let mut configs = Vec::new();
    for detail in details {
        partitions.extend(detail.partitions);
        let shown = detail
            .configs
            .into_iter()
            .filter(|(_, entry)| format == OutputFormat::Wide || entry.source != ConfigSource::Default);
        configs.extend(shown.map(|(name, entry)| ConfigRow {
            topic: detail.topic.clone(),
            name,
            value: entry.value,
            source: entry.source,
        }));
    }
    app.ui.list("topics.describe", &partitions)?;
    // One file has one kind of line.
    if format == OutputFormat::Csv {
        return Ok(());
    }
    if !partitions.is_empty() && !configs.is_empty() {
        app.ui.line("")?;
    }
    app.ui.list("topics.describe", &configs)
}
