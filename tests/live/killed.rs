//! kill -9 of a live consumer, twenty times, under load: everything once.

use crate::support::World;
use std::fmt::Write;
use std::time::{Duration, Instant};

const COMPANIES: usize = 10;
const KILLS: usize = 20;
const MESSAGES: usize = 2_500;
const IN_EACH: usize = 20;
const TRANSACTIONS: usize = MESSAGES * IN_EACH;

#[test]
fn twenty_kills_under_fifty_thousand_transactions() {
    let world = world_of_ten();
    let messages: Vec<(String, String)> = (0..MESSAGES).map(message).collect();
    let watch = world.watch();
    let (mut in_work, mut in_post) = (0, 0);
    for (round, share) in messages.chunks(MESSAGES / KILLS).enumerate() {
        let before = watch.number("select count(*) from app.transactions");
        let consumer = world.start([
            "consume",
            "txns",
            "--live",
            "-X",
            "session.timeout.ms=6000",
            "-X",
            "heartbeat.interval.ms=1000",
        ]);
        world.produce_pairs(&world.txns(), share);
        // Odd rounds die when rows appear in the table, even ones when a post is under way.
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let stored = watch.number("select count(*) from app.transactions") - before;
            let posting = watch.number("select count(*) from control.sheet_posts where state = 'posting'");
            let complete = stored as usize >= share.len() * IN_EACH;
            if (round % 2 == 1 && stored > 0) || (round % 2 == 0 && (posting > 0 || (complete && stored > 0)))
            {
                in_work += usize::from(!complete);
                in_post += usize::from(posting > 0);
                break;
            }
            if Instant::now() > deadline {
                let (alive, output) = consumer.kill();
                panic!("round {round}: nothing stored within 60 s (running: {alive})\n{output}");
            }
        }
        let (alive, output) = consumer.kill();
        assert!(alive, "round {round}: it ended by itself\n{output}");
    }
    // A kill that hits nothing proves nothing.
    assert!(in_work > 0, "no kill hit unfinished work");
    assert!(in_post > 0, "no kill hit an open post");

    world.kylo(["consume", "txns", "--live", "--exit-when-idle", "-X", "session.timeout.ms=6000"]).ok();
    let counted =
        &world.sql("select count(*), count(distinct (company_id, txn_uid)) from app.transactions")[0];
    assert_eq!(counted, &[TRANSACTIONS.to_string(), TRANSACTIONS.to_string()]);
    assert_eq!(world.number("select count(*) from control.sheet_posts where state <> 'posted'"), 0);
    assert_eq!(world.lag(&world.group(), &world.txns()), 0);
    assert_eq!(world.fetch(&world.dead_letters()).len(), 0, "a kill is nobody's fault");
    // Each open row once in its tab: every transaction has a description of its own.
    for company in 0..COMPANIES {
        let id = 700 + company;
        let open = world.sql(&format!(
            "select description_norm from app.pending_txns where company_id = '{id}' and status = 'open' order by description_norm collate \"C\""
        ));
        let mut tab: Vec<String> = world
            .tab(&format!("ledger-{id}"), &format!("{id} Pending"))
            .into_iter()
            .map(|row| row[1].clone())
            .collect();
        tab.sort();
        let open: Vec<String> = open.into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(tab.len(), open.len(), "company {id}: rows in the tab against open rows");
        assert!(tab == open, "company {id}: the tab holds other rows than the table");
        assert!(open.len() > TRANSACTIONS / COMPANIES / 2, "company {id}: {} open rows", open.len());
    }
}

/// Ten companies, and a rule for each that matches every third transaction's description.
fn world_of_ten() -> World {
    let world = World::new("killed");
    world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
    world.kylo(["db", "migrate", "--yes"]).ok();
    let mut companies = String::new();
    let mut rules = String::from("company_id,source,target_sheet,target_header,notes\n");
    for id in 700..700 + COMPANIES {
        let _ = write!(
            companies,
            "[[company]]\ncompany_id = \"{id}\"\ndb_dsn_rw = \"${{PG_DSN_RW}}\"\ndb_schema = \"app_{id}\"\n\
             spreadsheet_id = \"ledger-{id}\"\ntab_pending = \"{id} Pending\"\ntab_active = \"{id} Active\"\n\n"
        );
        let _ = writeln!(rules, "{id},Coffee,EXPENSES,Coffee,");
    }
    world.kylo(["seed", &world.file("companies.toml", companies), "--yes"]).ok();
    world.kylo(["rules", "import", &world.file("rules.csv", rules), "--yes"]).ok();
    world.kylo(["send", "promote"]).ok();
    world.kylo(["consume", "promote", "--live", "--exit-when-idle"]).ok();
    world
}

/// Key and value of the message with this number.
fn message(number: usize) -> (String, String) {
    let company = (700 + number % COMPANIES).to_string();
    let mut value = format!(
        r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"b{number}","company_id":"{company}","created_at":"2026-01-05T10:00:00Z","transactions":["#
    );
    for place in 0..IN_EACH {
        let separator = if place == 0 { "" } else { "," };
        let description = if place % 3 == 0 { "Coffee".to_owned() } else { format!("shop {number} {place}") };
        let _ = write!(
            value,
            r#"{separator}{{"id":"t{number}-{place}","date":"2026-01-05","amount":-{number}.{place:02},"description":"{description}"}}"#
        );
    }
    value.push_str("]}");
    (company, value)
}
