//! A consumer of one's own on kylo's runtime: order per key, retries, dead letters, commits.
//!
//! cargo run --example own_consumer -- 127.0.0.1:9092 orders my-group     (dead letters go to orders.dlq)

use kylo::app::system_clock;
use kylo::engine::dead_letter::Sender;
use kylo::engine::{Consumer, Failure, Handler, HandlerFuture, Outcomes, Policy, Record, Silent};
use kylo::kafka::{Config, ConsumerSource, Producer, SourceOptions};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// Prints each order; one that is no number will never be one, so it becomes a dead letter.
struct Orders;

impl Handler for Orders {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        Box::pin(async move {
            for record in records {
                let text = std::str::from_utf8(record.value().unwrap_or_default());
                let amount: u64 = text
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| Failure::permanent("no-number", "the order is not a number"))?;
                let key = String::from_utf8_lossy(record.key().unwrap_or_default());
                writeln!(std::io::stdout(), "{key}: {amount}")
                    .map_err(|error| Failure::transient("output", "printing an order").caused_by(&error))?;
            }
            Ok(Outcomes::AllDone)
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic, group] = arguments.as_slice() else { return Err("BROKERS TOPIC GROUP".into()) };
    let config =
        Config { brokers: brokers.clone(), properties: Vec::new(), timeout: Duration::from_secs(10) };
    let consumer = Consumer {
        source: Box::new(ConsumerSource::new(&config, group, vec![topic.clone()], SourceOptions::default())?),
        handler: Arc::new(Orders),
        publisher: Arc::new(Producer::connect(&config)?),
        dead_letter_topic: format!("{topic}.dlq").into(),
        sender: Sender { cluster: "mine".into(), group: group.as_str().into() },
        policy: Policy { exit_when_idle: true, ..Policy::default() },
        clock: system_clock(),
        reporter: Arc::new(Silent),
        drains: Vec::new(),
        marks: None,
    };
    consumer.run(kylo::shutdown::Shutdown::never()).await?;
    Ok(())
}
