//! Why a database did not do what it was asked: reached or not, its SQLSTATE, and what follows from it.

use crate::engine::{Dependency, Failure};
use std::fmt;

/// What sort of failure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The connection string cannot be read.
    Dsn,
    /// No connection; `refused`: somebody answered that nobody listens there.
    Connect { refused: bool },
    /// The connection cannot be encrypted as asked.
    Tls,
    /// The server answered with an error.
    Server { sqlstate: String, constraint: bool },
    /// The connection was there and is gone.
    Closed,
    /// No answer in time.
    Timeout,
    /// What came back is not what this program expects, or what it sent cannot be encoded.
    Client,
    /// Migrations are pending.
    Schema,
    /// Applied migrations are not those of this binary.
    Altered,
}

/// A failure of PostgreSQL or on the way to it. Texts hold no password and no row values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
    database: Option<String>,
    causes: Vec<String>,
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), database: None, causes: Vec::new() }
    }
    pub(super) fn dsn(message: impl Into<String>) -> Self {
        Self::new(Kind::Dsn, message)
    }
    pub(super) fn tls(message: impl Into<String>) -> Self {
        Self::new(Kind::Tls, message)
    }
    pub(super) fn timeout(message: impl Into<String>) -> Self {
        Self::new(Kind::Timeout, message)
    }
    /// Something came back that this program did not expect; for the SQL functions of this room.
    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(Kind::Client, message)
    }
    pub(super) fn altered(message: impl Into<String>) -> Self {
        Self::new(Kind::Altered, message)
    }
    pub(super) fn schema(message: impl Into<String>) -> Self {
        Self::new(Kind::Schema, message)
    }
    /// Names the database (host, port and name, never a password).
    #[must_use]
    pub(super) fn at(mut self, database: impl Into<String>) -> Self {
        self.database.get_or_insert_with(|| database.into());
        self
    }
    /// Puts what was being done on top; the present message becomes the first cause.
    #[must_use]
    pub fn doing(mut self, message: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }
    /// The server's five-letter code, when the server answered.
    pub fn sqlstate(&self) -> Option<&str> {
        match &self.kind {
            Kind::Server { sqlstate, .. } => Some(sqlstate),
            _ => None,
        }
    }
    pub(super) fn is_tls(&self) -> bool {
        self.kind == Kind::Tls
    }
    /// True when the same statement may succeed later without anybody changing the data: the database is away,
    /// busy, read-only, not migrated, or does not let us in. Only what the data itself causes is permanent, so
    /// that a wrong password or a missing table never sends a topic to the dead letters.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            Kind::Dsn | Kind::Client => false,
            Kind::Connect { .. }
            | Kind::Tls
            | Kind::Closed
            | Kind::Timeout
            | Kind::Schema
            | Kind::Altered => true,
            Kind::Server { sqlstate, constraint } => match sqlstate.get(..2) {
                // A check violation that names no constraint is a partition that is missing.
                Some("23") => sqlstate == "23514" && !constraint,
                // Cardinality, data exception, wrong statement for the type, program limit exceeded.
                Some("21" | "22" | "54") => false,
                _ => true,
            },
        }
    }
    /// As a handler's failure, transient or permanent, on `dependency` (the database it came from).
    pub fn into_failure(self, dependency: Dependency) -> Failure {
        let kind = match &self.kind {
            Kind::Connect { .. } | Kind::Closed | Kind::Timeout | Kind::Tls => "database-away",
            Kind::Schema | Kind::Altered => "database-schema",
            Kind::Dsn => "database-dsn",
            Kind::Client => "database-answer",
            Kind::Server { sqlstate, .. } => match sqlstate.get(..2) {
                Some("08" | "57") => "database-away",
                Some("53") => "database-full",
                Some("40" | "55") => "database-contention",
                Some("28") => "database-denied",
                Some("22" | "23") => "database-data",
                _ => "database-error",
            },
        };
        let mut failure = match self.is_transient() {
            true => Failure::transient(kind, self.headline()),
            false => Failure::permanent(kind, self.headline()),
        };
        failure.chain = self.causes;
        failure.on(dependency)
    }
    fn headline(&self) -> String {
        match &self.database {
            Some(database) if !self.message.contains(database.as_str()) => {
                format!("{} ({database})", self.message)
            }
            _ => self.message.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::of(&error)
    }
}

impl Error {
    /// The driver's error in our words.
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            let sqlstate = answer.code().code().to_owned();
            let constraint = answer.constraint().is_some();
            // The server's detail quotes row values, and so do data exceptions after their colon.
            let text = match sqlstate.starts_with("22") {
                true => answer.message().split(": ").next().unwrap_or_default(),
                false => answer.message(),
            };
            let message = format!("the database said: {text} (SQLSTATE {sqlstate})");
            return Error::new(Kind::Server { sqlstate, constraint }, message);
        }
        if error.is_closed() {
            return Error::new(Kind::Closed, "the database closed the connection");
        }
        let mut chain = Vec::new();
        let mut io = None;
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(found) = next {
            chain.push(found.to_string());
            io = io.or_else(|| found.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
            next = found.source();
        }
        let top = chain.remove(0);
        let kind = match (top.as_str(), io) {
            ("error connecting to server", Some(std::io::ErrorKind::ConnectionRefused)) => {
                Kind::Connect { refused: true }
            }
            ("error connecting to server", _) => Kind::Connect { refused: false },
            ("error performing TLS handshake", _) => Kind::Tls,
            (_, Some(std::io::ErrorKind::TimedOut)) => Kind::Timeout,
            (_, Some(_)) => Kind::Closed,
            // The server wants what the connection string does not have, or is no PostgreSQL: whoever runs it mends
            // that, and nothing is wrong with the message.
            ("invalid configuration" | "authentication error" | "unexpected message from server", _) => {
                Kind::Closed
            }
            _ => Kind::Client,
        };
        Error { kind, message: top, database: None, causes: chain }
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        use crate::error::{Error as Shown, ErrorKind};
        let (kind, hint) = match &error.kind {
            Kind::Dsn => (
                ErrorKind::Usage,
                Some("write it as postgres://user@host:5432/database?sslmode=prefer".to_owned()),
            ),
            Kind::Connect { .. } | Kind::Closed | Kind::Timeout => {
                let here = |database: &String| [" on 127.0.0.1:", " on localhost:", " on ::1:"].iter().any(|host| database.contains(host));
                let hint = if error.database.as_ref().is_some_and(here) {
                    "is PostgreSQL running there? the local stack: docker compose -f docker-compose.kafka.yml up -d"
                } else {
                    "is PostgreSQL running there? database.url (PG_DSN_RW) says where to look"
                };
                (ErrorKind::Unreachable, Some(hint.to_owned()))
            }
            Kind::Tls => (
                ErrorKind::Unreachable,
                Some("sslrootcert=FILE names the authority to trust; sslmode=require encrypts without checking".to_owned()),
            ),
            Kind::Client => (ErrorKind::Failed, None),
            Kind::Altered => (ErrorKind::Check, Some("kylo db status".to_owned())),
            Kind::Schema => (ErrorKind::Check, Some("kylo db migrate".to_owned())),
            Kind::Server { sqlstate, .. } => match sqlstate.as_str() {
                "42501" => (ErrorKind::Denied, None),
                "3D000" => (ErrorKind::Failed, Some("create the database first, for example with `createdb`".to_owned())),
                "42P01" | "3F000" | "42703" => (ErrorKind::Check, Some("kylo db migrate".to_owned())),
                code if code.starts_with("28") => {
                    (ErrorKind::Denied, Some("check user and password of database.url".to_owned()))
                }
                code if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
                    (ErrorKind::Unreachable, None)
                }
                _ => (ErrorKind::Failed, None),
            },
        };
        let mut shown = Shown::new(kind, error.headline());
        for cause in error.causes {
            shown = shown.cause(cause);
        }
        match hint {
            Some(hint) => shown.hint(hint),
            None => shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::FailureClass;

    fn server(sqlstate: &str, constraint: bool) -> Error {
        Error::new(Kind::Server { sqlstate: sqlstate.to_owned(), constraint }, "the database said: no")
    }

    #[test]
    fn only_what_the_data_causes_is_permanent() {
        let table = [
            ("40001", false, true),
            ("40P01", false, true),
            ("53300", false, true),
            ("25006", false, true),
            ("57014", false, true),
            ("28P01", false, true),
            ("42P01", false, true),
            ("3D000", false, true),
            ("23514", false, true),
            ("23514", true, false),
            ("23505", true, false),
            ("22003", false, false),
            ("54000", false, false),
        ];
        for (code, constraint, transient) in table {
            assert_eq!(server(code, constraint).is_transient(), transient, "{code}");
        }
    }

    #[test]
    fn each_failure_has_its_exit_code() {
        let table = [
            (Error::dsn("x"), 2),
            (Error::new(Kind::Connect { refused: true }, "x"), 5),
            (Error::timeout("x"), 5),
            (Error::tls("x"), 5),
            (Error::schema("x"), 7),
            (server("28P01", false), 4),
            (server("42501", false), 4),
            (server("57P03", false), 5),
            (server("42P01", false), 7),
            (server("22003", false), 1),
        ];
        for (error, code) in table {
            let text = error.to_string();
            assert_eq!(crate::error::Error::from(error.clone()).kind().exit_code(), code, "{text} {error:?}");
        }
    }

    #[test]
    fn a_failure_names_its_database() {
        let failure = server("57P01", false)
            .at("ledger on db:5432")
            .doing("storing transactions")
            .into_failure(Dependency("db".into()));
        assert_eq!(failure.class, FailureClass::Transient);
        assert_eq!(failure.kind, "database-away");
        assert_eq!(
            failure.to_string(),
            "storing transactions (ledger on db:5432) (transient, database-away): the database said: no"
        );
    }
}
