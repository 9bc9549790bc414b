//! What approves rules: `kylo rules import` and the demo.

use crate::app::App;
use crate::consent::WriteToken;
use crate::error::Result;
use crate::model::ledger::rules::ApprovedRule;
use crate::postgres::{Dsn, ledger};

/// Approves a company's rules in its database, all of them or none.
pub async fn approve(
    app: &App,
    token: &WriteToken,
    dsn: &Dsn,
    company_id: &str,
    rules: &[ApprovedRule],
) -> Result<()> {
    let rules: Vec<&ApprovedRule> = rules.iter().collect();
    let mut lease = app.pools().get(dsn).await?;
    let mut transaction = lease.begin().await?;
    ledger::approve(&mut transaction, token, company_id, &rules).await?;
    transaction.commit().await?;
    Ok(())
}
