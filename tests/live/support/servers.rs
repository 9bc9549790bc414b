//! The servers that `tests/servers/run.sh` started, or somebody's own.

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::io::Write;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::Duration;

/// Where they are.
pub struct Servers {
    pub brokers: String,
    pub database_url: String,
}

/// The servers of this run. Says once which they are, past the test harness's capture, and fails without them.
pub fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!("{name} is not set: live tests need a Kafka and a PostgreSQL\nhint: run `make test`")
            })
        };
        let servers = Servers {
            brokers: variable("KYLO_TEST_BROKERS"),
            database_url: variable("KYLO_TEST_DATABASE_URL"),
        };
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &servers.brokers)
            .create()
            .expect("a Kafka client for KYLO_TEST_BROKERS");
        consumer
            .fetch_metadata(None, Duration::from_secs(20))
            .expect("the brokers of KYLO_TEST_BROKERS answer");
        let cluster = consumer.client().fetch_cluster_id(Duration::from_secs(20)).unwrap_or_default();
        let version = super::database::version(&servers.database_url);
        let line =
            format!("live tests run against Kafka cluster {cluster} at {} and {version}\n", servers.brokers);
        std::io::stderr().write_all(line.as_bytes()).expect("writing to stderr");
        servers
    })
}

/// `127.0.0.1:PORT` where nobody listens.
pub fn refused_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").to_string()
}
