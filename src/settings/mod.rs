//! Settings: flag > env (`.env` too) > project file > profile > default; each value knows its origin.
//!
//! The only room that reads the environment and config files.

pub use crate::model::secret::Secret;

use std::collections::BTreeMap;

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

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// All settings of this run, resolved once.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Sourced<String>>,
    client: Vec<(String, Sourced<String>)>,
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
    /// librdkafka properties of `-X key=value`, in order.
    pub fn client_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.client.iter().map(|(key, sourced)| (key.as_str(), sourced.value.as_str()))
    }
}

impl Settings {
    /// Where Kafka is and how to speak to it.
    pub fn kafka(&self) -> crate::error::Result<crate::kafka::Config> {
        let brokers = self.get("kafka.brokers").map_or("127.0.0.1:9092", |found| &found.value).to_owned();
        let properties = self.client_properties().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok(crate::kafka::Config { brokers, properties, timeout: std::time::Duration::from_secs(10) })
    }
    /// The control database.
    pub fn database_url(&self) -> crate::error::Result<Secret<String>> {
        let found = self.get("database.url").ok_or_else(|| {
            crate::error::Error::usage("no database is set")
                .hint("set database.url in kylo.toml, KYLO_DATABASE_URL or --database-url")
        })?;
        Ok(Secret::new(found.value.clone()))
    }
}
