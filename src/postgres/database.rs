//! Whole databases: made and dropped, for those who need one of their own for a while.

use super::connect::{self, Purpose};
use super::{Dsn, Error};
use crate::consent::WriteToken;

/// Creates database `name` on the server of `dsn`; returns its connection string.
pub async fn create_database(dsn: &Dsn, _token: &WriteToken, name: &str) -> Result<Dsn, Error> {
    let client = connect::connect(dsn, Purpose::Schema).await?;
    client
        .batch_execute(&format!("create database {}", quoted(name)))
        .await
        .map_err(|error| Error::from(error).at(dsn.display()).doing(format!("creating database {name}")))?;
    dsn.with_database(name)
}

/// Drops database `name` on the server of `dsn`, also while somebody is connected to it.
pub async fn drop_database(dsn: &Dsn, _token: &WriteToken, name: &str) -> Result<(), Error> {
    let client = connect::connect(dsn, Purpose::Schema).await?;
    client
        .batch_execute(&format!("drop database if exists {} with (force)", quoted(name)))
        .await
        .map_err(|error| Error::from(error).at(dsn.display()).doing(format!("dropping database {name}")))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
