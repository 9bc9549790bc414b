//! `promote`: approved rules become active, and what waited for them is resolved.

use super::context::{Ledger, commit, unreadable};
use super::runs::{Ends, runs};
use crate::engine::{Failure, Handler, HandlerFuture, Outcomes, Record};
use crate::model::ledger::message::parse_promote;
use crate::postgres::ledger;
use std::sync::Arc;

/// Requests of one lane that one promotion answers.
const BATCH: usize = 64;

/// The handler of `PROMOTE_RULES` messages.
pub struct Promote(Arc<Ledger>);

impl Promote {
    /// A handler on `ledger`.
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Promote(ledger)
    }

    async fn run(&self, records: &[Record]) -> Result<Outcomes, Failure> {
        let mut ends = Ends::new(records.len());
        let mut requests = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            match parse_promote(record.key(), record.value()) {
                Ok(request) => requests.push((index, request.company_id.into_owned(), ())),
                Err(fault) => ends.failed(index, unreadable(fault)),
            }
        }
        for run in runs(requests) {
            if let Err(failure) = self.promote(&run.company_id).await {
                ends.run_failed(&run.records, failure)?;
            }
        }
        ends.into_outcomes()
    }

    async fn promote(&self, company_id: &str) -> Result<(), Failure> {
        let company = self.0.company(company_id).await?;
        let failed = |error: crate::postgres::Error| company.failure(error.doing("promoting rules"));
        let mut lease = self.0.lease(&company).await?;
        let mut transaction = lease.begin().await.map_err(failed)?;
        let promoted = ledger::promote(&mut transaction, self.0.token(), company_id, self.0.now()).await;
        let promoted = promoted.map_err(failed)?;
        commit(transaction, &company).await?;
        tracing::info!(
            company = company_id,
            version = promoted.version,
            rules = promoted.rules,
            resolved = promoted.resolved,
            "rules promoted"
        );
        // Also without a new version: the tab may still show an older one.
        self.0.committed(&company);
        Ok(())
    }
}

impl Handler for Promote {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        Box::pin(self.run(records))
    }
    fn batch_limit(&self) -> usize {
        BATCH
    }
}
