//! The registry: every key there is, its environment names, its default and what it means.

use crate::model::pipeline::PIPELINES;

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Text,
    /// `true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off`.
    Bool,
    /// `10s`, `500ms`, `2m`; a bare number is seconds.
    Duration,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A PostgreSQL connection string; its password is never shown.
    Dsn,
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name in files, and after `-X`.
    pub name: &'static str,
    /// Environment names in order, after `KYLO_<KEY>`, which every key has.
    pub variables: Vec<String>,
    /// What it is when nobody says.
    pub default: Option<&'static str>,
    /// What it must look like.
    pub kind: Kind,
    /// What it means, in one line.
    pub help: String,
}

impl Key {
    fn new(
        name: &'static str,
        kind: Kind,
        variables: &[&str],
        default: Option<&'static str>,
        help: &str,
    ) -> Key {
        let variables = variables.iter().map(|name| (*name).to_owned()).collect();
        Key { name, variables, default, kind, help: help.to_owned() }
    }
    /// All environment names, the first one found wins.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once(own_variable(self.name)).chain(self.variables.iter().cloned())
    }
}

/// `KYLO_<KEY>`: `kafka.brokers` is `KYLO_KAFKA_BROKERS`.
pub fn own_variable(key: &str) -> String {
    format!("KYLO_{}", key.to_uppercase().replace(['.', '-'], "_"))
}

/// Every key, in the order in which they are shown.
pub fn keys() -> Vec<Key> {
    use Kind::{Bool, Dsn, Duration, OneOf, Text};
    let mut keys = vec![
        Key::new(
            "kafka.brokers",
            Text,
            &["KYLO_BROKERS", "KAFKA_BROKERS", "KAFKA_BOOTSTRAP_SERVERS"],
            Some("127.0.0.1:9092"),
            "host:port of the Kafka brokers, comma separated",
        ),
        Key::new("kafka.timeout", Duration, &[], Some("10s"), "how long one request may take"),
        Key::new(
            "database.url",
            Dsn,
            &["PG_DSN_RW", "DATABASE_URL"],
            None,
            "the control database; also PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE",
        ),
        Key::new("sheets.post", Bool, &[], Some("false"), "post to sheets: consume is --live when true"),
        Key::new("sheets.backend", OneOf(&["files"]), &[], None, "where the tabs are: files"),
        Key::new("sheets.folder", Text, &[], None, "folder of the `files` backend"),
        Key::new(
            "ledger.route_via_kafka",
            Bool,
            &["ROUTE_VIA_KAFKA"],
            Some("true"),
            "send through Kafka, or direct",
        ),
        Key::new(
            "ledger.route_via_kafka_companies",
            Text,
            &["ROUTE_VIA_KAFKA_COMPANIES"],
            None,
            "companies sent through Kafka, comma separated, the rest direct; unset: all through Kafka",
        ),
        Key::new(
            "state.folder",
            Text,
            &[],
            None,
            "folder for what a run leaves for the next one on this machine",
        ),
        Key::new("log.level", Text, &[], Some("warn"), "what the log on stderr shows"),
        Key::new("log.format", OneOf(&["text", "json"]), &[], Some("text"), "shape of the log"),
        Key::new("read_only", Bool, &[], Some("false"), "refuse every change (for a profile)"),
    ];
    for pipeline in PIPELINES {
        for worker in pipeline.workers {
            let short = worker.name.to_uppercase().replace('-', "_");
            let topic = format!("topic of {} {}", pipeline.name, worker.name);
            let variable = format!("KAFKA_TOPIC_{short}");
            keys.push(Key::new(worker.topic.0, Text, &[&variable], Some(worker.topic.1), &topic));
            let group = format!("group of `kylo consume {}`", worker.name);
            let variable = format!("KAFKA_GROUP_{short}");
            keys.push(Key::new(worker.group.0, Text, &[&variable], Some(worker.group.1), &group));
        }
    }
    keys.push(Key::new(
        "groups.replay",
        Text,
        &["KAFKA_GROUP_REPLAY"],
        Some("kylo-dlq-replay"),
        "group that holds the progress of `kylo dlq replay`",
    ));
    keys
}

/// The name of one client property in the environment: `KYLO_KAFKA_CLIENT_SASL_PASSWORD` is `sasl.password`.
pub const CLIENT_VARIABLE: &str = "KYLO_KAFKA_CLIENT_";

/// The table of a file that holds librdkafka's properties.
pub const CLIENT_TABLE: &str = "kafka.client";

/// True for librdkafka properties whose value must not be shown.
pub fn is_secret_property(name: &str) -> bool {
    ["password", "secret", "token", ".pem", "ssl.key", "ssl_key", "oauthbearer.config"]
        .iter()
        .any(|part| name.contains(part))
}

/// True for librdkafka properties that load code: a project's file must not set them.
pub fn loads_code(name: &str) -> bool {
    matches!(name, "plugin.library.paths" | "ssl.engine.location" | "ssl.providers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_and_no_variable_is_declared_twice() {
        let keys = keys();
        let names: BTreeSet<&str> = keys.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), keys.len());
        let variables: Vec<String> = keys.iter().flat_map(Key::names).collect();
        let distinct: BTreeSet<&String> = variables.iter().collect();
        assert_eq!(distinct.len(), variables.len());
    }

    #[test]
    fn the_runbooks_names_work() {
        let keys = keys();
        let variables =
            |name| keys.iter().find(|key| key.name == name).map(|key| key.names().collect::<Vec<_>>());
        let table = [
            (
                "kafka.brokers",
                vec!["KYLO_KAFKA_BROKERS", "KYLO_BROKERS", "KAFKA_BROKERS", "KAFKA_BOOTSTRAP_SERVERS"],
            ),
            ("database.url", vec!["KYLO_DATABASE_URL", "PG_DSN_RW", "DATABASE_URL"]),
            ("topics.txns", vec!["KYLO_TOPICS_TXNS", "KAFKA_TOPIC_TXNS"]),
            ("topics.promote", vec!["KYLO_TOPICS_PROMOTE", "KAFKA_TOPIC_PROMOTE"]),
            ("groups.txns", vec!["KYLO_GROUPS_TXNS", "KAFKA_GROUP_TXNS"]),
            ("groups.promote", vec!["KYLO_GROUPS_PROMOTE", "KAFKA_GROUP_PROMOTE"]),
            ("sheets.post", vec!["KYLO_SHEETS_POST"]),
        ];
        for (name, expected) in table {
            assert_eq!(variables(name).unwrap(), expected, "{name}");
        }
    }
}
