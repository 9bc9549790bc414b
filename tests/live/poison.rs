//! Messages that cannot be handled: dead-lettered with reason and original bytes, sent back, and at rest at last.

use crate::support::{COMPANIES, Fetched, Outgoing, World, example};

/// A TXNS_BATCH with one transaction.
fn batch(company: &str, id: &str, amount: &str) -> Vec<u8> {
    format!(
        r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"b-{id}","company_id":"{company}","created_at":"2026-01-05T10:00:00Z",
"transactions":[{{"id":"{id}","date":"2026-01-05","amount":{amount},"description":"Coffee {id}"}}]}}"#
    )
    .into_bytes()
}

/// What it is, its key, its value.
type Poison<'a> = (&'a str, Option<&'a [u8]>, &'a [u8]);

const VERSION_1: &[u8] =
    br#"{"event_type":"TXNS_BATCH","version":1,"batch_id":"b-old","company_id":"710","created_at":"2026-01-05T10:00:00"}"#;

#[test]
fn what_cannot_be_handled_is_dead_lettered_and_comes_back_at_most_three_times() {
    let world = World::seeded("poison");
    let (no_key, unknown, bad_amount) =
        (batch("710", "n", "1.00"), batch("999", "u", "2.00"), batch("710", "a", "1.005"));
    let good = batch("710", "good", "19.99");
    let poison: [Poison; 5] = [
        ("not JSON", Some(b"710"), b"{\"company_id\": \xff\x00 oops"),
        ("no key", None, &no_key),
        ("unknown company", Some(b"999"), &unknown),
        ("amount 1.005", Some(b"710"), &bad_amount),
        ("version 1", Some(b"710"), VERSION_1),
    ];
    let headers: &[(&str, &[u8])] = &[("trace", b"\x00\xfe"), ("trace", b"second")];
    let records = poison.iter().map(|(_, key, value)| Outgoing { key: *key, value, headers });
    let last = Outgoing { key: Some(b"710"), value: &good, headers: &[] };
    world.produce(&world.txns(), records.chain([last]));
    let source = world.fetch(&world.txns());

    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
    assert_eq!(
        world.sql("select amount_cents from app.transactions"),
        [["1999"]],
        "the rest goes on; 19.99 is 1999 cents"
    );
    assert_eq!(world.lag(&world.group(), &world.txns()), 0);

    let dead = world.fetch(&world.dead_letters());
    assert_eq!(dead.len(), 5, "{dead:#?}");
    for (what, key, value) in poison {
        let letter = dead.iter().find(|letter| letter.value.as_deref() == Some(value));
        let letter = letter.unwrap_or_else(|| panic!("{what}: the original bytes are not there: {dead:#?}"));
        assert_eq!(letter.key.as_deref(), key, "{what}");
        let original: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.to_vec()))).collect();
        assert_eq!(letter.headers[..2], original, "{what}: the original headers come first");
        let origin =
            source.iter().find(|record| record.value.as_deref() == Some(value)).expect("it was sent");
        assert_eq!(letter.header("__kylo.origin.topic"), world.txns(), "{what}");
        assert_eq!(letter.header("__kylo.origin.partition"), origin.partition.to_string(), "{what}");
        assert_eq!(letter.header("__kylo.origin.offset"), origin.offset.to_string(), "{what}");
        assert_eq!(letter.header("__kylo.errors.class"), "permanent", "{what}");
        assert!(!letter.header("__kylo.errors.message").is_empty(), "{what}");
        assert_eq!(letter.replays(), 0, "{what}");
    }
    let reason = |value: &[u8]| {
        dead.iter()
            .find(|letter| letter.value.as_deref() == Some(value))
            .expect("found above")
            .header("__kylo.errors.message")
    };
    assert!(reason(&unknown).contains("999"), "{}", reason(&unknown));
    assert!(
        reason(&bad_amount).contains("amount") && reason(&bad_amount).contains('a'),
        "{}",
        reason(&bad_amount)
    );
    assert!(
        world.kylo(["dlq", "list", "--output", "json"]).ok().json()["items"]
            .as_array()
            .is_some_and(|all| all.len() == 5)
    );

    // The cause of one of them is mended; all five are sent back.
    let companies = std::fs::read_to_string(example(COMPANIES)).expect("the example");
    let third = companies.rsplit("[[company]]").next().expect("its last company").replace("711", "999");
    let companies = world.file("companies.toml", format!("{companies}\n[[company]]{third}"));
    world.kylo(["seed", &companies, "--yes"]).ok();
    replay(&world).ok();
    assert_eq!(world.fetch(&world.txns()).len(), 6 + 5);
    // No consumer ran in between: nothing is left to send back.
    replay(&world).ok();
    assert_eq!(world.fetch(&world.txns()).len(), 6 + 5, "a second replay does nothing");

    for round in 1..=3 {
        world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
        assert_eq!(world.number("select count(*) from app.transactions where company_id = '999'"), 1);
        let again: Vec<Fetched> = world
            .fetch(&world.dead_letters())
            .into_iter()
            .filter(|letter| letter.replays() == round)
            .collect();
        assert_eq!(again.len(), 4, "round {round}: the hopeless ones come back: {again:#?}");
        for letter in &again {
            let (_, key, _) = poison
                .iter()
                .find(|(_, _, value)| letter.value.as_deref() == Some(*value))
                .expect("its bytes");
            assert_eq!(letter.key.as_deref(), *key);
            assert_eq!(letter.header("__kylo.origin.topic"), world.txns());
        }
        if round < 3 {
            replay(&world).ok();
        }
    }
    // The fourth time they stay, and are named.
    let sent = world.fetch(&world.txns()).len();
    let run = replay(&world).ends(7);
    let at_rest = world.fetch(&world.dead_letters()).into_iter().filter(|letter| letter.replays() == 3);
    for letter in at_rest {
        let place = format!("{}@{}", letter.partition, letter.offset);
        let words = format!("{}:{}", letter.partition, letter.offset);
        let all = format!("{}{}", run.stdout, run.stderr).replace("]@", "@");
        assert!(all.contains(&place) || all.contains(&words), "{place} is not named\n{run}");
    }
    assert_eq!(world.fetch(&world.txns()).len(), sent, "nothing is sent back any more");
}

fn replay(world: &World) -> crate::support::Run {
    world.kylo(["dlq", "replay", &world.dead_letters(), "--max-retries", "3", "--yes"])
}
