//! A run's rows and messages as the arrays that the ledger's statements take.

use crate::model::ledger::decide::{Prepared, Row};
use jiff::civil::Date;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The messages of a run as arrays, addressed from 1.
pub(super) struct Messages<'p> {
    pub batches: Vec<&'p str>,
    pub partitions: Vec<i32>,
    pub offsets: Vec<i64>,
    pub timestamps: Vec<i64>,
    pub logs: Vec<i64>,
}

impl<'p> Messages<'p> {
    pub fn new(messages: &'p [Prepared<'p>]) -> Self {
        Messages {
            batches: messages.iter().map(|message| message.batch.batch_id.as_ref()).collect(),
            partitions: messages.iter().map(|message| message.origin.partition).collect(),
            offsets: messages.iter().map(|message| message.origin.offset).collect(),
            timestamps: messages.iter().map(|message| message.origin.timestamp_ms).collect(),
            logs: messages.iter().map(|message| message.origin.log.0).collect(),
        }
    }
}

/// PostgreSQL counts array elements from 1.
fn place(index: usize) -> i32 {
    index as i32 + 1
}

/// Rows as columns.
#[derive(Default)]
pub(super) struct Columns<'p> {
    uid: Vec<Uuid>,
    source_id: Vec<&'p str>,
    date: Vec<Date>,
    cents: Vec<i64>,
    currency: Vec<&'p str>,
    description: Vec<&'p str>,
    norm: Vec<&'p str>,
    counterparty: Vec<Option<&'p str>>,
    memo: Vec<Option<&'p str>>,
    category: Vec<Option<&'p str>>,
    hash: Vec<&'p [u8]>,
    rule_id: Vec<Option<Uuid>>,
    sheet: Vec<Option<&'p str>>,
    header: Vec<Option<&'p str>>,
    first: Vec<i32>,
    last: Vec<i32>,
    matched: Vec<bool>,
}

impl<'p> Columns<'p> {
    fn push(&mut self, row: &'p Row<'p>) {
        self.uid.push(row.uid);
        self.source_id.push(&row.txn.id);
        self.date.push(row.txn.date);
        self.cents.push(row.txn.cents);
        self.currency.push(&row.txn.currency);
        self.description.push(&row.txn.description);
        self.norm.push(&row.description_norm);
        self.counterparty.push(row.txn.counterparty.as_deref());
        self.memo.push(row.txn.memo.as_deref());
        self.category.push(row.txn.category.as_deref());
        self.hash.push(&row.hash);
        self.rule_id.push(row.rule.as_ref().map(|rule| rule.rule_id));
        self.sheet.push(row.rule.as_ref().map(|rule| rule.target_sheet.as_str()));
        self.header.push(row.rule.as_ref().map(|rule| rule.target_header.as_str()));
        self.first.push(place(row.first_message));
        self.last.push(place(row.last_message));
        self.matched.push(row.rule.is_some());
    }
    pub fn of(rows: impl Iterator<Item = &'p Row<'p>>) -> Self {
        let mut columns = Columns::default();
        rows.for_each(|row| columns.push(row));
        columns
    }
    /// In the order of the primary key. The uuids are random: entered as they come, each touches another page of
    /// the index, and a run of 12,800 rows costs the server twice the time.
    pub fn in_key_order(rows: impl Iterator<Item = &'p Row<'p>>) -> Self {
        let mut rows: Vec<&'p Row<'p>> = rows.collect();
        rows.sort_unstable_by_key(|row| row.uid);
        Self::of(rows.into_iter())
    }
    pub fn is_empty(&self) -> bool {
        self.uid.is_empty()
    }
    /// The parameters of the insert and the update of transactions.
    pub fn transaction_parameters<'s>(
        &'s self,
        company_id: &'s &str,
        messages: &'s Messages<'p>,
    ) -> [&'s (dyn ToSql + Sync); 22] {
        [
            company_id,
            &self.uid,
            &self.source_id,
            &self.date,
            &self.cents,
            &self.currency,
            &self.description,
            &self.norm,
            &self.counterparty,
            &self.memo,
            &self.category,
            &self.hash,
            &self.rule_id,
            &self.sheet,
            &self.header,
            &messages.batches,
            &messages.partitions,
            &messages.offsets,
            &messages.timestamps,
            &self.first,
            &self.last,
            &messages.logs,
        ]
    }
    /// The parameters of the change of pending rows; without the last, those of their insert.
    pub fn pending_parameters<'s>(
        &'s self,
        company_id: &'s &str,
        messages: &'s Messages<'p>,
    ) -> [&'s (dyn ToSql + Sync); 9] {
        [
            company_id,
            &self.uid,
            &self.date,
            &self.norm,
            &self.cents,
            &messages.batches,
            &self.first,
            &self.last,
            &self.matched,
        ]
    }
}
