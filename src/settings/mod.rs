//! Settings: flag > env (`.env` too) > project file > profile > default; each value knows its origin.
//!
//! The only room that reads the environment and config files.

mod environment;
mod files;
mod load;
mod mask;
mod registry;
mod view;

#[cfg(test)]
mod tests;

pub use crate::model::secret::Secret;
pub use environment::Environment;
pub use load::{Flags, Loaded, load};
pub use registry::{Key, Kind, keys};
pub use view::SettingView;

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where a value came from, for `-X dump` and error messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag, with its name.
    Flag(&'static str),
    /// An environment variable, with its name.
    Env(String),
    /// A `.env` file: path and variable.
    DotEnv(String),
    /// `kylo.toml` of the project: its path.
    File(String),
    /// A profile of the user's configuration.
    Profile(String),
    /// Built in.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "flag {name}"),
            Origin::Env(name) => write!(f, "environment {name}"),
            Origin::DotEnv(place) => write!(f, "{place}"),
            Origin::File(path) => write!(f, "{path}"),
            Origin::Profile(name) => write!(f, "profile {name}"),
            Origin::Default => write!(f, "default"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// A secret that is read only when it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Deferred {
    /// The content of a file, without the line end.
    File(String),
    /// What a command prints, without the line end.
    Command(String),
}

/// All settings of this run, resolved once.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Sourced<String>>,
    client: Vec<(String, Sourced<String>)>,
    deferred: BTreeMap<String, (Deferred, Origin)>,
    environment: Environment,
    dot_env: BTreeMap<String, String>,
}

impl fmt::Debug for Settings {
    // The values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("keys", &self.values.keys()).finish_non_exhaustive()
    }
}

impl Settings {
    /// The value of `key` (`kafka.brokers`, `database.url`, `topics.txns` ...), if set or defaulted.
    pub fn get(&self, key: &str) -> Option<&Sourced<String>> {
        self.values.get(key)
    }
    /// A topic or group name: the setting `(key, default)` as in [`crate::model::pipeline::WorkerSpec`].
    pub fn name(&self, (key, default): (&'static str, &'static str)) -> String {
        self.get(key).map_or_else(|| default.to_owned(), |found| found.value.clone())
    }
    /// librdkafka properties that are known without reading a file or running a command, in order.
    pub fn client_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.client.iter().map(|(key, sourced)| (key.as_str(), sourced.value.as_str()))
    }
    /// The value of any environment variable, from the process or else from `.env`; an empty one is not set.
    pub fn environment(&self, name: &str) -> Option<String> {
        let from_file = || self.dot_env.get(name).map(String::as_str).filter(|value| !value.is_empty());
        self.environment.get(name).or_else(from_file).map(str::to_owned)
    }
    /// The folders in which programs are looked for (`PATH`).
    pub fn search_path(&self) -> Vec<PathBuf> {
        self.environment.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default()
    }
    /// The folder for what can be fetched again; the system's temporary folder when the user has none.
    pub fn cache_folder(&self) -> PathBuf {
        self.environment.user_cache.clone().unwrap_or_else(|| std::env::temp_dir().join("kylo-cache"))
    }
    /// The folder for what a run leaves for the next one on this machine (`state.folder`).
    pub fn state_folder(&self) -> PathBuf {
        let of_user = || self.environment.user_state.clone();
        self.path("state.folder").or_else(of_user).unwrap_or_else(|| std::env::temp_dir().join("kylo-state"))
    }
    /// The working folder.
    pub fn working_folder(&self) -> &std::path::Path {
        &self.environment.folder
    }
    /// Sets a value for this run, as if it had been a flag: `kylo demo` points itself at its own parts.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>, flag: &'static str) -> Self {
        self.deferred.remove(key);
        self.values.insert(key, Sourced { value: value.into(), origin: Origin::Flag(flag) });
        self
    }
    /// Sets all properties of the Kafka client for this run and forgets those it had: what a user's cluster asks
    /// for (TLS, SASL) is wrong for a broker that kylo starts itself.
    #[must_use]
    pub fn with_client(mut self, properties: &[(&str, &str)], flag: &'static str) -> Self {
        self.deferred.retain(|key, _| !key.starts_with(registry::CLIENT_TABLE));
        let sourced = |value: &str| Sourced { value: value.to_owned(), origin: Origin::Flag(flag) };
        self.client = properties.iter().map(|(name, value)| ((*name).to_owned(), sourced(value))).collect();
        self
    }
    /// True when `key` was given by a flag of this very command line, and not by what surrounds it.
    pub fn is_typed(&self, key: &str) -> bool {
        self.get(key).is_some_and(|found| matches!(found.origin, Origin::Flag(_)))
    }
}

impl Settings {
    /// Where Kafka is and how to speak to it.
    pub fn kafka(&self) -> Result<crate::kafka::Config> {
        let brokers = self.get("kafka.brokers").map_or("127.0.0.1:9092", |found| &found.value).to_owned();
        let mut properties: Vec<(String, String)> =
            self.client_properties().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        for key in self.deferred.keys() {
            if let Some(name) =
                key.strip_prefix(registry::CLIENT_TABLE).and_then(|rest| rest.strip_prefix('.'))
            {
                properties.push((name.to_owned(), self.read_deferred(key)?.unwrap_or_default()));
            }
        }
        Ok(crate::kafka::Config { brokers, properties, timeout: self.timeout() })
    }
    /// The control database.
    pub fn database_url(&self) -> Result<Secret<String>> {
        if let Some(found) = self.get("database.url") {
            return Ok(Secret::new(found.value.clone()));
        }
        self.read_deferred("database.url")?.map(Secret::new).ok_or_else(|| {
            Error::usage("no database is set")
                .hint("set PG_DSN_RW or KYLO_DATABASE_URL, database.url in kylo.toml, or --database-url")
        })
    }
    /// Where posts go. Errors: no backend is set, or it does not exist; the message names the key.
    pub fn sheets(&self) -> Result<crate::sheets::Config> {
        let backend = self.get("sheets.backend").map(|found| found.value.as_str());
        let folder = self.path("sheets.folder").map(|path| path.to_string_lossy().into_owned());
        crate::sheets::Config::choose(backend, folder.as_deref())
    }
    /// A setting that is a path: relative to the file it stands in, else to the working folder.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        let found = self.get(key).filter(|found| !found.value.is_empty())?;
        Some(self.resolve(&found.value, &found.origin))
    }
    fn resolve(&self, path: &str, origin: &Origin) -> PathBuf {
        let beside = match origin {
            Origin::File(file) => std::path::Path::new(file).parent(),
            _ => None,
        };
        beside.unwrap_or(&self.environment.folder).join(path)
    }
    /// How long one request may take (`--timeout`); 10 s by default.
    pub fn timeout(&self) -> Duration {
        self.duration("kafka.timeout").unwrap_or(Duration::from_secs(10))
    }
    /// `--timeout` of this very command line. What surrounds it sets how long one request may take, and says
    /// nothing about how long a whole run may wait.
    pub fn typed_timeout(&self) -> Option<Duration> {
        self.is_typed("kafka.timeout").then(|| self.timeout())
    }
    /// `sheets.post`: whether `consume` is live when neither `--live` nor `--shadow` is given.
    pub fn sheets_post(&self) -> bool {
        self.flag("sheets.post")
    }
    /// A setting that is true or false; false when it is not set.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|found| parse_bool(&found.value)).unwrap_or(false)
    }

    fn duration(&self, key: &str) -> Option<Duration> {
        self.get(key).and_then(|found| parse_duration(&found.value).ok())
    }
    fn read_deferred(&self, key: &str) -> Result<Option<String>> {
        let Some((deferred, origin)) = self.deferred.get(key) else { return Ok(None) };
        let failed = |what: String| Error::usage(what).cause(format!("{key} is set by {origin}"));
        let text = match deferred {
            Deferred::File(path) => {
                let path = self.resolve(path, origin);
                std::fs::read_to_string(&path)
                    .map_err(|error| failed(format!("reading {}", path.display())).source(&error))?
            }
            Deferred::Command(line) => {
                let shell = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
                let output = std::process::Command::new(shell.0)
                    .args([shell.1, line])
                    .stdin(std::process::Stdio::null())
                    .stderr(std::process::Stdio::inherit())
                    .output()
                    .map_err(|error| failed(format!("running the command of {key}")).source(&error))?;
                if !output.status.success() {
                    return Err(failed(format!("the command of {key} failed with {}", output.status)));
                }
                String::from_utf8(output.stdout)
                    .map_err(|_| failed(format!("the command of {key} printed what is not text")))?
            }
        };
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// `10s`, `500ms`, `2m 30s`, `1h`; a bare number is seconds. Never zero: nothing is done in no time.
pub fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as 10s, 500ms or 2m");
    if let Ok(seconds @ 1..) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).ok().filter(|span| !span.is_zero()).ok_or_else(wrong)
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}
