//! Migrations: refinery over the files of db/ddl, two sets with a history each, and the companies' partitions.

use super::connect::{self, Purpose, Reached};
use super::{Dsn, Error, Lease, Pools, company};
use crate::consent::WriteToken;
use crate::model::company::CompanyConfig;
use crate::model::migration::{Applied, Declared, MigrationSet, MigrationState, MigrationStep, compare};
use futures_util::future::join_all;
use refinery::{Migration, Runner};
use tokio_postgres::Client;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/db/ddl/", $name)))),*]
    };
}

/// Every file of db/ddl; a test compares the list with the folder.
const FILES: &[(&str, &str)] = files![
    "0001_company_transactions.sql",
    "0002_company_pending_txns.sql",
    "0003_company_rules_pending.sql",
    "0004_company_rules_active.sql",
    "0005_company_rule_versions.sql",
    "0006_company_triage_metrics.sql",
    "0007_company_confirmations.sql",
    "0013_control_sheet_posts.sql",
    "0014_control_sheet_posts_unique.sql",
    "0015_control_company_config.sql",
];

/// The tables that are partitioned by company.
const PARTITIONED: [&str; 4] = ["transactions", "pending_txns", "rules_pending", "rules_active"];

/// Whoever migrates a database holds this advisory lock in it ("kylo" and "ddl" in ASCII).
const LOCK: i64 = 0x6b79_6c6f_0064_646c;

/// A company and the schema its partitions live in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home {
    /// Company.
    pub company_id: String,
    /// Schema.
    pub schema: String,
}

impl From<&CompanyConfig> for Home {
    fn from(config: &CompanyConfig) -> Self {
        Home { company_id: config.company_id.clone(), schema: config.db_schema.clone() }
    }
}

/// A connection for changing the schema; no statement time-out, lock waits of 30 s at most.
pub struct Migrator {
    client: Client,
    dsn: Dsn,
}

impl Migrator {
    /// Connects.
    pub async fn open(dsn: &Dsn) -> Result<Self, Error> {
        Ok(Migrator { client: connect::connect(dsn, Purpose::Schema).await?, dsn: dsn.clone() })
    }
    /// Its connection string.
    pub fn dsn(&self) -> &Dsn {
        &self.dsn
    }
    /// Which database it is, in the server's words.
    pub async fn reached(&self) -> Result<Reached, Error> {
        connect::reached(&self.client, &self.dsn).await
    }
    /// How the migrations of `set` stand here. Reads only.
    pub async fn steps(&self, set: MigrationSet) -> Result<Vec<MigrationStep>, Error> {
        steps(&self.client, set).await.map_err(|error| error.at(self.dsn.display()))
    }
    /// The homes among `wanted` that lack a partition. A company whose partitions are in another schema is an
    /// error: its rows would be split. Reads only.
    pub async fn missing_homes(&self, wanted: &[Home]) -> Result<Vec<Home>, Error> {
        let existing = partitions(&self.client).await.map_err(|error| error.at(self.dsn.display()))?;
        let mut missing = Vec::new();
        for home in wanted {
            let bound = bound(&home.company_id);
            let mine: Vec<_> = existing.iter().filter(|partition| partition.bound == bound).collect();
            if let Some(other) = mine.iter().find(|partition| partition.schema != home.schema) {
                return Err(Error::unexpected(format!(
                    "company {} already has its rows in schema {} of {}, not in {}",
                    home.company_id, other.schema, self.dsn, home.schema
                )));
            }
            if PARTITIONED.iter().any(|table| mine.iter().all(|partition| partition.table != *table)) {
                missing.push(home.clone());
            }
        }
        Ok(missing)
    }
    /// Applies what is pending of `set`, each file in a transaction of its own, and returns the files applied.
    /// A changed or missing file is an error before anything is done.
    pub async fn apply(&mut self, _token: &WriteToken, set: MigrationSet) -> Result<Vec<String>, Error> {
        self.locked().await?;
        let applied = self.apply_locked(set).await;
        self.unlock().await;
        applied.map_err(|error| error.at(self.dsn.display()))
    }
    /// Creates schema and partitions of each of `homes`, those that are there already left alone.
    pub async fn create_homes(&mut self, _token: &WriteToken, homes: &[Home]) -> Result<(), Error> {
        self.locked().await?;
        let created = self.create_locked(homes).await;
        self.unlock().await;
        created.map_err(|error| error.at(self.dsn.display()))
    }

    async fn locked(&self) -> Result<(), Error> {
        self.client.execute("select pg_advisory_lock($1)", &[&LOCK]).await.map(|_| ()).map_err(|error| {
            let error = Error::from(error).at(self.dsn.display());
            match error.sqlstate() {
                Some("55P03") => error.doing("another kylo is migrating this database"),
                _ => error,
            }
        })
    }
    async fn unlock(&self) {
        // The lock ends with the session in any case.
        let _ = self.client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await;
    }
    async fn apply_locked(&mut self, set: MigrationSet) -> Result<Vec<String>, Error> {
        let steps = steps(&self.client, set).await?;
        refuse_faults(&steps, &self.dsn)?;
        let pending: Vec<String> = pending(&steps).map(str::to_owned).collect();
        if pending.is_empty() {
            return Ok(pending);
        }
        let schema = set.history_schema();
        self.client.batch_execute(&format!("create schema if not exists {schema}")).await?;
        let mut runner = Runner::new(&migrations(set)?);
        runner.set_migration_table_name(format!("{schema}.schema_history"));
        runner.run_async(&mut self.client).await.map_err(|error| from_refinery(&error))?;
        Ok(pending)
    }
    async fn create_locked(&mut self, homes: &[Home]) -> Result<(), Error> {
        let missing = self.missing_homes(homes).await?;
        let existing = partitions(&self.client).await?;
        let transaction = self.client.transaction().await?;
        for home in &missing {
            let schema = quote(&home.schema);
            transaction.batch_execute(&format!("create schema if not exists {schema}")).await?;
            let bound = bound(&home.company_id);
            for table in PARTITIONED {
                if existing.iter().any(|partition| partition.bound == bound && partition.table == table) {
                    continue;
                }
                // Attaching a table does not lock out the consumers of other companies; `partition of` would.
                transaction
                    .batch_execute(&format!(
                        "create table {schema}.{table} (like app.{table} including defaults including constraints); \
                         alter table app.{table} attach partition {schema}.{table} {bound}"
                    ))
                    .await
                    .map_err(|error| {
                        Error::from(error).doing(format!(
                            "creating {}.{table} for company {}",
                            home.schema, home.company_id
                        ))
                    })?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Refuses when migrations are pending: on the control database (both sets), and on every company's database
/// that can be reached. A company's database that is away is left to the consumer, since it must not hold up
/// the other companies.
pub async fn require_current(pools: &Pools, control: &Dsn) -> Result<(), Error> {
    let configs = {
        let mut lease = pools.get(control).await?;
        for set in [MigrationSet::Control, MigrationSet::Company] {
            require_set(&mut lease, set).await?;
        }
        company::all(&mut lease).await?
    };
    let dsns: Result<Vec<Dsn>, Error> =
        company::by_database(configs).into_iter().map(|(dsn, _)| dsn).collect();
    let checks = dsns?.into_iter().filter(|dsn| dsn != control).map(|dsn| async move {
        match pools.get(&dsn).await {
            Ok(mut lease) => require_set(&mut lease, MigrationSet::Company).await,
            Err(_) => Ok(()),
        }
    });
    join_all(checks).await.into_iter().collect()
}

/// Refuses when migrations of `set` are pending on the lease's database.
pub async fn require_set(lease: &mut Lease, set: MigrationSet) -> Result<(), Error> {
    let steps = lease.run(async |client| steps(client, set).await).await?;
    current(&steps, lease.dsn())
}

/// The error (exit code 7) for a migration that is changed, missing or skipped.
pub fn refuse_faults(steps: &[MigrationStep], dsn: &Dsn) -> Result<(), Error> {
    let Some(fault) = steps.iter().find(|step| step.state.is_fault()) else { return Ok(()) };
    let file = &fault.file;
    let message = match fault.state {
        MigrationState::Missing => {
            format!("migration {file} was applied to {dsn} and is missing here: use the kylo that applied it")
        }
        MigrationState::Skipped => {
            format!("migration {file} was not applied to {dsn} although a later one was")
        }
        _ => format!("migration {file} differs from the one that was applied to {dsn}"),
    };
    Err(Error::altered(message))
}

fn current(steps: &[MigrationStep], dsn: &Dsn) -> Result<(), Error> {
    refuse_faults(steps, dsn)?;
    let pending: Vec<&str> = pending(steps).collect();
    match pending.as_slice() {
        [] => Ok(()),
        [one] => Err(Error::schema(format!("migration {one} is pending on {dsn}"))),
        [first, ..] => {
            Err(Error::schema(format!("{} migrations are pending on {dsn}, first {first}", pending.len())))
        }
    }
}

fn pending(steps: &[MigrationStep]) -> impl Iterator<Item = &str> {
    steps.iter().filter(|step| step.state == MigrationState::Pending).map(|step| step.file.as_str())
}

async fn steps(client: &Client, set: MigrationSet) -> Result<Vec<MigrationStep>, Error> {
    let history = format!("{}.schema_history", set.history_schema());
    let there: bool =
        client.query_one("select to_regclass($1) is not null", &[&history]).await?.try_get(0)?;
    let mut applied = Vec::new();
    if there {
        let sql = format!("select version, name, checksum, applied_on from {history} order by version");
        for row in client.query(&sql, &[]).await? {
            applied.push(Applied {
                version: row.try_get(0)?,
                name: row.try_get(1)?,
                checksum: row.try_get(2)?,
                applied_on: row.try_get(3)?,
            });
        }
    }
    Ok(compare(&declared(set)?, &applied))
}

/// `0014_control_x.sql` is refinery's `V14__control_x`.
fn migrations(set: MigrationSet) -> Result<Vec<Migration>, Error> {
    let mark = format!("_{}_", set.as_str());
    FILES
        .iter()
        .filter(|(file, _)| file.get(4..).is_some_and(|rest| rest.starts_with(&mark)))
        .map(|(file, sql)| {
            let (number, name) = file.trim_end_matches(".sql").split_once('_').unwrap_or((file, ""));
            let number = number.trim_start_matches('0');
            Migration::unapplied(&format!("V{number}__{name}"), sql).map_err(|error| from_refinery(&error))
        })
        .collect()
}

fn declared(set: MigrationSet) -> Result<Vec<Declared>, Error> {
    let file = |migration: &Migration| format!("{:04}_{}.sql", migration.version(), migration.name());
    Ok(migrations(set)?
        .iter()
        .map(|found| Declared { version: found.version(), file: file(found), checksum: found.checksum() })
        .collect())
}

/// refinery keeps the driver's error below its own; that one knows whether the database was reached.
fn from_refinery(error: &refinery::Error) -> Error {
    let text = error.to_string();
    // Its own line is "`what it did`, `the cause`".
    let what = text.trim_start_matches('`').split('`').next().unwrap_or_default().to_owned();
    let mut next = std::error::Error::source(error);
    while let Some(found) = next {
        if let Some(driver) = found.downcast_ref::<tokio_postgres::Error>() {
            return Error::of(driver).doing(what);
        }
        next = found.source();
    }
    Error::unexpected(what)
}

struct Partition {
    table: String,
    schema: String,
    bound: String,
}

async fn partitions(client: &Client) -> Result<Vec<Partition>, Error> {
    let rows = client
        .query(
            "select parent.relname::text, child_schema.nspname::text, pg_get_expr(child.relpartbound, child.oid) \
             from pg_inherits link \
             join pg_class parent on parent.oid = link.inhparent \
             join pg_namespace parent_schema on parent_schema.oid = parent.relnamespace \
             join pg_class child on child.oid = link.inhrelid \
             join pg_namespace child_schema on child_schema.oid = child.relnamespace \
             where parent_schema.nspname = 'app' and parent.relkind = 'p' and child.relkind = 'r'",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| Ok(Partition { table: row.try_get(0)?, schema: row.try_get(1)?, bound: row.try_get(2)? }))
        .collect()
}

/// A partition's bound, as the server writes it back.
fn bound(company_id: &str) -> String {
    format!("FOR VALUES IN ('{}')", company_id.replace('\'', "''"))
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_takes_a_number_below_one_that_databases_have() {
        // Free, and yet of no use: a database that has a later one of the set skips what comes below it.
        let free = FILES.iter().filter(|(name, _)| ("0008".."0013").contains(&&name[..4]));
        assert_eq!(free.map(|(name, _)| *name).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn every_file_of_the_folder_is_embedded_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/db/ddl");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
        let both =
            declared(MigrationSet::Control).unwrap().len() + declared(MigrationSet::Company).unwrap().len();
        assert_eq!(both, FILES.len(), "a file is named neither NNNN_control_ nor NNNN_company_");
    }

    #[test]
    fn file_names_survive_refinery() {
        for set in [MigrationSet::Control, MigrationSet::Company] {
            for found in declared(set).unwrap() {
                assert!(FILES.iter().any(|(name, _)| *name == found.file), "{}", found.file);
            }
        }
    }

    #[test]
    fn a_fault_is_named_and_exits_7() {
        let dsn = Dsn::parse("postgres://kylo@db/ledger").unwrap();
        let step = |state| MigrationStep { version: 1, file: "0001_x.sql".into(), state, applied_on: None };
        for state in [MigrationState::Changed, MigrationState::Missing, MigrationState::Skipped] {
            let error = refuse_faults(&[step(state)], &dsn).unwrap_err();
            assert!(error.to_string().contains("0001_x.sql"));
            assert_eq!(crate::error::Error::from(error).kind().exit_code(), 7);
        }
        let error = current(&[step(MigrationState::Pending)], &dsn).unwrap_err();
        let shown = crate::error::Error::from(error);
        assert_eq!((shown.kind().exit_code(), shown.hints()), (7, &["kylo db migrate".to_owned()][..]));
    }
}
