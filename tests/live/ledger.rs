//! The ledger's handlers on a real PostgreSQL, without Kafka between: what is stored, once, in order, and what
//! a rule does.

use crate::support::{COMPANIES, World, example};
use kylo::app::system_clock;
use kylo::consent::WriteToken;
use kylo::engine::{BatchBuilder, Epoch, Failure, FailureClass, Handler, Outcome, Outcomes, Record};
use kylo::handlers::ledger::{AfterCommit, Ledger, Promote, Txns};
use kylo::model::record::TopicPartition;
use kylo::postgres::{Dsn, PoolLimits, Pools};
use std::sync::Arc;

struct Bench {
    world: World,
    ledger: Arc<Ledger>,
    runtime: tokio::runtime::Runtime,
}

/// One message: offset in partition 0 (its timestamp is the same number), key, value.
type Message<'a> = (i64, &'a str, String);

impl Bench {
    fn new(test: &str) -> Bench {
        let world = World::new(test);
        world.kylo(["db", "migrate", "--yes"]).ok();
        world.kylo(["seed", &example(COMPANIES), "--yes"]).ok();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let ledger = ledger(&world);
        Bench { world, ledger, runtime }
    }
    fn txns(&self, messages: &[Message<'_>]) -> Result<Vec<&'static str>, Failure> {
        let records = records(messages);
        words(self.runtime.block_on(Txns::new(self.ledger.clone()).handle(&records)), records.len())
    }
    fn promote(&self, company: &str) -> Result<Vec<&'static str>, Failure> {
        let records = records(&[(0, company, format!(r#"{{"company_id":"{company}"}}"#))]);
        words(self.runtime.block_on(Promote::new(self.ledger.clone()).handle(&records)), 1)
    }
    /// Imports one approved rule for 710.
    fn rule(&self, source: &str, header: &str) {
        let rules = format!(
            "company_id,source,target_sheet,target_header,notes\n710,{source},NUGZ EXPENSES,{header},\n"
        );
        let file = self.world.file("rules.csv", rules);
        self.world.kylo(["rules", "import", &file, "--yes"]).ok();
    }
}

fn ledger(world: &World) -> Arc<Ledger> {
    let dsn = Dsn::parse(world.database_url()).expect("the test database's DSN");
    let token = WriteToken::by_command("test");
    Arc::new(Ledger::new(Pools::new(PoolLimits::default()), dsn, system_clock(), AfterCommit::Leave, token))
}

fn records(messages: &[Message<'_>]) -> Vec<Record> {
    let mut builder = BatchBuilder::default();
    let slot = builder.slot(&TopicPartition::new("txns", 0), Epoch(1));
    for (offset, key, value) in messages {
        let headers = std::iter::empty();
        builder.push(slot, *offset, Some(*offset), Some(key.as_bytes()), Some(value.as_bytes()), headers);
    }
    builder.build().records().collect()
}

/// One word a record: `done`, or the failure's kind.
fn words(outcomes: Result<Outcomes, Failure>, count: usize) -> Result<Vec<&'static str>, Failure> {
    Ok(match outcomes? {
        Outcomes::AllDone => vec!["done"; count],
        Outcomes::Each(outcomes) => outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Failed(failure) => failure.kind,
                _ => "done",
            })
            .collect(),
    })
}

fn batch(company: &str, batch_id: &str, transactions: &[(&str, &str, &str)]) -> String {
    let transactions: Vec<String> = transactions
        .iter()
        .map(|(id, amount, description)| {
            format!(r#"{{"id":"{id}","date":"2025-08-26","amount":{amount},"description":"{description}"}}"#)
        })
        .collect();
    format!(
        r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"{batch_id}","company_id":"{company}","transactions":[{}]}}"#,
        transactions.join(",")
    )
}

#[test]
fn a_batch_is_stored_once_however_often_it_comes() {
    let bench = Bench::new("once");
    let message = (5, "710", batch("710", "b1", &[("t1", "19.99", "STARBUCKS*1234"), ("t2", "-1.15", "x")]));
    assert_eq!(bench.txns(std::slice::from_ref(&message)).expect("stored"), ["done"]);
    let rows = bench.world.sql(
        "select source_id, amount_cents, description_norm, first_batch, origin_offset, rule_id \
         from app.transactions order by 1",
    );
    assert_eq!(rows, [["t1", "1999", "starbucks 1234", "b1", "5", "-"], ["t2", "-115", "x", "b1", "5", "-"]]);
    let before = bench.world.ledger_rows();
    for _ in 0..2 {
        assert_eq!(bench.txns(&[message.clone(), message.clone()]).expect("stored"), ["done", "done"]);
    }
    assert_eq!(bench.world.ledger_rows(), before, "not even a time stamp changed");
    assert_eq!(bench.world.number("select count(*) from control.triage_metrics"), 5, "one row a message");
    // A fresh process knows nothing and changes nothing.
    let fresh = Bench { ledger: ledger(&bench.world), ..bench };
    assert_eq!(fresh.txns(&[message]).expect("stored"), ["done"]);
    assert_eq!(fresh.world.ledger_rows(), before);
}

#[test]
fn together_is_the_same_as_one_by_one() {
    let bench = Bench::new("together");
    let messages = |company: &'static str| -> Vec<Message<'static>> {
        vec![
            (1, company, batch(company, "b1", &[("t1", "1", "a"), ("t2", "2", "b")])),
            (2, company, batch(company, "b2", &[("t1", "3", "c"), ("t3", "2", "b")])),
            (3, company, batch(company, "b3", &[("t1", "1", "a"), ("t3", "2", "b"), ("t4", "0", "")])),
        ]
    };
    bench.txns(&messages("710")).expect("together");
    for message in messages("711") {
        bench.txns(&[message]).expect("one by one");
    }
    for query in [
        "select source_id, amount_cents, description_norm, first_batch, last_batch, origin_offset \
         from app.transactions where company_id = 'COMPANY' order by 1",
        "select amount_cents, description_norm, first_seen_batch, last_seen_batch, status \
         from app.pending_txns where company_id = 'COMPANY' order by arrival",
        "select batch_id, transactions, inserted, updated, matched, unmatched, resolved \
         from control.triage_metrics where company_id = 'COMPANY' order by id",
    ] {
        let of = |company: &str| bench.world.sql(&query.replace("COMPANY", company));
        assert_eq!(of("710"), of("711"), "{query}");
        assert_eq!(of("710").len().min(3), 3);
    }
}

#[test]
fn pending_rows_are_numbered_in_the_order_of_arrival() {
    let bench = Bench::new("arrival");
    let ids: Vec<String> = (0..300).map(|n| format!("{n:03}")).collect();
    let messages: Vec<Message<'_>> = (0i64..)
        .zip(ids.chunks(100))
        .map(|(offset, ids)| {
            let transactions: Vec<_> = ids.iter().map(|id| (id.as_str(), "1", "tea")).collect();
            (offset, "710", batch("710", &format!("b{offset}"), &transactions))
        })
        .collect();
    bench.txns(&messages).expect("stored");
    let arrived = "select t.source_id from app.pending_txns p join app.transactions t using (company_id, txn_uid) \
         order by p.arrival";
    assert_eq!(bench.world.sql(arrived).concat(), ids);
}

#[test]
fn a_bad_message_fails_alone() {
    let bench = Bench::new("alone");
    let good = |offset, id| (offset, "710", batch("710", "b", &[(id, "1", "a")]));
    let ends = bench.txns(&[
        good(1, "t1"),
        (2, "710", "nonsense".to_owned()),
        (3, "710", batch("710", "b", &[("t2", "1.005", "a"), ("t3", "1", "a")])),
        good(4, "t4"),
    ]);
    assert_eq!(ends.expect("answered"), ["done", "bad-json", "bad-transaction", "done"]);
    assert_eq!(bench.world.sql("select source_id from app.transactions order by 1"), [["t1"], ["t4"]]);
}

#[test]
fn an_unknown_company_is_looked_up_afresh() {
    let bench = Bench::new("unknown");
    let message = (1, "999", batch("999", "b", &[("t1", "1", "a")]));
    assert_eq!(bench.txns(&[message.clone(), message.clone()]).expect("answered"), ["unknown-company"; 2]);
    let schema = bench.world.sql("select db_dsn_rw from control.company_config limit 1");
    let file = format!(
        "[[company]]\ncompany_id = \"999\"\ndb_dsn_rw = \"{}\"\ndb_schema = \"app_999\"\n\
         spreadsheet_id = \"ledger-999\"\ntab_pending = \"999 Pending\"\ntab_active = \"999 Active\"\n",
        schema[0][0]
    );
    let file = bench.world.file("companies.toml", file);
    bench.world.kylo(["seed", &file, "--yes"]).ok();
    assert_eq!(bench.txns(&[message]).expect("answered"), ["done"]);
}

#[test]
fn changed_content_is_triaged_again_and_never_posted_again() {
    let bench = Bench::new("changed");
    bench.rule("coffee", "Coffee");
    bench.promote("710").expect("promoted");
    let send = |offset, amount, description| {
        let message = (offset, "710", batch("710", &format!("b{offset}"), &[("t1", amount, description)]));
        assert_eq!(bench.txns(&[message]).expect("stored"), ["done"]);
        bench.world.sql(
            "select t.amount_cents, t.target_header, p.status, p.posted_signature, p.amount_cents, t.last_batch \
             from app.transactions t left join app.pending_txns p using (company_id, txn_uid)",
        )
    };
    assert_eq!(send(1, "1", "tea"), [["100", "-", "open", "-", "100", "b1"]]);
    bench.world.sql("update app.pending_txns set posted_signature = 's'");
    assert_eq!(send(5, "2", "tea"), [["200", "-", "open", "s", "200", "b5"]]);
    assert_eq!(send(3, "9", "late"), [["200", "-", "open", "s", "200", "b5"]], "older work writes nothing");
    assert_eq!(send(6, "2", "Coffee!"), [["200", "Coffee", "resolved", "s", "200", "b6"]]);
    assert_eq!(send(7, "2", "tea"), [["200", "-", "open", "s", "200", "b7"]]);
    let resolved = "select batch_id, resolved from control.triage_metrics where resolved > 0";
    assert_eq!(bench.world.sql(resolved), [["b6", "1"]]);
}

#[test]
fn late_work_does_not_overwrite_what_a_newer_message_confirmed() {
    let bench = Bench::new("confirmed");
    let says = |offset, a, b: &'static str| {
        let mut transactions = vec![("a", a, "tea")];
        transactions.extend((!b.is_empty()).then_some(("b", b, "tea")));
        (offset, "710", batch("710", &format!("b{offset}"), &transactions))
    };
    let rows =
        || bench.world.sql("select source_id, amount_cents, origin_offset from app.transactions order by 1");
    let confirmed = || {
        bench.world.sql(
            "select c.origin_offset, t.source_id from control.confirmations c \
             join app.transactions t on t.txn_uid = any(c.txn_uids) order by 1, 2",
        )
    };
    bench.txns(&[says(1, "1", "1")]).expect("stored");
    // The second goes to the dead letters; the third says of one transaction again what the first did.
    bench.txns(&[says(3, "1", "")]).expect("stored");
    assert_eq!(rows(), [["a", "100", "1"], ["b", "100", "1"]], "what is confirmed is not written");
    bench.txns(&[says(2, "2", "2")]).expect("replayed");
    assert_eq!(
        rows(),
        [["a", "100", "1"], ["b", "200", "2"]],
        "the letter counts where it is the newest word"
    );
    // In one run, and again: the same.
    for _ in 0..2 {
        bench.txns(&[says(3, "1", ""), says(2, "2", "2"), says(1, "1", "1")]).expect("stored");
        assert_eq!(rows(), [["a", "100", "1"], ["b", "200", "2"]]);
        assert_eq!(confirmed(), [["3", "a"]]);
    }
    bench.txns(&[says(5, "1", "2"), says(4, "4", "4"), says(6, "1", "6")]).expect("stored");
    assert_eq!(rows(), [["a", "100", "1"], ["b", "600", "6"]]);
    assert_eq!(confirmed(), [["3", "a"], ["5", "a"], ["5", "b"], ["6", "a"]]);
    // What is older than any letter goes.
    bench.world.sql("update control.confirmations set created_at = now() - interval '91 days'");
    bench.txns(&[says(7, "1", "6")]).expect("stored");
    assert_eq!(confirmed(), [["7", "a"], ["7", "b"]]);
}

#[test]
fn promotion_makes_a_version_only_when_something_changed() {
    let bench = Bench::new("versions");
    let txns = [("t1", "1", "Starbucks*1234"), ("t2", "2", "STARBUCKS 1234"), ("t3", "3", "tea")];
    bench.txns(&[(1, "710", batch("710", "b1", &txns))]).expect("stored");
    bench.promote("710").expect("nothing to promote");
    let versions =
        || bench.world.sql("select version, jsonb_array_length(rules) from control.rule_versions order by 1");
    assert!(versions().is_empty());

    bench.rule("starbucks*1234", "Coffee");
    bench.promote("710").expect("promoted");
    assert_eq!(versions(), [["1", "1"]]);
    let rule =
        "select rule_id, source_norm, target_header, version from app.rules_active where company_id = '710'";
    let id = "a1b9af94-822a-5ac9-8800-b3bab4502951";
    assert_eq!(bench.world.sql(rule), [[id, "starbucks 1234", "Coffee", "1"]]);
    let decided = "select source_id, target_header, decided_at is not null from app.transactions order by 1";
    assert_eq!(bench.world.sql(decided), [["t1", "Coffee", "t"], ["t2", "Coffee", "t"], ["t3", "-", "f"]]);
    let open = "select status, count(*) from app.pending_txns group by 1 order by 1";
    assert_eq!(bench.world.sql(open), [["open", "1"], ["resolved", "2"]]);

    // Again, and the same rule approved again: nothing changes.
    let before = bench.world.ledger_rows();
    bench.promote("710").expect("again");
    bench.world.sql("update app.rules_pending set promoted_at = null");
    bench.promote("710").expect("approved again");
    assert_eq!(bench.world.ledger_rows(), before);
    assert_eq!(versions(), [["1", "1"]]);

    // Rules that were promoted in the meantime are seen by the very next batch.
    bench.rule("tea", "Drinks");
    bench.promote("710").expect("promoted");
    bench.txns(&[(2, "710", batch("710", "b2", &[("t4", "1", "TEA")]))]).expect("stored");
    assert_eq!(bench.world.sql(decided)[2..], [["t3", "Drinks", "t"], ["t4", "Drinks", "t"]]);
    assert_eq!(versions(), [["1", "1"], ["2", "2"]]);

    // Another target for a source: the last approval wins.
    bench.rule("Tea", "Other");
    bench.promote("710").expect("promoted");
    assert_eq!(versions(), [["1", "1"], ["2", "2"], ["3", "2"]]);
    assert_eq!(
        bench.world.sql("select target_header, version from app.rules_active order by source_norm"),
        [["Coffee", "1"], ["Other", "3"]]
    );
}

#[test]
fn a_promotion_beside_running_batches_leaves_nothing_behind() {
    let bench = Bench::new("beside");
    for round in 0..12 {
        let source = format!("shop {round}");
        bench.rule(&source, "Shops");
        let messages: Vec<Record> = (0..20)
            .flat_map(|n| {
                let id = format!("{round}-{n}");
                records(&[(round * 100 + n, "710", batch("710", &id, &[(&id, "1", &source)]))])
            })
            .collect();
        let promotion = records(&[(0, "710", r#"{"company_id":"710"}"#.to_owned())]);
        // Two processes, as far as the database can tell.
        let (here, there) = (Txns::new(bench.ledger.clone()), Promote::new(ledger(&bench.world)));
        bench.runtime.block_on(async {
            let batches = async {
                for message in messages.chunks(1) {
                    here.handle(message).await.expect("stored");
                }
            };
            let promote = async {
                tokio::task::yield_now().await;
                there.handle(&promotion).await.expect("promoted");
            };
            tokio::join!(batches, promote);
        });
    }
    let missed = "select count(*) from app.pending_txns p join app.rules_active r \
         on r.company_id = p.company_id and r.source_norm = p.description_norm where p.status = 'open'";
    assert_eq!(bench.world.number(missed), 0);
    let undecided = "select count(*) from app.transactions where rule_id is null";
    assert_eq!(
        (bench.world.number(undecided), bench.world.number("select count(*) from app.transactions")),
        (0, 240)
    );
}

#[test]
fn a_lost_connection_is_transient_and_the_next_try_succeeds() {
    let bench = Bench::new("lost");
    bench.txns(&[(1, "710", batch("710", "b1", &[("t1", "1", "a")]))]).expect("stored");
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid()";
    assert!(bench.world.number(kill) > 0, "the pool keeps a connection");
    let message = (2, "710", batch("710", "b2", &[("t2", "1", "a")]));
    // The pool may notice by itself that its connection is gone; else the failure must be one that is retried.
    if let Err(failure) = bench.txns(std::slice::from_ref(&message)) {
        assert_eq!(failure.class, FailureClass::Transient, "{failure}");
        assert!(failure.dependency.is_some());
        bench.txns(&[message]).expect("stored");
    }
    assert_eq!(bench.world.number("select count(*) from app.transactions"), 2);
}
