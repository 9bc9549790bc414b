//! Where Kafka is and how to speak to it: one set of client settings per role.

use super::context::wants_debug;
use crate::error::{Error, Result};
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use std::time::Duration;

/// Settings of every Kafka client of this run. Properties are librdkafka's names and go last, so they win;
/// they may hold secrets and are never printed whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `host:port`, comma separated.
    pub brokers: String,
    /// librdkafka properties (`-X key=value`), in order. `bootstrap.servers` and its other name
    /// `metadata.broker.list` go before `brokers`.
    pub properties: Vec<(String, String)>,
    /// How long one request may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.properties.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Config")
            .field("brokers", &self.brokers)
            .field("properties", &names)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// What a client is for; decides its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Role<'a> {
    /// Member of this group, reading what it is assigned.
    Member(&'a str),
    /// Reads partitions it chose itself: no group, no commits.
    Reader,
    /// Writes.
    Producer,
    /// Asks and changes: metadata, topics, groups.
    Admin,
}

/// The promise rests on these: name, the only values that keep it, and why.
const PROMISED: [(&str, &[&str], &str); 2] = [
    ("enable.auto.commit", &["false"], "offsets are committed only after the work is durable"),
    ("enable.auto.offset.store", &["false"], "offsets are stored only after the work is durable"),
];
const PROMISED_MEMBER: [(&str, &[&str], &str); 2] = [
    (
        "partition.assignment.strategy",
        &["cooperative-sticky"],
        "other strategies take partitions away before their work is finished",
    ),
    ("auto.offset.reset", &["error"], "records would be skipped or repeated without a word"),
];
const PROMISED_PRODUCER: [(&str, &[&str], &str); 4] = [
    ("acks", &["all", "-1"], "a record counts as written only when every replica has it"),
    ("request.required.acks", &["all", "-1"], "a record counts as written only when every replica has it"),
    ("enable.idempotence", &["true"], "a retried record would be written twice or out of order"),
    ("partitioner", &["murmur2_random", "murmur2"], "other clients of the bus place keys by murmur2"),
];

/// Settings of a group member that the newer group protocol takes from the broker.
const CLASSIC_ONLY: [&str; 3] =
    ["partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms"];

const READING: [(&str, &str); 10] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    ("check.crcs", "true"),
    ("enable.partition.eof", "true"),
    // A queue is taken out whole and fetched again meanwhile, and the limit is looked at before a fetch only: what
    // the client holds is at most twice the queue and twice a decompressed fetch.
    ("queued.max.messages.kbytes", "8192"),
    ("fetch.max.bytes", "2097152"),
    ("max.partition.fetch.bytes", "262144"),
    // The default of one second starves a small queue.
    ("fetch.queue.backoff.ms", "5"),
];

const MEMBER: [(&str, &str); 6] = [
    ("group.protocol", "classic"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("session.timeout.ms", "45000"),
    ("heartbeat.interval.ms", "3000"),
    ("max.poll.interval.ms", "300000"),
    ("statistics.interval.ms", "5000"),
];

const WRITING: [(&str, &str); 7] = [
    ("acks", "all"),
    ("enable.idempotence", "true"),
    ("partitioner", "murmur2_random"),
    ("linger.ms", "5"),
    ("compression.type", "lz4"),
    ("delivery.timeout.ms", "120000"),
    // The broker judges sizes: a record that was accepted once must be able to reach the dead letters.
    ("message.max.bytes", "67108864"),
];

/// True for the two names by which librdkafka knows the brokers to dial first.
pub fn names_brokers(property: &str) -> bool {
    matches!(property, "bootstrap.servers" | "metadata.broker.list")
}

impl Config {
    /// The last value given for a librdkafka property, if any.
    pub(in crate::kafka) fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The brokers that every client dials: the last of the properties that name them, else `brokers`.
    pub(in crate::kafka) fn bootstrap(&self) -> &str {
        let named = self.properties.iter().rev().find(|(name, _)| names_brokers(name));
        named.map_or(&self.brokers, |(_, value)| value)
    }

    /// The settings of a client in `role`, ready for `create_with_context`.
    ///
    /// Errors: a property that would break what kylo promises, as wrong use, naming it.
    pub(in crate::kafka) fn client(&self, role: Role<'_>) -> Result<ClientConfig> {
        self.refuse_broken_promises(role)?;
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.bootstrap());
        client.set("client.id", "kylo");
        client.set("allow.auto.create.topics", "false");
        client.set("socket.timeout.ms", self.timeout.as_millis().clamp(10, 300_000).to_string());
        // The default of ten seconds is what a client then sleeps on beside a broker that is long back.
        client.set("reconnect.backoff.max.ms", "1000");
        let mut set = |table: &[(&str, &str)]| {
            for (name, value) in table {
                client.set(*name, *value);
            }
        };
        match role {
            Role::Member(group) => {
                set(&READING);
                set(&MEMBER);
                client.set("group.id", group);
                if self.property("group.protocol") == Some("consumer") {
                    for name in CLASSIC_ONLY {
                        client.remove(name);
                    }
                }
            }
            Role::Reader => set(&READING),
            Role::Producer => set(&WRITING),
            Role::Admin => {}
        }
        // The client's own list has no order: of two names for one thing it would take the last by chance.
        for (name, value) in self.properties.iter().filter(|(name, _)| !names_brokers(name)) {
            client.set(name, value);
        }
        let level = if wants_debug(self) { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info };
        client.set_log_level(level);
        Ok(client)
    }

    fn refuse_broken_promises(&self, role: Role<'_>) -> Result<()> {
        let of_role: &[(&str, &[&str], &str)] = match role {
            Role::Member(_) => &PROMISED_MEMBER,
            Role::Producer => &PROMISED_PRODUCER,
            Role::Reader | Role::Admin => &[],
        };
        for (name, allowed, why) in PROMISED.iter().chain(of_role) {
            if let Some(value) = self.property(name)
                && !allowed.contains(&value)
            {
                return Err(Error::usage(format!("client property {name}={value} cannot be used"))
                    .cause(*why)
                    .hint(format!("leave out -X {name}={value}")));
            }
        }
        if matches!(role, Role::Member(_)) && self.property("group.id").is_some() {
            return Err(Error::usage("client property group.id cannot be used")
                .cause("each consumer has its own group")
                .hint("set groups.<consumer> in kylo.toml"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn config(properties: &[(&str, &str)]) -> Config {
        Config {
            brokers: "127.0.0.1:9092".into(),
            properties: properties.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            timeout: Duration::from_secs(10),
        }
    }

    #[test]
    fn properties_win_over_ours() {
        let given = config(&[("linger.ms", "50"), ("bootstrap.servers", "a:1"), ("linger.ms", "60")]);
        let client = given.client(Role::Producer).unwrap();
        assert_eq!(client.get("linger.ms"), Some("60"));
        assert_eq!(client.get("bootstrap.servers"), Some("a:1"));
        assert_eq!(client.get("partitioner"), Some("murmur2_random"));
        assert_eq!(given.bootstrap(), "a:1");
    }

    #[test]
    fn of_two_names_for_the_brokers_one_is_handed_on() {
        for name in ["bootstrap.servers", "metadata.broker.list"] {
            let given = config(&[("metadata.broker.list", "first:1"), (name, "last:1")]);
            let client = given.client(Role::Reader).unwrap();
            assert_eq!(client.get("bootstrap.servers"), Some("last:1"));
            assert_eq!(client.get("metadata.broker.list"), None);
            assert_eq!(given.bootstrap(), "last:1");
        }
    }

    #[test]
    fn what_breaks_the_promise_is_refused_by_name() {
        let table = [
            ("enable.auto.commit", "true", Role::Admin, false),
            ("enable.auto.commit", "false", Role::Member("g"), true),
            ("enable.auto.offset.store", "true", Role::Member("g"), false),
            ("partition.assignment.strategy", "range", Role::Member("g"), false),
            ("partition.assignment.strategy", "range", Role::Admin, true),
            ("auto.offset.reset", "latest", Role::Member("g"), false),
            ("auto.offset.reset", "latest", Role::Reader, true),
            ("group.id", "other", Role::Member("g"), false),
            ("acks", "1", Role::Producer, false),
            ("acks", "-1", Role::Producer, true),
            ("enable.idempotence", "false", Role::Producer, false),
        ];
        for (name, value, role, allowed) in table {
            let result = config(&[(name, value)]).client(role);
            assert_eq!(result.is_ok(), allowed, "{name}={value} for {role:?}");
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::Usage);
                assert!(error.message().contains(name), "{error}");
            }
        }
    }

    #[test]
    fn the_newer_group_protocol_takes_its_timing_from_the_broker() {
        let client = config(&[("group.protocol", "consumer")]).client(Role::Member("g")).unwrap();
        for name in CLASSIC_ONLY {
            assert_eq!(client.get(name), None, "{name}");
        }
        assert_eq!(client.get("group.id"), Some("g"));
    }

    #[test]
    fn every_role_is_accepted_by_the_client_library() {
        for role in [Role::Member("g"), Role::Reader, Role::Producer, Role::Admin] {
            config(&[]).client(role).unwrap().create_native_config().unwrap();
        }
    }

    #[test]
    fn debug_shows_no_property_values() {
        let shown = format!("{:?}", config(&[("sasl.password", "hunter2")]));
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }
}
