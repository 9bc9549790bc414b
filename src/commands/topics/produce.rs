//! `kylo topics produce`: writes lines from standard input to a topic

use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::kafka::Producer;
use crate::model::count::counted;
use crate::model::record::{Header, OutgoingRecord};
use crate::model::record_json::RecordJson;
use crate::model::suggest::not_found;
use crate::ui::{Column, Row};
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Lines that wait between standard input and the producer.
const AHEAD: usize = 4096;
/// Failures named one by one; the rest is counted.
const NAMED_FAILURES: usize = 5;

/// write lines from standard input to a topic
///
/// Every line is one record. Ends when the broker has acknowledged all of them, and shows where they went.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "echo '{\"id\":1}' | kylo topics produce orders -k 710",
    "kylo topics produce orders -k 710 -H source=import -H 'note: by hand' < lines.txt",
]))]
pub struct Args {
    /// The topic to write to
    topic: String,
    /// Key of every record; left out, null
    #[arg(short, long)]
    key: Option<String>,
    /// A header of every record: the first of = and : splits; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Partition; left out, the key chooses (murmur2)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// An empty line is a tombstone: a null value
    #[arg(short = 'Z', long)]
    tombstone: bool,
    /// Compression: none, gzip, snappy, lz4 or zstd
    #[arg(short = 'z', long, value_name = "CODEC", value_parser = ["none", "gzip", "snappy", "lz4", "zstd"])]
    compression: Option<String>,
    /// What a line is: a value, or a whole record as JSON
    #[arg(short, long, value_enum, default_value = "value")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The value, byte for byte
    Value,
    /// A record with key, value, headers and timestamp, as `kylo dlq show -o jsonl` prints it
    Record,
}

/// What went to one partition.
#[derive(Debug, Serialize)]
struct Written {
    topic: String,
    partition: i32,
    records: u64,
    first_offset: i64,
    last_offset: i64,
}

impl Row for Written {
    const COLUMNS: &'static [Column] = &[
        Column::text("TOPIC"),
        Column::number("PARTITION"),
        Column::number("RECORDS"),
        Column::number("FIRST-OFFSET"),
        Column::number("LAST-OFFSET"),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            self.partition.to_string(),
            self.records.to_string(),
            self.first_offset.to_string(),
            self.last_offset.to_string(),
        ]
    }
}

/// What would be written.
#[derive(Debug, Serialize)]
struct Planned {
    topic: String,
    records: u64,
}

impl Row for Planned {
    const COLUMNS: &'static [Column] = &[Column::text("TOPIC"), Column::number("RECORDS")];
    fn cells(&self) -> Vec<String> {
        vec![self.topic.clone(), self.records.to_string()]
    }
}

/// Reads a header flag: the first of `=` and `:` splits; blanks after a colon are left out.
fn header(text: &str) -> std::result::Result<(String, String), String> {
    let at = text.find(['=', ':']).filter(|at| *at > 0).ok_or("NAME=VALUE or NAME:VALUE is wanted")?;
    let (name, value) = (&text[..at], &text[at + 1..]);
    let value = if text[at..].starts_with(':') { value.trim_start() } else { value };
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let admin = app.admin().await?;
    let topics = admin.topics().await?;
    let known = topics.iter().map(|topic| topic.topic.as_str());
    let Some(topic) = topics.iter().find(|topic| topic.topic == args.topic) else {
        return Err(not_found("topic", &args.topic, known, "kylo topics list"));
    };
    if let Some(partition) = args.partition.filter(|partition| *partition as usize >= topic.partitions) {
        let count = counted(topic.partitions, "partition", "partitions");
        return Err(Error::usage(format!("topic {:?} has no partition {partition}", args.topic))
            .cause(format!("it has {count}, numbered from 0")));
    }
    if app.consent.dry_run {
        return plan(app, &args).await;
    }
    let token = app.own_consent("topics produce")?;
    let producer = producer(app, args.compression.as_deref()).await?;
    app.about_kafka();

    let mut lines = read_lines();
    let mut written: BTreeMap<i32, Written> = BTreeMap::new();
    let (mut number, mut failures) = (0_u64, Vec::new());
    let mut batch = Vec::new();
    let progress = app.ui.progress("produce", None);
    while failures.is_empty() && lines.recv_many(&mut batch, AHEAD).await > 0 {
        let mut records = Vec::with_capacity(batch.len());
        let mut unreadable = None;
        for line in batch.drain(..) {
            number += 1;
            match line.and_then(|line| record(&args, &line)) {
                Ok(record) => records.push(record),
                Err(error) => {
                    unreadable = Some(at_line(error, number));
                    break;
                }
            }
        }
        progress.inc(records.len() as u64);
        for result in producer.send_all(&token, records.into_iter(), |_| {}).await {
            match result {
                Ok(delivery) => count(&mut written, &args.topic, delivery.target.partition, delivery.offset),
                Err(error) => failures.push(error.to_string()),
            }
        }
        if let Some(error) = unreadable {
            progress.finish();
            show(app, written)?;
            return Err(error.cause("the lines before it were written"));
        }
    }
    progress.finish();
    show(app, written)?;
    if failures.is_empty() {
        return Ok(());
    }
    let mut error = Error::failed(format!("{} not written", counted(failures.len(), "record", "records")));
    for failure in failures.iter().take(NAMED_FAILURES) {
        error = error.cause(failure);
    }
    Err(error)
}

/// Reads all of standard input, and shows what would be written.
async fn plan(app: &App, args: &Args) -> Result<()> {
    let mut lines = read_lines();
    let mut records = 0;
    while let Some(line) = lines.recv().await {
        records += 1;
        line.and_then(|line| record(args, &line)).map_err(|error| at_line(error, records))?;
    }
    app.ui.list("topics.produce", &[Planned { topic: args.topic.clone(), records }])?;
    app.ui.status("dry run: nothing was written");
    Ok(())
}

fn at_line(error: Error, number: u64) -> Error {
    error.context(format!("line {number} of standard input"))
}

async fn producer(app: &App, compression: Option<&str>) -> Result<Arc<Producer>> {
    let Some(codec) = compression else { return app.producer().await };
    let mut config = app.kafka().await?.clone();
    config.properties.push(("compression.type".to_owned(), codec.to_owned()));
    Producer::connect(&config).map(Arc::new)
}

fn show(app: &App, written: BTreeMap<i32, Written>) -> Result<()> {
    app.ui.list("topics.produce", &written.into_values().collect::<Vec<_>>())
}

fn count(written: &mut BTreeMap<i32, Written>, topic: &str, partition: i32, offset: i64) {
    let entry = written.entry(partition).or_insert_with(|| Written {
        topic: topic.to_owned(),
        partition,
        records: 0,
        first_offset: offset,
        last_offset: offset,
    });
    entry.records += 1;
    entry.first_offset = entry.first_offset.min(offset);
    entry.last_offset = entry.last_offset.max(offset);
}

fn record(args: &Args, line: &[u8]) -> Result<OutgoingRecord> {
    let mut record = match args.format {
        Format::Record => RecordJson::parse(line)?.outgoing(args.topic.as_str().into())?,
        Format::Value => OutgoingRecord {
            topic: args.topic.as_str().into(),
            partition: None,
            key: None,
            value: (!(args.tombstone && line.is_empty())).then(|| Bytes::copy_from_slice(line)),
            headers: Vec::new(),
            timestamp_ms: None,
        },
    };
    record.partition = args.partition;
    if let Some(key) = &args.key {
        record.key = Some(Bytes::from(key.clone()));
    }
    record.headers.extend(args.headers.iter().map(|(name, value)| Header {
        name: Bytes::from(name.clone()),
        value: Some(Bytes::from(value.clone())),
    }));
    Ok(record)
}

/// Standard input, line by line without the line ends, read on a thread of its own: a line that is typed goes out
/// at once.
fn read_lines() -> mpsc::Receiver<Result<Vec<u8>>> {
    let (sender, lines) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = match input.read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {
                    if line.last() == Some(&b'\n') {
                        line.pop();
                        if line.last() == Some(&b'\r') {
                            line.pop();
                        }
                    }
                    Ok(line)
                }
                Err(error) => Err(Error::failed("reading standard input").source(&error)),
            };
            let failed = read.is_err();
            if sender.blocking_send(read).is_err() || failed {
                return;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_both_signs_splits_a_header() {
        let table = [
            ("a=b", Some(("a", "b"))),
            ("a:b", Some(("a", "b"))),
            ("a: b=c", Some(("a", "b=c"))),
            ("a=b:c", Some(("a", "b:c"))),
            ("a= b", Some(("a", " b"))),
            ("a=", Some(("a", ""))),
            ("=b", None),
            ("ab", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(header(text).ok(), expected, "{text}");
        }
    }
}
