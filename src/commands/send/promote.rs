//! `kylo send promote`: asks for approved rules to be promoted.

use super::view::{self, Message, Route, SentRow};
use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::handlers::ledger::Promote;
use crate::model::count::counted;
use crate::model::ledger::encode;
use crate::model::pipeline::LEDGER;

/// ask for approved rules to be promoted
///
/// One request for each company. Asking again changes nothing.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo send promote", "kylo send promote --company 710 --company 711", "kylo send promote --direct"]))]
pub struct Args {
    /// Only this company (may be given more than once); else every seeded company
    #[arg(long, value_name = "ID")]
    company: Vec<String>,
    /// Promote in this process, without Kafka
    #[arg(long)]
    direct: bool,
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let known = view::companies(app).await?;
    view::refuse_unknown(args.company.iter().map(String::as_str), &known)?;
    let mut companies = args.company;
    if companies.is_empty() {
        companies = known.iter().map(|config| config.company_id.clone()).collect();
    }
    companies.sort();
    companies.dedup();
    let route = Route::of(app, args.direct, &known)?;
    let (mut kafka, mut direct) = (Vec::new(), Vec::new());
    for company_id in &companies {
        let value = encode::promote(company_id, app.clock.now())
            .map_err(|error| Error::failed("writing a message").source(&error))?;
        let row = SentRow {
            company_id: company_id.clone(),
            batch_id: None,
            transactions: None,
            route: route.word(company_id),
            partition: None,
            offset: None,
        };
        let way = if route.is_kafka(company_id) { &mut kafka } else { &mut direct };
        way.push(Message { row, value });
    }
    let topic = app.settings.name(LEDGER.workers[1].topic);
    if !kafka.is_empty() {
        view::require_topic(app, &topic).await?;
    }
    if app.consent.dry_run {
        let rows: Vec<SentRow> = kafka.into_iter().chain(direct).map(|message| message.row).collect();
        app.ui.list("send", &rows)?;
        app.ui.status("dry run: nothing was sent");
        return Ok(());
    }
    let mut rows = Vec::new();
    if !direct.is_empty() {
        let mut ids: Vec<&str> = direct.iter().map(|message| message.row.company_id.as_str()).collect();
        ids.dedup();
        let group = app.settings.name(LEDGER.workers[1].group);
        view::require_no_lag(app, &topic, &group, &ids).await?;
        let handler = Promote::new(view::ledger(app)?);
        rows.extend(view::direct(app, &topic, &handler, direct).await?);
    }
    if !kafka.is_empty() {
        rows.extend(view::publish(app, &topic, kafka).await?);
    }
    app.ui.list("send", &rows)?;
    app.ui.status(&format!("asked for {}", counted(rows.len(), "company", "companies")));
    Ok(())
}
