//! A database seen with plain SQL, past everything of kylo's.

use std::time::Duration;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A connection that is made again when it was lost.
pub struct Sql {
    runtime: tokio::runtime::Runtime,
    url: String,
    client: Option<Client>,
}

/// A row as text; null is the empty text.
pub type Row = Vec<String>;

impl Sql {
    pub fn new(url: &str) -> Sql {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Sql { runtime: runtime.expect("a runtime"), url: url.to_owned(), client: None }
    }

    /// Runs `text`; an error when the database is away.
    pub fn query(&mut self, text: &str) -> Result<Vec<Row>, String> {
        let Sql { runtime, url, client } = self;
        let outcome = runtime.block_on(async {
            let connected = match client.take().filter(|client| !client.is_closed()) {
                Some(connected) => connected,
                None => {
                    let connect =
                        tokio::time::timeout(Duration::from_secs(5), tokio_postgres::connect(url, NoTls));
                    let (connected, connection) = connect
                        .await
                        .map_err(|_| "connecting took too long".to_owned())?
                        .map_err(|e| words(&e))?;
                    tokio::spawn(connection);
                    connected
                }
            };
            let limit = Duration::from_secs(30);
            let messages = tokio::time::timeout(limit, connected.simple_query(text)).await;
            let messages = messages.map_err(|_| format!("{text}: no answer"))?.map_err(|e| words(&e))?;
            Ok::<_, String>((connected, messages))
        });
        let (connected, messages) = outcome?;
        *client = Some(connected);
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }
    /// Runs `text` on a database that must be there.
    pub fn rows(&mut self, text: &str) -> Vec<Row> {
        self.query(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }
    /// The one number that `text` selects.
    pub fn number(&mut self, text: &str) -> i64 {
        self.rows(text)[0][0].parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }
}

fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |answer| answer.message().to_owned())
}

/// The same server, another database.
pub fn with_database(url: &str, name: &str) -> String {
    let server = &url[..url.rfind('/').expect("a URL with a database")];
    format!("{server}/{name}")
}

/// The same database as somebody else.
pub fn with_user(url: &str, user: &str, password: &str) -> String {
    let (scheme, server) = (url.find("://").expect("a URL") + 3, url.rfind('@').expect("a URL with a user"));
    format!("{}{user}:{password}{}", &url[..scheme], &url[server..])
}

/// The same database by another door.
pub fn with_address(url: &str, address: &str) -> String {
    let at = url.rfind('@').expect("a URL with a user") + 1;
    let slash = url.rfind('/').expect("a URL with a database");
    format!("{}{address}{}", &url[..at], &url[slash..])
}
