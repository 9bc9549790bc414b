//! Connection strings: URL and key=value, with the sslmode of libpq and without ever showing a password.

use super::Error;
use crate::model::secret::Secret;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::Host;

/// How far a connection is encrypted and its server checked; libpq's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted only when the server wants nothing else.
    Allow,
    /// Encrypted when the server can.
    #[default]
    Prefer,
    /// Encrypted; the certificate is checked only when `sslrootcert` is given.
    Require,
    /// Encrypted; the certificate must come from a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and issued for this host.
    VerifyFull,
}

impl FromStr for SslMode {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "disable" => SslMode::Disable,
            "allow" => SslMode::Allow,
            "prefer" => SslMode::Prefer,
            "require" => SslMode::Require,
            "verify-ca" => SslMode::VerifyCa,
            "verify-full" => SslMode::VerifyFull,
            _ => {
                return Err(Error::dsn(
                    "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full",
                ));
            }
        })
    }
}

/// The TLS part of a connection string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SslSettings {
    pub(super) mode: SslMode,
    /// PEM file of the authorities to trust; `system` or none: those of the machine.
    pub(super) root_cert: Option<PathBuf>,
    /// PEM files of our own certificate and key.
    pub(super) client_cert: Option<(PathBuf, PathBuf)>,
}

struct Parsed {
    text: Secret<String>,
    display: String,
    config: tokio_postgres::Config,
    ssl: SslSettings,
    timeout: Duration,
}

/// A connection string that was read once. Cheap to clone; equal when the text is equal; `Debug` and `Display`
/// show host, database and user only.
#[derive(Clone)]
pub struct Dsn(Arc<Parsed>);

/// How long connecting may take when the connection string does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Dsn {
    /// Reads `postgres://user:password@host:port/database?sslmode=...` or `host=... dbname=...`.
    /// The error never quotes the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
        let (rest, ssl_pairs) = match is_url {
            true => split_url(text)?,
            false => split_pairs(text)?,
        };
        let ssl = ssl_settings(&ssl_pairs)?;
        let mut config = tokio_postgres::Config::from_str(&rest).map_err(|_| {
            Error::dsn("the database's connection string cannot be read (its text is not shown, it may hold a password)")
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        let timeout = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        config.connect_timeout(timeout);
        if config.get_application_name().is_none() {
            config.application_name("kylo");
        }
        // A peer that vanished without a word is noticed in about a minute instead of two hours. A way that answers in
        // its place is noticed by whoever waits: the handler's time-out gives the connection up.
        config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(60));
        let display = display(&config);
        Ok(Dsn(Arc::new(Parsed { text: Secret::new(text.to_owned()), display, config, ssl, timeout })))
    }
    /// The same server and settings, another database.
    pub fn with_database(&self, name: &str) -> Result<Self, Error> {
        let text = self.0.text.expose();
        let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if !is_url {
            return Self::parse(&format!("{text} dbname='{}'", escape(name)));
        }
        let (head, query) = match text.split_once('?') {
            Some((head, query)) => (head, format!("?{query}")),
            None => (text.as_str(), String::new()),
        };
        let after_scheme = head.find("://").map_or(0, |at| at + 3);
        let authority_end = head[after_scheme..].find('/').map_or(head.len(), |at| at + after_scheme);
        Self::parse(&format!("{}/{name}{query}", &head[..authority_end]))
    }
    /// `database on host:port as user`, for people.
    pub fn display(&self) -> &str {
        &self.0.display
    }
    /// The text itself, for a client that needs it.
    pub fn secret(&self) -> &Secret<String> {
        &self.0.text
    }
    /// The breaker's name for this database: [`Dsn::display`] without more.
    pub fn dependency(&self) -> crate::engine::Dependency {
        crate::engine::Dependency(format!("postgres:{}", self.display()).into())
    }
    pub(super) fn config(&self) -> &tokio_postgres::Config {
        &self.0.config
    }
    pub(super) fn ssl(&self) -> &SslSettings {
        &self.0.ssl
    }
    pub(super) fn timeout(&self) -> Duration {
        self.0.timeout
    }
    /// True when every host is a socket of this machine; libpq ignores sslmode there.
    pub(super) fn is_local_socket(&self) -> bool {
        #[cfg(unix)]
        let local = |host: &Host| matches!(host, Host::Unix(_));
        #[cfg(not(unix))]
        let local = |_: &Host| false;
        self.0.config.get_hostaddrs().is_empty() && self.0.config.get_hosts().iter().all(local)
    }
}

impl PartialEq for Dsn {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}
impl Eq for Dsn {}
impl Hash for Dsn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.expose().hash(state);
    }
}
impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.display())
    }
}
impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({})", self.display())
    }
}

fn display(config: &tokio_postgres::Config) -> String {
    let user = config.get_user();
    let database = config.get_dbname().or(user).unwrap_or("its default database");
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        })
        .collect();
    let hosts = match hosts.is_empty() {
        true => config.get_hostaddrs().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        false => hosts.join(","),
    };
    match user {
        Some(user) => format!("{database} on {hosts} as {user}"),
        None => format!("{database} on {hosts}"),
    }
}

const SSL_KEYS: &[&str] = &["sslmode", "sslrootcert", "sslcert", "sslkey"];
/// libpq settings that mean nothing to this driver and harm nothing when left out.
const IGNORED_KEYS: &[&str] =
    &["gssencmode", "sslcompression", "fallback_application_name", "client_encoding"];

type Pairs = Vec<(String, String)>;

/// Takes the TLS settings out of a URL's query.
fn split_url(text: &str) -> Result<(String, Pairs), Error> {
    let Some((head, query)) = text.split_once('?') else {
        return Ok((text.to_owned(), Vec::new()));
    };
    let mut ssl = Vec::new();
    let mut kept = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        if SSL_KEYS.contains(&key) {
            ssl.push((key.to_owned(), percent_decode(value)?));
        } else if !IGNORED_KEYS.contains(&key) {
            kept.push(part);
        }
    }
    let rest = match kept.is_empty() {
        true => head.to_owned(),
        false => format!("{head}?{}", kept.join("&")),
    };
    Ok((rest, ssl))
}

fn percent_decode(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().unwrap_or(0), rest.next().unwrap_or(0)];
        let value = std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(
            value.ok_or_else(|| {
                Error::dsn("a % in the connection string is not followed by two hex digits")
            })?,
        );
    }
    String::from_utf8(bytes).map_err(|_| Error::dsn("the connection string is not UTF-8"))
}

/// Takes the TLS settings out of `key=value key='quoted value'`.
fn split_pairs(text: &str) -> Result<(String, Pairs), Error> {
    let mut ssl = Vec::new();
    let mut rest = String::new();
    for (key, value) in pairs(text)? {
        if SSL_KEYS.contains(&key.as_str()) {
            ssl.push((key, value));
        } else if !IGNORED_KEYS.contains(&key.as_str()) {
            rest.push_str(&format!("{key}='{}' ", escape(&value)));
        }
    }
    Ok((rest, ssl))
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\'', "\\'")
}

fn pairs(text: &str) -> Result<Pairs, Error> {
    let broken = || Error::dsn("the connection string is neither postgres://... nor key=value pairs");
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.peek().is_none() {
            return match found.is_empty() {
                true => Err(broken()),
                false => Ok(found),
            };
        }
        let mut key = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !c.is_whitespace()) {
            key.push(c);
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.next() != Some('=') || key.is_empty() {
            return Err(broken());
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = rest.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match rest.next() {
                Some('\\') => value.push(rest.next().ok_or_else(broken)?),
                Some('\'') if quoted => break,
                Some(c) if !quoted && c.is_whitespace() => break,
                Some(c) => value.push(c),
                None if quoted => return Err(broken()),
                None => break,
            }
        }
        found.push((key, value));
    }
}

fn ssl_settings(pairs: &Pairs) -> Result<SslSettings, Error> {
    let get = |name: &str| {
        let found = pairs.iter().rev().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let mode = get("sslmode").map(SslMode::from_str).transpose()?.unwrap_or_default();
    let root_cert = get("sslrootcert").filter(|path| *path != "system").map(PathBuf::from);
    let client_cert = match (get("sslcert"), get("sslkey")) {
        (Some(cert), Some(key)) => Some((PathBuf::from(cert), PathBuf::from(key))),
        (None, None) => None,
        _ => return Err(Error::dsn("sslcert and sslkey go together")),
    };
    // libpq: `require` with an authority at hand checks the chain.
    let mode = match (mode, &root_cert) {
        (SslMode::Require, Some(_)) => SslMode::VerifyCa,
        _ => mode,
    };
    Ok(SslSettings { mode, root_cert, client_cert })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_never_how() {
        let table = [
            ("postgres://kylo:s3cret@db:5433/ledger", "ledger on db:5433 as kylo"),
            ("postgresql://kylo:s3cret@db/ledger?sslmode=verify-full", "ledger on db:5432 as kylo"),
            ("host=db port=6000 dbname=ledger user=kylo password=s3cret", "ledger on db:6000 as kylo"),
            ("host=/run/pg user=kylo password='s3cret s'", "kylo on /run/pg:5432 as kylo"),
            ("postgres://kylo:s3cret@a:1,b:2/x", "x on a:1,b:2 as kylo"),
            ("dbname=x user=kylo", "x on localhost:5432 as kylo"),
        ];
        for (text, shown) in table {
            let dsn = Dsn::parse(text).unwrap();
            assert_eq!(dsn.display(), shown);
            assert!(!format!("{dsn:?} {dsn}").contains("s3cret"));
            assert_eq!(dsn.config().get_application_name(), Some("kylo"));
        }
    }

    #[test]
    fn reads_every_sslmode() {
        use SslMode::*;
        let table = [
            ("postgres://h/d", Prefer),
            ("postgres://h/d?sslmode=disable", Disable),
            ("postgres://h/d?sslmode=allow&connect_timeout=3", Allow),
            ("host=h sslmode = require", Require),
            ("host=h sslmode=require sslrootcert='/etc/ca file.pem'", VerifyCa),
            ("postgres://h/d?sslmode=verify-ca", VerifyCa),
            ("postgres://h/d?application_name=x&sslmode=verify-full&sslrootcert=system", VerifyFull),
        ];
        for (text, mode) in table {
            assert_eq!(Dsn::parse(text).unwrap().ssl().mode, mode, "{text}");
        }
        let dsn = Dsn::parse("postgres://h/d?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca%20file.pem").unwrap();
        assert_eq!(dsn.ssl().root_cert.as_deref(), Some(std::path::Path::new("/etc/ca file.pem")));
    }

    #[test]
    fn an_unreadable_text_is_not_quoted() {
        for text in
            ["s3cret", "postgres://u:s3cret@h:notaport/d", "host=h s3cret", "host=h sslmode=s3cret", ""]
        {
            let error = Dsn::parse(text).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
            assert_eq!(crate::error::Error::from(error).kind().exit_code(), 2);
        }
    }

    #[test]
    fn another_database_of_the_same_server() {
        let table = [
            ("postgres://u:p@h:1/old?sslmode=disable", "new on h:1 as u"),
            ("postgres://u:p@h:1", "new on h:1 as u"),
            ("host=h port=1 user=u dbname=old", "new on h:1 as u"),
        ];
        for (text, shown) in table {
            assert_eq!(Dsn::parse(text).unwrap().with_database("new").unwrap().display(), shown);
        }
    }
}
