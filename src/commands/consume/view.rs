//! What a running consumer shows: events on stderr, one quiet live line, what a shadow would post.

use crate::app::App;
use crate::engine::{BlockedLane, Event, Failure, OVER_SHARE, Reporter, Snapshot, Summary};
use crate::error::Result;
use crate::handlers::ledger::ShadowReport;
use crate::handlers::ledger::posting::{WouldPost, would_post};
use crate::model::company::CompanyConfig;
use crate::model::count::counted;
use crate::postgres::{Dsn, Pools};
use crate::ui::{Progress, Ui};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shows what one consumer tells.
pub struct Console {
    ui: Ui,
    worker: &'static str,
    line: Progress,
    ended_before: Mutex<u64>,
}

impl Console {
    /// A console of the consumer `worker`.
    pub fn new(ui: Ui, worker: &'static str) -> Self {
        let line = ui.progress(worker, None);
        Console { ui, worker, line, ended_before: Mutex::new(0) }
    }
}

impl Reporter for Console {
    fn event(&self, event: Event) {
        let worker = self.worker;
        match event {
            Event::Assigned { partition, start, fresh } => {
                let from = if fresh { "the earliest record, " } else { "" };
                self.ui.detail(&format!("{worker}: {partition} from {from}offset {start}"));
            }
            Event::Revoked(partition) => {
                self.ui.detail(&format!("{worker}: {partition} went to another member"))
            }
            Event::RecordsLost { partition, offsets } => self.ui.warn(&format!(
                "{worker}: {} offsets of {partition} were deleted before they were read: {}..{}",
                offsets.end - offsets.start,
                offsets.start,
                offsets.end
            )),
            Event::CommittedAhead(ahead) => self.ui.warn(&format!(
                "{worker}: the group had committed offset {} of {}, and its log ends at {}: it is read from its start",
                ahead.offsets.end, ahead.partition, ahead.offsets.start
            )),
            Event::DeadLettered(letter) => self.ui.warn(&format!(
                "{worker}: dead-lettered {}@{}: {} ({}, {})",
                letter.partition, letter.offset, letter.message, letter.class, letter.kind
            )),
            // The first failure and then ever rarer: a lane that waits for hours is not news every ten seconds.
            Event::Retrying { lane, wait } if lane.failures.is_power_of_two() || lane.failures == 0 => {
                let next = wait.map_or_else(
                    || "until its dependency answers again".to_owned(),
                    |wait| format!("next try in {:.1} s", wait.as_secs_f64()),
                );
                self.ui.warn(&format!("{worker}: {} waits, {next}", blocked(&lane)));
            }
            Event::Retrying { .. } => {}
            Event::Paused { partition, reason } if reason == OVER_SHARE => {
                self.ui.detail(&format!("{worker}: {partition} waits: {reason}"))
            }
            Event::Paused { partition, reason } => {
                self.ui.warn(&format!("{worker}: {partition} is paused: {reason}"))
            }
            Event::Resumed { reason, .. } if reason == OVER_SHARE => {}
            Event::Resumed { partition, .. } => self.ui.status(&format!("{worker}: {partition} goes on")),
            Event::BreakerOpened { dependency, lanes } => self.ui.warn(&format!(
                "{worker}: {dependency} is away: {lanes} lanes wait, one at a time tries; nothing is given up"
            )),
            Event::BreakerClosed(dependency) => {
                self.ui.status(&format!("{worker}: {dependency} answers again"))
            }
            Event::CommitFailed { partition, reason } => {
                self.ui.warn(&format!("{worker}: committing {partition}: {reason}; tried again"));
            }
            Event::Trouble(text) => self.ui.warn(&format!("{worker}: {text}")),
            Event::DrainFailed { drain, key, reason } => {
                self.ui.warn(&format!("{worker}: {drain} of {key}: {reason}; tried again"));
            }
        }
    }

    fn snapshot(&self, snapshot: &Snapshot) {
        let lag: i64 = snapshot.partitions.iter().map(|at| (at.log_end - at.low_water).max(0)).sum();
        let ended = snapshot.handled + snapshot.dead_lettered;
        // A snapshot comes every second, so the difference is the rate.
        let mut before = self.ended_before.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = ended.saturating_sub(std::mem::replace(&mut *before, ended));
        let mut text = format!(
            "{rate}/s, lag {lag}, in flight {}, dead letters {}",
            snapshot.in_flight, snapshot.dead_lettered
        );
        if snapshot.blocked_lanes > 0 {
            text.push_str(&format!(", blocked lanes {}", snapshot.blocked_lanes));
        }
        for drain in snapshot.drains.iter().filter(|drain| drain.keys > 0) {
            text.push_str(&format!(", {} {}", drain.name, drain.keys));
        }
        self.line.message(&text);
    }
}

/// A lane that waits, in one line without payload.
pub fn blocked(lane: &BlockedLane) -> String {
    format!("{}@{} ({} records behind a failure: {})", lane.partition, lane.offset, lane.waiting, lane.reason)
}

/// The last line of a consumer.
pub fn summary(ui: &Ui, name: &str, summary: &Summary) -> Result<()> {
    let totals = &summary.totals;
    let mut text = format!("{name}: {} handled, {} dead-lettered", totals.handled, totals.dead_lettered);
    if totals.rejected > 0 {
        text.push_str(&format!(", {} rejected", totals.rejected));
    }
    let steps: u64 = totals.drains.iter().map(|drain| drain.steps).sum();
    if steps > 0 {
        text.push_str(&format!(", {}", counted(steps, "post", "posts")));
    }
    let committed = if summary.uncommitted { "not all committed" } else { "all committed" };
    ui.status(&format!("{text}, {committed}"));
    Ok(())
}

/// How often a running shadow says what is new.
const SHADOW_NEWS: Duration = Duration::from_secs(30);

/// Gathers the companies a shadow would post for, and says what: while it runs when there is news, and at the end.
pub struct ShadowPosts {
    ui: Ui,
    pools: Option<(Pools, Dsn)>,
    companies: Arc<Mutex<Companies>>,
}

#[derive(Default)]
struct Companies {
    /// All that were handled.
    all: BTreeSet<String>,
    /// Those that were handled since their posts were last looked at.
    news: BTreeSet<String>,
}

/// The hand of [`ShadowPosts`] that a handler holds.
pub struct ShadowHand(Arc<Mutex<Companies>>);

impl ShadowReport for ShadowHand {
    fn would_post(&self, company: &CompanyConfig) {
        let mut companies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        companies.all.insert(company.company_id.clone());
        companies.news.insert(company.company_id.clone());
    }
}

impl ShadowPosts {
    /// Nothing gathered yet.
    pub fn new(app: &App) -> Self {
        let pools = app.control_dsn().ok().map(|dsn| (app.pools().clone(), dsn));
        ShadowPosts { ui: app.ui.clone(), pools, companies: Arc::default() }
    }
    /// A hand for one handler.
    pub fn report(&self) -> ShadowHand {
        ShadowHand(self.companies.clone())
    }
    /// Says from time to time what is new, for as long as it is awaited; handlers never wait for it.
    pub async fn tell(&self) {
        // What was said of each tab: its signature.
        let mut said: BTreeMap<(String, String), String> = BTreeMap::new();
        loop {
            tokio::time::sleep(SHADOW_NEWS).await;
            let news = std::mem::take(&mut self.companies().news);
            let (posts, failed) = self.look(news).await;
            for post in posts {
                let tab = (post.company_id.clone(), post.tab.clone());
                if said.insert(tab, post.signature.clone()).as_ref() != Some(&post.signature) {
                    self.say(&post);
                }
            }
            // Looked at again next time; what fails at the end is told there.
            self.companies().news.extend(failed.into_iter().map(|(company, _)| company));
        }
    }
    /// Says what a live run would post next.
    pub async fn finish(&self) {
        let (posts, failed) = self.would_post().await;
        posts.iter().for_each(|post| self.say(post));
        for (company, failure) in failed {
            self.ui.warn(&format!("what would be posted for {company} is not known: {failure}"));
        }
    }
    /// What a live run would post next for the companies gathered so far, and for which that is not known.
    pub async fn would_post(&self) -> (Vec<WouldPost>, Vec<(String, Failure)>) {
        let companies = self.companies().all.clone();
        self.look(companies).await
    }
    fn companies(&self) -> MutexGuard<'_, Companies> {
        self.companies.lock().unwrap_or_else(PoisonError::into_inner)
    }
    async fn look(&self, companies: BTreeSet<String>) -> (Vec<WouldPost>, Vec<(String, Failure)>) {
        let (mut posts, mut failed) = (Vec::new(), Vec::new());
        let Some((pools, control)) = &self.pools else { return (posts, failed) };
        for company in companies {
            match would_post(pools, control, &company).await {
                Ok(found) => posts.extend(found),
                Err(failure) => failed.push((company, failure)),
            }
        }
        (posts, failed)
    }
    fn say(&self, post: &WouldPost) {
        let WouldPost { company_id, tab, rows, signature } = post;
        let rows = counted(*rows, "row", "rows");
        self.ui.status(&format!("shadow: would post {rows} to \"{tab}\" of {company_id} ({signature})"));
    }
}
