//! What `kylo consume --dry-run` shows: which consumers would run, and where each would begin.

use crate::app::App;
use crate::error::Result;
use crate::kafka::LogEnd;
use crate::model::offsets::{Lag, Watermarks};
use crate::model::pipeline::{Pipeline, WorkerSpec, dead_letter_topic, shadow_group};
use crate::model::record::TopicPartition;
use crate::ui::{Column, Row, cell};
use serde::Serialize;

/// Where one consumer would begin in one partition.
#[derive(Debug, Serialize)]
struct Start {
    consumer: &'static str,
    mode: &'static str,
    topic: String,
    group: String,
    partition: i32,
    /// `None` when the group never committed: it begins at the first record.
    committed: Option<i64>,
    log_end: Option<i64>,
    lag: Option<i64>,
}

impl Row for Start {
    const COLUMNS: &'static [Column] = &[
        Column::text("CONSUMER"),
        Column::text("MODE"),
        Column::text("TOPIC"),
        Column::text("GROUP"),
        Column::number("PARTITION"),
        Column::number("COMMITTED"),
        Column::number("LOG-END"),
        Column::number("LAG"),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.consumer.to_owned(),
            self.mode.to_owned(),
            self.topic.clone(),
            self.group.clone(),
            self.partition.to_string(),
            cell(&self.committed),
            cell(&self.log_end),
            cell(&self.lag),
        ]
    }
}

/// Shows the plan. Joins no group and commits nothing; refuses what a run would refuse.
pub async fn show(app: &App, workers: &[(&'static Pipeline, &'static WorkerSpec)], live: bool) -> Result<()> {
    app.control_dsn()?;
    if live {
        app.settings.sheets()?;
    }
    let admin = app.admin().await?;
    let mut plan = Vec::new();
    for (pipeline, worker) in workers {
        let topic = app.settings.name(worker.topic);
        let group = app.settings.name(worker.group);
        let group = if live { group } else { shadow_group(&group) };
        app.require_ready(&admin, &[topic.clone(), dead_letter_topic(&topic)], pipeline.name).await?;
        let found = admin.describe_topics(std::slice::from_ref(&topic), false).await?;
        let states = found.into_iter().flatten().flat_map(|state| state.partitions);
        let (led, leaderless): (Vec<_>, Vec<_>) = states.partition(|state| state.leader.is_some());
        let at = |partition| TopicPartition::new(topic.as_str(), partition);
        // Without a leader there is nobody to ask for offsets, and asking waits until the time-out.
        let places: Vec<TopicPartition> = led.iter().map(|state| at(state.partition)).collect();
        let marks = admin.watermarks(&places, LogEnd::HighWatermark).await?;
        let committed = admin.committed(&group, Some(&places)).await?;
        let mut starts: Vec<Start> = led
            .iter()
            .chain(&leaderless)
            .map(|state| {
                let place = at(state.partition);
                let marks: Option<&Watermarks> = marks.get(&place);
                let committed = committed.get(&place).map(|found| found.offset);
                Start {
                    consumer: worker.name,
                    mode: if live { "live" } else { "shadow" },
                    topic: topic.clone(),
                    group: group.clone(),
                    partition: state.partition,
                    committed,
                    log_end: marks.map(|marks| marks.end),
                    lag: marks.map(|marks| Lag::of(committed, *marks).waiting),
                }
            })
            .collect();
        starts.sort_by_key(|start| start.partition);
        plan.extend(starts);
    }
    app.ui.list("consume", &plan)?;
    app.ui.status("dry run: nothing was consumed");
    Ok(())
}
