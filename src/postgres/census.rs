//! What a ledger holds, counted: for checks and status lines. Reads only.

use super::{Error, Lease};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One company's rows in its own database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transactions stored.
    pub transactions: i64,
    /// Pending rows that wait for a person.
    pub open: i64,
    /// Of these, the ones on no tab yet.
    pub unposted: i64,
    /// Pending rows that a rule has settled.
    pub resolved: i64,
    /// Rules in force.
    pub rules: i64,
}

/// One company's posts, from the control database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posts {
    /// Brought to their end.
    pub posted: i64,
    /// Begun and not finished.
    pub posting: i64,
}

/// Counts of every company that lives in this database and has any row, by its id.
pub async fn counts(lease: &mut Lease) -> Result<BTreeMap<String, Counts>, Error> {
    let statement = lease
        .prepared(
            "select company_id, sum(transactions)::int8, sum(open)::int8, sum(unposted)::int8, \
                 sum(resolved)::int8, sum(rules)::int8 \
             from (select company_id, count(*) as transactions, 0 as open, 0 as unposted, 0 as resolved, \
                     0 as rules from app.transactions group by 1 \
                 union all select company_id, 0, count(*) filter (where status = 'open'), \
                     count(*) filter (where status = 'open' and posted_signature is null), \
                     count(*) filter (where status = 'resolved'), 0 from app.pending_txns group by 1 \
                 union all select company_id, 0, 0, 0, 0, count(*) from app.rules_active group by 1) parts \
             group by 1",
        )
        .await?;
    let mut found = BTreeMap::new();
    for row in lease.query(&statement, &[]).await? {
        let counts = Counts {
            transactions: row.try_get(1)?,
            open: row.try_get(2)?,
            unposted: row.try_get(3)?,
            resolved: row.try_get(4)?,
            rules: row.try_get(5)?,
        };
        found.insert(row.try_get(0)?, counts);
    }
    Ok(found)
}

/// Posts of every company that has any, by its id.
pub async fn posts(lease: &mut Lease) -> Result<BTreeMap<String, Posts>, Error> {
    let statement = lease
        .prepared(
            "select company_id, count(*) filter (where state = 'posted'), \
                 count(*) filter (where state = 'posting') from control.sheet_posts group by 1",
        )
        .await?;
    let mut found = BTreeMap::new();
    for row in lease.query(&statement, &[]).await? {
        found.insert(row.try_get(0)?, Posts { posted: row.try_get(1)?, posting: row.try_get(2)? });
    }
    Ok(found)
}

/// The transactions stored for one company, in no order.
pub async fn txn_uids(lease: &mut Lease, company_id: &str) -> Result<Vec<Uuid>, Error> {
    let statement = lease.prepared("select txn_uid from app.transactions where company_id = $1").await?;
    lease.query(&statement, &[&company_id]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// One text for everything that handling and posting write, measurements and confirmations left out: equal texts mean that
/// nothing changed in between. For small ledgers; both sets of tables must be in this database.
pub async fn fingerprint(lease: &mut Lease) -> Result<String, Error> {
    let statement = lease
        .prepared(
            "select md5(coalesce(string_agg(line, E'\\n' order by line), '')) \
             from (select 't' || t::text as line from app.transactions t \
                 union all select 'p' || p::text from app.pending_txns p \
                 union all select 'r' || r::text from app.rules_pending r \
                 union all select 'a' || a::text from app.rules_active a \
                 union all select 'v' || v::text from control.rule_versions v \
                 union all select 's' || s::text from control.sheet_posts s) lines",
        )
        .await?;
    Ok(lease.query_one(&statement, &[]).await?.try_get(0)?)
}
