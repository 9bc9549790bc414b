//! control.company_config: where each company's rows and tabs are.

use super::{Dsn, Error, Lease, Transaction};
use crate::consent::WriteToken;
use crate::model::company::CompanyConfig;
use crate::model::secret::Secret;
use std::collections::HashMap;
use tokio_postgres::Row;

fn read(row: &Row) -> Result<CompanyConfig, Error> {
    Ok(CompanyConfig {
        company_id: row.try_get(0)?,
        db_dsn_rw: Secret::new(row.try_get(1)?),
        db_schema: row.try_get(2)?,
        spreadsheet_id: row.try_get(3)?,
        tab_pending: row.try_get(4)?,
        tab_active: row.try_get(5)?,
    })
}

/// The company's config, read from the control database; `None` when it is unknown.
pub async fn one(lease: &mut Lease, company_id: &str) -> Result<Option<CompanyConfig>, Error> {
    let statement = lease
        .prepared(
            "select company_id, db_dsn_rw, db_schema, spreadsheet_id, tab_pending, tab_active \
             from control.company_config where company_id = $1",
        )
        .await?;
    lease.query_opt(&statement, &[&company_id]).await?.as_ref().map(read).transpose()
}

/// Every company's config, ordered by id, from the control database.
pub async fn all(lease: &mut Lease) -> Result<Vec<CompanyConfig>, Error> {
    let statement = lease
        .prepared(
            "select company_id, db_dsn_rw, db_schema, spreadsheet_id, tab_pending, tab_active \
             from control.company_config order by company_id",
        )
        .await?;
    lease.query(&statement, &[]).await?.iter().map(read).collect()
}

/// Companies by the database that holds their rows, in order of first appearance; an error for those whose
/// connection string cannot be read.
pub fn by_database(configs: Vec<CompanyConfig>) -> Vec<(Result<Dsn, Error>, Vec<CompanyConfig>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(Result<Dsn, Error>, Vec<CompanyConfig>)> = Vec::new();
    for config in configs {
        let text = config.db_dsn_rw.expose();
        let place = *places.entry(text.clone()).or_insert_with(|| {
            let fault =
                |error: Error| error.doing(format!("reading db_dsn_rw of company {}", config.company_id));
            groups.push((Dsn::parse(text).map_err(fault), Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(config);
    }
    groups
}

/// True when control.company_config is there: before the first migration it is not.
pub async fn table_exists(lease: &mut Lease) -> Result<bool, Error> {
    let row = lease.query_one("select to_regclass('control.company_config') is not null", &[]).await?;
    Ok(row.try_get(0)?)
}

/// Inserts or overwrites one company.
pub async fn upsert(
    transaction: &mut Transaction<'_>,
    _token: &WriteToken,
    config: &CompanyConfig,
) -> Result<(), Error> {
    let statement = transaction
        .prepared(
            "insert into control.company_config \
                 (company_id, db_dsn_rw, db_schema, spreadsheet_id, tab_pending, tab_active) \
             values ($1, $2, $3, $4, $5, $6) \
             on conflict (company_id) do update set db_dsn_rw = excluded.db_dsn_rw, \
                 db_schema = excluded.db_schema, spreadsheet_id = excluded.spreadsheet_id, \
                 tab_pending = excluded.tab_pending, tab_active = excluded.tab_active, updated_at = now()",
        )
        .await?;
    transaction
        .raw()
        .execute(
            &statement,
            &[
                &config.company_id,
                config.db_dsn_rw.expose(),
                &config.db_schema,
                &config.spreadsheet_id,
                &config.tab_pending,
                &config.tab_active,
            ],
        )
        .await?;
    Ok(())
}

/// Removes one company's config. The caller has made sure that it [has no data](has_data).
pub async fn delete(
    transaction: &mut Transaction<'_>,
    _token: &WriteToken,
    company_id: &str,
) -> Result<(), Error> {
    let statement = transaction.prepared("delete from control.company_config where company_id = $1").await?;
    transaction.raw().execute(&statement, &[&company_id]).await?;
    Ok(())
}

/// True when the company has a row in any table of its own database.
pub async fn has_data(lease: &mut Lease, company_id: &str) -> Result<bool, Error> {
    let there: bool =
        lease.query_one("select to_regclass('app.transactions') is not null", &[]).await?.try_get(0)?;
    if !there {
        return Ok(false);
    }
    let statement = lease
        .prepared(
            "select exists (select 1 from app.transactions where company_id = $1) \
                 or exists (select 1 from app.pending_txns where company_id = $1) \
                 or exists (select 1 from app.rules_pending where company_id = $1) \
                 or exists (select 1 from app.rules_active where company_id = $1)",
        )
        .await?;
    Ok(lease.query_one(&statement, &[&company_id]).await?.try_get(0)?)
}

/// True when something of the company was posted, or is about to be, on the control database.
pub async fn has_posts(lease: &mut Lease, company_id: &str) -> Result<bool, Error> {
    let statement =
        lease.prepared("select exists (select 1 from control.sheet_posts where company_id = $1)").await?;
    Ok(lease.query_one(&statement, &[&company_id]).await?.try_get(0)?)
}
