//! The steps of the runbook, through the functions that the commands use.

use crate::app::{App, ConsumerOrder, Mode, replay};
use crate::commands::rules::view;
use crate::consent::WriteToken;
use crate::engine::{DeadLettered, Event, Policy, Reporter, Summary};
use crate::error::{Error, Result};
use crate::handlers::ledger::ShadowReport;
use crate::handlers::ledger::posting::{WouldPost, would_post};
use crate::kafka::{Reader, whole_topics};
use crate::model::company::{CompanyChange, CompanyConfig};
use crate::model::company_file;
use crate::model::ledger::transaction::CompanyTxns;
use crate::model::ledger::{encode, rules_csv, webhook};
use crate::model::pipeline::{self, PROMOTE, TXNS, dead_letter_topic};
use crate::model::record::{Delivery, OutgoingRecord, StoredRecord};
use crate::model::replay::Filter;
use crate::postgres::{Dsn, rollout};
use crate::ui::Ui;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Nothing in the demo takes this long; better an error than a silent screen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Brings the database to the schema; how many migrations that took.
pub async fn migrate(app: &App, token: &WriteToken) -> Result<usize> {
    let mut applied = 0;
    for database in rollout::survey(&app.control_dsn()?).await?.databases {
        applied += rollout::migrate(&database, token).await?.len();
    }
    Ok(applied)
}

/// Migrations that are still pending.
pub async fn pending_migrations(app: &App) -> Result<usize> {
    let survey = rollout::survey(&app.control_dsn()?).await?;
    Ok(survey.databases.iter().map(rollout::DatabasePlan::pending).sum())
}

/// Seeds the companies of a file's text; the ids that were inserted.
pub async fn seed(app: &App, token: &WriteToken, text: &str) -> Result<Vec<String>> {
    let control = app.control_dsn()?;
    let own = |name: &str| (name == "PG_DSN_RW").then(|| control.secret().expose().clone());
    let faults = |faults: Vec<String>| {
        faults.into_iter().fold(Error::failed("the demo's companies cannot be read"), Error::cause)
    };
    let companies = company_file::parse(text, own).map_err(faults)?;
    let plan = rollout::plan_seed(app.pools(), &control, &companies, false).await.map_err(|found| {
        let text = |fault| match fault {
            rollout::Fault::Database(error) => error.to_string(),
            rollout::Fault::Clash(text) => text,
        };
        faults(found.into_iter().map(text).collect())
    })?;
    rollout::seed(app.pools(), &plan, token).await?;
    let inserted = |change: &CompanyChange| match change {
        CompanyChange::Insert(config) => Some(config.company_id.clone()),
        _ => None,
    };
    Ok(plan.changes.iter().filter_map(inserted).collect())
}

/// The messages of a webhook body.
pub fn messages(app: &App, body: &[u8]) -> Result<Vec<OutgoingRecord>> {
    let companies = webhook::parse(body).map_err(|faults| {
        faults.into_iter().fold(Error::failed("the demo's payload cannot be read"), Error::cause)
    })?;
    batches(app, &companies)
}

/// One message for each company and 2000 transactions.
pub fn batches(app: &App, companies: &[CompanyTxns<'_>]) -> Result<Vec<OutgoingRecord>> {
    let topic = app.settings.name(TXNS.topic);
    let batch = |(company_id, transactions): (&str, &[_])| {
        let batch_id = Uuid::new_v4().to_string();
        let value = encode::txns_batch(company_id, &batch_id, app.clock.now(), transactions);
        let value = value.map_err(|error| Error::failed("writing a message").source(&error))?;
        Ok(record(&topic, company_id, value))
    };
    encode::split(companies).into_iter().map(batch).collect()
}

/// Requests to promote the rules of these companies.
pub fn promotions(app: &App, companies: &[String]) -> Result<Vec<OutgoingRecord>> {
    let topic = app.settings.name(PROMOTE.topic);
    let request = |company_id: &String| {
        let value = encode::promote(company_id, app.clock.now());
        let value = value.map_err(|error| Error::failed("writing a message").source(&error))?;
        Ok(record(&topic, company_id, value))
    };
    companies.iter().map(request).collect()
}

/// A record with this key and value.
pub fn record(topic: &str, key: &str, value: impl Into<Bytes>) -> OutgoingRecord {
    OutgoingRecord {
        topic: topic.into(),
        partition: None,
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: Some(value.into()),
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

/// Writes records and waits for the broker's acknowledgement of all of them.
pub async fn send(app: &App, token: &WriteToken, records: Vec<OutgoingRecord>) -> Result<Vec<Delivery>> {
    let sent = app.producer().await?.send_all(token, records.into_iter(), |_| {}).await;
    let refused = |error| Error::unreachable("sending").source(&error);
    sent.into_iter().map(|result| result.map_err(refused)).collect()
}

/// Approves the rules of a CSV text; how many.
pub async fn import(app: &App, token: &WriteToken, configs: &[CompanyConfig], text: &str) -> Result<usize> {
    let rules = rules_csv::parse(text.as_bytes()).map_err(|faults| {
        faults.into_iter().fold(Error::failed("the demo's rules cannot be read"), Error::cause)
    })?;
    let count = rules.len();
    let by_company = rules_csv::by_company(rules);
    for config in configs {
        let Some(rules) = by_company.get(&config.company_id) else { continue };
        let dsn = Dsn::parse(config.db_dsn_rw.expose())?;
        view::approve(app, token, &dsn, &config.company_id, rules).await?;
    }
    Ok(count)
}

/// What a consumer did until everything was done.
pub struct Ran {
    /// Its totals.
    pub summary: Summary,
    /// What it gave up.
    pub dead: Vec<DeadLettered>,
    /// What it would have posted, had it been live.
    pub would_post: Vec<WouldPost>,
}

impl Ran {
    /// Posts it made.
    pub fn posts(&self) -> u64 {
        self.summary.totals.drains.iter().map(|drain| drain.steps).sum()
    }
}

/// `kylo consume NAME --exit-when-idle`
pub async fn consume(app: &App, name: &str, live: bool) -> Result<Ran> {
    let waiting = Arc::new(Waiting::default());
    let mode = if live { Mode::Live } else { Mode::Shadow(waiting.clone()) };
    let listener = Arc::new(Listener::new(app.ui.clone()));
    let policy = Policy { exit_when_idle: true, idle_timeout: Some(PATIENCE), ..Policy::default() };
    let consumer = app.consumer(order(name, mode, policy, listener.clone())?).await?;
    let summary = consumer.run(app.shutdown.clone()).await;
    let summary = summary.map_err(|error| Error::failed(format!("{name}: {error}")))?;
    let mut posts = Vec::new();
    for company in waiting.companies() {
        let found = would_post(app.pools(), &app.control_dsn()?, &company).await;
        posts.extend(found.map_err(|failure| Error::failed(failure.to_string()))?);
    }
    Ok(Ran { summary, dead: listener.dead(), would_post: posts })
}

/// The order of a built-in consumer.
pub fn order(name: &str, mode: Mode, policy: Policy, reporter: Arc<Listener>) -> Result<ConsumerOrder> {
    let found = pipeline::worker(name);
    let (pipeline, worker) = found.ok_or_else(|| Error::failed(format!("no consumer {name}")))?;
    Ok(ConsumerOrder { pipeline, worker, mode, policy, reporter })
}

/// Hears what a consumer tells; the demo's story needs the dead letters, the rest is detail.
pub struct Listener {
    ui: Ui,
    dead: Mutex<Vec<DeadLettered>>,
}

impl Listener {
    /// Heard nothing yet.
    pub fn new(ui: Ui) -> Self {
        Listener { ui, dead: Mutex::default() }
    }
    fn dead(&self) -> Vec<DeadLettered> {
        std::mem::take(&mut *self.dead.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reporter for Listener {
    fn event(&self, event: Event) {
        match event {
            Event::DeadLettered(letter) => {
                self.dead.lock().unwrap_or_else(PoisonError::into_inner).push(letter)
            }
            Event::Assigned { .. } | Event::Revoked(_) => {}
            other => self.ui.detail(&format!("{other:?}")),
        }
    }
}

/// The companies a shadow would post for.
#[derive(Default)]
struct Waiting(Mutex<BTreeSet<String>>);

impl Waiting {
    fn companies(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ShadowReport for Waiting {
    fn would_post(&self, company: &CompanyConfig) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(company.company_id.clone());
    }
}

/// Sends the dead letters of the transactions back; how many.
pub async fn replay(app: &App, token: WriteToken, max_retries: u32) -> Result<u64> {
    let admin = app.admin().await?;
    let topics = [dead_letters(app)];
    let rules = replay::Rules {
        filter: Filter::default(),
        to_topic: None,
        max_retries,
        limit: u64::MAX,
        cluster: admin.cluster().id.clone(),
        now: app.clock.now(),
    };
    let places = replay::Places::read(&admin, &topics, &app.replay_group()).await?;
    let plan = replay::plan(app, &places, &rules).await?;
    replay::carry_out(app, &admin, token, &rules, &places, &plan).await
}

/// A dead letter, whole, with its kind and how often it was sent back.
pub struct Letter {
    /// The record.
    pub record: StoredRecord,
    /// The short word of the reason.
    pub kind: String,
    /// Times it was sent back before.
    pub replays: u32,
}

/// Every dead letter of the transactions, those sent back included, oldest first within a partition.
pub async fn letters(app: &App) -> Result<Vec<Letter>> {
    let admin = app.admin().await?;
    let ranges = whole_topics(&admin, &[dead_letters(app)]).await?;
    let records = Reader::open(app.kafka().await?, ranges)?.collect().await?;
    let read = |record: StoredRecord| {
        let (envelope, named) = replay::envelope(&record, &admin.cluster().id);
        let letter = replay::letter(&record, &envelope, named);
        Letter { record, kind: letter.kind.unwrap_or_default(), replays: letter.replays }
    };
    Ok(records.into_iter().map(read).collect())
}

fn dead_letters(app: &App) -> String {
    dead_letter_topic(&app.settings.name(TXNS.topic))
}
