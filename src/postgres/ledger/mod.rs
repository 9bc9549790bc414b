//! The ledger's SQL: transactions, pending rows, confirmations, rules, promotion. Every query filters on the company.

mod columns;
mod confirmations;
mod promote;
mod rules;
mod txns;

pub use confirmations::raise_versions;
pub use promote::{Promoted, promote};
pub(super) use rules::active_rule;
pub use rules::{approve, known_rules};
pub use txns::{Opening, Written, active_rules, open, write};

use super::{Error, Transaction};

/// Waits until no other transaction works on the company, and keeps others away until this one ends.
///
/// Triage reads the rules and writes pending rows; a promotion writes the rules and reads pending rows. Side by
/// side each could miss what the other has not committed yet, and a row would stay pending although its rule is
/// in force. The lock also keeps a process that lost its partition, but does not know it yet, apart from its
/// successor.
async fn lock(transaction: &mut Transaction<'_>, company_id: &str) -> Result<(), Error> {
    let statement = transaction.prepared(LOCK).await?;
    transaction.raw().query(&statement, &[&company_id]).await?;
    Ok(())
}

const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended('kylo.ledger.' || $1, 0))";
