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
    /// What wrote it, or a newer message that confirmed it.
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
    /// Transactions it confirmed: stored as it says they are, by an older message.
    pub confirmed: usize,
}

/// Everything a run writes.
#[derive(Debug, Default)]
pub struct Plan<'p> {
    /// Rows, each uid once, with their last content.
    pub rows: Vec<Row<'p>>,
    /// One a message.
    pub tallies: Vec<Tally>,
    /// The uids of what was confirmed, message by message; [`Tally::confirmed`] says how many are whose.
    pub confirmed: Vec<Uuid>,
}

impl Plan<'_> {
    /// The rows it updates.
    pub fn changed(&self) -> impl Iterator<Item = &Row<'_>> {
        self.rows.iter().filter(|row| row.change == Change::Changed)
    }
}

/// A transaction as a run has left it so far.
#[derive(Clone, Copy)]
struct Present {
    is: Stored,
    /// Index of its row in the plan.
    row: Option<usize>,
}

/// Applies `messages`, in order, to what is `stored`; the result is what doing it one by one would leave. An
/// unchanged content leaves its row alone and is noted as confirmed; work older than what wrote or confirmed the
/// row writes nothing.
pub fn decide<'p>(messages: &'p [Prepared<'p>], stored: &HashMap<Uuid, Stored>, rules: &RuleSet) -> Plan<'p> {
    let total: usize = messages.iter().map(|message| message.facts.len()).sum();
    let mut seen: HashMap<Uuid, Present> = HashMap::with_capacity(total);
    let mut plan = Plan {
        rows: Vec::with_capacity(total),
        tallies: Vec::with_capacity(messages.len()),
        confirmed: Vec::new(),
    };
    for (index, message) in messages.iter().enumerate() {
        let mut tally = Tally { transactions: message.facts.len(), ..Tally::default() };
        for (txn, facts) in message.batch.transactions.iter().zip(&message.facts) {
            let present = seen
                .get(&facts.uid)
                .copied()
                .or_else(|| stored.get(&facts.uid).map(|&is| Present { is, row: None }));
            let now = Stored { hash: facts.hash, origin: message.origin };
            match present {
                None => tally.inserted += 1,
                Some(Present { is, row }) => {
                    let newer = message.origin.is_newer_than(&is.origin);
                    if is.hash == facts.hash {
                        if newer && !planted("forget-the-confirmation") {
                            tally.confirmed += 1;
                            plan.confirmed.push(facts.uid);
                            seen.insert(facts.uid, Present { is: now, row });
                        }
                        continue;
                    }
                    if !newer && !planted("no-version-guard") {
                        continue;
                    }
                    tally.updated += 1;
                }
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
            let at = match present.and_then(|present| present.row) {
                // One write for the whole run: new stays new, and remembers who brought it.
                Some(at) => {
                    let (change, first_message) = (plan.rows[at].change, plan.rows[at].first_message);
                    plan.rows[at] = Row { change, first_message, ..row };
                    at
                }
                None => {
                    plan.rows.push(row);
                    plan.rows.len() - 1
                }
            };
            seen.insert(facts.uid, Present { is: now, row: Some(at) });
        }
        plan.tallies.push(tally);
    }
    plan
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
