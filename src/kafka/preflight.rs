//! Is anybody listening? A plain TCP connect, so that a refused port is told at once and not after a client
//! time-out.

use super::Config;
use crate::error::{Error, ErrorKind, Result};
use std::io::ErrorKind as IoKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const DEFAULT_PORT: &str = "9092";

/// Connects to every broker at once and returns at the first that answers.
///
/// Errors: [`ErrorKind::Unreachable`](crate::error::ErrorKind::Unreachable) when none answers, as soon as each
/// has refused, at the latest after the request time-out.
pub fn preflight(config: &Config) -> Result<()> {
    let brokers: Vec<String> = config.bootstrap().split(',').filter_map(address).collect();
    if brokers.is_empty() {
        return Err(Error::usage("no kafka broker is set").hint("give -b HOST:PORT, or set kafka.brokers"));
    }
    let limit = config.timeout;
    let deadline = Instant::now() + limit;
    let (sender, answers) = mpsc::channel();
    for broker in &brokers {
        let sender = sender.clone();
        let broker = broker.clone();
        // Detached: a name that resolves slowly must not hold the answer of another broker up.
        std::thread::Builder::new().name("kylo-dial".into()).spawn(move || {
            let answer = dial(&broker, limit);
            let _ = sender.send((broker, answer));
        })?;
    }
    drop(sender);
    let mut failures = Vec::new();
    while failures.len() < brokers.len() {
        match answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((_, Ok(()))) => return Ok(()),
            Ok((broker, Err(reason))) => failures.push(format!("kafka broker {broker} {reason}")),
            Err(_) => {
                let silent = brokers.iter().filter(|broker| {
                    let prefix = format!("kafka broker {broker} ");
                    !failures.iter().any(|failure| failure.starts_with(&prefix))
                });
                let silent: Vec<String> = silent
                    .map(|broker| format!("kafka broker {broker} did not answer within {limit:?}"))
                    .collect();
                failures.extend(silent);
                break;
            }
        }
    }
    let mut failures = failures.into_iter();
    let mut error = Error::unreachable(failures.next().unwrap_or_default());
    for failure in failures {
        error = error.cause(failure);
    }
    let error = error.hint("kylo -b HOST:PORT ... names another broker");
    // The local stack's file is there for who has the sources; to who dials elsewhere it is no answer.
    if brokers.iter().all(|broker| is_loopback(broker)) {
        return Err(error.hint("the local stack: docker compose -f docker-compose.kafka.yml up -d"));
    }
    Err(error)
}

/// What to look at when somebody listens and yet no broker answers: it may be a port that speaks TLS.
pub(in crate::kafka) fn unanswered(config: &Config, error: Error) -> Error {
    if error.kind() != ErrorKind::Unreachable {
        return error;
    }
    let brokers = config.bootstrap();
    let protocol = config.property("security.protocol").unwrap_or("plaintext").to_lowercase();
    let error = error.context(format!("{brokers} accepts connections and does not answer as a kafka broker"));
    let error = match protocol.as_str() {
        "plaintext" => error.hint("a port that speaks TLS: -X security.protocol=SSL, or SASL_SSL"),
        "sasl_plaintext" => error.hint("a port that speaks TLS: -X security.protocol=SASL_SSL"),
        protocol => error.hint(format!("a port that does not speak {protocol}: -X security.protocol=...")),
    };
    error.hint("another port or broker: -b HOST:PORT")
}

fn is_loopback(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn dial(broker: &str, limit: Duration) -> std::result::Result<(), String> {
    let addresses =
        broker.to_socket_addrs().map_err(|error| format!("cannot be resolved: {error}").to_lowercase())?;
    let mut last = String::from("has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == IoKind::ConnectionRefused => last = "refused the connection".into(),
            Err(error) if error.kind() == IoKind::TimedOut => {
                last = format!("did not answer within {limit:?}")
            }
            Err(error) => last = format!("cannot be reached: {error}"),
        }
    }
    Err(last)
}

/// `host:port` of one entry of a broker list; librdkafka also takes `PROTOCOL://host` and a missing port.
fn address(entry: &str) -> Option<String> {
    let entry = entry.trim();
    let host = entry.split_once("://").map_or(entry, |(_, rest)| rest).trim_end_matches('/');
    if host.is_empty() {
        return None;
    }
    let has_port = host.rsplit_once(':').is_some_and(|(name, port)| {
        port.parse::<u16>().is_ok() && (!name.contains(':') || name.ends_with(']'))
    });
    Some(if has_port { host.to_owned() } else { format!("{host}:{DEFAULT_PORT}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn config(brokers: &str) -> Config {
        Config { brokers: brokers.into(), properties: Vec::new(), timeout: Duration::from_secs(5) }
    }

    /// A port of this machine that nobody listens on: it was free a moment ago.
    fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn entries_are_read_as_the_client_reads_them() {
        let table = [
            (" localhost ", Some("localhost:9092")),
            ("a:1", Some("a:1")),
            ("SASL_SSL://b:2", Some("b:2")),
            ("[::1]:3", Some("[::1]:3")),
            ("[::1]", Some("[::1]:9092")),
            ("", None),
        ];
        for (entry, expected) in table {
            assert_eq!(address(entry).as_deref(), expected, "{entry:?}");
        }
    }

    #[test]
    fn the_local_stack_is_for_who_dials_this_machine() {
        for (broker, expected) in [
            ("localhost:9092", true),
            ("127.0.0.1:1", true),
            ("[::1]:9092", true),
            ("10.0.0.1:9092", false),
            ("kafka.example:9092", false),
        ] {
            assert_eq!(is_loopback(broker), expected, "{broker}");
        }
    }

    #[test]
    fn a_refused_port_is_told_at_once() {
        let port = free_port();
        let begun = Instant::now();
        let error = preflight(&config(&format!("127.0.0.1:{port}"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(error.message(), format!("kafka broker 127.0.0.1:{port} refused the connection"));
        assert_eq!(error.hints().len(), 2);
        // Far below the client's time-out of 5 s; the bound is generous because tests share the machine.
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    #[test]
    fn one_listening_broker_is_enough() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let brokers = format!("127.0.0.1:{},{}", free_port(), listener.local_addr().unwrap());
        preflight(&config(&brokers)).unwrap();
        let mut by_property = config("127.0.0.1:1");
        by_property.properties.push(("bootstrap.servers".into(), listener.local_addr().unwrap().to_string()));
        preflight(&by_property).unwrap();
    }
}
