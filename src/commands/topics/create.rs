//! `kylo topics create`: creates the topics a pipeline declares, or named ones

use super::view;
use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::model::count::counted;
use crate::model::pipeline::{PIPELINES, pipeline};
use crate::model::topic::{self, BROKER_DEFAULT, TopicAction, TopicPlan, TopicSpec};
use crate::ui::{Column, Row};
use std::collections::BTreeMap;

/// create the topics a pipeline declares, or named ones
///
/// Shows what is missing and what differs first. Running it again changes nothing; a topic that is there and
/// differs is reported (exit 7) and never changed.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo topics create --pipeline ledger",
    "kylo topics create orders -p 12 -c retention.ms=604800000 --yes",
]))]
pub struct Args {
    /// The topics to create
    #[arg(value_name = "TOPIC", conflicts_with = "pipeline")]
    names: Vec<String>,
    /// Create every topic this pipeline declares, dead-letter topics included
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Partitions of each topic; left out, the broker's default
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..), conflicts_with = "pipeline")]
    partitions: Option<i32>,
    /// Replication factor; left out, the broker's default
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    replicas: Option<i32>,
    /// Topic configuration, by Kafka's names; may be repeated
    #[arg(short = 'c', long = "config", value_name = "KEY=VALUE", value_parser = view::key_value)]
    configs: Vec<(String, String)>,
    /// Leave a topic that is there as it is, whatever its shape
    #[arg(long)]
    if_not_exists: bool,
}

impl Row for TopicPlan {
    const COLUMNS: &'static [Column] = &[
        Column::text("TOPIC"),
        Column::text("ACTION"),
        Column::number("PARTITIONS"),
        Column::number("REPLICAS"),
        Column::text("CONFIG"),
        Column::text("DIFFERENCES"),
    ];
    fn cells(&self) -> Vec<String> {
        let or_default = |number: Option<i32>| number.map_or_else(|| "default".to_owned(), |n| n.to_string());
        let configs: Vec<String> = self.spec.configs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let differences: Vec<String> = self.differences.iter().map(ToString::to_string).collect();
        vec![
            self.spec.name.clone(),
            self.action.as_str().to_owned(),
            or_default(Some(self.spec.partitions).filter(|count| *count != BROKER_DEFAULT)),
            or_default(self.spec.replicas),
            configs.join(" "),
            differences.join("; "),
        ]
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let declared = declared(app, &args)?;
    let admin = app.admin().await?;
    app.about_kafka();
    let names: Vec<String> = declared.iter().map(|spec| spec.name.clone()).collect();
    let found = admin.describe_topics(&names, true).await?;
    let mut plans = topic::plan(&declared, &found);
    if args.if_not_exists {
        for plan in plans.iter_mut().filter(|plan| plan.action == TopicAction::Drift) {
            plan.action = TopicAction::Keep;
        }
    }
    app.ui.list("topics.create", &plans)?;
    let missing: Vec<TopicSpec> = plans
        .iter()
        .filter(|plan| plan.action == TopicAction::Create)
        .map(|plan| plan.spec.clone())
        .collect();
    let mut failures = Vec::new();
    if missing.is_empty() {
        app.ui.status("nothing to create");
    } else {
        let Some(token) =
            app.confirm_change(&format!("create {}?", counted(missing.len(), "topic", "topics"))).await?
        else {
            return Ok(());
        };
        for (name, result) in admin.create_topics(&token, &missing).await? {
            match result {
                Ok(()) => app.ui.status(&format!("created {name}")),
                Err(error) => failures.push(error),
            }
        }
    }
    if let Some(error) = Error::together(failures, "topics were not created") {
        return Err(error);
    }
    if app.consent.dry_run { Ok(()) } else { refuse_drift(&plans) }
}

fn declared(app: &App, args: &Args) -> Result<Vec<TopicSpec>> {
    let configs: BTreeMap<String, String> = args.configs.iter().cloned().collect();
    let Some(name) = &args.pipeline else {
        if args.names.is_empty() {
            let error = Error::usage("neither a topic nor a pipeline is named");
            let pipelines = PIPELINES.iter().map(|pipeline| pipeline.name);
            return Err(pipelines
                .fold(error, |error, name| error.hint(format!("kylo topics create --pipeline {name}")))
                .hint("kylo topics create TOPIC"));
        }
        let mut names = args.names.clone();
        names.sort();
        names.dedup();
        let spec = |name| TopicSpec {
            name,
            partitions: args.partitions.unwrap_or(BROKER_DEFAULT),
            replicas: args.replicas,
            configs: configs.clone(),
        };
        return Ok(names.into_iter().map(spec).collect());
    };
    let mut topics = pipeline(name)?.topics(|key| app.settings.name(key));
    for topic in &mut topics {
        topic.replicas = args.replicas.or(topic.replicas);
        topic.configs.extend(configs.clone());
    }
    Ok(topics)
}

fn refuse_drift(plans: &[TopicPlan]) -> Result<()> {
    let drifted: Vec<&TopicPlan> = plans.iter().filter(|plan| plan.action == TopicAction::Drift).collect();
    if drifted.is_empty() {
        return Ok(());
    }
    let count = counted(drifted.len(), "topic", "topics");
    let mut error = Error::check(format!("drift in {count}: nothing of it was changed"));
    for plan in &drifted {
        for difference in &plan.differences {
            error = error.cause(format!("{}: {difference}", plan.spec.name));
        }
    }
    Err(error.hint("--if-not-exists accepts topics as they are"))
}
