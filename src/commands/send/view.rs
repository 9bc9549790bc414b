//! What the leaves of `kylo send` share: who goes which way, what must be there first, and the table at the end.

use crate::app::App;
use crate::engine::{BatchBuilder, Epoch, Failure, FailureClass, Handler, Outcome, Outcomes, Record};
use crate::error::{Error, ErrorKind, Result};
use crate::handlers::ledger::{AfterCommit, Ledger};
use crate::kafka::LogEnd;
use crate::model::company::CompanyConfig;
use crate::model::murmur2::partition_of;
use crate::model::offsets::Lag;
use crate::model::pipeline::{LEDGER, WorkerSpec};
use crate::model::record::{OutgoingRecord, TopicPartition};
use crate::postgres::{self, migrate};
use crate::ui::{Column, Row, cell};
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;

/// One message on its way, or there.
#[derive(Debug, Serialize)]
pub struct SentRow {
    /// The company it is for: its key.
    pub company_id: String,
    /// Its batch; `None` for a promote request.
    pub batch_id: Option<String>,
    /// Transactions in it; `None` for a promote request.
    pub transactions: Option<usize>,
    /// `kafka` or `direct`.
    pub route: &'static str,
    /// The partition it was written to.
    pub partition: Option<i32>,
    /// Its offset there.
    pub offset: Option<i64>,
}

impl Row for SentRow {
    const COLUMNS: &'static [Column] = &[
        Column::text("COMPANY"),
        Column::text("BATCH"),
        Column::number("TRANSACTIONS"),
        Column::text("ROUTE"),
        Column::number("PARTITION"),
        Column::number("OFFSET"),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.company_id.clone(),
            cell(&self.batch_id),
            cell(&self.transactions),
            self.route.to_owned(),
            cell(&self.partition),
            cell(&self.offset),
        ]
    }
}

/// A message to be sent.
#[derive(Debug)]
pub struct Message {
    /// How it is shown.
    pub row: SentRow,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// The seeded companies; refuses (exit 7) while migrations are pending.
pub async fn companies(app: &App) -> Result<Vec<CompanyConfig>> {
    let control = app.control_dsn()?;
    migrate::require_current(app.pools(), &control).await?;
    Ok(postgres::company::all(&mut app.pools().get(&control).await?).await?)
}

/// An error naming every company of `wanted` that is not seeded.
pub fn refuse_unknown<'w>(wanted: impl Iterator<Item = &'w str>, known: &[CompanyConfig]) -> Result<()> {
    let unknown: Vec<&str> =
        wanted.filter(|id| known.iter().all(|config| config.company_id != **id)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let error = Error::input("nothing was sent: unknown company");
    Err(unknown
        .into_iter()
        .fold(error, |error, id| error.cause(format!("company {id:?} is not in control.company_config")))
        .hint("kylo seed companies.toml"))
}

/// Who goes through Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Everybody.
    Kafka,
    /// Nobody.
    Direct,
    /// These; the rest goes direct.
    KafkaFor(Vec<String>),
}

impl Route {
    /// The flag, then `ledger.route_via_kafka`, then `ledger.route_via_kafka_companies`. An id there that no
    /// seeded company has is wrong use.
    pub fn of(app: &App, direct: bool, known: &[CompanyConfig]) -> Result<Route> {
        let companies =
            app.settings.get("ledger.route_via_kafka_companies").map(|found| found.value.as_str());
        let ids: Vec<&str> = known.iter().map(|config| config.company_id.as_str()).collect();
        decide(direct || !app.settings.flag("ledger.route_via_kafka"), companies, &ids)
    }
    /// True when the company's messages go through Kafka.
    pub fn is_kafka(&self, company_id: &str) -> bool {
        match self {
            Route::Kafka => true,
            Route::Direct => false,
            Route::KafkaFor(companies) => companies.iter().any(|id| id == company_id),
        }
    }
    /// The word in the table.
    pub fn word(&self, company_id: &str) -> &'static str {
        if self.is_kafka(company_id) { "kafka" } else { "direct" }
    }
}

fn decide(direct: bool, companies: Option<&str>, known: &[&str]) -> Result<Route> {
    match companies {
        _ if direct => Ok(Route::Direct),
        None => Ok(Route::Kafka),
        Some(list) => {
            let ids: Vec<String> =
                list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
            match ids.iter().find(|id| !known.contains(&id.as_str())) {
                Some(id) => Err(Error::usage(format!(
                    "ledger.route_via_kafka_companies names company {id:?}, which is not seeded"
                ))),
                None => Ok(Route::KafkaFor(ids)),
            }
        }
    }
}

/// Sends each message its way and returns their rows: what goes direct first, then what goes through Kafka.
/// `handler` is the worker's own, for what goes direct. `None` after `--dry-run`, when the rows were only shown.
pub async fn dispatch<H: Handler>(
    app: &App,
    worker: &WorkerSpec,
    route: &Route,
    messages: Vec<Message>,
    handler: impl FnOnce(Arc<Ledger>) -> H,
) -> Result<Option<Vec<SentRow>>> {
    let (kafka, direct): (Vec<Message>, Vec<Message>) =
        messages.into_iter().partition(|message| route.is_kafka(&message.row.company_id));
    let topic = app.settings.name(worker.topic);
    if !kafka.is_empty() {
        require_topic(app, &topic).await?;
    }
    if app.consent.dry_run {
        let rows: Vec<SentRow> = kafka.into_iter().chain(direct).map(|message| message.row).collect();
        app.ui.list("send", &rows)?;
        app.ui.status("dry run: nothing was sent");
        return Ok(None);
    }
    let mut rows = Vec::new();
    if !direct.is_empty() {
        let mut ids: Vec<&str> = direct.iter().map(|message| message.row.company_id.as_str()).collect();
        ids.dedup();
        require_no_lag(app, &topic, &app.settings.name(worker.group), &ids).await?;
        let handler = handler(ledger(app)?);
        rows.extend(self::direct(app, &topic, &handler, direct).await?);
    }
    if !kafka.is_empty() {
        rows.extend(publish(app, &topic, kafka).await?);
    }
    Ok(Some(rows))
}

/// Refuses (exit 7) when `topic` does not exist.
async fn require_topic(app: &App, topic: &str) -> Result<()> {
    let admin = app.admin().await?;
    match admin.describe_topics(&[topic.to_owned()], false).await?.first() {
        Some(Some(_)) => Ok(()),
        _ => Err(Error::check(format!("nothing was sent: topic {topic} does not exist"))
            .hint(format!("kylo topics create --pipeline {}", LEDGER.name))),
    }
}

/// Refuses (exit 7) what would go past a company's own messages that wait in `topic`: they are older than what is
/// sent direct. Where Kafka cannot be asked this is said and no hindrance: rows are only ever overwritten by newer
/// messages.
async fn require_no_lag(app: &App, topic: &str, group: &str, companies: &[&str]) -> Result<()> {
    let admin = match app.admin().await {
        Ok(admin) => admin,
        Err(error) => {
            app.ui.warn(&format!("not looked whether messages wait in {topic}: {error}"));
            return Ok(());
        }
    };
    let found = admin.describe_topics(&[topic.to_owned()], false).await?;
    let Some(Some(state)) = found.first() else { return Ok(()) };
    let count = state.partitions.len();
    let partition = |id: &str| TopicPartition::new(topic, partition_of(id.as_bytes(), count) as i32);
    let partitions: Vec<TopicPartition> = companies.iter().map(|id| partition(id)).collect();
    let watermarks = admin.watermarks(&partitions, LogEnd::HighWatermark).await?;
    let committed = admin.committed(group, Some(&partitions)).await?;
    let mut waiting = Vec::new();
    for (id, partition) in companies.iter().zip(&partitions) {
        let Some(marks) = watermarks.get(partition) else { continue };
        let lag = Lag::of(committed.get(partition).map(|found| found.offset), *marks);
        if lag.waiting > 0 {
            waiting.push(format!("company {id}: {} wait in {partition} for group {group}", lag.waiting));
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let error = Error::check("nothing was sent: older messages wait in Kafka");
    Err(waiting
        .into_iter()
        .fold(error, Error::cause)
        .hint("let `kylo consume` finish first, or send without --direct"))
}

/// Publishes `messages` to `topic`, keyed by company, and returns their rows with partition and offset. Errors
/// name how many were not acknowledged; those may be sent again, also when they did arrive.
async fn publish(app: &App, topic: &str, messages: Vec<Message>) -> Result<Vec<SentRow>> {
    app.about_kafka();
    let token = app.own_consent("send")?;
    let producer = app.producer().await?;
    let topic: Arc<str> = Arc::from(topic);
    let (rows, records): (Vec<SentRow>, Vec<OutgoingRecord>) = messages
        .into_iter()
        .map(|message| {
            let record = OutgoingRecord {
                topic: topic.clone(),
                partition: None,
                key: Some(Bytes::copy_from_slice(message.row.company_id.as_bytes())),
                value: Some(Bytes::from(message.value)),
                headers: Vec::new(),
                timestamp_ms: None,
            };
            (message.row, record)
        })
        .unzip();
    let progress = app.ui.progress("sending", Some(records.len() as u64));
    let results = producer.send_all(&token, records.into_iter(), |done| progress.set(done as u64)).await;
    drop(progress);
    let mut sent = Vec::with_capacity(rows.len());
    let mut refused = Vec::new();
    for (mut row, result) in rows.into_iter().zip(results) {
        match result {
            Ok(delivery) => {
                row.partition = Some(delivery.target.partition);
                row.offset = Some(delivery.offset);
                sent.push(row);
            }
            Err(error) => refused.push((row, error)),
        }
    }
    if refused.is_empty() {
        return Ok(sent);
    }
    // What did arrive is shown all the same.
    app.ui.list("send", &sent)?;
    let total = sent.len() + refused.len();
    let error = Error::unreachable(format!("{} of {total} messages were not acknowledged", refused.len()))
        .hint("send the same again: what arrived before is not stored twice");
    Err(refused.iter().take(5).fold(error, |error, (row, reason)| {
        let batch = row.batch_id.as_deref().map(|id| format!(", batch {id}")).unwrap_or_default();
        error.cause(format!("company {}{batch}: {reason}", row.company_id))
    }))
}

/// The handlers' state for `--direct`.
fn ledger(app: &App) -> Result<Arc<Ledger>> {
    let token = app.own_consent("send --direct")?;
    let control = app.control_dsn()?;
    // A live consumer's sweep finds what is left to post.
    Ok(Arc::new(Ledger::new(app.pools().clone(), control, app.clock.clone(), AfterCommit::Leave, token)))
}

/// Runs `handler` in this process on `messages`, in order. They stand in partition -1 with the time as their
/// offset, so that a message of Kafka's written before them does not overwrite them, and one after them does.
async fn direct(
    app: &App,
    topic: &str,
    handler: &dyn Handler,
    messages: Vec<Message>,
) -> Result<Vec<SentRow>> {
    let now = app.clock.now();
    let mut builder = BatchBuilder::default();
    let slot = builder.slot(&TopicPartition::new(topic, -1), Epoch(0));
    for (index, message) in (0i64..).zip(&messages) {
        let key = message.row.company_id.as_bytes();
        let offset = now.as_microsecond() + index;
        let at = Some(now.as_millisecond());
        builder.push(slot, offset, at, Some(key), Some(&message.value), std::iter::empty());
    }
    let records: Vec<Record> = builder.build().records().collect();
    let progress = app.ui.progress("storing", Some(records.len() as u64));
    for chunk in records.chunks(handler.batch_limit()) {
        let failure = match handler.handle(chunk).await {
            Err(failure) => Some(failure),
            Ok(Outcomes::AllDone) => None,
            Ok(Outcomes::Each(outcomes)) => outcomes.into_iter().find_map(|outcome| match outcome {
                Outcome::Failed(failure) => Some(failure),
                _ => None,
            }),
        };
        if let Some(failure) = failure {
            return Err(shown(&failure));
        }
        progress.inc(chunk.len() as u64);
    }
    Ok(messages.into_iter().map(|message| message.row).collect())
}

fn shown(failure: &Failure) -> Error {
    let kind = match (failure.class, failure.kind) {
        (FailureClass::Transient, "database-away") => ErrorKind::Unreachable,
        (FailureClass::Transient, _) => ErrorKind::Failed,
        _ => ErrorKind::Input,
    };
    let error = Error::new(kind, failure.message.clone());
    failure
        .chain
        .iter()
        .fold(error, |error, cause| error.cause(cause.clone()))
        .hint("send the same again: what was stored before is not stored twice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_which_way() {
        let known = ["710", "711"];
        let table = [
            (true, None, Some((false, false))),
            (true, Some("710"), Some((false, false))),
            (false, None, Some((true, true))),
            (false, Some(" 710 , "), Some((true, false))),
            (false, Some("710,711"), Some((true, true))),
            (false, Some(""), Some((false, false))),
            (false, Some("710,712"), None),
        ];
        for (direct, companies, expected) in table {
            let route = decide(direct, companies, &known);
            let seen = route.as_ref().ok().map(|route| (route.is_kafka("710"), route.is_kafka("711")));
            assert_eq!(seen, expected, "{direct} {companies:?}");
            if let Err(error) = route {
                assert_eq!(error.kind().exit_code(), 2);
            }
        }
    }
}
