//! What a run of messages does, by table and by property.

use super::super::rules::RulesMark;
use super::super::samples::{sample_rule, txn};
use super::*;
use proptest::prelude::*;

const fn at(partition: i32, offset: i64, timestamp_ms: i64) -> Origin {
    in_log(1, partition, offset, timestamp_ms)
}
const fn in_log(log: i64, partition: i32, offset: i64, timestamp_ms: i64) -> Origin {
    Origin { log: LogId(log), partition, offset, timestamp_ms }
}

fn message(origin: Origin, transactions: Vec<Txn<'static>>) -> Prepared<'static> {
    let batch_id = format!("b{}", origin.offset).into();
    Prepared::new(TxnsBatch { batch_id, company_id: "710".into(), created_at: None, transactions }, origin)
}

fn rules(sources: &[&str]) -> RuleSet {
    let mark = RulesMark { count: 0, version: 0 };
    RuleSet::new(mark, sources.iter().map(|source| sample_rule(source)).collect())
}

#[test]
fn what_is_newer() {
    for (a, b, expected) in [
        (at(0, 5, 0), at(0, 4, 9), true),
        (at(0, 4, 9), at(0, 5, 0), false),
        (at(0, 4, 9), at(0, 4, 9), false),
        (at(1, 4, 9), at(0, 5, 8), true),
        (at(1, 9, 8), at(0, 5, 9), false),
        (at(1, 0, 9), at(0, 0, 9), true),
        (at(0, 0, 9), at(1, 0, 9), false),
        // A topic made again begins at offset 0; what is late from the old one stays late.
        (in_log(2, 0, 0, 9), in_log(1, 0, 7, 8), true),
        (in_log(1, 0, 7, 8), in_log(2, 0, 0, 9), false),
        // A row of a letter that did not name its log, and the message itself.
        (in_log(1, 0, 5, 8), in_log(0, 0, 6, 8), false),
        (in_log(1, 0, 6, 8), in_log(0, 0, 5, 8), true),
    ] {
        assert_eq!(a.is_newer_than(&b), expected, "{a:?} {b:?}");
    }
}

#[test]
fn new_unchanged_changed_and_late() {
    let first =
        message(at(0, 5, 5), vec![txn("a", "2025-08-26", 1, "Coffee!"), txn("b", "2025-08-26", 2, "tea")]);
    let plan_of =
        |messages: &[Prepared<'static>], stored: &HashMap<Uuid, Stored>| -> Vec<(Change, bool, i64)> {
            let plan = decide(messages, stored, &rules(&["coffee"]));
            plan.rows.iter().map(|row| (row.change, row.rule.is_some(), row.txn.cents)).collect()
        };
    let none = HashMap::new();
    let messages = [first];
    assert_eq!(plan_of(&messages, &none), [(Change::New, true, 1), (Change::New, false, 2)]);
    let stored: HashMap<Uuid, Stored> = messages[0]
        .facts
        .iter()
        .map(|facts| (facts.uid, Stored { hash: facts.hash, origin: messages[0].origin }))
        .collect();
    assert_eq!(plan_of(&messages, &stored), []);
    let newer = [message(at(0, 6, 6), vec![txn("a", "2025-08-26", 9, "Coffee!")])];
    assert_eq!(plan_of(&newer, &stored), [(Change::Changed, true, 9)]);
    let late = [message(at(0, 4, 4), vec![txn("a", "2025-08-26", 9, "Coffee!")])];
    assert_eq!(plan_of(&late, &stored), []);
}

#[test]
fn what_was_confirmed_is_not_overwritten_by_what_came_before() {
    let says = |offset, cents| message(at(0, offset, offset), vec![txn("a", "2025-08-26", cents, "tea")]);
    let mut world = World::default();
    world.run(&[says(1, 100)]);
    world.run(&[says(3, 100)]);
    assert_eq!(world.run(&[says(2, 200)]), 0);
    assert_eq!(world.run(&[says(4, 300), says(6, 300), says(5, 200)]), 1);
    assert_eq!(world.rows.values().map(|row| (row.hash, row.origin.offset)).collect::<Vec<_>>(), {
        let last = says(4, 300);
        [(last.facts[0].hash, 4)]
    });
    assert_eq!(world.confirmed.iter().map(|(origin, _)| origin.offset).collect::<Vec<_>>(), [3, 6]);
    // The message itself, once more, confirms nothing.
    assert_eq!(world.run(&[says(4, 300)]), 0);
    assert_eq!(world.confirmed.len(), 2);
}

#[test]
fn a_row_of_two_messages_is_written_once() {
    let messages = [
        message(at(0, 1, 1), vec![txn("a", "2025-08-26", 1, "tea")]),
        message(at(0, 2, 2), vec![txn("a", "2025-08-26", 2, "coffee")]),
    ];
    let plan = decide(&messages, &HashMap::new(), &rules(&["coffee"]));
    assert_eq!(plan.rows.len(), 1);
    let row = &plan.rows[0];
    assert_eq!((row.change, row.first_message, row.last_message, row.txn.cents), (Change::New, 0, 1, 2));
    assert_eq!((plan.tallies[0].inserted, plan.tallies[0].unmatched), (1, 1));
    assert_eq!((plan.tallies[1].updated, plan.tallies[1].matched), (1, 1));
}

/// The tables, as runs leave them.
#[derive(Clone, Debug, Default, PartialEq)]
struct World {
    rows: HashMap<Uuid, Stored>,
    /// In no order that counts.
    confirmed: Vec<(Origin, Uuid)>,
}

impl World {
    /// The number of rows written.
    fn run(&mut self, messages: &[Prepared<'static>]) -> usize {
        let mut stored = self.rows.clone();
        for (origin, uid) in &self.confirmed {
            let row = stored.get_mut(uid).unwrap();
            if origin.is_newer_than(&row.origin) {
                row.origin = *origin;
            }
        }
        let plan = decide(messages, &stored, &rules(&[]));
        for row in &plan.rows {
            let origin = messages[row.last_message].origin;
            let before = self.rows.insert(row.uid, Stored { hash: row.hash, origin });
            assert_eq!(before.is_some(), row.change == Change::Changed);
        }
        let counts = messages.iter().zip(&plan.tallies).map(|(message, tally)| (message, tally.confirmed));
        let origins = counts.flat_map(|(message, count)| std::iter::repeat_n(message.origin, count));
        self.confirmed.extend(origins.zip(plan.confirmed.iter().copied()));
        plan.rows.len()
    }
}

proptest! {
    // Messages in any order, some twice, in any runs: each transaction is as the newest that names it says.
    #[test]
    fn the_newest_message_counts_in_any_order(
        sends in proptest::collection::vec(proptest::collection::btree_map(0u8..3, 0i64..2, 1..3), 1..7),
        order in proptest::collection::vec((0usize..7, any::<bool>()), 0..12),
    ) {
        let says = |offset: usize| {
            let content = sends[offset].iter();
            let txns = content.map(|(id, cents)| txn(&id.to_string(), "2025-08-26", *cents, "x")).collect();
            // Two partitions, whose timestamps order their messages.
            message(at((offset % 2) as i32, offset as i64, offset as i64), txns)
        };
        let order = order.into_iter().filter(|(offset, _)| *offset < sends.len());
        let order: Vec<_> = order.chain((0..sends.len()).rev().map(|offset| (offset, true))).collect();
        let mut world = World::default();
        let mut run = Vec::new();
        for (offset, ends) in order {
            run.push(says(offset));
            if ends {
                world.run(&std::mem::take(&mut run));
            }
        }
        for newest in 0..sends.len() {
            for facts in &says(newest).facts {
                let later = (newest + 1..sends.len()).any(|offset| says(offset).uids().any(|uid| uid == facts.uid));
                prop_assert!(later || world.rows[&facts.uid].hash == facts.hash);
            }
        }
    }

    // Any run of messages that came in order, sent again from any point: nothing to write.
    #[test]
    fn redelivery_changes_nothing(
        sends in proptest::collection::vec(proptest::collection::btree_map(0u8..4, 0i64..3, 1..4), 1..8),
        from in 0usize..8
    ) {
        let messages: Vec<_> = (0..).zip(&sends).map(|(offset, content)| {
            let txns = content.iter().map(|(id, cents)| txn(&id.to_string(), "2025-08-26", *cents, "x")).collect();
            message(at(0, offset, offset), txns)
        }).collect();
        let rules = rules(&[]);
        let stored: HashMap<Uuid, Stored> = decide(&messages, &HashMap::new(), &rules)
            .rows
            .iter()
            .map(|row| (row.uid, Stored { hash: row.hash, origin: messages[row.last_message].origin }))
            .collect();
        let again = &messages[from.min(messages.len() - 1)..];
        prop_assert_eq!(decide(again, &stored, &rules).rows.len(), 0);
    }

    // Together or one by one, with any repetition: the same rows.
    #[test]
    fn together_is_the_same_as_one_by_one(
        sends in proptest::collection::vec((0i64..6, proptest::collection::btree_map(0u8..4, 0i64..3, 1..4)), 1..8)
    ) {
        let messages: Vec<_> = sends
            .iter()
            .map(|(offset, content)| {
                let txns = content.iter().map(|(id, cents)| txn(&id.to_string(), "2025-08-26", *cents, "x")).collect();
                message(at(0, *offset, *offset), txns)
            })
            .collect();
        let (mut together, mut single) = (World::default(), World::default());
        together.run(&messages);
        for message in messages.chunks(1) {
            single.run(message);
        }
        prop_assert_eq!(&together, &single);
    }
}
