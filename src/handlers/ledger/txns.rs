//! `txns`: batches of transactions are stored once, compared with the rules, and what none matches is pending.

use super::context::{Company, Ledger, commit, unreadable};
use super::runs::{Ends, runs};
use crate::engine::{Failure, Handler, HandlerFuture, Outcomes, Record};
use crate::model::ledger::decide::{Origin, Prepared, decide};
use crate::model::ledger::message::parse_txns_batch;
use crate::model::ledger::rules::RuleSet;
use crate::postgres::ledger;
use std::sync::Arc;
use tokio::time::Instant;
use uuid::Uuid;

/// Messages of one lane that share a database transaction.
const BATCH: usize = 64;

/// The handler of `TXNS_BATCH` messages.
pub struct Txns(Arc<Ledger>);

impl Txns {
    /// A handler on `ledger`.
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Txns(ledger)
    }

    async fn run(&self, records: &[Record]) -> Result<Outcomes, Failure> {
        let started = Instant::now();
        let mut ends = Ends::new(records.len());
        let mut messages = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            match parse_txns_batch(record.key(), record.value()) {
                Ok(batch) => {
                    let company_id = batch.company_id.clone().into_owned();
                    messages.push((index, company_id, Prepared::new(batch, origin(record))));
                }
                Err(fault) => ends.failed(index, unreadable(fault)),
            }
        }
        let prepare_ms = milliseconds(started);
        for run in runs(messages) {
            if let Err(failure) = self.store(&run.company_id, &run.messages, prepare_ms).await {
                ends.run_failed(&run.records, failure)?;
            }
        }
        ends.into_outcomes()
    }

    /// Mover and triage of one company's messages, in one transaction.
    async fn store(
        &self,
        company_id: &str,
        messages: &[Prepared<'_>],
        prepare_ms: i32,
    ) -> Result<(), Failure> {
        let company = self.0.company(company_id).await?;
        let failed = |error: crate::postgres::Error| company.failure(error.doing("storing transactions"));
        let mut lease = self.0.lease(&company).await?;
        let mut transaction = lease.begin().await.map_err(failed)?;
        let uids: Vec<Uuid> = messages.iter().flat_map(Prepared::uids).collect();
        let mut opening = ledger::open(&mut transaction, company_id, &uids).await.map_err(failed)?;
        let rules = match company.rules() {
            Some(rules) if rules.mark == opening.mark => rules,
            _ => {
                let active = ledger::active_rules(&mut transaction, company_id).await.map_err(failed)?;
                let rules = Arc::new(RuleSet::new(opening.mark, active));
                company.keep_rules(rules.clone());
                rules
            }
        };
        let triage = Instant::now();
        let mut plan = decide(messages, &opening.stored, &rules);
        let timings = (prepare_ms, milliseconds(triage));
        let raised =
            ledger::raise_versions(&mut transaction, company_id, messages, &plan, &mut opening.stored).await;
        if raised.map_err(failed)? {
            plan = decide(messages, &opening.stored, &rules);
        }
        let written =
            ledger::write(&mut transaction, self.0.token(), company_id, messages, &plan, timings).await;
        let written = written.map_err(failed)?;
        commit(transaction, &company).await?;
        report_changed(&company, &written.changed_after_post);
        if plan.rows.iter().any(|row| row.rule.is_none()) {
            self.0.committed(&company);
        }
        Ok(())
    }
}

impl Handler for Txns {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        Box::pin(self.run(records))
    }
    fn batch_limit(&self) -> usize {
        BATCH
    }
}

/// The message's version: of a replayed record its origin, so that it stays as old as it is.
fn origin(record: &Record) -> Origin {
    let origin = record.origin();
    Origin {
        log: origin.log,
        partition: origin.partition.partition,
        offset: origin.offset,
        timestamp_ms: origin.timestamp_ms.unwrap_or_default(),
    }
}

/// The sheet still shows what was posted; a person has to know.
fn report_changed(company: &Company, changed: &[Uuid]) {
    for uid in changed {
        tracing::warn!(
            company = company.config.company_id,
            txn_uid = %uid,
            "a transaction changed after it was posted; its row in the sheet is as it was"
        );
    }
}

fn milliseconds(since: Instant) -> i32 {
    i32::try_from(since.elapsed().as_millis()).unwrap_or(i32::MAX)
}
