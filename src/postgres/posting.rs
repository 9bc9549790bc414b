//! What the posting drain reads and stamps in a company's own database.

use super::ledger::active_rule;
use super::{Error, Lease};
use crate::consent::WriteToken;
use crate::model::ledger::rules::ActiveRule;
use crate::model::posting::PendingRow;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

/// What waits in one company's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The company.
    pub company_id: String,
    /// Open pending rows wait to be posted.
    pub rows: bool,
    /// Newest version of its rules; `None` before the first promotion.
    pub rules_version: Option<i64>,
}

/// Rows of a company that wait to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The company.
    pub company_id: String,
    /// How many wait.
    pub rows: i64,
    /// When the oldest of them arrived.
    pub oldest: Timestamp,
}

/// What waits for each of `companies`, all of this database.
pub async fn waiting(lease: &mut Lease, companies: &[&str]) -> Result<Vec<Waiting>, Error> {
    let statement = lease
        .prepared(
            "select c, \
                 exists (select 1 from app.pending_txns p \
                         where p.company_id = c and p.status = 'open' and p.posted_signature is null), \
                 (select max(v.version) from control.rule_versions v where v.company_id = c) \
             from unnest($1::text[]) c",
        )
        .await?;
    let rows = lease.query(&statement, &[&companies]).await?;
    rows.iter()
        .map(|row| {
            Ok(Waiting { company_id: row.try_get(0)?, rows: row.try_get(1)?, rules_version: row.try_get(2)? })
        })
        .collect()
}

/// The backlog of each of `companies` that has one, all of this database.
pub async fn backlog(lease: &mut Lease, companies: &[&str]) -> Result<Vec<Backlog>, Error> {
    let statement = lease
        .prepared(
            "select company_id, count(*), min(arrived_at) from app.pending_txns \
             where company_id = any($1::text[]) and status = 'open' and posted_signature is null \
             group by company_id order by company_id",
        )
        .await?;
    let rows = lease.query(&statement, &[&companies]).await?;
    rows.iter()
        .map(|row| {
            Ok(Backlog { company_id: row.try_get(0)?, rows: row.try_get(1)?, oldest: row.try_get(2)? })
        })
        .collect()
}

fn pending(row: &Row) -> Result<PendingRow, Error> {
    Ok(PendingRow {
        txn_uid: row.try_get(0)?,
        occurred_at: row.try_get(1)?,
        description_norm: row.try_get(2)?,
        amount_cents: row.try_get(3)?,
    })
}

/// The company's open pending rows that were not posted, in order of arrival, `limit` at most.
pub async fn unposted(lease: &mut Lease, company_id: &str, limit: i64) -> Result<Vec<PendingRow>, Error> {
    let statement = lease
        .prepared(
            "select txn_uid, occurred_at, description_norm, amount_cents from app.pending_txns \
             where company_id = $1 and status = 'open' and posted_signature is null \
             order by arrival limit $2",
        )
        .await?;
    lease.query(&statement, &[&company_id, &limit]).await?.iter().map(pending).collect()
}

/// The rows of a claim, in order of arrival, whatever became of them since.
pub async fn claimed_rows(
    lease: &mut Lease,
    company_id: &str,
    ids: &[Uuid],
) -> Result<Vec<PendingRow>, Error> {
    let statement = lease
        .prepared(
            "select txn_uid, occurred_at, description_norm, amount_cents from app.pending_txns \
             where company_id = $1 and txn_uid = any($2) order by arrival",
        )
        .await?;
    lease.query(&statement, &[&company_id, &ids]).await?.iter().map(pending).collect()
}

/// Stamps rows with the post that carried them to the sheet.
pub async fn stamp(
    lease: &mut Lease,
    _token: &WriteToken,
    company_id: &str,
    signature: &str,
    ids: &[Uuid],
) -> Result<(), Error> {
    let statement = lease
        .prepared(
            "update app.pending_txns set posted_signature = $2, updated_at = now() \
             where company_id = $1 and txn_uid = any($3) and posted_signature is null",
        )
        .await?;
    lease.execute(&statement, &[&company_id, &signature, &ids]).await?;
    Ok(())
}

/// Newest version of the company's rules; `None` before the first promotion.
pub async fn newest_version(lease: &mut Lease, company_id: &str) -> Result<Option<i64>, Error> {
    let statement =
        lease.prepared("select max(version) from control.rule_versions where company_id = $1").await?;
    Ok(lease.query_one(&statement, &[&company_id]).await?.try_get(0)?)
}

/// The rules of one version; `None` when there is no such version.
///
/// What a snapshot does not say of a rule (times, the version that brought it) is taken from the rule in
/// force, if it is the same rule, and else from the promotion.
pub async fn rules(
    lease: &mut Lease,
    company_id: &str,
    version: i64,
) -> Result<Option<Vec<ActiveRule>>, Error> {
    let statement = lease
        .prepared(
            "select r.rule_id, r.source, r.source_norm, r.target_sheet, r.target_header, r.notes, \
                 coalesce(r.created_at, a.created_at, v.promoted_at), \
                 coalesce(r.applied_at, a.applied_at, v.promoted_at), \
                 coalesce(r.version, a.version, v.version) \
             from control.rule_versions v \
             left join lateral jsonb_to_recordset(v.rules) as r(rule_id uuid, source text, source_norm text, \
                 target_sheet text, target_header text, notes text, created_at timestamptz, \
                 applied_at timestamptz, version bigint) on true \
             left join app.rules_active a on a.company_id = v.company_id \
                 and a.source_norm = r.source_norm and a.rule_id = r.rule_id \
             where v.company_id = $1 and v.version = $2",
        )
        .await?;
    let rows = lease.query(&statement, &[&company_id, &version]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut rules = Vec::with_capacity(rows.len());
    for row in &rows {
        // A version without rules is one row of nulls.
        if row.try_get::<_, Option<Uuid>>(0)?.is_some() {
            rules.push(active_rule(row)?);
        }
    }
    Ok(Some(rules))
}
