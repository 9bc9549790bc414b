//! What a run of messages does to the tables: which rows are new, which change, where each belongs. Pure.

use super::identity::{ContentHash, content_hash, txn_uid};
use super::message::TxnsBatch;
use super::normalise::normalise;
use super::rules::{ActiveRule, RuleSet};
use super::transaction::Txn;
use crate::model::record::LogId;
use crate::mutants::planted;
use hashbrown::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The message that wrote a row: its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The log it first stood in.
    pub log: LogId,
    /// Partition the message first stood in; -1 when it came without Kafka.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
}

impl Origin {
    /// True when work of this origin may overwrite work of `other`: within a partition of one log the offset
    /// decides, else the timestamp. Where even that is the same, any order will do that is always the same one;
    /// it keeps that of the offsets, for messages that do not name their log.
    pub fn is_newer_than(&self, other: &Origin) -> bool {
        let one_log = self.log == other.log || planted("forget-the-log");
        if one_log && self.partition == other.partition {
            return self.offset > other.offset;
        }
        let order = |origin: &Origin| (origin.timestamp_ms, origin.partition, origin.offset, origin.log);
        order(self) > order(other)
    }
}

/// A parsed message with everything that needs no database worked out.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// Its batch.
    pub batch: TxnsBatch<'a>,
    /// Its version.
    pub origin: Origin,
    facts: Vec<Facts>,
}

#[derive(Debug)]
struct Facts {
    uid: Uuid,
    hash: ContentHash,
}

impl<'a> Prepared<'a> {
    /// Works out identities and hashes.
    pub fn new(batch: TxnsBatch<'a>, origin: Origin) -> Self {
        let facts = batch
            .transactions
            .iter()
            .map(|txn| Facts { uid: txn_uid(&batch.company_id, &txn.id), hash: content_hash(txn) })
            .collect();
        Prepared { batch, origin, facts }
    }
    /// The uuids of its transactions.
    pub fn uids(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.facts.iter().map(|facts| facts.uid)
    }
}

/// What the database holds of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Hash of its content.
    pub hash: ContentHash,
    /// What wrote it.
    pub origin: Origin,
}

/// Whether a row is inserted or updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The table has no such row.
    New,
    /// The row's content differs.
    Changed,
}

/// A row to write.
#[derive(Clone, Debug)]
pub struct Row<'p> {
    /// Its identity.
    pub uid: Uuid,
    /// Its content.
    pub txn: &'p Txn<'p>,
    /// Hash of its content.
    pub hash: ContentHash,
    /// Normal form of the description.
    pub description_norm: String,
    /// The rule that matches; `None` makes it an open pending row.
    pub rule: Option<Arc<ActiveRule>>,
    /// Insert or update.
    pub change: Change,
    /// Index of the first message of this run that wrote it.
    pub first_message: usize,
    /// Index of the last.
    pub last_message: usize,
}

/// What one message did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Transactions in the message.
    pub transactions: usize,
    /// Rows it inserted.
    pub inserted: usize,
    /// Rows it updated.
    pub updated: usize,
    /// Of those, rows a rule matched.
    pub matched: usize,
    /// Of those, rows no rule matched.
    pub unmatched: usize,
}

/// Everything a run writes.
#[derive(Debug, Default)]
pub struct Plan<'p> {
    /// Rows, each uid once, with their last content.
    pub rows: Vec<Row<'p>>,
    /// One a message.
    pub tallies: Vec<Tally>,
}

/// Applies `messages`, in order, to what is `stored`; the result is what doing it one by one would leave. An
/// unchanged content writes nothing, nor does work older than what wrote the row.
pub fn decide<'p>(messages: &'p [Prepared<'p>], stored: &HashMap<Uuid, Stored>, rules: &RuleSet) -> Plan<'p> {
    let total: usize = messages.iter().map(|message| message.facts.len()).sum();
    // The index of a uid's row in `rows`, and the message that wrote it.
    let mut written: HashMap<Uuid, usize> = HashMap::with_capacity(total);
    let mut plan = Plan { rows: Vec::with_capacity(total), tallies: Vec::with_capacity(messages.len()) };
    for (index, message) in messages.iter().enumerate() {
        let mut tally = Tally { transactions: message.facts.len(), ..Tally::default() };
        for (txn, facts) in message.batch.transactions.iter().zip(&message.facts) {
            let seen = written.get(&facts.uid).copied();
            let present = match seen {
                Some(at) => Some(Stored {
                    hash: plan.rows[at].hash,
                    origin: messages[plan.rows[at].last_message].origin,
                }),
                None => stored.get(&facts.uid).copied(),
            };
            match present {
                None => tally.inserted += 1,
                Some(present)
                    if present.hash == facts.hash
                        || !(message.origin.is_newer_than(&present.origin)
                            || planted("no-version-guard")) =>
                {
                    continue;
                }
                Some(_) => tally.updated += 1,
            }
            let description_norm = normalise(&txn.description);
            let rule = rules.find(&description_norm).cloned();
            match rule {
                Some(_) => tally.matched += 1,
                None => tally.unmatched += 1,
            }
            let change = if present.is_some() { Change::Changed } else { Change::New };
            let row = Row {
                uid: facts.uid,
                txn,
                hash: facts.hash,
                description_norm,
                rule,
                change,
                first_message: index,
                last_message: index,
            };
            match seen {
                // One write for the whole run: new stays new, and remembers who brought it.
                Some(at) => {
                    let (change, first_message) = (plan.rows[at].change, plan.rows[at].first_message);
                    plan.rows[at] = Row { change, first_message, ..row };
                }
                None => {
                    written.insert(facts.uid, plan.rows.len());
                    plan.rows.push(row);
                }
            }
        }
        plan.tallies.push(tally);
    }
    plan
}

#[cfg(test)]
mod tests {
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
        Prepared::new(
            TxnsBatch { batch_id, company_id: "710".into(), created_at: None, transactions },
            origin,
        )
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
        let first = message(
            at(0, 5, 5),
            vec![txn("a", "2025-08-26", 1, "Coffee!"), txn("b", "2025-08-26", 2, "tea")],
        );
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

    proptest! {
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
            let rules = rules(&[]);
            let apply = |stored: &mut HashMap<Uuid, Stored>, run: &[Prepared<'static>]| {
                for row in decide(run, stored, &rules).rows {
                    let origin = run[row.last_message].origin;
                    let before = stored.insert(row.uid, Stored { hash: row.hash, origin });
                    assert_eq!(before.is_some(), row.change == Change::Changed);
                }
            };
            let (mut together, mut single) = (HashMap::new(), HashMap::new());
            apply(&mut together, &messages);
            for message in messages.chunks(1) {
                apply(&mut single, message);
            }
            prop_assert_eq!(&together, &single);
        }
    }
}
