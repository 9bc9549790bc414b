//! control.sheet_posts: claims of posts, and the advisory lock that makes one process the leader of a company.

use super::{Error, Lease};
use crate::consent::WriteToken;
use crate::model::posting::{Claim, Earlier, NewClaim, Posted};
use crate::mutants::planted;
use std::collections::HashMap;
use tokio_postgres::Row;

/// What the control database says about a company's posts, read without a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The company.
    pub company_id: String,
    /// It has a claim that is not finished.
    pub claimed: bool,
    /// Version of the rules last shown on its Active tab; `None` before the first post.
    pub shown_version: Option<i64>,
}

/// The stand of every configured company.
pub async fn stands(lease: &mut Lease) -> Result<HashMap<String, Stand>, Error> {
    let statement = lease
        .prepared(
            "select c.company_id, \
                 exists (select 1 from control.sheet_posts p \
                         where p.company_id = c.company_id and p.state = 'posting'), \
                 (select p.rules_version from control.sheet_posts p \
                  where p.company_id = c.company_id and p.tab_name = c.tab_active and p.state = 'posted' \
                  order by p.posted_at desc, p.id desc limit 1) \
             from control.company_config c",
        )
        .await?;
    let rows = lease.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| {
            let company_id: String = row.try_get(0)?;
            let stand = Stand {
                company_id: company_id.clone(),
                claimed: row.try_get(1)?,
                shown_version: row.try_get(2)?,
            };
            Ok((company_id, stand))
        })
        .collect()
}

/// Takes the company's lock if nobody has it. From here on the connection is closed when it is dropped, until
/// [`unlock`]: a lock must not travel back into the pool.
///
/// A leader that is stopped, or cut off, keeps its lock for 30 s without a word at most (as far as the server knows
/// how to end idle sessions: from PostgreSQL 14). Whoever is ended while a sheet takes longer than that to answer
/// loses nothing but the lead: its claim is settled by reading the marker.
pub async fn try_lock(lease: &mut Lease, company_id: &str) -> Result<bool, Error> {
    let statement = lease
        .prepared(
            "with lock as materialized \
                 (select pg_try_advisory_lock(hashtextextended('kylo.posting|' || $1::text, 0)) as held) \
             select held, (select set_config(name, $2, false) from pg_settings \
                           where held and name = 'idle_session_timeout') from lock",
        )
        .await?;
    let patience = if planted("lead-for-ever") { "0" } else { "30s" };
    lease.close_on_drop();
    let locked: bool = lease.query_one(&statement, &[&company_id, &patience]).await?.try_get(0)?;
    if !locked {
        lease.keep_on_drop();
    }
    Ok(locked)
}

/// Gives the company's lock back; the connection may be used by others again.
pub async fn unlock(lease: &mut Lease, company_id: &str) -> Result<(), Error> {
    let statement = lease
        .prepared(
            "select pg_advisory_unlock(hashtextextended('kylo.posting|' || $1::text, 0)), \
                 (select set_config(name, reset_val, false) from pg_settings where name = 'idle_session_timeout')",
        )
        .await?;
    if lease.query_one(&statement, &[&company_id]).await?.try_get(0)? {
        lease.keep_on_drop();
    }
    Ok(())
}

fn claim(row: &Row) -> Result<Claim, Error> {
    Ok(Claim {
        id: row.try_get(0)?,
        tab: row.try_get(1)?,
        signature: row.try_get(2)?,
        row_ids: row.try_get(3)?,
        rules_version: row.try_get(4)?,
        ordinal: row.try_get(5)?,
    })
}

/// The company's claims that are not finished, oldest first.
pub async fn unfinished(lease: &mut Lease, company_id: &str) -> Result<Vec<Claim>, Error> {
    let statement = lease
        .prepared(
            "select id, tab_name, batch_signature, row_ids, rules_version, ordinal from control.sheet_posts \
             where company_id = $1 and state = 'posting' order by created_at, id",
        )
        .await?;
    lease.query(&statement, &[&company_id]).await?.iter().map(claim).collect()
}

/// What is known about a signature.
pub async fn earlier(lease: &mut Lease, company_id: &str, signature: &str) -> Result<Earlier, Error> {
    let statement = lease
        .prepared("select state from control.sheet_posts where company_id = $1 and batch_signature = $2")
        .await?;
    match lease.query_opt(&statement, &[&company_id, &signature]).await? {
        None => Ok(Earlier::Unknown),
        Some(row) if row.try_get::<_, &str>(0)? == "posted" => Ok(Earlier::Posted),
        Some(_) => Ok(Earlier::Posting),
    }
}

/// Writes a claim: a new row, or a posted one set back with the next ordinal.
///
/// # Errors
/// When the signature is claimed already.
pub async fn write_claim(
    lease: &mut Lease,
    _token: &WriteToken,
    company_id: &str,
    new: &NewClaim,
) -> Result<Claim, Error> {
    let statement = lease
        .prepared(
            "insert into control.sheet_posts as p \
                 (company_id, tab_name, batch_signature, row_count, row_ids, rules_version, ordinal, state) \
             values ($1, $2, $3, $4, $5, $6, 0, 'posting') \
             on conflict (company_id, batch_signature) do update set state = 'posting', \
                 row_count = excluded.row_count, rules_version = excluded.rules_version, \
                 ordinal = p.ordinal + 1, created_at = clock_timestamp() \
             where p.state = 'posted' \
             returning id, tab_name, batch_signature, row_ids, rules_version, ordinal",
        )
        .await?;
    let row = lease
        .query_opt(
            &statement,
            &[&company_id, &new.tab, &new.signature, &new.row_count, &new.row_ids, &new.rules_version],
        )
        .await?;
    match row {
        Some(row) => claim(&row),
        None => Err(Error::unexpected(format!("post {} is claimed already", new.signature))),
    }
}

/// Gives a claim the next ordinal: another post has its marker's id.
pub async fn next_ordinal(lease: &mut Lease, _token: &WriteToken, id: i64) -> Result<Claim, Error> {
    let statement = lease
        .prepared(
            "update control.sheet_posts set ordinal = ordinal + 1 where id = $1 and state = 'posting' \
             returning id, tab_name, batch_signature, row_ids, rules_version, ordinal",
        )
        .await?;
    match lease.query_opt(&statement, &[&id]).await? {
        Some(row) => claim(&row),
        None => Err(Error::unexpected(format!("claim {id} is no longer open"))),
    }
}

/// Marks a claim as posted. The last post of a tab is its newest, so a clock that was set back must not make a
/// post older than the one before it.
pub async fn mark_posted(lease: &mut Lease, _token: &WriteToken, id: i64, ordinal: i32) -> Result<(), Error> {
    let statement = lease
        .prepared(
            "update control.sheet_posts p set state = 'posted', posted_at = greatest(clock_timestamp(), \
                 (select max(newest.posted_at) + interval '1 microsecond' from control.sheet_posts newest \
                  where newest.company_id = p.company_id and newest.tab_name = p.tab_name)) \
             where id = $1 and ordinal = $2 and state = 'posting'",
        )
        .await?;
    match lease.execute(&statement, &[&id, &ordinal]).await? {
        1 => Ok(()),
        _ => Err(Error::unexpected(format!("claim {id} is no longer open"))),
    }
}

/// Signature and rules version of the tab's last post.
pub async fn last_post(
    lease: &mut Lease,
    company_id: &str,
    tab: &str,
) -> Result<Option<(String, Option<i64>)>, Error> {
    let statement = lease
        .prepared(
            "select batch_signature, rules_version from control.sheet_posts \
             where company_id = $1 and tab_name = $2 and state = 'posted' \
             order by posted_at desc, id desc limit 1",
        )
        .await?;
    match lease.query_opt(&statement, &[&company_id, &tab]).await? {
        None => Ok(None),
        Some(row) => Ok(Some((row.try_get(0)?, row.try_get(1)?))),
    }
}

/// Records that the posted content is also that of a newer version: the rules changed in what the tab does
/// not show.
pub async fn advance_version(
    lease: &mut Lease,
    _token: &WriteToken,
    company_id: &str,
    signature: &str,
    version: i64,
) -> Result<(), Error> {
    let statement = lease
        .prepared(
            "update control.sheet_posts set rules_version = $3 \
             where company_id = $1 and batch_signature = $2 and state = 'posted'",
        )
        .await?;
    lease.execute(&statement, &[&company_id, &signature, &version]).await?;
    Ok(())
}

/// The tab's newest posts, 1,000 at most: a tab cannot hold that many markers.
pub async fn newest_posts(lease: &mut Lease, company_id: &str, tab: &str) -> Result<Vec<Posted>, Error> {
    let statement = lease
        .prepared(
            "select batch_signature, ordinal, posted_at from control.sheet_posts \
             where company_id = $1 and tab_name = $2 and posted_at is not null \
             order by posted_at desc, id desc limit 1000",
        )
        .await?;
    let rows = lease.query(&statement, &[&company_id, &tab]).await?;
    rows.iter()
        .map(|row| {
            Ok(Posted { signature: row.try_get(0)?, ordinal: row.try_get(1)?, posted_at: row.try_get(2)? })
        })
        .collect()
}
