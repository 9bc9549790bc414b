//! A promotion: approved rules become active, and what waits for them is resolved. One transaction.

use super::{active_rules, lock};
use crate::consent::WriteToken;
use crate::model::ledger::promote::{Waiting, decide};
use crate::model::ledger::rules::{ActiveRule, ApprovedRule, checksum};
use crate::postgres::{Error, Transaction};
use jiff::Timestamp;

/// What a promotion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promoted {
    /// The new version; `None` when nothing changed.
    pub version: Option<i64>,
    /// Rules that were new or said something else.
    pub rules: usize,
    /// Pending rows resolved.
    pub resolved: u64,
}

/// Promotes the company's approved rules, resolves the open pending rows that match now, and counts it all in one
/// metrics row. The snapshot in control.rule_versions stands in the company's own database, so all of it is one
/// transaction, and doing it again changes nothing. `now` becomes the rules' applied_at, in microseconds.
pub async fn promote(
    transaction: &mut Transaction<'_>,
    _token: &WriteToken,
    company_id: &str,
    now: Timestamp,
) -> Result<Promoted, Error> {
    lock(transaction, company_id).await?;
    let active = active_rules(transaction, company_id).await?;
    let waiting = waiting(transaction, company_id).await?;
    let mut promoted = Promoted::default();
    if !waiting.is_empty() {
        let last = last_version(transaction, company_id).await?;
        // PostgreSQL keeps microseconds; the snapshot must say what the table says.
        let now = Timestamp::from_microsecond(now.as_microsecond())
            .map_err(|_| Error::unexpected("the clock is out of range"))?;
        if let Some(promotion) = decide(&active, &waiting, last, now) {
            activate(transaction, company_id, &promotion.written).await?;
            snapshot(transaction, company_id, promotion.version, &promotion.after, now).await?;
            promoted.version = Some(promotion.version);
            promoted.rules = promotion.written.len();
        }
        let statement = transaction
            .prepared(
                "update app.rules_pending set promoted_at = $2, updated_at = now() where company_id = $1 \
                     and approved and promoted_at is null and withdrawn_at is null",
            )
            .await?;
        transaction.raw().execute(&statement, &[&company_id, &now]).await?;
    }
    promoted.resolved = replay(transaction, company_id).await?;
    let statement = transaction
        .prepared(
            "insert into control.triage_metrics (company_id, batch_id, operation, matched, resolved, mover_ms) \
             values ($1, $2, 'replay', $3, $3, \
                 (extract(epoch from clock_timestamp() - now()) * 1000)::int)",
        )
        .await?;
    let name = match promoted.version {
        Some(version) => format!("promote {version}"),
        None => "promote".to_owned(),
    };
    let resolved = i32::try_from(promoted.resolved).unwrap_or(i32::MAX);
    transaction.raw().execute(&statement, &[&company_id, &name, &resolved]).await?;
    Ok(promoted)
}

async fn waiting(transaction: &mut Transaction<'_>, company_id: &str) -> Result<Vec<Waiting>, Error> {
    let statement = transaction
        .prepared(
            "select source, source_norm, target_sheet, target_header, notes, created_at from app.rules_pending \
             where company_id = $1 and approved and promoted_at is null and withdrawn_at is null \
             order by source_norm",
        )
        .await?;
    let rows = transaction.raw().query(&statement, &[&company_id]).await?;
    rows.iter()
        .map(|row| {
            let rule = ApprovedRule {
                source: row.try_get(0)?,
                source_norm: row.try_get(1)?,
                target_sheet: row.try_get(2)?,
                target_header: row.try_get(3)?,
                notes: row.try_get(4)?,
            };
            Ok(Waiting { rule, created_at: row.try_get(5)? })
        })
        .collect()
}

async fn last_version(transaction: &mut Transaction<'_>, company_id: &str) -> Result<i64, Error> {
    let statement = transaction
        .prepared("select coalesce(max(version), 0) from control.rule_versions where company_id = $1")
        .await?;
    Ok(transaction.raw().query_one(&statement, &[&company_id]).await?.try_get(0)?)
}

async fn activate(
    transaction: &mut Transaction<'_>,
    company_id: &str,
    rules: &[ActiveRule],
) -> Result<(), Error> {
    let statement = transaction
        .prepared(
            "insert into app.rules_active (company_id, rule_id, source, source_norm, target_sheet, \
                 target_header, notes, created_at, applied_at, version) \
             select $1, i.* from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], \
                 $7::text[], $8::timestamptz[], $9::timestamptz[], $10::bigint[]) as i \
             on conflict (company_id, source_norm) do update set rule_id = excluded.rule_id, \
                 source = excluded.source, target_sheet = excluded.target_sheet, \
                 target_header = excluded.target_header, notes = excluded.notes, \
                 created_at = excluded.created_at, applied_at = excluded.applied_at, \
                 version = excluded.version",
        )
        .await?;
    fn column<'r, T>(rules: &'r [ActiveRule], of: impl Fn(&'r ActiveRule) -> T) -> Vec<T> {
        rules.iter().map(of).collect()
    }
    transaction
        .raw()
        .execute(
            &statement,
            &[
                &company_id,
                &column(rules, |rule| rule.rule_id),
                &column(rules, |rule| rule.source.as_str()),
                &column(rules, |rule| rule.source_norm.as_str()),
                &column(rules, |rule| rule.target_sheet.as_str()),
                &column(rules, |rule| rule.target_header.as_str()),
                &column(rules, |rule| rule.notes.as_deref()),
                &column(rules, |rule| rule.created_at),
                &column(rules, |rule| rule.applied_at),
                &column(rules, |rule| rule.version),
            ],
        )
        .await?;
    Ok(())
}

async fn snapshot(
    transaction: &mut Transaction<'_>,
    company_id: &str,
    version: i64,
    rules: &[ActiveRule],
    now: Timestamp,
) -> Result<(), Error> {
    let statement = transaction
        .prepared(
            "insert into control.rule_versions (company_id, version, checksum, rules, promoted_at) \
             values ($1, $2, $3, $4, $5)",
        )
        .await?;
    let rules = (checksum(rules), tokio_postgres::types::Json(rules));
    transaction.raw().execute(&statement, &[&company_id, &version, &rules.0, &rules.1, &now]).await?;
    Ok(())
}

/// Resolves the open pending rows that a rule in force matches, and classifies their transactions.
async fn replay(transaction: &mut Transaction<'_>, company_id: &str) -> Result<u64, Error> {
    let statement = transaction
        .prepared(
            "with hit as (update app.pending_txns p set status = 'resolved', updated_at = now() \
                 from app.rules_active r where p.company_id = $1 and r.company_id = $1 and p.status = 'open' \
                     and p.description_norm = r.source_norm \
                 returning p.txn_uid, r.rule_id, r.target_sheet, r.target_header) \
             update app.transactions t set rule_id = hit.rule_id, target_sheet = hit.target_sheet, \
                 target_header = hit.target_header, decided_at = now(), updated_at = now() \
             from hit where t.company_id = $1 and t.txn_uid = hit.txn_uid",
        )
        .await?;
    Ok(transaction.raw().execute(&statement, &[&company_id]).await?)
}
