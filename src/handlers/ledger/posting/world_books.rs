//! The books in memory.

use super::world::{PostRow, State, World, rule};
use super::*;
use crate::model::ledger::rules::ActiveRule;
use crate::model::posting::{Earlier, PendingRow, Posted};
use jiff::Timestamp;
use uuid::Uuid;

impl Store for World {
    fn waiting(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async move {
            self.call(|state| {
                let shown = state.last_post("710 Active").and_then(|post| post.claim.rules_version);
                let newest = (!state.versions.is_empty()).then_some(state.versions.len() as i64);
                let any = state.posts.iter().any(|post| post.open)
                    || state.rows.iter().any(|row| row.open && row.stamp.is_none())
                    || (newest.is_some() && newest != shown);
                if any { vec!["710".to_owned()] } else { Vec::new() }
            })
        })
    }
    fn lead<'a>(&'a self, company: &'a str) -> StoreFuture<'a, Led> {
        Box::pin(async move {
            let elsewhere = self.call(|state| state.elsewhere)?;
            Ok(match company {
                "710" if elsewhere => Led::Elsewhere,
                "710" => Led::Here(Box::new(FakeBooks {
                    world: self.clone(),
                    tabs: Tabs {
                        spreadsheet_id: "book".to_owned(),
                        pending: "710 Pending".to_owned(),
                        active: "710 Active".to_owned(),
                    },
                })),
                _ => Led::Unknown,
            })
        })
    }
}

impl State {
    fn last_post(&self, tab: &str) -> Option<&PostRow> {
        let posted = self.posts.iter().filter(|post| post.claim.tab == tab && !post.open);
        posted.max_by_key(|post| post.posted)
    }
}

struct FakeBooks {
    world: World,
    tabs: Tabs,
}

impl Books for FakeBooks {
    fn tabs(&self) -> &Tabs {
        &self.tabs
    }
    fn unfinished(&mut self) -> StoreFuture<'_, Vec<Claim>> {
        Box::pin(async move {
            self.world.call(|state| {
                state.posts.iter().filter(|post| post.open).map(|post| post.claim.clone()).collect()
            })
        })
    }
    fn earlier<'a>(&'a mut self, signature: &'a str) -> StoreFuture<'a, Earlier> {
        Box::pin(async move {
            self.world.call(|state| match state.posts.iter().find(|post| post.claim.signature == signature) {
                None => Earlier::Unknown,
                Some(post) if post.open => Earlier::Posting,
                Some(_) => Earlier::Posted,
            })
        })
    }
    fn claim<'a>(&'a mut self, new: &'a NewClaim) -> StoreFuture<'a, Claim> {
        Box::pin(async move {
            self.world.call(|state| {
                let known = state.posts.iter_mut().find(|post| post.claim.signature == new.signature);
                if let Some(post) = known {
                    assert!(!post.open, "claimed twice");
                    post.open = true;
                    post.claim.ordinal += 1;
                    post.claim.rules_version = new.rules_version;
                    return post.claim.clone();
                }
                let claim = Claim {
                    id: state.posts.len() as i64,
                    tab: new.tab.clone(),
                    signature: new.signature.clone(),
                    row_ids: new.row_ids.clone(),
                    rules_version: new.rules_version,
                    ordinal: 0,
                };
                state.posts.push(PostRow { claim: claim.clone(), posted: None, open: true });
                claim
            })
        })
    }
    fn next_ordinal<'a>(&'a mut self, claim: &'a Claim) -> StoreFuture<'a, Claim> {
        Box::pin(async move {
            self.world.call(|state| {
                let post = &mut state.posts[claim.id as usize];
                post.claim.ordinal += 1;
                post.claim.clone()
            })
        })
    }
    fn unposted(&mut self, limit: usize) -> StoreFuture<'_, Vec<PendingRow>> {
        Box::pin(async move {
            self.world.call(|state| {
                let waiting = state.rows.iter().filter(|row| row.open && row.stamp.is_none());
                waiting.take(limit).map(|row| row.row.clone()).collect()
            })
        })
    }
    fn claimed_rows<'a>(&'a mut self, ids: &'a [Uuid]) -> StoreFuture<'a, Vec<PendingRow>> {
        Box::pin(async move {
            self.world.call(|state| {
                let rows = state.rows.iter().filter(|row| ids.contains(&row.row.txn_uid));
                rows.map(|row| row.row.clone()).collect()
            })
        })
    }
    fn newest_version(&mut self) -> StoreFuture<'_, Option<i64>> {
        Box::pin(async move {
            self.world.call(|state| (!state.versions.is_empty()).then_some(state.versions.len() as i64))
        })
    }
    fn rules(&mut self, version: i64) -> StoreFuture<'_, Option<Vec<ActiveRule>>> {
        Box::pin(async move {
            self.world.call(|state| {
                let index = version as usize - 1;
                state.versions.get(index).map(|source| vec![rule(source, version as usize)])
            })
        })
    }
    fn stamp<'a>(&'a mut self, signature: &'a str, ids: &'a [Uuid]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.world.call(|state| {
                for row in state.rows.iter_mut().filter(|row| ids.contains(&row.row.txn_uid)) {
                    row.stamp.get_or_insert_with(|| signature.to_owned());
                }
            })
        })
    }
    fn mark_posted<'a>(&'a mut self, claim: &'a Claim) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.world.call(|state| {
                state.tick += 1;
                let tick = state.tick;
                let post = &mut state.posts[claim.id as usize];
                assert!(post.open && post.claim.ordinal == claim.ordinal);
                (post.open, post.posted) = (false, Some(tick));
            })
        })
    }
    fn last_post<'a>(&'a mut self, tab: &'a str) -> StoreFuture<'a, Option<(String, Option<i64>)>> {
        Box::pin(async move {
            self.world.call(|state| {
                let last = state.last_post(tab);
                last.map(|post| (post.claim.signature.clone(), post.claim.rules_version))
            })
        })
    }
    fn advance_version<'a>(&'a mut self, signature: &'a str, version: i64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.world.call(|state| {
                let known = state.posts.iter_mut().find(|post| post.claim.signature == signature);
                if let Some(post) = known {
                    post.claim.rules_version = Some(version);
                }
            })
        })
    }
    fn newest_posts<'a>(&'a mut self, tab: &'a str) -> StoreFuture<'a, Vec<Posted>> {
        Box::pin(async move {
            self.world.call(|state| {
                let posted = state.posts.iter().filter(|post| post.claim.tab == tab);
                posted
                    .filter_map(|post| {
                        Some(Posted {
                            signature: post.claim.signature.clone(),
                            ordinal: post.claim.ordinal,
                            posted_at: Timestamp::from_second(post.posted?).ok()?,
                        })
                    })
                    .collect()
            })
        })
    }
    fn close<'a>(self: Box<Self>) -> StoreFuture<'a, ()>
    where
        Self: 'a,
    {
        Box::pin(async move { self.world.call(|_| ()) })
    }
}
