//! `kylo send promote`: asks for approved rules to be promoted.

use super::view::{self, Message, Route, SentRow};
use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::handlers::ledger::Promote;
use crate::model::count::counted;
use crate::model::ledger::encode;
use crate::model::pipeline::PROMOTE;

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
    let mut messages = Vec::with_capacity(companies.len());
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
        messages.push(Message { row, value });
    }
    let Some(rows) = view::dispatch(app, &PROMOTE, &route, messages, Promote::new).await? else {
        return Ok(());
    };
    app.ui.list("send", &rows)?;
    app.ui.status(&format!("asked for {}", counted(rows.len(), "company", "companies")));
    Ok(())
}
