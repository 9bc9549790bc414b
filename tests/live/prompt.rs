//! What an operator meets at the prompt: refused ports, closed pipes, lag, checks before the start.

use crate::support::{Outgoing, Run, THREE, World, example, one_second, refused_port};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

fn at_once(run: &Run) {
    let line = format!("{}: {} ms\n", run.line, run.took.as_millis());
    std::io::stderr().write_all(line.as_bytes()).expect("writing to stderr");
    assert!(run.took < one_second(), "it took {:?}\n{run}", run.took);
    assert!(run.stderr.contains("hint:"), "no hint\n{run}");
}

#[test]
fn a_refused_broker_is_said_at_once() {
    let world = World::new("refused_b");
    let port = refused_port();
    for line in
        [vec!["topics", "list"], vec!["groups", "list"], vec!["topics", "create", "--pipeline", "ledger"]]
    {
        let run = world.kylo(line.into_iter().chain(["-b", port.as_str()])).ends(5).says(&port);
        at_once(&run);
    }
}

#[test]
fn a_refused_database_is_said_at_once() {
    let mut world = World::new("refused_d");
    let port = refused_port();
    world.set("PG_DSN_RW", &format!("postgres://somebody:hush@{port}/kylo"));
    for line in [vec!["db", "status"], vec!["db", "migrate", "--yes"]] {
        let run = world.kylo(line).ends(5).says(&port);
        at_once(&run);
        assert!(!run.stderr.contains("hush"), "the password is shown\n{run}");
    }
}

#[test]
fn a_closed_pipe_is_silent() {
    let world = World::new("pipe");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kylo"));
    command.env_clear().env("KAFKA_BROKERS", world.brokers()).env("HOME", world.folder());
    command.args(["topics", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starting kylo");
    // The reader is gone before the first byte.
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("its stderr").read_to_string(&mut stderr).expect("reading it");
    let status = child.wait().expect("its end");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn topics_are_created_once_and_listed() {
    let world = World::new("topics");
    world.kylo(["topics", "create", "--pipeline", "ledger", "--dry-run"]).ok();
    world.kylo(["topics", "describe", &world.txns()]).ends(1);
    world.kylo(["topics", "create", "--pipeline", "ledger"]).ends(6).says("--yes");
    world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
    world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
    let listed = world.kylo(["topics", "list", "--output", "json"]).ok();
    let topics = listed.json();
    assert_eq!(topics["kind"], "kylo.topics.list");
    for name in [world.txns(), world.dead_letters()] {
        assert!(listed.stdout.contains(&name), "{name} is missing\n{listed}");
    }
}

#[test]
fn lag_is_what_is_not_yet_committed() {
    let world = World::seeded("lag");
    world.kylo(["send", "txns", &example(THREE)]).ok();
    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
    world.kylo(["send", "txns", &example(THREE)]).ok();
    assert_eq!(world.lag(&world.group(), &world.txns()), 2, "one message for each company");
    let described = world.kylo(["groups", "describe", &world.group(), "--output", "json"]).ok();
    let lag: i64 = described.json()["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["lag"].as_i64().or_else(|| item["lag"].as_str()?.parse().ok()).unwrap_or(0))
        .sum();
    assert_eq!(lag, 2, "{described}");
    world.kylo(["groups", "list"]).ok().says(&world.group());
    world.kylo(["groups", "describe", "no-such-group"]).ends(1);
}

#[test]
fn consume_and_send_refuse_what_cannot_work() {
    let mut world = World::new("refuse");
    world.kylo(["send", "txns", &example(THREE)]).ends(7).says("hint:");
    world.kylo(["consume", "txns", "--shadow", "--exit-when-idle"]).ends(7).says("hint:");
    world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
    world.kylo(["consume", "txns", "--shadow", "--exit-when-idle"]).ends(7).says("kylo db migrate");
    world.kylo(["db", "migrate", "--yes"]).ok();
    world.set("KYLO_SHEETS_BACKEND", "");
    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ends(2).says("sheets.backend");
    world.kylo(["consume", "txn"]).ends(2).says("txns");
}

#[test]
fn a_dry_run_neither_writes_nor_joins() {
    let world = World::seeded("dry");
    world.kylo(["send", "txns", &example(THREE)]).ok();
    let before = world.fetch(&world.txns()).len();
    let run = world.kylo_reading(
        "one\ntwo\n",
        ["topics", "produce", &world.txns(), "-k", "710", "--dry-run", "-o", "json"],
    );
    let planned = run.ok().says("nothing was written").json();
    assert_eq!(planned["items"][0]["records"], 2, "{planned}");
    assert_eq!(world.fetch(&world.txns()).len(), before);

    let run = world.kylo(["consume", "txns", "--live", "--dry-run", "-o", "json"]).ok();
    let plan = run.says("nothing was consumed").json();
    let partitions = plan["items"].as_array().expect("items");
    assert_eq!(partitions.len(), 16, "{plan}");
    let lag: i64 = partitions.iter().filter_map(|partition| partition["lag"].as_i64()).sum();
    assert_eq!(lag, before as i64, "{plan}");
    assert!(partitions.iter().all(|partition| partition["committed"].is_null()), "{plan}");
    world.kylo(["groups", "describe", &world.group()]).ends(1);
}

#[test]
fn lines_are_produced_as_they_are() {
    let world = World::new("produce");
    let topic = format!("{}.lines", world.group());
    world.kylo(["topics", "create", &topic, "-p", "2", "-r", "1", "--yes"]).ok();
    world
        .kylo_reading("one\ntwo\n", ["topics", "produce", &topic, "-k", "710", "-H", "a=b:c", "-H", "d:e"])
        .ok();
    let expected = vec![("a".to_owned(), Some(b"b:c".to_vec())), ("d".to_owned(), Some(b"e".to_vec()))];
    let fetched = world.fetch(&topic);
    assert_eq!(fetched.len(), 2);
    for (record, value) in fetched.iter().zip(["one", "two"]) {
        assert_eq!(record.key.as_deref(), Some(b"710".as_slice()));
        assert_eq!(record.value.as_deref(), Some(value.as_bytes()));
        assert_eq!(record.headers, expected);
    }
    // The same key goes to the same partition, whoever writes it: murmur2, as Java's clients and n8n do.
    world.produce(&topic, [Outgoing { key: Some(b"710"), value: b"three", headers: &[] }]);
    assert_eq!(
        world.fetch(&topic).iter().filter(|record| record.partition == fetched[0].partition).count(),
        3
    );
}
