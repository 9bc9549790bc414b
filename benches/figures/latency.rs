//! From produce to the committed row: an open load of 1,000 messages a second, one transaction each, through the real
//! program into a real PostgreSQL.
//!
//! Measured from outside: a connection of its own asks again and again which of the transactions on the way can be
//! seen. The clock is this process's monotonic one, from the moment a message is due (a producer that is late counts)
//! until the answer with its row is here, so the figure holds the wait for the next question too.

use crate::broker::{Broker, send};
use crate::setting::{FIRST_COMPANY, RULES, Setting, batch};
use crate::table::{Figure, Goal, Side};
use rdkafka::producer::BaseRecord;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

const COMPANIES: usize = 10;
const RATE: u64 = 1_000;
/// Seconds of a run that count; one before them does not.
const SECONDS: u64 = 10;
const ROUNDS: usize = 3;
/// Turns before them that do not count: a fresh broker's virtual machine compiles its code for half a minute, on
/// the processors that all share.
const WARM_UP: usize = 3;
/// Between an answer and the next question.
const PAUSE: Duration = Duration::from_millis(1);

const SEEN: &str = "select t.txn_uid from unnest($1::text[], $2::uuid[]) as way(company_id, txn_uid)
    join app.transactions t on t.company_id = way.company_id and t.txn_uid = way.txn_uid";

/// Transactions on their way: company, and when the message was due.
type Way = Arc<Mutex<HashMap<Uuid, (String, Instant)>>>;

pub fn figures(broker: &Broker) -> Vec<Figure> {
    let setting = Setting::ledger("latency", COMPANIES);
    let mut worker = setting.consume(&[], &setting.database_url);
    let mut runs = Vec::new();
    for round in 0..WARM_UP + ROUNDS {
        runs.push(run(broker, &setting, round));
        worker.must_run();
    }
    runs.drain(..WARM_UP);
    worker.term();
    broker.delete_topic(&setting.topic);
    let detail = serde_json::json!({
        "runs_ms": runs.iter().map(|ages| serde_json::json!({
            "p50": percentile(ages, 50), "p90": percentile(ages, 90), "p99": percentile(ages, 99), "max": ages.last(),
        })).collect::<Vec<_>>(),
    });
    let mut p99: Vec<f64> = runs.iter().map(|ages| percentile(ages, 99)).collect();
    let all = p99.clone();
    p99.sort_by(f64::total_cmp);
    let value = p99[ROUNDS / 2];
    let kylo = Side { runs: all, ..Side::single("kylo consume txns --shadow", "ms", value) };
    let goal = Goal::AtMost(30.0);
    vec![Figure { name: "latency_p99_ms", value, unit: "ms", goal, kylo, peer: None, detail }]
}

/// Ages in milliseconds, smallest first.
fn run(broker: &Broker, setting: &Setting, round: usize) -> Vec<f64> {
    let way = Way::default();
    let total = RATE * (SECONDS + 1);
    let sender = {
        let (producer, topic, way) = (broker.producer(), setting.topic.clone(), way.clone());
        std::thread::spawn(move || {
            let began = Instant::now();
            for n in 0..total {
                let due = began + Duration::from_micros(n * 1_000_000 / RATE);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let (uid, (company, value)) = message(&format!("{round}-{n}"), n as usize);
                way.lock().expect("one lock").insert(uid, (company.clone(), due));
                send(&producer, BaseRecord::to(&topic).key(&company).payload(&value));
            }
            began
        })
    };
    let mut ages = Vec::new();
    let client = setting.connect();
    setting.runtime.block_on(async {
        let seen = client.prepare(SEEN).await.expect("preparing a question");
        let mut last = Instant::now();
        while ages.len() < total as usize {
            let (companies, uids): (Vec<String>, Vec<Uuid>) = {
                let way = way.lock().expect("one lock");
                way.iter().map(|(uid, (company, _))| (company.clone(), *uid)).unzip()
            };
            let rows = client.query(&seen, &[&companies, &uids]).await.expect("asking what can be seen");
            let now = Instant::now();
            if !rows.is_empty() {
                last = now;
            }
            for row in rows {
                let (_, due) = way.lock().expect("one lock").remove(&row.get(0)).expect("it was on its way");
                ages.push((due, now.saturating_duration_since(due).as_secs_f64() * 1e3));
            }
            assert!(last.elapsed() < Duration::from_secs(60), "no new row for a minute");
            tokio::time::sleep(PAUSE).await;
        }
    });
    let counts_from = sender.join().expect("a sender") + Duration::from_secs(1);
    let mut ages: Vec<f64> =
        ages.iter().filter(|(due, _)| *due >= counts_from).map(|(_, age)| *age).collect();
    ages.sort_by(f64::total_cmp);
    ages
}

/// The transaction's identity, and the message that carries it; seven of ten match a rule.
fn message(id: &str, n: usize) -> (Uuid, (String, Vec<u8>)) {
    let company = FIRST_COMPANY + n % COMPANIES;
    let description = if n / COMPANIES % 10 < 7 {
        format!("POS PURCHASE #{} MERCHANT", n % RULES)
    } else {
        format!("CARD 4711 SHOP {n}, SPRINGFIELD")
    };
    let transaction = format!(
        r#"{{"id":"latency-{id}","date":"2026-01-05","amount":-{n}.25,"description":"{description}"}}"#
    );
    // As the ledger knows a transaction; if this were another, no row would ever be seen.
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"kylo://txn");
    let uid = Uuid::new_v5(&namespace, format!("{company}|latency-{id}").as_bytes());
    (uid, batch(company, &format!("latency-{id}"), &transaction))
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
