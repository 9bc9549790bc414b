//! What the ledger's handlers share: companies, their databases and rules, and what follows a commit.

use crate::consent::WriteToken;
use crate::engine::{Failure, Hints};
use crate::model::clock::SharedClock;
use crate::model::company::CompanyConfig;
use crate::model::ledger::message::MessageFault;
use crate::model::ledger::rules::RuleSet;
use crate::postgres::{self, Dsn, Lease, Pools, Transaction};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a company's config is believed without looking again.
const CONFIG_AGE: SignedDuration = SignedDuration::from_secs(30);

/// Told, in shadow, what a live run would now post. Called after the commit; must not block.
pub trait ShadowReport: Send + Sync + 'static {
    /// The company has open pending rows that were not posted, or rules its Active tab does not show.
    fn would_post(&self, company: &CompanyConfig);
}

/// What follows a commit that left something to post.
#[derive(Clone)]
pub enum AfterCommit {
    /// Live: the posting drain is woken.
    Wake(Hints),
    /// Shadow: it is reported, and nothing else.
    Report(Arc<dyn ShadowReport>),
    /// Nothing: a live process's sweep finds the work.
    Leave,
}

/// A company as its handlers see it.
pub struct Company {
    /// Its config.
    pub config: CompanyConfig,
    /// Its database.
    pub dsn: Dsn,
    rules: Mutex<Option<Arc<RuleSet>>>,
}

impl Company {
    /// The rules read last, if any; the caller checks that they are still in force.
    pub fn rules(&self) -> Option<Arc<RuleSet>> {
        locked(&self.rules).clone()
    }
    /// Keeps rules for the next run.
    pub fn keep_rules(&self, rules: Arc<RuleSet>) {
        *locked(&self.rules) = Some(rules);
    }
    /// A failure of this company's database. A key that appeared although the company's lock was held is
    /// somebody writing by hand; the next try sees the row.
    pub fn failure(&self, error: postgres::Error) -> Failure {
        let contention = error.sqlstate() == Some("23505");
        let mut failure = error.into_failure(self.dsn.dependency());
        if contention {
            failure.class = crate::engine::FailureClass::Transient;
            failure.kind = "database-contention";
        }
        failure
    }
}

/// The handlers' shared state; one in a process.
pub struct Ledger {
    pools: Pools,
    control: Dsn,
    clock: SharedClock,
    after: AfterCommit,
    token: WriteToken,
    companies: Mutex<HashMap<String, (Arc<Company>, Timestamp)>>,
}

impl Ledger {
    /// Handlers that find companies in the database `control` and write where those say. `token`: starting them
    /// is the consent to what they write.
    pub fn new(
        pools: Pools,
        control: Dsn,
        clock: SharedClock,
        after: AfterCommit,
        token: WriteToken,
    ) -> Self {
        Ledger { pools, control, clock, after, token, companies: Mutex::default() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
    pub(super) fn token(&self) -> &WriteToken {
        &self.token
    }

    /// The company's config, at most 30 s old. An unknown company is looked up afresh every time, and is a
    /// permanent failure.
    pub(super) async fn company(&self, company_id: &str) -> Result<Arc<Company>, Failure> {
        let now = self.clock.now();
        let known = locked(&self.companies).get(company_id).cloned();
        if let Some((company, read_at)) = &known
            && now.duration_since(*read_at).abs() < CONFIG_AGE
        {
            return Ok(company.clone());
        }
        let away = |error: postgres::Error| {
            error.doing(format!("looking up company {company_id:?}")).into_failure(self.control.dependency())
        };
        let mut lease = self.pools.get(&self.control).await.map_err(away)?;
        let found = postgres::company::one(&mut lease, company_id).await.map_err(away)?;
        drop(lease);
        let Some(config) = found else {
            locked(&self.companies).remove(company_id);
            return Err(Failure::permanent(
                "unknown-company",
                format!("company {company_id:?} is not in control.company_config: seed it, then replay"),
            ));
        };
        let company = match known {
            // Its rules stay read.
            Some((company, _)) if company.config == config => company,
            _ => {
                // Whoever runs the companies mends this, and nothing was wrong with the message.
                let dsn = Dsn::parse(config.db_dsn_rw.expose()).map_err(|error| {
                    Failure::transient(
                        "database-dsn",
                        format!("company {company_id:?} has an unusable db_dsn_rw"),
                    )
                    .caused_by(&error)
                })?;
                Arc::new(Company { config, dsn, rules: Mutex::default() })
            }
        };
        locked(&self.companies).insert(company_id.to_owned(), (company.clone(), now));
        Ok(company)
    }

    /// A connection to the company's database.
    pub(super) async fn lease(&self, company: &Company) -> Result<Lease, Failure> {
        self.pools.get(&company.dsn).await.map_err(|error| company.failure(error))
    }

    /// Something of the company is committed and waits to be posted.
    pub(super) fn committed(&self, company: &Company) {
        match &self.after {
            AfterCommit::Wake(hints) => hints.wake(&company.config.company_id),
            AfterCommit::Report(report) => report.would_post(&company.config),
            AfterCommit::Leave => {}
        }
    }
}

/// Commits. When the connection is lost during it, nobody knows whether it happened: that is a transient failure
/// like any other, since doing the work again changes nothing that was done.
pub(super) async fn commit(transaction: Transaction<'_>, company: &Company) -> Result<(), Failure> {
    transaction.commit().await.map_err(|error| company.failure(error.doing("committing")))
}

/// A message that can never be handled.
pub(super) fn unreadable(fault: MessageFault) -> Failure {
    Failure::permanent(fault.kind, fault.message)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every critical section is one assignment or look-up: a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
