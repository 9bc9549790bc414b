//! A topic that is deleted and made again: its messages are newer than what the old one left, whatever the offsets.

use crate::support::World;
use std::time::{Duration, Instant};

fn message(id: &str, amount: &str) -> (String, String) {
    let value = format!(
        r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"b-{id}-{amount}","company_id":"710","created_at":"2026-01-05T10:00:00Z",
"transactions":[{{"id":"{id}","date":"2026-01-05","amount":{amount},"description":"Coffee {id}"}}]}}"#
    );
    ("710".to_owned(), value)
}

#[test]
fn the_messages_of_a_topic_made_again_are_newer() {
    let world = World::seeded("made_again");
    let consume = || world.kylo(["consume", "txns", "--shadow", "--exit-when-idle"]).ok();
    world.produce_pairs(&world.txns(), &[message("a", "1.00"), message("b", "1.00"), message("c", "1.00")]);
    consume();
    let rows = "select source_id, amount_cents, origin_offset from app.transactions order by 1";
    assert_eq!(world.sql(rows), [["a", "100", "0"], ["b", "100", "1"], ["c", "100", "2"]]);

    world.remove_topics();
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.kylo(["topics", "list"]).ok().stdout.contains(&world.txns()) {
        assert!(Instant::now() < deadline, "the topic was not deleted");
    }
    world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
    world.produce_pairs(&world.txns(), &[message("c", "2.00")]);
    consume();
    assert_eq!(world.sql(rows), [["a", "100", "0"], ["b", "100", "1"], ["c", "200", "0"]]);
    assert_eq!(
        world.sql(
            "select count(distinct origin_log), count(*) filter (where origin_log = 0) from app.transactions"
        ),
        [["2", "0"]]
    );
}
