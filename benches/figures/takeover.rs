//! Two processes of one group; one is killed with `kill -9`. How long until the other has handled new records of
//! every partition the dead one had, beyond the session time-out, which nobody can save.

use crate::broker::{Broker, send};
use crate::setting::{FIRST_COMPANY, Setting, batch};
use crate::table::{Figure, Goal, Side};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::groups::GroupMemberInfo;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Partitions of the ledger's topic; each has a company of its own.
const PARTITIONS: usize = 16;
/// The smallest a broker takes by default.
const SESSION: Duration = Duration::from_secs(6);
const HEARTBEAT_MS: u64 = 1_000;
const ROUNDS: usize = 3;
/// Between two looks at the database, each with one new message for every partition.
const BEAT: Duration = Duration::from_millis(20);
/// A partition whose owner lives is handled long before this; one of the dead only after its session.
const OWN: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(60);

pub fn figures(broker: &Broker) -> Vec<Figure> {
    let setting = Setting::ledger("takeover", PARTITIONS);
    let session = format!("session.timeout.ms={}", SESSION.as_millis());
    let heartbeat = format!("heartbeat.interval.ms={HEARTBEAT_MS}");
    let start = || setting.consume(&["-X", &session, "-X", &heartbeat], &setting.database_url);
    let producer = broker.producer();
    let (mut runs, mut taken) = (Vec::new(), Vec::new());
    let mut survivor = start();
    for round in 0..ROUNDS {
        let victim = start();
        until_shared(broker, &setting.group());
        watch(&setting, &producer, &format!("before-{round}-"));
        victim.kill();
        let times = watch(&setting, &producer, &format!("after-{round}-"));
        let late: Vec<f64> = times.values().filter(|time| **time > OWN).map(Duration::as_secs_f64).collect();
        assert!(
            !late.is_empty() && late.len() < PARTITIONS,
            "{} of {PARTITIONS} partitions were the dead one's",
            late.len()
        );
        taken.push(late.len());
        runs.push(late.iter().copied().fold(0.0, f64::max) - SESSION.as_secs_f64());
        survivor.must_run();
    }
    survivor.term();
    broker.delete_topic(&setting.topic);
    // The worst counts: an operator waits for the last partition.
    let value = runs.iter().copied().fold(f64::MIN, f64::max);
    let detail = serde_json::json!({
        "session_s": SESSION.as_secs_f64(), "heartbeat_ms": HEARTBEAT_MS, "partitions_taken_over": taken,
    });
    let kylo =
        Side { runs, ..Side::single("kylo consume txns --shadow", "s", value + SESSION.as_secs_f64()) };
    let goal = Goal::AtMost(2.0);
    vec![Figure { name: "takeover_over_session_s", value, unit: "s", goal, kylo, peer: None, detail }]
}

/// Waits until two members share the partitions, and none is on its way between them.
fn until_shared(broker: &Broker, group: &str) {
    let watcher: BaseConsumer = broker.client().create().expect("a client");
    let began = Instant::now();
    loop {
        let list =
            watcher.fetch_group_list(Some(group), Duration::from_secs(10)).expect("looking at the group");
        let shares: Vec<usize> = list.groups().iter().flat_map(|group| group.members()).map(share).collect();
        let stable = list.groups().iter().all(|group| group.state() == "Stable");
        if stable && shares.len() == 2 && !shares.contains(&0) && shares.iter().sum::<usize>() == PARTITIONS {
            return;
        }
        assert!(began.elapsed() < LIMIT, "two members with {shares:?} partitions after a minute");
        std::thread::sleep(BEAT);
    }
}

/// Partitions of a member of one topic: version (2 bytes), topics (4), name (2 and its length), partitions (4).
fn share(member: &GroupMemberInfo) -> usize {
    let bytes = member.assignment().unwrap_or_default();
    let number = |at: usize, width: usize| {
        bytes
            .get(at..at + width)
            .map_or(0, |field| field.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    if number(2, 4) == 1 { number(8 + number(6, 2), 4) } else { 0 }
}

/// Sends a message to every partition, over and over, until each has handled one. Gives the time each took from the
/// start.
fn watch(
    setting: &Setting,
    producer: &ThreadedProducer<DefaultProducerContext>,
    name: &str,
) -> BTreeMap<String, Duration> {
    let (began, mut times) = (Instant::now(), BTreeMap::new());
    for beat in 0.. {
        for partition in 0..PARTITIONS {
            let id = format!("{name}{beat}-{partition}");
            let transaction = format!(
                r#"{{"id":"{id}","date":"2026-01-05","amount":-1.25,"description":"POS PURCHASE #1 MERCHANT"}}"#
            );
            let (company, value) = batch(FIRST_COMPANY + partition, &id, &transaction);
            let record = BaseRecord::to(&setting.topic).partition(partition as i32);
            send(producer, record.key(&company).payload(&value));
        }
        let seen = setting.select(&format!(
            "select string_agg(distinct company_id, ',') from app.transactions where source_id like '{name}%'"
        ));
        for company in seen[0].split(',').filter(|company| *company != "-") {
            times.entry(company.to_owned()).or_insert_with(|| began.elapsed());
        }
        if times.len() == PARTITIONS {
            break;
        }
        assert!(began.elapsed() < LIMIT, "{} of {PARTITIONS} partitions after a minute", times.len());
        std::thread::sleep(BEAT);
    }
    times
}
