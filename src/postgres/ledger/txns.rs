//! Mover and triage: transactions and pending rows, in bulk.

use super::LOCK;
use super::columns::{Columns, Messages};
use super::confirmations::{NOTE, note};
use super::rules::active_rule;
use crate::consent::WriteToken;
use crate::model::ledger::decide::{Change, Origin, Plan, Prepared, Stored, Tally};
use crate::model::ledger::rules::{ActiveRule, RulesMark};
use crate::model::record::LogId;
use crate::postgres::{Error, Transaction};
use futures_util::future::{try_join3, try_join4};
use hashbrown::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// What a run finds in the database.
#[derive(Debug)]
pub struct Opening {
    /// The state of the active rules.
    pub mark: RulesMark,
    /// What is stored of the transactions asked for.
    pub stored: HashMap<Uuid, Stored>,
}

const MARK: &str = "select count(*), coalesce(max(version), 0) from app.rules_active where company_id = $1";

const STORED: &str = "select txn_uid, content_hash, origin_log, origin_partition, origin_offset, origin_timestamp \
     from app.transactions where company_id = $1 and txn_uid = any($2)";

/// Takes the company's lock, then reads what is stored of `uids` and the state of the rules: one round trip.
pub async fn open(
    transaction: &mut Transaction<'_>,
    company_id: &str,
    uids: &[Uuid],
) -> Result<Opening, Error> {
    let lock = transaction.prepared(LOCK).await?;
    let mark = transaction.prepared(MARK).await?;
    let stored = transaction.prepared(STORED).await?;
    let raw = transaction.raw();
    let company: [&(dyn ToSql + Sync); 1] = [&company_id];
    let both: [&(dyn ToSql + Sync); 2] = [&company_id, &uids];
    // Sent in this order without waiting; the server runs one after the other, and what is read after the lock
    // sees everything that was committed before it was granted.
    let (_, mark, rows) =
        try_join3(raw.query(&lock, &company), raw.query_one(&mark, &company), raw.query(&stored, &both))
            .await?;
    let mut stored = HashMap::with_capacity(rows.len());
    for row in &rows {
        let hash: &[u8] = row.try_get(1)?;
        let hash = hash.try_into().map_err(|_| Error::unexpected("a content_hash is not 32 bytes long"))?;
        stored.insert(row.try_get(0)?, Stored { hash, origin: origin(row, 2)? });
    }
    Ok(Opening { mark: RulesMark { count: mark.try_get(0)?, version: mark.try_get(1)? }, stored })
}

/// The version in four columns from `first` on.
pub(super) fn origin(row: &Row, first: usize) -> Result<Origin, Error> {
    Ok(Origin {
        log: LogId(row.try_get(first)?),
        partition: row.try_get(first + 1)?,
        offset: row.try_get(first + 2)?,
        timestamp_ms: row.try_get(first + 3)?,
    })
}

/// The company's rules in force.
pub async fn active_rules(
    transaction: &mut Transaction<'_>,
    company_id: &str,
) -> Result<Vec<ActiveRule>, Error> {
    let statement = transaction
        .prepared(
            "select rule_id, source, source_norm, target_sheet, target_header, notes, created_at, applied_at, \
                 version from app.rules_active where company_id = $1 order by source_norm",
        )
        .await?;
    let rows = transaction.raw().query(&statement, &[&company_id]).await?;
    rows.iter().map(active_rule).collect()
}

/// What a run did beyond its plan.
#[derive(Debug, Default)]
pub struct Written {
    /// Pending rows resolved.
    pub resolved: usize,
    /// Transactions whose content changed after they were posted: triaged again, never appended again.
    pub changed_after_post: Vec<Uuid>,
}

// The columns that every row of a plan brings, as arrays of one length; messages are named by their place in
// the arrays $16 to $19 and $22, since a batch id for each row would be most of what is sent.
const ROWS: &str = "unnest($2::uuid[], $3::text[], $4::date[], $5::bigint[], $6::text[], $7::text[], \
     $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::uuid[], $14::text[], $15::text[], \
     $20::int[], $21::int[]) \
     as i(txn_uid, source_id, posted_date, amount_cents, currency, description, description_norm, \
     counterparty, memo, category, content_hash, rule_id, target_sheet, target_header, first, last)";

fn insert_sql() -> &'static str {
    static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    SQL.get_or_init(|| {
        format!(
            "insert into app.transactions (company_id, txn_uid, source_id, posted_date, amount_cents, currency, \
                 description, description_norm, counterparty, memo, category, content_hash, rule_id, \
                 target_sheet, target_header, decided_at, first_batch, last_batch, origin_log, \
                 origin_partition, origin_offset, origin_timestamp) \
             select $1, i.txn_uid, i.source_id, i.posted_date, i.amount_cents, i.currency, i.description, \
                 i.description_norm, i.counterparty, i.memo, i.category, i.content_hash, i.rule_id, \
                 i.target_sheet, i.target_header, case when i.rule_id is not null then now() end, \
                 ($16::text[])[i.first], ($16::text[])[i.last], ($22::bigint[])[i.last], \
                 ($17::int[])[i.last], ($18::bigint[])[i.last], ($19::bigint[])[i.last] \
             from {ROWS}"
        )
    })
}

fn update_sql() -> &'static str {
    static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    SQL.get_or_init(|| {
        format!(
            "update app.transactions t set source_id = i.source_id, posted_date = i.posted_date, \
                 amount_cents = i.amount_cents, currency = i.currency, description = i.description, \
                 description_norm = i.description_norm, counterparty = i.counterparty, memo = i.memo, \
                 category = i.category, content_hash = i.content_hash, rule_id = i.rule_id, \
                 target_sheet = i.target_sheet, target_header = i.target_header, \
                 decided_at = case when i.rule_id is not null then now() end, \
                 last_batch = ($16::text[])[i.last], origin_log = ($22::bigint[])[i.last], origin_partition = ($17::int[])[i.last], \
                 origin_offset = ($18::bigint[])[i.last], origin_timestamp = ($19::bigint[])[i.last], \
                 updated_at = now() \
             from {ROWS} where t.company_id = $1 and t.txn_uid = i.txn_uid "
        )
    })
}

// Numbered in the order of arrival, then entered in the order of the key; `offset 0` keeps the two apart.
const PENDING_INSERT: &str = "insert into app.pending_txns (company_id, txn_uid, arrival, first_seen_batch, \
         last_seen_batch, occurred_at, description_norm, amount_cents, status) \
     select $1, i.txn_uid, i.arrival, ($6::text[])[i.first], ($6::text[])[i.last], i.occurred_at, \
         i.description_norm, i.amount_cents, 'open' \
     from (select u.*, nextval('app.pending_arrival') as arrival \
         from unnest($2::uuid[], $3::date[], $4::text[], $5::bigint[], $7::int[], $8::int[]) \
             as u(txn_uid, occurred_at, description_norm, amount_cents, first, last) offset 0) as i \
     order by i.txn_uid";

// Content that changed: what is open and matches now is resolved, what does not match is open (again). A
// signature once stamped stays, so that no row is appended twice. `before` sees the rows as they were.
const PENDING_CHANGE: &str = "with i as (select * from unnest($2::uuid[], $3::date[], $4::text[], $5::bigint[], \
         $7::int[], $8::int[], $9::bool[]) \
         as u(txn_uid, occurred_at, description_norm, amount_cents, first, last, matched)), \
     before as (select p.txn_uid, p.status, p.posted_signature is not null as posted, i.matched \
         from app.pending_txns p join i on i.txn_uid = p.txn_uid where p.company_id = $1), \
     opened as (insert into app.pending_txns as p (company_id, txn_uid, first_seen_batch, last_seen_batch, \
             occurred_at, description_norm, amount_cents, status) \
         select $1, i.txn_uid, ($6::text[])[i.first], ($6::text[])[i.last], i.occurred_at, i.description_norm, \
             i.amount_cents, 'open' \
         from i where not i.matched \
         on conflict (company_id, txn_uid) do update set last_seen_batch = excluded.last_seen_batch, \
             occurred_at = excluded.occurred_at, description_norm = excluded.description_norm, \
             amount_cents = excluded.amount_cents, status = 'open', updated_at = now()), \
     closed as (update app.pending_txns p set last_seen_batch = ($6::text[])[i.last], \
             occurred_at = i.occurred_at, description_norm = i.description_norm, \
             amount_cents = i.amount_cents, status = 'resolved', updated_at = now() \
         from i where i.matched and p.company_id = $1 and p.txn_uid = i.txn_uid) \
     select txn_uid, posted, matched and status = 'open' from before";

const METRICS: &str = "insert into control.triage_metrics (company_id, batch_id, operation, transactions, \
         inserted, updated, matched, unmatched, resolved, prepare_ms, mover_ms, triage_ms) \
     select $1, m.batch_id, 'triage', m.transactions, m.inserted, m.updated, m.matched, m.unmatched, \
         m.resolved, $9::int, greatest(0, extract(epoch from clock_timestamp() - now()) * 1000 - $10::int)::int, $10::int \
     from unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[]) \
         as m(batch_id, transactions, inserted, updated, matched, unmatched, resolved)";

/// Writes `plan`, what was confirmed, and one metrics row for each message; two round trips at most.
///
/// The plan was decided from what [`open`] and [`raise_versions`](super::raise_versions) read under the company's lock in
/// this very transaction; that is what makes plain inserts and unguarded updates right.
pub async fn write(
    transaction: &mut Transaction<'_>,
    _token: &WriteToken,
    company_id: &str,
    messages: &[Prepared<'_>],
    plan: &Plan<'_>,
    (prepare_ms, triage_ms): (i32, i32),
) -> Result<Written, Error> {
    let insert = transaction.prepared(insert_sql()).await?;
    let pending = transaction.prepared(PENDING_INSERT).await?;
    let confirmed = transaction.prepared(NOTE).await?;
    let metrics = transaction.prepared(METRICS).await?;
    let run = Messages::new(messages);
    let new = Columns::in_key_order(plan.rows.iter().filter(|row| row.change == Change::New));
    let open = Columns::of(plan.rows.iter().filter(|row| row.change == Change::New && row.rule.is_none()));
    let changed = Columns::of(plan.changed());

    let mut written = Written::default();
    let mut resolved = vec![0i32; messages.len()];
    if !changed.is_empty() {
        let update = transaction.prepared(update_sql()).await?;
        let change = transaction.prepared(PENDING_CHANGE).await?;
        let raw = transaction.raw();
        raw.execute(&update, &changed.transaction_parameters(&company_id, &run)).await?;
        let by_message: HashMap<Uuid, usize> =
            plan.rows.iter().map(|row| (row.uid, row.last_message)).collect();
        for row in raw.query(&change, &changed.pending_parameters(&company_id, &run)).await? {
            let (uid, posted, closed): (Uuid, bool, bool) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if posted {
                written.changed_after_post.push(uid);
            }
            if closed {
                written.resolved += 1;
                if let Some(count) = by_message.get(&uid).and_then(|&message| resolved.get_mut(message)) {
                    *count += 1;
                }
            }
        }
    }

    let raw = transaction.raw();
    let tally =
        |of: fn(&Tally) -> usize| -> Vec<i32> { plan.tallies.iter().map(|tally| of(tally) as i32).collect() };
    let (transactions, inserted, updated) =
        (tally(|t| t.transactions), tally(|t| t.inserted), tally(|t| t.updated));
    let (matched, unmatched) = (tally(|t| t.matched), tally(|t| t.unmatched));
    let insert_parameters = new.transaction_parameters(&company_id, &run);
    let pending_parameters = open.pending_parameters(&company_id, &run);
    let metrics_parameters: [&(dyn ToSql + Sync); 10] = [
        &company_id,
        &run.batches,
        &transactions,
        &inserted,
        &updated,
        &matched,
        &unmatched,
        &resolved,
        &prepare_ms,
        &triage_ms,
    ];
    try_join4(
        async {
            if !new.is_empty() {
                raw.execute(&insert, &insert_parameters).await?;
            }
            Ok::<(), tokio_postgres::Error>(())
        },
        async {
            if !open.is_empty() {
                raw.execute(&pending, &pending_parameters[..8]).await?;
            }
            Ok(())
        },
        async {
            if !plan.confirmed.is_empty() {
                note(raw, &confirmed, company_id, &run, plan).await?;
            }
            Ok(())
        },
        async { raw.execute(&metrics, &metrics_parameters).await.map(drop) },
    )
    .await?;
    Ok(written)
}
