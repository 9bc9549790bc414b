//! What the drain needs of the databases: who leads, what waits, and the books of one company.

use crate::engine::Failure;
use crate::model::ledger::rules::ActiveRule;
use crate::model::posting::{Claim, Earlier, NewClaim, PendingRow, Posted, TabKind};
use crate::sheets::Tab;
use std::future::Future;
use std::pin::Pin;
use uuid::Uuid;

/// The future of one call to the books.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// A company's workbook and its tabs, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tabs {
    /// The workbook.
    pub spreadsheet_id: String,
    /// Name of the Pending tab.
    pub pending: String,
    /// Name of the Active tab.
    pub active: String,
}

impl Tabs {
    /// The tab of this kind as it is configured now.
    pub fn tab(&self, kind: TabKind) -> Tab {
        let name = match kind {
            TabKind::Pending => &self.pending,
            TabKind::Active => &self.active,
        };
        self.named(kind, name)
    }
    /// A tab of the workbook by name: a claim keeps the name it was made for.
    pub fn named(&self, kind: TabKind, name: &str) -> Tab {
        Tab { spreadsheet_id: self.spreadsheet_id.clone(), name: name.to_owned(), kind }
    }
}

/// The answer to somebody who wants to lead a company's posts.
pub enum Led {
    /// Yes: here are the books. Nobody else has them until they are closed.
    Here(Box<dyn Books>),
    /// Another process leads now.
    Elsewhere,
    /// There is no such company.
    Unknown,
}

/// The databases as the drain sees them.
pub trait Store: Send + Sync + 'static {
    /// Companies that have something to post, or an unfinished claim. A company whose database is away counts
    /// as one that has: nobody knows.
    fn waiting(&self) -> StoreFuture<'_, Vec<String>>;
    /// Asks to lead `company`.
    fn lead<'a>(&'a self, company: &'a str) -> StoreFuture<'a, Led>;
}

/// The books of one company, open to its leader alone.
pub trait Books: Send {
    /// Where it posts.
    fn tabs(&self) -> &Tabs;
    /// Its unfinished claims, oldest first.
    fn unfinished(&mut self) -> StoreFuture<'_, Vec<Claim>>;
    /// What is known about a signature.
    fn earlier<'a>(&'a mut self, signature: &'a str) -> StoreFuture<'a, Earlier>;
    /// Writes a claim; it is durable when this returns.
    fn claim<'a>(&'a mut self, new: &'a NewClaim) -> StoreFuture<'a, Claim>;
    /// Gives a claim the next ordinal.
    fn next_ordinal<'a>(&'a mut self, claim: &'a Claim) -> StoreFuture<'a, Claim>;
    /// Open pending rows that were not posted, in order of arrival, `limit` at most.
    fn unposted(&mut self, limit: usize) -> StoreFuture<'_, Vec<PendingRow>>;
    /// The rows of a claim, whatever became of them since.
    fn claimed_rows<'a>(&'a mut self, ids: &'a [Uuid]) -> StoreFuture<'a, Vec<PendingRow>>;
    /// Newest version of the rules; `None` before the first promotion.
    fn newest_version(&mut self) -> StoreFuture<'_, Option<i64>>;
    /// The rules of a version; `None` when there is no such version.
    fn rules(&mut self, version: i64) -> StoreFuture<'_, Option<Vec<ActiveRule>>>;
    /// Stamps rows with the post that carried them.
    fn stamp<'a>(&'a mut self, signature: &'a str, ids: &'a [Uuid]) -> StoreFuture<'a, ()>;
    /// Marks a claim as posted.
    fn mark_posted<'a>(&'a mut self, claim: &'a Claim) -> StoreFuture<'a, ()>;
    /// Signature and rules version of a tab's last post.
    fn last_post<'a>(&'a mut self, tab: &'a str) -> StoreFuture<'a, Option<(String, Option<i64>)>>;
    /// Records that a posted content is also that of a newer version.
    fn advance_version<'a>(&'a mut self, signature: &'a str, version: i64) -> StoreFuture<'a, ()>;
    /// A tab's newest posts, enough to cover its markers.
    fn newest_posts<'a>(&'a mut self, tab: &'a str) -> StoreFuture<'a, Vec<Posted>>;
    /// Gives the lead up. Dropped books give it up too, but only by closing the connection.
    fn close<'a>(self: Box<Self>) -> StoreFuture<'a, ()>
    where
        Self: 'a;
}
