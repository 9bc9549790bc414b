//! `kylo send txns`: publishes bank transactions.

use super::view::{self, Message, Route, SentRow};
use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::handlers::ledger::Txns;
use crate::model::count::counted;
use crate::model::ledger::transaction::CompanyTxns;
use crate::model::ledger::{csv, encode, webhook};
use crate::model::pipeline::TXNS;
use std::io::Read;
use uuid::Uuid;

/// publish bank transactions
///
/// FILE is the webhook's body ({"transactions":[{"id","company_id","date","amount","description"}, ...]}) or a CSV
/// with these columns in its header line. Each company's transactions become messages of at most 2000, written
/// with the broker's acknowledgement. Sending the same again changes nothing.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo send txns examples/payloads/three-transactions.json",
    "kylo send txns statement.csv --source checking",
    "jq -c . payload.json | kylo send txns -",
    "kylo send txns payload.json --direct",
]))]
pub struct Args {
    /// The transactions, JSON or CSV; - reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// The account a CSV without ids was exported from; ids are made from it
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Store them in this process, without Kafka
    #[arg(long)]
    direct: bool,
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let bytes = read(&args.file).await?;
    let companies = parse(&bytes, args.source.as_deref()).map_err(|faults| {
        let error = Error::input(format!("nothing was sent: {} cannot be read", name(&args.file)));
        faults.into_iter().fold(error, Error::cause)
    })?;
    let known = view::companies(app).await?;
    view::refuse_unknown(companies.iter().map(|company| company.company_id.as_str()), &known)?;
    let route = Route::of(app, args.direct, &known)?;
    let messages = messages(app, &companies, &route)?;
    let Some(rows) = view::dispatch(app, &TXNS, &route, messages, Txns::new).await? else { return Ok(()) };
    app.ui.list("send", &rows)?;
    let count: usize = companies.iter().map(|company| company.transactions.len()).sum();
    let transactions = counted(count, "transaction", "transactions");
    app.ui.status(&format!("sent {transactions} of {}", counted(companies.len(), "company", "companies")));
    Ok(())
}

async fn read(file: &str) -> Result<Vec<u8>> {
    let path = file.to_owned();
    // On a thread of its own, so that a signal is seen while a pipe is silent.
    let read = tokio::task::spawn_blocking(move || match path.as_str() {
        "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        }
        path => std::fs::read(path),
    });
    let result = read.await.map_err(|error| Error::failed("reading failed").source(&error))?;
    result.map_err(|error| {
        Error::usage(format!("reading {}", name(file)))
            .source(&error)
            .hint("kylo send txns examples/payloads/three-transactions.json")
    })
}

fn name(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}

/// JSON begins with a brace or a bracket; no heading of a CSV does.
fn parse<'b>(
    bytes: &'b [u8],
    source: Option<&str>,
) -> std::result::Result<Vec<CompanyTxns<'b>>, Vec<String>> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => webhook::parse(bytes),
        _ => csv::parse(bytes, source),
    }
}

fn messages(app: &App, companies: &[CompanyTxns<'_>], route: &Route) -> Result<Vec<Message>> {
    let now = app.clock.now();
    // Version 7: ids of one send sort by the time it was made.
    let at = uuid::Timestamp::from_unix(
        uuid::NoContext,
        now.as_second().unsigned_abs(),
        now.subsec_nanosecond().unsigned_abs(),
    );
    encode::split(companies)
        .into_iter()
        .map(|(company_id, transactions)| {
            let batch_id = Uuid::new_v7(at).to_string();
            let value = encode::txns_batch(company_id, &batch_id, now, transactions)
                .map_err(|error| Error::failed("writing a message").source(&error))?;
            let row = SentRow {
                company_id: company_id.to_owned(),
                batch_id: Some(batch_id),
                transactions: Some(transactions.len()),
                route: route.word(company_id),
                partition: None,
                offset: None,
            };
            Ok(Message { row, value })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_csv_are_told_apart() {
        let json = br#"  {"transactions":[{"id":"t1","company_id":"710","date":"2025-08-26","amount":1,"description":"x"}]}"#;
        let csv = b"company_id,id,date,amount,description\n710,t1,2025-08-26,1,x\n";
        assert_eq!(parse(json, None), parse(csv, None));
        assert!(parse(b"", None).is_err());
    }
}
