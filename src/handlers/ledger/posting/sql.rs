//! The books in PostgreSQL: claims in the control database, rows and rules in the company's own.

use super::store::{Books, Led, Store, StoreFuture, Tabs};
use crate::consent::WriteToken;
use crate::engine::Failure;
use crate::model::company::CompanyConfig;
use crate::model::ledger::rules::ActiveRule;
use crate::model::posting::{Claim, Earlier, NewClaim, PendingRow, Posted};
use crate::postgres::posting::Waiting;
use crate::postgres::{Dsn, Error, Lease, PoolLimits, Pools, company, posting, sheet_posts};
use futures_util::stream::{self, StreamExt};
use std::sync::Arc;
use uuid::Uuid;

/// Companies led at once hold a connection of the control database each, for as long as a workbook takes to
/// answer; so the drain has pools of its own, and no message waits for a connection that posting holds.
const LIMITS: PoolLimits = PoolLimits { total: 32, per_dsn: 12 };

/// Databases asked at once by a sweep.
const SWEEP_AT_ONCE: usize = 4;

/// Reads and writes the databases of all companies.
#[derive(Clone)]
pub struct SqlStore {
    pools: Pools,
    control: Dsn,
    token: Arc<WriteToken>,
}

pub(super) fn failed(dsn: &Dsn) -> impl Fn(Error) -> Failure + use<> {
    let dependency = dsn.dependency();
    move |error| error.into_failure(dependency.clone())
}

impl SqlStore {
    /// The store over the control database `control`, with connections of its own.
    pub fn new(control: Dsn, token: WriteToken) -> Self {
        SqlStore { pools: Pools::new(LIMITS), control, token: Arc::new(token) }
    }

    async fn control(&self) -> Result<Lease, Failure> {
        self.pools.get(&self.control).await.map_err(failed(&self.control))
    }

    async fn sweep(&self) -> Result<Vec<String>, Failure> {
        let (configs, stands) = {
            let mut control = self.control().await?;
            let on_control = failed(&self.control);
            let configs = company::all(&mut control).await.map_err(&on_control)?;
            (configs, sheet_posts::stands(&mut control).await.map_err(&on_control)?)
        };
        let mut found: Vec<String> =
            stands.values().filter(|stand| stand.claimed).map(|stand| stand.company_id.clone()).collect();
        let mut answers = stream::iter(company::by_database(configs))
            .map(|(dsn, companies)| async move {
                let answer = match dsn {
                    Ok(dsn) => waiting_in(&self.pools, &dsn, &companies).await,
                    Err(error) => Err(failed(&self.control)(error)),
                };
                (companies, answer)
            })
            .buffer_unordered(SWEEP_AT_ONCE);
        while let Some((companies, answer)) = answers.next().await {
            match answer {
                Ok(waiting) => found.extend(waiting.into_iter().filter_map(|company| {
                    let shown = stands.get(&company.company_id).and_then(|stand| stand.shown_version);
                    let rules = company.rules_version.is_some() && company.rules_version != shown;
                    (company.rows || rules).then_some(company.company_id)
                })),
                Err(failure) => {
                    // Their steps will meet the same failure, and back off by themselves.
                    tracing::warn!(%failure, companies = companies.len(), "looking for rows to post");
                    found.extend(companies.into_iter().map(|config| config.company_id));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    async fn open(&self, company_id: &str) -> Result<Led, Failure> {
        let on_control = failed(&self.control);
        let mut control = self.control().await?;
        if !sheet_posts::try_lock(&mut control, company_id).await.map_err(&on_control)? {
            return Ok(Led::Elsewhere);
        }
        // Read under the lock: what the last leader saw may be old.
        let Some(config) = company::one(&mut control, company_id).await.map_err(&on_control)? else {
            sheet_posts::unlock(&mut control, company_id).await.map_err(&on_control)?;
            return Ok(Led::Unknown);
        };
        let dsn = Dsn::parse(config.db_dsn_rw.expose()).map_err(&on_control)?;
        let own =
            if dsn == self.control { None } else { Some(self.pools.get(&dsn).await.map_err(failed(&dsn))?) };
        let tabs = Tabs {
            spreadsheet_id: config.spreadsheet_id,
            pending: config.tab_pending,
            active: config.tab_active,
        };
        Ok(Led::Here(Box::new(SqlBooks {
            company_id: config.company_id,
            tabs,
            control,
            own,
            token: self.token.clone(),
        })))
    }
}

pub(super) fn ids(companies: &[CompanyConfig]) -> Vec<&str> {
    companies.iter().map(|config| config.company_id.as_str()).collect()
}

async fn waiting_in(pools: &Pools, dsn: &Dsn, companies: &[CompanyConfig]) -> Result<Vec<Waiting>, Failure> {
    let mut lease = pools.get(dsn).await.map_err(failed(dsn))?;
    posting::waiting(&mut lease, &ids(companies)).await.map_err(failed(dsn))
}

impl Store for SqlStore {
    fn waiting(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(self.sweep())
    }
    fn lead<'a>(&'a self, company: &'a str) -> StoreFuture<'a, Led> {
        Box::pin(self.open(company))
    }
}

/// One company's books. The control connection holds the lock, and every claim is written on it: when the
/// server has forgotten the lock, the claim cannot be written either.
struct SqlBooks {
    company_id: String,
    tabs: Tabs,
    control: Lease,
    /// The company's database, unless it is the control database.
    own: Option<Lease>,
    token: Arc<WriteToken>,
}

impl SqlBooks {
    fn own(&mut self) -> (&mut Lease, &str, &WriteToken) {
        (self.own.as_mut().unwrap_or(&mut self.control), &self.company_id, &self.token)
    }
}

/// Runs `$call` on a lease and maps its error to a failure of that lease's database.
macro_rules! on {
    ($lease:expr, $call:expr) => {{
        let fail = failed($lease.dsn());
        $call.await.map_err(fail)
    }};
}

impl Books for SqlBooks {
    fn tabs(&self) -> &Tabs {
        &self.tabs
    }
    fn unfinished(&mut self) -> StoreFuture<'_, Vec<Claim>> {
        Box::pin(
            async move { on!(self.control, sheet_posts::unfinished(&mut self.control, &self.company_id)) },
        )
    }
    fn earlier<'a>(&'a mut self, signature: &'a str) -> StoreFuture<'a, Earlier> {
        Box::pin(async move {
            on!(self.control, sheet_posts::earlier(&mut self.control, &self.company_id, signature))
        })
    }
    fn claim<'a>(&'a mut self, new: &'a NewClaim) -> StoreFuture<'a, Claim> {
        Box::pin(async move {
            let (control, token) = (&mut self.control, &self.token);
            on!(control, sheet_posts::write_claim(control, token, &self.company_id, new))
        })
    }
    fn next_ordinal<'a>(&'a mut self, claim: &'a Claim) -> StoreFuture<'a, Claim> {
        Box::pin(async move {
            on!(self.control, sheet_posts::next_ordinal(&mut self.control, &self.token, claim.id))
        })
    }
    fn unposted(&mut self, limit: usize) -> StoreFuture<'_, Vec<PendingRow>> {
        Box::pin(async move {
            let (lease, company, _) = self.own();
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            on!(lease, posting::unposted(lease, company, limit))
        })
    }
    fn claimed_rows<'a>(&'a mut self, ids: &'a [Uuid]) -> StoreFuture<'a, Vec<PendingRow>> {
        Box::pin(async move {
            let (lease, company, _) = self.own();
            on!(lease, posting::claimed_rows(lease, company, ids))
        })
    }
    fn newest_version(&mut self) -> StoreFuture<'_, Option<i64>> {
        Box::pin(async move {
            let (lease, company, _) = self.own();
            on!(lease, posting::newest_version(lease, company))
        })
    }
    fn rules(&mut self, version: i64) -> StoreFuture<'_, Option<Vec<ActiveRule>>> {
        Box::pin(async move {
            let (lease, company, _) = self.own();
            on!(lease, posting::rules(lease, company, version))
        })
    }
    fn stamp<'a>(&'a mut self, signature: &'a str, ids: &'a [Uuid]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let (lease, company, token) = self.own();
            on!(lease, posting::stamp(lease, token, company, signature, ids))
        })
    }
    fn mark_posted<'a>(&'a mut self, claim: &'a Claim) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let (control, token) = (&mut self.control, &self.token);
            on!(control, sheet_posts::mark_posted(control, token, claim.id, claim.ordinal))
        })
    }
    fn last_post<'a>(&'a mut self, tab: &'a str) -> StoreFuture<'a, Option<(String, Option<i64>)>> {
        Box::pin(async move {
            on!(self.control, sheet_posts::last_post(&mut self.control, &self.company_id, tab))
        })
    }
    fn advance_version<'a>(&'a mut self, signature: &'a str, version: i64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let (control, token, company) = (&mut self.control, &self.token, &self.company_id);
            on!(control, sheet_posts::advance_version(control, token, company, signature, version))
        })
    }
    fn newest_posts<'a>(&'a mut self, tab: &'a str) -> StoreFuture<'a, Vec<Posted>> {
        Box::pin(async move {
            on!(self.control, sheet_posts::newest_posts(&mut self.control, &self.company_id, tab))
        })
    }
    fn close<'a>(mut self: Box<Self>) -> StoreFuture<'a, ()>
    where
        Self: 'a,
    {
        Box::pin(async move { on!(self.control, sheet_posts::unlock(&mut self.control, &self.company_id)) })
    }
}
