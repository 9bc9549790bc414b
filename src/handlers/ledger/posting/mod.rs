//! The posting drain: what waits in the database goes to the company's tabs, each row exactly once.
//!
//! Sheets have no idempotency key. So every post is claimed in the control database first, leaves a marker on
//! the tab in the same atomic change as its rows, and is stamped in the company's database and marked in the
//! control database last. A crash at any point leaves a claim that is settled by reading the marker.

mod report;
mod sql;
mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
#[cfg(test)]
mod world_books;
#[cfg(test)]
mod world_workbook;

pub use report::{Backlogs, WouldPost, backlog, would_post};
pub use sql::SqlStore;
pub use store::{Books, Led, Store, StoreFuture, Tabs};

use crate::consent::WriteToken;
use crate::engine::{Drain, DrainFuture, Drained, Failure};
use crate::model::clock::SharedClock;
use crate::model::posting::{
    Claim, Fate, NewClaim, POST_BYTES, POST_ROWS, Route, TabKind, active_rows, active_signature, cut, fate,
    pending_signature, route, to_forget,
};
use crate::mutants::planted;
use crate::sheets::{ErrorKind, Marker, Post, Sheets, Tab};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A tab's old markers are looked for at its first post and then every so many posts.
const TIDY_EVERY: u32 = 32;

/// Ordinals tried in one step. Each collision is one in two thousand million.
const MAX_COLLISIONS: u32 = 5;

/// Posts what waits, company by company.
pub struct Posting {
    store: Arc<dyn Store>,
    sheets: Arc<dyn Sheets>,
    clock: SharedClock,
    token: WriteToken,
    post_bytes: usize,
    /// Posts by tab in this process, to know when to tidy.
    posts: Mutex<HashMap<Tab, u32>>,
}

impl Posting {
    /// A drain that posts from `store` to `sheets`. Starting it is the consent `token` stands for.
    pub fn new(
        store: Arc<dyn Store>,
        sheets: Arc<dyn Sheets>,
        clock: SharedClock,
        token: WriteToken,
    ) -> Self {
        Posting { store, sheets, clock, token, post_bytes: POST_BYTES, posts: Mutex::default() }
    }

    /// One piece of work: an unfinished claim, or one post of each tab.
    async fn work(&self, company: &str, books: &mut dyn Books) -> Result<Drained, Failure> {
        let unfinished = books.unfinished().await?;
        if let Some(claim) = unfinished.into_iter().next().filter(|_| !planted("claim-forgotten")) {
            tracing::info!(company, signature = %claim.signature, ordinal = claim.ordinal, "settling a post");
            self.finish(company, books, claim, false).await?;
            return Ok(Drained::More);
        }
        let pending = self.post_pending(company, books).await?;
        let active = self.post_active(company, books).await?;
        Ok(if pending || active { Drained::More } else { Drained::Empty })
    }

    async fn post_pending(&self, company: &str, books: &mut dyn Books) -> Result<bool, Failure> {
        let mut rows = books.unposted(POST_ROWS).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        rows.truncate(cut(&rows, self.post_bytes));
        let row_ids: Vec<uuid::Uuid> = rows.iter().map(|row| row.txn_uid).collect();
        let tab = books.tabs().pending.clone();
        let new = NewClaim {
            signature: pending_signature(company, &tab, &row_ids),
            tab,
            row_count: count(rows.len()),
            row_ids,
            rules_version: None,
        };
        self.post(company, books, TabKind::Pending, new).await?;
        Ok(true)
    }

    async fn post_active(&self, company: &str, books: &mut dyn Books) -> Result<bool, Failure> {
        let Some(version) = books.newest_version().await? else { return Ok(false) };
        let tab = books.tabs().active.clone();
        let last = books.last_post(&tab).await?;
        if last.as_ref().is_some_and(|(_, shown)| *shown == Some(version)) {
            return Ok(false);
        }
        let rules = self.rules(company, books, version).await?;
        let signature = active_signature(company, &tab, &rules);
        if last.is_some_and(|(shown, _)| shown == signature) {
            books.advance_version(&signature, version).await?;
            return Ok(true);
        }
        let new = NewClaim {
            tab,
            signature,
            row_count: count(rules.len()),
            row_ids: Vec::new(),
            rules_version: Some(version),
        };
        self.post(company, books, TabKind::Active, new).await?;
        Ok(true)
    }

    async fn post(
        &self,
        company: &str,
        books: &mut dyn Books,
        kind: TabKind,
        new: NewClaim,
    ) -> Result<(), Failure> {
        let earlier = books.earlier(&new.signature).await?;
        match route(kind, earlier) {
            Route::Insert | Route::Again => {
                let claim = books.claim(&new).await?;
                self.finish(company, books, claim, true).await
            }
            Route::StampOnly => {
                tracing::warn!(company, signature = %new.signature, rows = new.row_count,
                    "these rows are on the tab already: stamping them only");
                books.stamp(&new.signature, &new.row_ids).await
            }
            // Claims were looked for before anything new; whoever wrote this one is not the leader.
            Route::Settle => Err(Failure::transient(
                "claim-appeared",
                format!("post {} of company {company} was claimed by somebody else", new.signature),
            )),
        }
    }

    /// Brings a claim to its end. A fresh one is applied without asking first: nobody can have applied it.
    async fn finish(
        &self,
        company: &str,
        books: &mut dyn Books,
        mut claim: Claim,
        fresh: bool,
    ) -> Result<(), Failure> {
        let tab = books.tabs().named(claim.kind(), &claim.tab);
        let mut ask = !fresh;
        let mut refused = false;
        let mut collisions = 0;
        loop {
            if ask {
                let found = self.sheets.settle(&tab, claim.marker(), &self.token).await;
                match fate(&claim.signature, found.map_err(|error| error.into_failure())?.as_deref()) {
                    Fate::Done => break,
                    Fate::Apply => {}
                    Fate::Collision => {
                        collisions += 1;
                        if collisions > MAX_COLLISIONS {
                            return Err(Failure::transient(
                                "marker-collision",
                                format!(
                                    "no free marker for post {} on tab \"{}\"",
                                    claim.signature, claim.tab
                                ),
                            ));
                        }
                        claim = books.next_ordinal(&claim).await?;
                        continue;
                    }
                }
            }
            match self.apply(company, books, &tab, &claim).await? {
                Applied::Yes => break,
                // Perhaps because the marker is there: ask, and try once more.
                Applied::Refused(_) if !refused => (refused, ask) = (true, true),
                Applied::Refused(failure) => return Err(failure),
            }
        }
        // In this order, since they can be two databases: a stamp without a mark is found by the claim.
        if claim.kind() == TabKind::Pending {
            books.stamp(&claim.signature, &claim.row_ids).await?;
        }
        books.mark_posted(&claim).await?;
        tracing::info!(company, tab = %claim.tab, signature = %claim.signature, rows = claim.row_ids.len(),
            rules_version = claim.rules_version, "posted");
        Ok(())
    }

    async fn apply(
        &self,
        company: &str,
        books: &mut dyn Books,
        tab: &Tab,
        claim: &Claim,
    ) -> Result<Applied, Failure> {
        let rows = match claim.rules_version {
            None => {
                let rows = books.claimed_rows(&claim.row_ids).await?;
                rows.iter().map(|row| row.cells(company)).collect()
            }
            Some(version) => active_rows(company, &self.rules(company, books, version).await?),
        };
        self.sheets.ensure_tab(tab, &self.token).await.map_err(|error| error.into_failure())?;
        let forget = self.old_markers(books, tab).await?;
        let marker = Marker { id: claim.marker(), value: claim.signature.clone() };
        let post = Post { tab, marker: &marker, rows: &rows, forget: &forget };
        let result = match tab.kind {
            TabKind::Pending => self.sheets.append(post, &self.token).await,
            TabKind::Active => self.sheets.replace(post, &self.token).await,
        };
        match result {
            Ok(()) => Ok(Applied::Yes),
            Err(error) if error.kind == ErrorKind::Rejected => Ok(Applied::Refused(error.into_failure())),
            Err(error) => Err(error.into_failure()),
        }
    }

    async fn rules(
        &self,
        company: &str,
        books: &mut dyn Books,
        version: i64,
    ) -> Result<Vec<crate::model::ledger::rules::ActiveRule>, Failure> {
        books.rules(version).await?.ok_or_else(|| {
            Failure::transient(
                "rules-version-missing",
                format!("version {version} of company {company}'s rules is not in control.rule_versions"),
            )
        })
    }

    /// Markers the next post of `tab` deletes; only now and then, since listing them costs a call.
    async fn old_markers(&self, books: &mut dyn Books, tab: &Tab) -> Result<Vec<i32>, Failure> {
        let due = {
            let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
            let made = posts.entry(tab.clone()).or_default();
            *made = made.wrapping_add(1);
            *made % TIDY_EVERY == 1
        };
        if !due {
            return Ok(Vec::new());
        }
        let listed = self.sheets.markers(tab).await.map_err(|error| error.into_failure())?;
        let listed: Vec<(i32, String)> = listed.into_iter().map(|marker| (marker.id, marker.value)).collect();
        let posts = books.newest_posts(&tab.name).await?;
        Ok(to_forget(&listed, &posts, self.clock.now()))
    }
}

enum Applied {
    Yes,
    /// The workbook did not take the request.
    Refused(Failure),
}

/// A post's rows are bounded by its size, far below this limit.
fn count(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

impl Drain for Posting {
    fn name(&self) -> &'static str {
        "posting"
    }

    fn sweep(&self) -> DrainFuture<'_, Vec<String>> {
        self.store.waiting()
    }

    fn step<'a>(&'a self, key: &'a str) -> DrainFuture<'a, Drained> {
        Box::pin(async move {
            match self.store.lead(key).await? {
                Led::Elsewhere => Ok(Drained::NotLeader),
                Led::Unknown => Ok(Drained::Empty),
                Led::Here(mut books) => {
                    let worked = self.work(key, books.as_mut()).await;
                    let closed = books.close().await;
                    // What went wrong with the work is the better story.
                    let drained = worked?;
                    closed.map(|()| drained)
                }
            }
        })
    }
}
