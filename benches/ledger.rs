//! The ledger end to end against raw COPY of the same rows and against a plain Python consumer, in one run.
//!
//! `make bench`. One topic is filled once; every side reads or writes the same rows with fsync on. What counts is
//! the ratio: the absolute figures are the machine's. BENCH_MESSAGES sets the number of messages (2,000), each with
//! 200 transactions; 10 companies, 30 % of the transactions match no rule.

mod support;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use std::fmt::Write;
use std::time::{Duration, Instant};
use support::{Figure, Setting, need_python, report};
use tokio_postgres::NoTls;

const COMPANIES: usize = 10;
const IN_EACH: usize = 200;
/// Sources of the rules of a company.
const RULES: usize = 50;
const TABLES: [&str; 2] = ["app.transactions", "app.pending_txns"];
/// Connections that COPY uses side by side.
const COPIERS: usize = 2;

fn main() {
    // Cargo's own question to every target of a test run.
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    let messages: usize =
        std::env::var("BENCH_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let transactions = messages * IN_EACH;
    need_python(&["aiokafka[lz4]==0.14.0", "psycopg2-binary"]);
    let setting = Setting::new("ledger");
    prepare(&setting);
    setting.say(&format!(
        "{messages} messages of {IN_EACH} transactions, {COMPANIES} companies, 30 % unmatched"
    ));
    fill(&setting, messages);

    setting.checkpoint();
    let kylo = timed(|| setting.kylo(["consume", "txns", "--shadow", "--exit-when-idle"]));
    let seen = fingerprint(&setting);
    setting.say(&format!("kylo stored {}", seen.join(" / ")));
    assert_eq!(seen[0], transactions.to_string(), "kylo stored every transaction");

    let copies = copied_out(&setting);
    truncate(&setting);
    let copy = timed(|| copy_in(&setting, &copies));
    assert_eq!(fingerprint(&setting), seen, "COPY wrote the same rows");

    truncate(&setting);
    let python = timed(|| setting.peer("ledger.py"));
    assert_eq!(fingerprint(&setting), seen, "the Python consumer wrote the same rows");

    let rate = |took: Duration| transactions as f64 / took.as_secs_f64();
    let figure = |name, peer, took: Duration| Figure {
        name,
        unit: "transactions/s",
        value: rate(took),
        peer,
        ratio: rate(kylo) / rate(took),
    };
    report(
        "ledger",
        &[
            figure("kylo consume txns --shadow", "itself", kylo),
            figure("COPY of the same rows, 2 connections", "COPY", copy),
            figure("Python consumer (aiokafka, psycopg2)", "Python", python),
        ],
    );
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// Topics, schema, companies, and rules in force.
fn prepare(setting: &Setting) {
    setting.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]);
    setting.kylo(["db", "migrate", "--yes"]);
    let mut companies = String::new();
    let mut rules = String::from("company_id,source,target_sheet,target_header,notes\n");
    for id in 700..700 + COMPANIES {
        let _ = write!(
            companies,
            "[[company]]\ncompany_id = \"{id}\"\ndb_dsn_rw = \"${{PG_DSN_RW}}\"\ndb_schema = \"app_{id}\"\n\
             spreadsheet_id = \"ledger-{id}\"\ntab_pending = \"{id} Pending\"\ntab_active = \"{id} Active\"\n\n"
        );
        for rule in 0..RULES {
            let _ = writeln!(rules, "{id},POS PURCHASE #{rule} MERCHANT,EXPENSES,Header {rule},");
        }
    }
    setting.kylo(["seed", &setting.file("companies.toml", &companies), "--yes"]);
    setting.kylo(["rules", "import", &setting.file("rules.csv", &rules), "--yes"]);
    setting.kylo(["send", "promote"]);
    setting.kylo(["consume", "promote", "--shadow", "--exit-when-idle"]);
    let active = setting.select("select count(*) from app.rules_active");
    assert_eq!(active[0], (COMPANIES * RULES).to_string(), "rules in force");
}

/// Fills the topic; the time is not counted.
fn fill(setting: &Setting, messages: usize) {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", &setting.brokers)
        .set("partitioner", "murmur2_random")
        .set("compression.type", "lz4")
        .set("linger.ms", "20")
        .set("enable.idempotence", "true")
        .create()
        .expect("a producer");
    for number in 0..messages {
        let (key, value) = message(number);
        let mut waiting = Some(BaseRecord::to(&setting.topic).key(&key).payload(&value));
        while let Some(record) = waiting.take() {
            if let Err((_, back)) = producer.send(record) {
                std::thread::sleep(Duration::from_millis(1));
                waiting = Some(back);
            }
        }
    }
    producer.flush(Duration::from_secs(60)).expect("every message is acknowledged");
}

/// Key and value of the message with this number; seven of ten transactions match a rule.
fn message(number: usize) -> (String, String) {
    let company = (700 + number % COMPANIES).to_string();
    let mut value = format!(
        r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"batch-{number}","company_id":"{company}","created_at":"2026-01-05T10:00:00Z","transactions":["#
    );
    for place in 0..IN_EACH {
        let (separator, day, cents) = (if place == 0 { "" } else { "," }, 1 + place % 28, place % 100);
        let _ = write!(
            value,
            r#"{separator}{{"id":"txn-{number}-{place}","date":"2026-01-{day:02}","amount":-{number}.{cents:02},"#
        );
        let _ = if place % 10 < 7 {
            write!(value, r##""description":"POS PURCHASE #{} MERCHANT"}}"##, (number + place) % RULES)
        } else {
            write!(value, r#""description":"CARD 4711 SHOP {number} {place}, SPRINGFIELD"}}"#)
        };
    }
    value.push_str("]}");
    (company, value)
}

/// What every side must have written: rows, cents, matched rows, pending rows, and which transactions.
fn fingerprint(setting: &Setting) -> Vec<String> {
    setting.select(
        "select count(*), sum(amount_cents), count(rule_id), (select count(*) from app.pending_txns where status = 'open'), \
         md5(string_agg(txn_uid::text || description_norm, ',' order by company_id, txn_uid)) from app.transactions",
    )
}

fn truncate(setting: &Setting) {
    setting.select("truncate app.transactions, app.pending_txns, control.triage_metrics");
    setting.checkpoint();
}

/// The rows of both tables in COPY's text form, by table, company by company.
fn copied_out(setting: &Setting) -> Vec<(&'static str, Vec<bytes::Bytes>)> {
    use futures_util::TryStreamExt;
    let mut copies = Vec::new();
    for table in TABLES {
        for id in 700..700 + COMPANIES {
            let statement = format!("copy (select * from {table} where company_id = '{id}') to stdout");
            let chunks = setting.runtime.block_on(async {
                let stream = setting.client.copy_out(&statement).await.expect("COPY out");
                stream.try_collect::<Vec<_>>().await.expect("its rows")
            });
            // Rows come one by one: give COPY the block size that a good client would.
            let mut blocks = vec![bytes::BytesMut::new()];
            for chunk in chunks {
                if blocks.last().is_some_and(|block| block.len() > 1 << 17) {
                    blocks.push(bytes::BytesMut::new());
                }
                if let Some(block) = blocks.last_mut() {
                    block.extend_from_slice(&chunk);
                }
            }
            copies.push((table, blocks.into_iter().map(bytes::BytesMut::freeze).collect()));
        }
    }
    copies
}

/// COPY of everything, on [`COPIERS`] connections side by side, one commit for each table and company.
fn copy_in(setting: &Setting, copies: &[(&'static str, Vec<bytes::Bytes>)]) {
    use futures_util::SinkExt;
    setting.runtime.block_on(async {
        let copier = |first: usize| async move {
            let (client, connection) =
                tokio_postgres::connect(&setting.database_url, NoTls).await.expect("connecting");
            tokio::spawn(connection);
            for (table, blocks) in copies.iter().skip(first).step_by(COPIERS) {
                let sink = client.copy_in(&format!("copy {table} from stdin")).await.expect("COPY in");
                let mut sink = std::pin::pin!(sink);
                for block in blocks {
                    sink.feed(block.clone()).await.expect("sending rows");
                }
                sink.finish().await.expect("the end of COPY");
            }
        };
        futures_util::future::join_all((0..COPIERS).map(copier)).await;
    });
}
