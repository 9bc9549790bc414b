//! Bringing databases to the schema this binary needs, and companies into them: read everything first, then act.

use super::connect::Reached;
use super::migrate::{Home, Migrator, refuse_faults};
use super::{Dsn, Error, Pools, company};
use crate::consent::WriteToken;
use crate::model::company::{self as plan, CompanyChange, CompanyConfig};
use crate::model::migration::{MigrationSet, MigrationState, MigrationStep};
use std::collections::BTreeSet;

/// One database and what it lacks.
#[derive(Clone, Debug)]
pub struct DatabasePlan {
    /// Where it is.
    pub dsn: Dsn,
    /// Which one answered.
    pub reached: Reached,
    /// The sets it carries, each with all its migrations and how they stand.
    pub sets: Vec<(MigrationSet, Vec<MigrationStep>)>,
    /// Companies that live here and lack a partition.
    pub homes: Vec<Home>,
}

impl DatabasePlan {
    /// How many migrations are pending.
    pub fn pending(&self) -> usize {
        let pending = |step: &&MigrationStep| step.state == MigrationState::Pending;
        self.sets.iter().map(|(_, steps)| steps.iter().filter(pending).count()).sum()
    }
    /// True when nothing is to be done here.
    pub fn is_current(&self) -> bool {
        self.pending() == 0 && self.homes.is_empty() && self.refuse_faults().is_ok()
    }
    /// The error (exit code 7) when a migration is changed, missing or skipped.
    pub fn refuse_faults(&self) -> Result<(), Error> {
        self.sets.iter().try_for_each(|(_, steps)| refuse_faults(steps, &self.dsn))
    }
}

/// The databases of this bus: those that answered, the control database first, and why the others did not.
#[derive(Debug)]
pub struct Survey {
    /// What answered.
    pub databases: Vec<DatabasePlan>,
    /// One error for each that did not.
    pub failed: Vec<Error>,
}

/// Looks at the control database and at every seeded company's. An error only when the control database itself
/// cannot be read. Changes nothing.
pub async fn survey(control: &Dsn) -> Result<Survey, Error> {
    let configs = {
        let pools = Pools::new(super::PoolLimits { total: 1, per_dsn: 1 });
        let mut lease = pools.get(control).await?;
        match company::table_exists(&mut lease).await? {
            true => company::all(&mut lease).await?,
            false => Vec::new(),
        }
    };
    let (own, others): (Vec<_>, Vec<_>) =
        company::by_database(configs).into_iter().partition(|(dsn, _)| dsn.as_ref() == Ok(control));
    let own = own.into_iter().flat_map(|(_, companies)| companies).collect::<Vec<_>>();
    let sets = &[MigrationSet::Control, MigrationSet::Company];
    let mut survey = Survey { databases: vec![database(control, sets, &own).await?], failed: Vec::new() };
    for (dsn, companies) in others {
        match of_companies(dsn, &companies).await {
            Ok(plan) => survey.databases.push(plan),
            Err(error) => survey.failed.push(error),
        }
    }
    Ok(survey)
}

/// Applies what `plan` found pending and creates its partitions. Returns the files applied. What somebody else
/// did in the meantime is left alone.
pub async fn migrate(plan: &DatabasePlan, token: &WriteToken) -> Result<Vec<String>, Error> {
    plan.refuse_faults()?;
    if plan.is_current() {
        return Ok(Vec::new());
    }
    let mut migrator = Migrator::open(&plan.dsn).await?;
    let mut applied = Vec::new();
    for (set, _) in &plan.sets {
        applied.extend(migrator.apply(token, *set).await?);
    }
    if !plan.homes.is_empty() {
        migrator.create_homes(token, &plan.homes).await?;
    }
    Ok(applied)
}

/// What seeding would do.
#[derive(Debug)]
pub struct SeedPlan {
    /// The control database.
    pub control: Dsn,
    /// One entry a company of file or table.
    pub changes: Vec<CompanyChange>,
    /// The companies' databases and what they lack.
    pub databases: Vec<DatabasePlan>,
}

impl SeedPlan {
    /// True when nothing would be written anywhere.
    pub fn is_empty(&self) -> bool {
        !self.changes.iter().any(CompanyChange::is_write)
            && self.databases.iter().all(DatabasePlan::is_current)
    }
}

/// Compares the companies of a file with the control database and looks at each of their databases. All faults at
/// once: databases that do not answer, schemas and tabs shared with a company that stays. Changes nothing.
pub async fn plan_seed(
    pools: &Pools,
    control: &Dsn,
    file: &[CompanyConfig],
    prune: bool,
) -> Result<SeedPlan, Vec<Fault>> {
    let table = read_table(pools, control).await.map_err(|error| vec![Fault::Database(error)])?;
    let mut faults = Vec::new();
    let mut with_data = BTreeSet::new();
    if prune {
        for row in plan::unlisted(file, &table) {
            match has_data(pools, control, row).await {
                Ok(true) => {
                    with_data.insert(row.company_id.clone());
                }
                Ok(false) => {}
                Err(error) => faults.push(Fault::Database(
                    error.doing(format!("looking whether company {} has data", row.company_id)),
                )),
            }
        }
    }
    let changes = plan::plan(file, &table, prune, &with_data);
    let stays = |row: &&CompanyConfig| {
        changes.iter().any(|change| {
            change.company_id() == row.company_id
                && matches!(change, CompanyChange::KeepWithData(_) | CompanyChange::KeepUnlisted(_))
        })
    };
    let all: Vec<&CompanyConfig> = file.iter().chain(table.iter().filter(stays)).collect();
    faults.extend(plan::clashes(&all).into_iter().map(Fault::Clash));
    let mut databases = Vec::new();
    for (dsn, companies) in company::by_database(file.to_vec()) {
        match of_companies(dsn, &companies).await {
            Ok(plan) => match plan.refuse_faults() {
                Ok(()) => databases.push(plan),
                Err(error) => faults.push(Fault::Database(error)),
            },
            Err(error) => {
                let ids: Vec<&str> = companies.iter().map(|config| config.company_id.as_str()).collect();
                faults.push(Fault::Database(
                    error.doing(format!("looking at the database of company {}", ids.join(", "))),
                ));
            }
        }
    }
    match faults.is_empty() {
        true => Ok(SeedPlan { control: control.clone(), changes, databases }),
        false => Err(faults),
    }
}

/// Why a file cannot be seeded.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A database does not answer, or not as it should.
    Database(Error),
    /// Two companies share what they must not share.
    Clash(String),
}

/// Carries the plan out: first the companies' tables and partitions, then all config rows in one transaction, so
/// that no consumer ever sees a company whose tables are not there.
pub async fn seed(pools: &Pools, plan: &SeedPlan, token: &WriteToken) -> Result<(), Error> {
    for database in &plan.databases {
        migrate(database, token).await?;
    }
    let mut lease = pools.get(&plan.control).await?;
    let mut transaction = lease.begin().await?;
    for change in &plan.changes {
        match change {
            CompanyChange::Insert(config) | CompanyChange::Update(config, _) => {
                company::upsert(&mut transaction, token, config).await?;
            }
            CompanyChange::Remove(id) => company::delete(&mut transaction, token, id).await?,
            CompanyChange::Unchanged(_) | CompanyChange::KeepWithData(_) | CompanyChange::KeepUnlisted(_) => {
            }
        }
    }
    transaction.commit().await
}

async fn read_table(pools: &Pools, control: &Dsn) -> Result<Vec<CompanyConfig>, Error> {
    let mut lease = pools.get(control).await?;
    super::migrate::require_set(&mut lease, MigrationSet::Control).await?;
    company::all(&mut lease).await
}

async fn has_data(pools: &Pools, control: &Dsn, row: &CompanyConfig) -> Result<bool, Error> {
    {
        let mut lease = pools.get(control).await?;
        if company::has_posts(&mut lease, &row.company_id).await? {
            return Ok(true);
        }
    }
    let mut lease = pools.get(&Dsn::parse(row.db_dsn_rw.expose())?).await?;
    company::has_data(&mut lease, &row.company_id).await
}

async fn of_companies(dsn: Result<Dsn, Error>, companies: &[CompanyConfig]) -> Result<DatabasePlan, Error> {
    database(&dsn?, &[MigrationSet::Company], companies).await
}

async fn database(
    dsn: &Dsn,
    sets: &[MigrationSet],
    companies: &[CompanyConfig],
) -> Result<DatabasePlan, Error> {
    let homes: Vec<Home> = companies.iter().map(Home::from).collect();
    let migrator = Migrator::open(dsn).await?;
    let mut found = Vec::new();
    for set in sets {
        found.push((*set, migrator.steps(*set).await?));
    }
    Ok(DatabasePlan {
        dsn: dsn.clone(),
        reached: migrator.reached().await?,
        sets: found,
        homes: migrator.missing_homes(&homes).await?,
    })
}
