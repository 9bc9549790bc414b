//! `kylo groups describe`: shows members, offsets and lag of groups

use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::kafka::{Admin, LogEnd};
use crate::model::groups::{Group, GroupState};
use crate::model::offsets::{GroupOffset, Lag, Watermarks};
use crate::model::record::TopicPartition;
use crate::model::suggest::not_found;
use crate::ui::{Column, Row, cell};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// show members, offsets and lag of groups
///
/// LAG is what waits to be read; LOST is what was deleted before the group read it. Looking joins no group.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo groups describe kylo-workers-txns",
    "kylo groups describe -o json",
]))]
pub struct Args {
    /// The groups to show; left out, all of them
    #[arg(value_name = "GROUP")]
    names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    group: String,
    state: GroupState,
    protocol: String,
    assignor: Option<String>,
    coordinator: Option<i32>,
    members: usize,
    lag: i64,
    lost: i64,
    partitions: Vec<Place>,
}

/// One partition of one group.
#[derive(Debug, Serialize)]
struct Place {
    #[serde(skip)]
    group: String,
    topic: String,
    partition: i32,
    committed: Option<i64>,
    log_start: Option<i64>,
    log_end: Option<i64>,
    lag: Option<i64>,
    lost: Option<i64>,
    member: Option<String>,
    client_id: Option<String>,
    host: Option<String>,
}

impl Row for Place {
    const COLUMNS: &'static [Column] = &[
        Column::text("GROUP"),
        Column::text("TOPIC"),
        Column::number("PARTITION"),
        Column::number("COMMITTED"),
        Column::number("LOG-START"),
        Column::number("LOG-END"),
        Column::number("LAG"),
        Column::number("LOST"),
        Column::text("CLIENT"),
        Column::text("HOST"),
        Column::text("MEMBER").only_wide(),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            self.topic.clone(),
            self.partition.to_string(),
            cell(&self.committed),
            cell(&self.log_start),
            cell(&self.log_end),
            cell(&self.lag),
            cell(&self.lost),
            cell(&self.client_id),
            cell(&self.host),
            cell(&self.member),
        ]
    }
}

/// Runs the command. A group that does not exist is an error, after the others were shown.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let admin = app.admin().await?;
    let mut names: Vec<String> = match args.names.is_empty() {
        true => admin.groups().await?.into_iter().map(|group| group.group).collect(),
        false => args.names,
    };
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let groups = admin.describe_groups(&names).await?;
    let (missing, found): (Vec<Group>, Vec<Group>) =
        groups.into_iter().partition(|group| group.state == GroupState::Dead);
    let sizes: BTreeMap<String, usize> =
        admin.topics().await?.into_iter().map(|topic| (topic.topic, topic.partitions)).collect();
    let mut reports = Vec::new();
    for group in found {
        reports.push(report(&admin, group, &sizes).await?);
    }
    show(app, reports)?;
    if missing.is_empty() {
        return Ok(());
    }
    let known = admin.groups().await?;
    let errors = missing.iter().map(|group| {
        not_found("group", &group.group, known.iter().map(|group| group.group.as_str()), "kylo groups list")
    });
    Error::together(errors.collect(), "groups do not exist").map_or(Ok(()), Err)
}

async fn report(admin: &Admin, group: Group, sizes: &BTreeMap<String, usize>) -> Result<Report> {
    let committed = admin.committed(&group.group, None).await?;
    let assigned = group.members.iter().flat_map(|member| &member.assignment);
    let partitions: BTreeSet<&TopicPartition> = committed.keys().chain(assigned).collect();
    // A commit outlives its topic; the log of such a partition cannot be asked for.
    let there: Vec<TopicPartition> = partitions
        .iter()
        .filter(|place| sizes.get(&*place.topic).is_some_and(|size| (place.partition as usize) < *size))
        .map(|place| (*place).clone())
        .collect();
    let marks = admin.watermarks(&there, LogEnd::HighWatermark).await?;
    let places: Vec<Place> =
        partitions.into_iter().map(|at| place(&group, at, committed.get(at), marks.get(at))).collect();
    Ok(Report {
        lag: places.iter().filter_map(|place| place.lag).sum(),
        lost: places.iter().filter_map(|place| place.lost).sum(),
        members: group.members.len(),
        group: group.group,
        state: group.state,
        protocol: group.protocol,
        assignor: group.assignor,
        coordinator: group.coordinator,
        partitions: places,
    })
}

fn place(
    group: &Group,
    at: &TopicPartition,
    committed: Option<&GroupOffset>,
    marks: Option<&Watermarks>,
) -> Place {
    let committed = committed.map(|position| position.offset);
    let lag = marks.map(|marks| Lag::of(committed, *marks));
    let reader = group.reader_of(at);
    Place {
        group: group.group.clone(),
        topic: at.topic.to_string(),
        partition: at.partition,
        committed,
        log_start: marks.map(|marks| marks.start),
        log_end: marks.map(|marks| marks.end),
        lag: lag.map(|lag| lag.waiting),
        lost: lag.map(|lag| lag.lost),
        member: reader.map(|member| member.id.clone()),
        client_id: reader.map(|member| member.client_id.clone()),
        host: reader.map(|member| member.host.clone()),
    }
}

fn show(app: &App, reports: Vec<Report>) -> Result<()> {
    if app.ui.nested("groups.describe", &reports)? {
        return Ok(());
    }
    for report in &reports {
        let Report { group, state, members, lag, lost, .. } = report;
        let lost = if *lost > 0 { format!(", lost {lost}") } else { String::new() };
        app.ui.status(&format!("{group}: {state}, members {members}, lag {lag}{lost}"));
    }
    let places: Vec<Place> = reports.into_iter().flat_map(|report| report.partitions).collect();
    app.ui.list("groups.describe", &places)
}
