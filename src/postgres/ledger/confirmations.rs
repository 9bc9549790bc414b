//! Which message said again what was stored already: noted by it, asked by whatever would change such a row.

use super::columns::Messages;
use super::txns::origin;
use crate::model::ledger::decide::{Plan, Prepared, Stored};
use crate::postgres::{Error, Transaction};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use tokio_postgres::Statement;
use uuid::Uuid;

// As old as anything that may still come: a dead letter is kept for 30 days, and may fail again when it is replayed.
pub(super) const NOTE: &str = "with old as (delete from control.confirmations \
         where company_id = $1 and created_at < now() - interval '90 days') \
     insert into control.confirmations (company_id, origin_log, origin_partition, origin_offset, \
         origin_timestamp, txn_uids) \
     select $1, m.log, m.partition, m.\"offset\", m.\"timestamp\", ($6::uuid[])[m.last - m.count + 1 : m.last] \
     from unnest($2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $7::int[], $8::int[]) \
         as m(log, partition, \"offset\", \"timestamp\", count, last) \
     where m.count > 0 on conflict do nothing";

/// Notes what each message of `run` confirmed; a message that is handled again changes nothing.
pub(super) async fn note(
    transaction: &tokio_postgres::Transaction<'_>,
    statement: &Statement,
    company_id: &str,
    run: &Messages<'_>,
    plan: &Plan<'_>,
) -> Result<(), tokio_postgres::Error> {
    let counts: Vec<i32> = plan.tallies.iter().map(|tally| tally.confirmed as i32).collect();
    let lasts: Vec<i32> = counts
        .iter()
        .scan(0, |last, count| {
            *last += count;
            Some(*last)
        })
        .collect();
    transaction
        .execute(
            statement,
            &[
                &company_id,
                &run.logs,
                &run.partitions,
                &run.offsets,
                &run.timestamps,
                &plan.confirmed,
                &counts,
                &lasts,
            ],
        )
        .await
        .map(drop)
}

// Of each log and partition the newest confirmation, in the order of `Origin::is_newer_than`. The uuids are joined:
// `any` over a parameter is compared one by one.
const NEWER: &str = "select distinct on (u.txn_uid, c.origin_log, c.origin_partition) \
         u.txn_uid, c.origin_log, c.origin_partition, c.origin_offset, c.origin_timestamp \
     from unnest($3::bigint[], $4::int[], $5::bigint[], $6::bigint[]) \
         as m(log, partition, \"offset\", \"timestamp\") \
     join control.confirmations c on c.company_id = $1 \
         and (c.origin_log = m.log and c.origin_partition = m.partition and c.origin_offset > m.\"offset\" \
             or (c.origin_log <> m.log or c.origin_partition <> m.partition) \
                 and c.origin_timestamp >= m.\"timestamp\") \
     cross join unnest(c.txn_uids) as u(txn_uid) \
     join unnest($2::uuid[]) as w(txn_uid) on w.txn_uid = u.txn_uid \
     order by u.txn_uid, c.origin_log, c.origin_partition, c.origin_offset desc";

/// Asks whether a message newer than these confirmed what `plan` changes, and raises the versions in `stored` to it.
/// True when there was one: then `plan` has to be decided again.
///
/// In the order of arrival nothing is newer, and an empty range of an index says so. Late work reads what was
/// confirmed since.
pub async fn raise_versions(
    transaction: &mut Transaction<'_>,
    company_id: &str,
    messages: &[Prepared<'_>],
    plan: &Plan<'_>,
    stored: &mut HashMap<Uuid, Stored>,
) -> Result<bool, Error> {
    let uids: Vec<Uuid> = plan.changed().map(|row| row.uid).collect();
    if uids.is_empty() {
        return Ok(false);
    }
    let mut oldest = HashMap::new();
    for message in messages {
        let origin = message.origin;
        match oldest.entry((origin.log.0, origin.partition)) {
            Entry::Vacant(entry) => {
                entry.insert((origin.offset, origin.timestamp_ms));
            }
            Entry::Occupied(mut entry) => {
                let (offset, timestamp) = entry.get_mut();
                *offset = origin.offset.min(*offset);
                *timestamp = origin.timestamp_ms.min(*timestamp);
            }
        }
    }
    let (places, ages): (Vec<_>, Vec<_>) = oldest.into_iter().unzip();
    let (logs, partitions): (Vec<i64>, Vec<i32>) = places.into_iter().unzip();
    let (offsets, timestamps): (Vec<i64>, Vec<i64>) = ages.into_iter().unzip();
    let statement = transaction.prepared(NEWER).await?;
    let rows = transaction
        .raw()
        .query(&statement, &[&company_id, &uids, &logs, &partitions, &offsets, &timestamps])
        .await?;
    let mut raised = false;
    for row in &rows {
        let confirmed = origin(row, 1)?;
        if let Some(stored) = stored.get_mut(&row.try_get::<_, Uuid>(0)?)
            && confirmed.is_newer_than(&stored.origin)
        {
            stored.origin = confirmed;
            raised = true;
        }
    }
    Ok(raised)
}
