//! `kylo send` on a real broker: what is published where, what is refused, and the way without Kafka.

use crate::support::{COMPANIES, THREE, World, example};

#[test]
fn a_payload_becomes_one_message_for_each_company() {
    let world = World::seeded("send");
    let sent = world.kylo(["send", "txns", &example(THREE), "-o", "json"]).ok().json();
    let items = sent["items"].as_array().expect("items");
    assert_eq!((sent["kind"].as_str(), items.len()), (Some("kylo.send"), 2));
    let records = world.fetch(&world.txns());
    assert_eq!(records.len(), 2);
    for item in items {
        let record = records
            .iter()
            .find(|record| record.key.as_deref() == item["company_id"].as_str().map(str::as_bytes))
            .expect("the key is the company");
        assert_eq!(item["partition"], record.partition);
        assert_eq!(item["offset"], record.offset);
        let value: serde_json::Value =
            serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
        assert_eq!(value["batch_id"], item["batch_id"]);
        assert_eq!(value["version"], 2);
        assert_eq!(
            value["transactions"].as_array().map(Vec::len),
            item["transactions"].as_u64().map(|n| n as usize)
        );
    }
    let first = records.iter().find(|record| record.key.as_deref() == Some(b"710")).expect("710");
    let text = String::from_utf8(first.value.clone().expect("a value")).expect("UTF-8");
    assert!(text.contains(r#""amount":19.99"#), "amounts are written as they are: {text}");
}

#[test]
fn what_cannot_be_sent_is_refused_whole() {
    let world = World::new("refused");
    world.kylo(["send", "txns", &example(THREE)]).ends(7).says("kylo db migrate");
    world.kylo(["db", "migrate", "--yes"]).ok();
    world.kylo(["send", "txns", &example(THREE)]).ends(3).says("company \"710\"").says("kylo seed");
    world.kylo(["seed", &example(COMPANIES), "--yes"]).ok();
    world.kylo(["send", "txns", &example(THREE)]).ends(7).says("kylo topics create --pipeline ledger");
    world.kylo(["send", "promote"]).ends(7).says("kylo topics create --pipeline ledger");
    world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
    let head = "company_id,id,date,amount,description\n";
    let bad = format!("{head}710,a,2025-08-26,1,x\n999,b,2025-08-26,1,x\n");
    world.kylo_reading(&bad, ["send", "txns", "-"]).ends(3).says("company \"999\"");
    let bad = format!("{head}710,a,2025-08-26,1.005,x\n710,b,03/04/2025,1,x\n");
    world.kylo_reading(&bad, ["send", "txns", "-"]).ends(3).says("line 2: amount").says("line 3: date");
    world.kylo_reading("{", ["send", "txns", "-"]).ends(3).says("line 1 column 1");
    world.kylo(["send", "promote", "--company", "999"]).ends(3).says("company \"999\"");
    world.kylo(["send", "txns", &example(THREE), "--dry-run"]).ok().says("dry run");
    world.kylo(["send", "txns", &example(THREE)]).ok();
    assert_eq!(world.fetch(&world.txns()).len(), 2, "only the last one published anything");
}

#[test]
fn a_file_without_ids_counts_equal_purchases_and_is_stored_once() {
    let world = World::seeded("noids");
    let file = world.file(
        "export.csv",
        "date;amount;description;company_id\n2025-08-26;-4.50;COFFEE;710\n2025-08-26;-4.50;COFFEE;710\n",
    );
    world.kylo(["send", "txns", &file, "--direct"]).ends(3).says("--source");
    for _ in 0..2 {
        world.kylo(["send", "txns", &file, "--direct", "--source", "checking"]).ok();
        assert_eq!(world.number("select count(*) from app.transactions"), 2);
    }
}

#[test]
fn the_way_without_kafka_waits_for_what_is_queued() {
    let world = World::seeded("direct");
    world.kylo(["send", "txns", &example(THREE), "--direct"]).ok();
    let before = world.ledger_rows();
    assert_eq!(before.len(), 6);
    world.kylo(["send", "txns", &example(THREE)]).ok();
    world.kylo(["send", "txns", &example(THREE), "--direct"]).ends(7).says("older messages wait");
    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
    world.kylo(["send", "txns", &example(THREE), "--direct"]).ok();
    assert_eq!(world.number("select count(*) from app.transactions"), 3);

    let rules = world.file(
        "rules.csv",
        "company_id,source,target_sheet,target_header,notes\n710,STARBUCKS,NUGZ EXPENSES,Coffee,\n",
    );
    world.kylo(["rules", "import", &rules]).ends(6).says("--yes");
    world.kylo(["rules", "import", &rules, "--yes"]).ok();
    world.kylo(["rules", "import", &rules, "--yes"]).ok().says("nothing to do");
    world.kylo(["send", "promote", "--direct"]).ok();
    assert_eq!(world.number("select count(*) from app.transactions where target_header = 'Coffee'"), 1);
}

#[test]
fn rules_with_faults_are_refused_whole() {
    let world = World::seeded("rules");
    let rules = world.file(
        "rules.csv",
        "company_id,source,target_sheet,target_header\n710,a,S,H\n710,A!,S,other\n999,b,S,H\n710,,S,H\n",
    );
    world
        .kylo(["rules", "import", &rules, "--yes"])
        .ends(3)
        .says("lines 2 and 3")
        .says("line 5: source is empty");
    let rules =
        world.file("rules.csv", "company_id,source,target_sheet,target_header\n710,a,S,H\n999,b,S,H\n");
    world.kylo(["rules", "import", &rules, "--yes"]).ends(3).says("line 3: company \"999\"");
    assert_eq!(world.number("select count(*) from app.rules_pending"), 0);
}
