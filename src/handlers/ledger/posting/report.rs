//! What would be posted, and how much waits: reads only, for shadow runs and status lines.

use super::sql::{failed, ids};
use crate::engine::Failure;
use crate::model::posting::{POST_BYTES, POST_ROWS, active_signature, cut, pending_signature};
use crate::postgres::posting::Backlog;
use crate::postgres::{Dsn, Pools, company, posting, sheet_posts};

/// A post that a live run would make next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WouldPost {
    /// The company.
    pub company_id: String,
    /// The tab.
    pub tab: String,
    /// Rows of the post.
    pub rows: usize,
    /// Its signature.
    pub signature: String,
}

/// What a live run would post next for `company_id`: at most one post of each tab. Reads only, takes no lock,
/// and touches no workbook; of a backlog larger than one post, the first post is reported.
///
/// # Errors
/// The failure of the database that could not be read.
pub async fn would_post(pools: &Pools, control: &Dsn, company_id: &str) -> Result<Vec<WouldPost>, Failure> {
    let on_control = failed(control);
    let (config, shown) = {
        let mut lease = pools.get(control).await.map_err(&on_control)?;
        let Some(config) = company::one(&mut lease, company_id).await.map_err(&on_control)? else {
            return Ok(Vec::new());
        };
        let shown =
            sheet_posts::last_post(&mut lease, company_id, &config.tab_active).await.map_err(&on_control)?;
        (config, shown)
    };
    let dsn = Dsn::parse(config.db_dsn_rw.expose()).map_err(&on_control)?;
    let on_own = failed(&dsn);
    let mut lease = pools.get(&dsn).await.map_err(&on_own)?;
    let limit = i64::try_from(POST_ROWS).unwrap_or(i64::MAX);
    let mut posts = Vec::new();

    let mut rows = posting::unposted(&mut lease, company_id, limit).await.map_err(&on_own)?;
    rows.truncate(cut(&rows, POST_BYTES));
    if !rows.is_empty() {
        posts.push(WouldPost {
            company_id: company_id.to_owned(),
            rows: rows.len(),
            signature: pending_signature(company_id, &config.tab_pending, rows.iter().map(|row| row.txn_uid)),
            tab: config.tab_pending,
        });
    }
    if let Some(version) = posting::newest_version(&mut lease, company_id).await.map_err(&on_own)?
        && shown.as_ref().is_none_or(|(_, shown)| *shown != Some(version))
        && let Some(rules) = posting::rules(&mut lease, company_id, version).await.map_err(&on_own)?
    {
        let signature = active_signature(company_id, &config.tab_active, &rules);
        if shown.is_none_or(|(last, _)| last != signature) {
            posts.push(WouldPost {
                company_id: company_id.to_owned(),
                tab: config.tab_active,
                rows: rules.len(),
                signature,
            });
        }
    }
    Ok(posts)
}

/// What waits to be posted, as far as the databases could be asked.
#[derive(Clone, Debug, Default)]
pub struct Backlogs {
    /// Every company that has any, by its id.
    pub found: Vec<Backlog>,
    /// The databases that could not be asked; what waits there is not known.
    pub failures: Vec<Failure>,
}

/// Rows that wait to be posted and since when, for every company that has any, over all databases. One database
/// that is away does not hide what waits in the others.
pub async fn backlog(pools: &Pools, control: &Dsn) -> Backlogs {
    let on_control = failed(control);
    let configs = async {
        let mut lease = pools.get(control).await?;
        company::all(&mut lease).await
    };
    let configs = match configs.await {
        Ok(configs) => configs,
        Err(error) => return Backlogs { found: Vec::new(), failures: vec![on_control(error)] },
    };
    let on_control = &on_control;
    let asked = company::by_database(configs).into_iter().map(|(dsn, companies)| async move {
        let dsn = dsn.map_err(on_control)?;
        let mut lease = pools.get(&dsn).await.map_err(failed(&dsn))?;
        posting::backlog(&mut lease, &ids(&companies)).await.map_err(failed(&dsn))
    });
    let mut backlogs = Backlogs::default();
    for answer in futures_util::future::join_all(asked).await {
        match answer {
            Ok(found) => backlogs.found.extend(found),
            Err(failure) => backlogs.failures.push(failure),
        }
    }
    backlogs.found.sort_by(|a, b| a.company_id.cmp(&b.company_id));
    backlogs
}
