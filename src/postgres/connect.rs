//! One connection: dialling as sslmode says, session settings, and which database it was that answered.

use super::dsn::{Dsn, SslMode};
use super::{Error, tls};
use std::fmt;
use tokio_postgres::{AsyncMessage, Client};

/// What a connection is for; decides its session settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Short statements of consumers and commands.
    Work,
    /// Migrations: a statement may take as long as it takes.
    Schema,
}

impl Purpose {
    fn settings(self) -> &'static str {
        // A stopped process must not hold its locks for ever, hence the idle limit (10 s). JIT costs more than
        // the short statements of this program run.
        match self {
            Purpose::Work => {
                "set idle_in_transaction_session_timeout = '10s'; set statement_timeout = '60s'; \
                 set jit = off; set timezone = 'UTC'; set client_min_messages = warning; \
                 set search_path = pg_catalog, pg_temp"
            }
            Purpose::Schema => {
                "set idle_in_transaction_session_timeout = '60s'; set statement_timeout = 0; \
                 set lock_timeout = '30s'; set timezone = 'UTC'; set client_min_messages = warning"
            }
        }
    }
}

/// Connects to `dsn` within its time-out. The connection's own task ends with the client.
pub(super) async fn connect(dsn: &Dsn, purpose: Purpose) -> Result<Client, Error> {
    let dialled = tokio::time::timeout(dsn.timeout(), async {
        let client = dial(dsn).await?;
        client.batch_execute(purpose.settings()).await?;
        Ok(client)
    });
    let answer = match dialled.await {
        Ok(answer) => answer,
        Err(_) => Err(Error::timeout(format!("no answer within {} s", dsn.timeout().as_secs()))),
    };
    answer.map_err(|error: Error| error.doing(format!("connecting to database {dsn}")).at(dsn.display()))
}

async fn dial(dsn: &Dsn) -> Result<Client, Error> {
    use tokio_postgres::config::SslMode as Wire;
    if dsn.is_local_socket() {
        return open(dsn, Wire::Disable).await;
    }
    match dsn.ssl().mode {
        SslMode::Disable => open(dsn, Wire::Disable).await,
        // libpq's two weak modes try the other way once when the server wants it so.
        SslMode::Allow => match open(dsn, Wire::Disable).await {
            Err(error) if error.sqlstate() == Some("28000") => open(dsn, Wire::Require).await,
            answer => answer,
        },
        SslMode::Prefer => match open(dsn, Wire::Prefer).await {
            Err(error) if error.sqlstate() == Some("28000") || error.is_tls() => {
                open(dsn, Wire::Disable).await.map_err(|_| error)
            }
            answer => answer,
        },
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => open(dsn, Wire::Require).await,
    }
}

async fn open(dsn: &Dsn, mode: tokio_postgres::config::SslMode) -> Result<Client, Error> {
    let mut config = dsn.config().clone();
    config.ssl_mode(mode);
    if mode == tokio_postgres::config::SslMode::Disable {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(drive(connection));
        return Ok(client);
    }
    let (client, connection) = config.connect(tls::connector(dsn.ssl())?).await?;
    tokio::spawn(drive(connection));
    Ok(client)
}

/// Moves the connection's bytes until the client is dropped or the server goes away; the client learns of the
/// end by itself, so that it is only noted here.
async fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                tracing::debug!(code = notice.code().code(), "notice from the database");
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(error = %Error::from(error), "the database connection ended");
                return;
            }
            None => return,
        }
    }
}

/// Which database answered, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Database name.
    pub database: String,
    /// The user we are there.
    pub user: String,
    /// `15.13`
    pub version: String,
    /// Address and port of the server, or its socket.
    pub address: String,
    /// `TLSv1.3`, or none.
    pub tls: Option<String>,
    /// A replica, or set read-only.
    pub read_only: bool,
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reached { database, user, version, address, .. } = self;
        write!(f, "database {database} on {address} as {user} (PostgreSQL {version}")?;
        match &self.tls {
            Some(tls) => write!(f, ", {tls}")?,
            None => f.write_str(", not encrypted")?,
        }
        f.write_str(if self.read_only { ", read-only)" } else { ")" })
    }
}

pub(super) async fn reached(client: &Client, dsn: &Dsn) -> Result<Reached, Error> {
    let row = client
        .query_one(
            "select current_database()::text, current_user::text, current_setting('server_version'), \
                    coalesce(host(inet_server_addr()) || ':' || inet_server_port(), ''), \
                    (select version from pg_stat_ssl where pid = pg_backend_pid()), \
                    current_setting('transaction_read_only') = 'on'",
            &[],
        )
        .await
        .map_err(|error| Error::from(error).at(dsn.display()))?;
    let address: String = row.try_get(3)?;
    let address = match address.is_empty() {
        true => dsn.display().split(" on ").nth(1).unwrap_or("a local socket").to_owned(),
        false => address,
    };
    let version: String = row.try_get(2)?;
    Ok(Reached {
        database: row.try_get(0)?,
        user: row.try_get(1)?,
        version: version.split_whitespace().next().unwrap_or_default().to_owned(),
        address: address.split(" as ").next().unwrap_or_default().to_owned(),
        tls: row.try_get(4)?,
        read_only: row.try_get(5)?,
    })
}
