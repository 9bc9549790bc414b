//! What a running consumer answers over HTTP: metrics with their values, up, ready, and not ready with the reason.

use crate::support::{Outgoing, Running, World};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Asks for one page; status code and body.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("connecting to --metrics-port");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("asking");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status code");
    (status, body.to_owned())
}

/// Asks until `path` answers as wanted.
#[track_caller]
fn wait_for(address: &str, path: &str, wanted: impl Fn(u16, &str) -> bool) -> String {
    let began = Instant::now();
    loop {
        let (status, body) = get(address, path);
        if wanted(status, &body) {
            return body;
        }
        assert!(began.elapsed() < PATIENCE, "{path} still answers {status}\n{body}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The sum of all series that begin with `start`.
fn value(page: &str, start: &str) -> Option<f64> {
    let found: Vec<f64> = page
        .lines()
        .filter(|line| line.starts_with(start))
        .map(|line| line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number"))
        .collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

/// Where a consumer says that it answers.
fn address(running: &Running) -> String {
    let line = running.wait_for_line("metrics at http://", PATIENCE);
    let rest = line.split("http://").nth(1).expect("an address");
    rest.split('/').next().expect("host and port").to_owned()
}

#[test]
fn a_consumer_tells_what_it_does_and_whether_it_is_ready() {
    let world = World::seeded("metrics");
    let batch = |company: &str, id: &str| {
        format!(
            r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"b-{id}","company_id":"{company}",
"created_at":"2026-01-05T10:00:00Z","transactions":[
{{"id":"{id}","date":"2026-01-05","amount":1.00,"description":"Secret {id}"}}]}}"#
        )
    };
    let messages: Vec<String> = (0..10).map(|n| batch("710", &format!("t{n}"))).collect();
    let good =
        messages.iter().map(|value| Outgoing { key: Some(b"710"), value: value.as_bytes(), headers: &[] });
    let bad = Outgoing { key: Some(b"711"), value: b"{Secret", headers: &[] };
    world.produce(&world.txns(), good.chain([bad]));

    let consumer = world.start(["consume", "txns", "--shadow", "--metrics-port", "0"]);
    let address = address(&consumer);
    assert_eq!(get(&address, "/healthz"), (200, "up\n".to_owned()));
    // It says so before it has joined; only then is it ready.
    let (status, body) = get(&address, "/readyz");
    assert!(status == 200 || body == "starting\n" || body.starts_with("txns: "), "{status} {body}");
    wait_for(&address, "/readyz", |status, body| status == 200 && body == "ready\n");
    let done = |page: &str| {
        value(page, "kylo_consumer_lag{") == Some(0.0)
            && value(page, "kylo_committed_offset{worker=\"txns\",") == Some(11.0)
    };
    let page = wait_for(&address, "/metrics", |_, page| {
        done(page) && value(page, "kylo_unposted_rows{company=\"710\"}") == Some(10.0)
    });

    let expected = [
        ("kylo_records_total{worker=\"txns\",outcome=\"done\"}", 10.0),
        ("kylo_records_total{worker=\"txns\",outcome=\"dead_letter\"}", 1.0),
        ("kylo_dead_letters_total{worker=\"txns\",class=\"permanent\",", 1.0),
        ("kylo_records_taken_total{worker=\"txns\"}", 11.0),
        ("kylo_committed_offset{worker=\"txns\",", 11.0),
        ("kylo_low_water_offset{worker=\"txns\",", 11.0),
        ("kylo_log_end_offset{worker=\"txns\",", 11.0),
        ("kylo_uncommitted_records{worker=\"txns\",", 0.0),
        ("kylo_in_flight_records{worker=\"txns\"}", 0.0),
        ("kylo_assigned_partitions{worker=\"txns\"}", 16.0),
        ("kylo_lost_records_total{worker=\"txns\"}", 0.0),
        ("kylo_commits_total{worker=\"txns\",result=\"failed\"}", 0.0),
        ("kylo_consumer_up{worker=\"txns\"}", 1.0),
        ("kylo_unposted_complete", 1.0),
        ("kylo_shadow_would_post_rows{company=\"710\",", 10.0),
    ];
    for (series, number) in expected {
        assert_eq!(value(&page, series), Some(number), "{series}\n{page}");
    }
    for series in [
        "kylo_rebalances_total{",
        "kylo_handler_duration_seconds_count{",
        "kylo_queue_duration_seconds_count{",
    ] {
        assert!(value(&page, series).is_some_and(|number| number >= 1.0), "{series}\n{page}");
    }
    assert!(
        value(&page, "kylo_unposted_oldest_seconds{company=\"710\"}").is_some_and(|age| age > 0.0),
        "{page}"
    );
    assert!(page.contains(&format!(
        "group=\"{}-shadow\",topic=\"{}\",mode=\"shadow\"",
        world.group(),
        world.txns()
    )));
    assert!(!page.contains("Secret"), "no payload in a label\n{page}");
    assert_eq!(get(&address, "/nothing").0, 404);

    // The first signal drains; meanwhile it is not ready, and it ends with 0.
    let (code, output) = consumer.interrupt();
    assert_eq!(code, 0, "{output}");
    assert!(TcpStream::connect(&address).is_err(), "the port is free again");
}

#[test]
fn a_port_that_is_taken_is_an_error_at_once() {
    let world = World::new("metrics-port");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let run = world.kylo(["consume", "txns", "--shadow", "--metrics-port", &port]).ends(1);
    run.says(&format!("listening on 127.0.0.1:{port}")).says("hint: port 0 takes a free one");
}
