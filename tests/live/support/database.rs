//! A world's own database, seen with plain SQL, past everything of kylo's.

use super::World;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// A database that is dropped with its world.
pub struct Database {
    admin_url: String,
    name: String,
    pub url: String,
}

impl Database {
    pub fn create(admin_url: &str, name: &str) -> Database {
        query(admin_url, &format!("create database \"{name}\""));
        Database {
            admin_url: admin_url.to_owned(),
            name: name.to_owned(),
            url: with_database(admin_url, name),
        }
    }
    pub fn remove(&self) {
        query(&self.admin_url, &format!("drop database \"{}\" with (force)", self.name));
    }
}

/// The server's version, as it says it: `PostgreSQL 15.18`.
pub fn version(url: &str) -> String {
    format!("PostgreSQL {}", query(url, "show server_version")[0][0])
}

/// The same server, another database. Both forms of a connection string end in options or nothing.
fn with_database(url: &str, name: &str) -> String {
    let (base, options) = url.split_once('?').map_or((url, None), |(base, options)| (base, Some(options)));
    let server = base.rfind('/').map_or(base, |slash| &base[..slash]);
    assert!(base.starts_with("postgres"), "KYLO_TEST_DATABASE_URL must be a postgres:// URL with a database");
    options.map_or_else(|| format!("{server}/{name}"), |options| format!("{server}/{name}?{options}"))
}

/// Runs `text`; rows as text, null as `-`.
fn query(url: &str, text: &str) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.expect("connecting to the test database");
        let driver = tokio::spawn(connection);
        let messages = client.simple_query(text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        drop(client);
        let _ = driver.await;
        messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|column| row.get(column).unwrap_or("-").to_owned()).collect())
                }
                _ => None,
            })
            .collect()
    })
}

/// A connection that stays open, to look at the database many times a second.
pub struct Watch {
    runtime: tokio::runtime::Runtime,
    client: tokio_postgres::Client,
}

impl Watch {
    /// The one number that `text` selects.
    pub fn number(&self, text: &str) -> i64 {
        let row = self.runtime.block_on(self.client.query_one(text, &[]));
        row.unwrap_or_else(|error| panic!("{text}: {error:?}")).get(0)
    }
}

impl World {
    /// A connection of the test's own that stays open.
    pub fn watch(&self) -> Watch {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (client, connection) =
            runtime.block_on(tokio_postgres::connect(&self.database.url, NoTls)).expect("connecting");
        runtime.spawn(connection);
        Watch { runtime, client }
    }
    /// Runs `text` in the world's database; rows as text, null as `-`.
    #[track_caller]
    pub fn sql(&self, text: &str) -> Vec<Vec<String>> {
        query(&self.database.url, text)
    }
    /// The one number that `text` selects.
    #[track_caller]
    pub fn number(&self, text: &str) -> i64 {
        let rows = self.sql(text);
        rows[0][0].parse().unwrap_or_else(|error| panic!("{text}: {error}: {rows:?}"))
    }
    /// Everything the ledger keeps, as text: two equal answers mean that nothing changed, not even a time stamp.
    /// Metrics and confirmations are left out: a batch that is sent again gains a row there.
    pub fn ledger_rows(&self) -> Vec<Vec<String>> {
        ["app.transactions", "app.pending_txns", "app.rules_active", "control.sheet_posts"]
            .iter()
            .flat_map(|table| self.sql(&format!("select '{table}', t::text from {table} t order by t::text")))
            .collect()
    }
}
