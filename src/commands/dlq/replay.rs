//! `kylo dlq replay`: sends dead letters back to where they came from

use super::view::{self, FilterArgs, Places};
use crate::app::App;
use crate::app::replay::{self, Rules};
use crate::commands::examples;
use crate::error::{Error, ErrorKind, Result};
use crate::model::count::counted;
use crate::model::replay::Route;
use crate::ui::{Column, Row, cell};

/// send dead letters back to where they came from
///
/// Key, value and headers go back byte for byte. Progress is kept by the group kylo-dlq-replay, so running it
/// again sends nothing twice. Killed between a batch's acknowledgement and its commit, it sends that batch (at
/// most 200 letters) again. Run one at a time: of two at once one stops, but may have sent some twice. A letter
/// that was sent back --max-retries times stays, is named, and the exit code is 7. Stops at the ends seen at the
/// start.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo dlq replay --max-retries 3",
    "kylo dlq replay txns.company.batches --kind unknown-company --dry-run",
    "kylo dlq replay other.dlq --to-topic orders --limit 10 --yes",
]))]
pub struct Args {
    /// The dead-letter topic, or the topic it belongs to; left out, every declared one
    #[arg(value_name = "TOPIC")]
    from: Option<String>,
    /// Leave a letter where it is once it was sent back this often
    #[arg(long, value_name = "N", default_value_t = 3)]
    max_retries: u32,
    /// Send to this topic instead of the letter's own
    #[arg(long, value_name = "TOPIC")]
    to_topic: Option<String>,
    /// Send at most this many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    filter: FilterArgs,
}

impl Row for Route {
    const COLUMNS: &'static [Column] = &[
        Column::text("TOPIC"),
        Column::text("ACTION"),
        Column::text("TARGET"),
        Column::text("CLASS"),
        Column::text("KIND"),
        Column::number("RECORDS"),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            self.action.to_owned(),
            cell(&self.target),
            cell(&self.class),
            cell(&self.kind),
            self.records.to_string(),
        ]
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let admin = app.admin().await?;
    let topics = view::topics(app, &admin, args.from.as_deref()).await?;
    let rules = Rules {
        filter: args.filter.filter(),
        to_topic: args.to_topic,
        max_retries: args.max_retries,
        limit: args.limit.unwrap_or(u64::MAX),
        cluster: admin.cluster().id.clone(),
        now: app.clock.now(),
    };
    app.about_kafka();
    let places = Places::read(&admin, &topics, &app.replay_group()).await?;
    let plan = replay::plan(app, &places, &rules).await?;
    replay::check_targets(&admin, &plan.routes).await?;
    app.ui.list("dlq.replay", &plan.routes)?;
    if plan.no_target > 0 {
        app.ui.warn(&format!(
            "no word of where they came from in {}: they stay; --to-topic gives a target",
            counted(plan.no_target, "letter", "letters")
        ));
    }
    if plan.sends == 0 {
        app.ui.status("nothing to send back");
        return if app.consent.dry_run { Ok(()) } else { plan.refuse_limit(&rules) };
    }
    let Some(token) = app
        .confirm_change(&format!("send back {}?", counted(plan.sends, "dead letter", "dead letters")))
        .await?
    else {
        return Ok(());
    };
    let sent = replay::carry_out(app, &admin, token, &rules, &places, &plan).await?;
    app.ui.status(&format!("sent back {sent} of {}", counted(plan.sends, "dead letter", "dead letters")));
    if app.shutdown.is_requested() && sent < plan.sends {
        return Err(Error::new(ErrorKind::Interrupted, "interrupted: what was sent is committed")
            .hint("run it again to send the rest"));
    }
    plan.refuse_limit(&rules)
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
