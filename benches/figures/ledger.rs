//! The ledger end to end beside raw COPY of the same rows and a plain Python consumer.
//!
//! One topic is filled once; every side reads or writes the same rows with fsync on. BENCH_MESSAGES sets the number
//! of messages, each with 200 transactions; 10 companies, 30 % of the transactions match no rule.

use crate::broker::Broker;
use crate::process::{ended_children_cpu, own_cpu};
use crate::setting::{FIRST_COMPANY, RULES, Setting, batch};
use crate::table::{Figure, Goal, Side};
use std::fmt::Write;
use std::time::Instant;
use tokio_postgres::NoTls;

const COMPANIES: usize = 10;
const IN_EACH: usize = 200;
const TABLES: [&str; 2] = ["app.transactions", "app.pending_txns"];
/// Connections that COPY uses side by side.
const COPIERS: usize = 2;
/// Turns of kylo and COPY.
const ROUNDS: usize = 3;
/// Turns of the Python consumer, which needs many times as long.
const PYTHON_ROUNDS: usize = 2;

pub fn figures(broker: &Broker) -> Vec<Figure> {
    let messages = crate::number("BENCH_MESSAGES", 2_000);
    let transactions = (messages * IN_EACH) as f64;
    let setting = Setting::ledger("ledger", COMPANIES);
    broker.fill(&setting.topic, (0..messages).map(message));

    // Rate, and processor seconds of the side itself (not of PostgreSQL) for a million.
    let timed = |work: &dyn Fn()| {
        truncate(&setting);
        let (began, cpu) = (Instant::now(), own_cpu() + ended_children_cpu());
        work();
        let (took, cpu) = (began.elapsed().as_secs_f64(), own_cpu() + ended_children_cpu() - cpu);
        (transactions / took, cpu / transactions * 1e6)
    };
    let (mut ours, mut copied, mut python, mut copies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut seen = Vec::new();
    for round in 0..ROUNDS {
        setting.new_group();
        ours.push(timed(&|| setting.kylo(&["consume", "txns", "--shadow", "--exit-when-idle"])));
        let stored = fingerprint(&setting);
        assert_eq!(stored[0], transactions.to_string(), "kylo stored every transaction");
        if round == 0 {
            copies = copied_out(&setting);
            seen = stored;
        }
        copied.push(timed(&|| copy_in(&setting, &copies)));
        assert_eq!(fingerprint(&setting), seen, "COPY wrote the same rows");
        if round < PYTHON_ROUNDS {
            let group = broker.group();
            let arguments = [&setting.brokers, &setting.database_url, &setting.topic, &group];
            python.push(timed(&|| crate::peers::python(&arguments.map(String::as_str))));
            assert_eq!(fingerprint(&setting), seen, "the Python consumer wrote the same rows");
        }
    }
    broker.delete_topic(&setting.topic);
    let kylo = || Side::best("kylo consume txns --shadow", "txns/s", &ours);
    let copy = Side::best("COPY, 2 connections", "txns/s", &copied);
    let python = Side::best("aiokafka + psycopg2", "txns/s", &python);
    vec![
        Figure::ratio("ledger_vs_copy", Goal::AtLeast(0.5), kylo(), copy),
        Figure::ratio("ledger_vs_python", Goal::AtLeast(5.0), kylo(), python),
    ]
}

/// Key and value of the message with this number; seven of ten transactions match a rule.
fn message(number: usize) -> (String, Vec<u8>) {
    let mut transactions = String::new();
    for place in 0..IN_EACH {
        let (separator, day, cents) = (if place == 0 { "" } else { "," }, 1 + place % 28, place % 100);
        let _ = write!(
            transactions,
            r#"{separator}{{"id":"txn-{number}-{place}","date":"2026-01-{day:02}","amount":-{number}.{cents:02},"#
        );
        let _ = if place % 10 < 7 {
            write!(transactions, r##""description":"POS PURCHASE #{} MERCHANT"}}"##, (number + place) % RULES)
        } else {
            write!(transactions, r#""description":"CARD 4711 SHOP {number} {place}, SPRINGFIELD"}}"#)
        };
    }
    batch(FIRST_COMPANY + number % COMPANIES, &format!("batch-{number}"), &transactions)
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
        for id in FIRST_COMPANY..FIRST_COMPANY + COMPANIES {
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
