//! Approved rules as `rules import` reads and writes them.

use super::lock;
use crate::consent::WriteToken;
use crate::model::ledger::rules::{ActiveRule, ApprovedRule};
use crate::model::ledger::rules_csv::KnownRule;
use crate::postgres::{Error, Lease, Transaction};
use hashbrown::HashMap;
use tokio_postgres::Row;

/// What the company's database knows of each source, by its normal form.
pub async fn known_rules(lease: &mut Lease, company_id: &str) -> Result<HashMap<String, KnownRule>, Error> {
    let statement = lease
        .prepared(
            "select coalesce(p.source_norm, a.source_norm), \
                 case when p.approved and p.withdrawn_at is null then p.content_hash end, \
                 p.promoted_at is not null, a.rule_id \
             from (select * from app.rules_pending where company_id = $1) p \
             full join (select * from app.rules_active where company_id = $1) a using (source_norm)",
        )
        .await?;
    let mut known = HashMap::new();
    for row in lease.query(&statement, &[&company_id]).await? {
        let hash: Option<String> = row.try_get(1)?;
        let promoted: bool = row.try_get(2)?;
        let rule = KnownRule { approval: hash.map(|hash| (hash, promoted)), active: row.try_get(3)? };
        known.insert(row.try_get(0)?, rule);
    }
    Ok(known)
}

/// A rule in force, of columns in the order of its fields.
pub(in crate::postgres) fn active_rule(row: &Row) -> Result<ActiveRule, Error> {
    Ok(ActiveRule {
        rule_id: row.try_get(0)?,
        source: row.try_get(1)?,
        source_norm: row.try_get(2)?,
        target_sheet: row.try_get(3)?,
        target_header: row.try_get(4)?,
        notes: row.try_get(5)?,
        created_at: row.try_get(6)?,
        applied_at: row.try_get(7)?,
        version: row.try_get(8)?,
    })
}

/// Approves `rules` of one company: each becomes its source's approval, waiting for its promotion.
pub async fn approve(
    transaction: &mut Transaction<'_>,
    _token: &WriteToken,
    company_id: &str,
    rules: &[&ApprovedRule],
) -> Result<(), Error> {
    lock(transaction, company_id).await?;
    let statement = transaction
        .prepared(
            "insert into app.rules_pending (company_id, source, source_norm, target_sheet, target_header, \
                 notes, content_hash, approved) \
             select $1, i.*, true from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
                 $7::text[]) as i \
             on conflict (company_id, source_norm) do update set source = excluded.source, \
                 target_sheet = excluded.target_sheet, target_header = excluded.target_header, \
                 notes = excluded.notes, content_hash = excluded.content_hash, approved = true, \
                 created_at = now(), updated_at = now(), promoted_at = null, withdrawn_at = null",
        )
        .await?;
    fn column<'r, T>(rules: &[&'r ApprovedRule], of: impl Fn(&'r ApprovedRule) -> T) -> Vec<T> {
        rules.iter().map(|rule| of(rule)).collect()
    }
    transaction
        .raw()
        .execute(
            &statement,
            &[
                &company_id,
                &column(rules, |rule| rule.source.as_str()),
                &column(rules, |rule| rule.source_norm.as_str()),
                &column(rules, |rule| rule.target_sheet.as_str()),
                &column(rules, |rule| rule.target_header.as_str()),
                &column(rules, |rule| rule.notes.as_deref()),
                &column(rules, ApprovedRule::content_hash),
            ],
        )
        .await?;
    Ok(())
}
