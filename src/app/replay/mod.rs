//! Replay: dead letters go back to where they came from, each at least once.
//!
//! Progress is the committed offset of the replay group, with what is done above it, and is committed only after
//! the broker acknowledged what was sent: a kill between the two sends that batch again. Nothing is ever written into a dead-letter topic.

mod letters;
mod progress;

pub use letters::{Places, envelope, letter, place};

use super::App;
use crate::consent::WriteToken;
use crate::engine::dead_letter::replayed;
use crate::error::{Error, ErrorKind, Result};
use crate::kafka::{Admin, Producer, Reader};
use crate::model::count::counted;
use crate::model::offsets::GroupOffset;
use crate::model::pipeline::LEDGER;
use crate::model::record::{OutgoingRecord, StoredRecord, TopicPartition};
use crate::model::replay::{self, Filter, Letter, Route, Verdict};
use crate::model::suggest::not_found;
use crate::mutants::planted;
use progress::Progress;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Letters sent, acknowledged and committed together.
const BATCH: usize = 200;
/// Letters named one by one at the end; the rest is counted.
const NAMED: usize = 50;

impl App {
    /// The group whose committed offsets are the progress of replay.
    pub fn replay_group(&self) -> String {
        self.settings.name(("groups.replay", LEDGER.replay_group))
    }
}

/// What a replay decides by.
pub struct Rules {
    /// Which letters are meant.
    pub filter: Filter,
    /// Where to, instead of the letter's own topic.
    pub to_topic: Option<String>,
    /// A letter that was sent back this often stays.
    pub max_retries: u32,
    /// Most letters sent by one run.
    pub limit: u64,
    /// The cluster's id.
    pub cluster: String,
    /// When the run began, for the headers.
    pub now: jiff::Timestamp,
}

impl Rules {
    fn judge(&self, record: &StoredRecord) -> (Verdict, Letter) {
        let (envelope, named) = envelope(record, &self.cluster);
        let letter = letter(record, &envelope, named);
        (replay::judge(&letter, &self.filter, self.to_topic.as_deref(), self.max_retries), letter)
    }
    fn outgoing(&self, record: &StoredRecord, target: &str) -> OutgoingRecord {
        let (envelope, _) = envelope(record, &self.cluster);
        replayed(record, &envelope, target.into(), concat!("kylo/", env!("CARGO_PKG_VERSION")), self.now)
    }
}

/// What would be done.
#[derive(Default)]
pub struct Plan {
    /// Letters by fate and reason.
    pub routes: Vec<Route>,
    /// How many would be sent.
    pub sends: u64,
    /// How many do not say where they came from.
    pub no_target: u64,
    at_limit: u64,
    named: Vec<String>,
}

/// Reads everything that is not done yet and decides about it.
pub async fn plan(app: &App, places: &Places, rules: &Rules) -> Result<Plan> {
    let progress = places.progress();
    let mut reader = Reader::open(app.kafka().await?, places.ranges(Some(&progress)))?;
    let mut plan = Plan::default();
    let bar = app.ui.progress("read dead letters", None);
    while let Some(record) = reader.next().await {
        let record = record?;
        if app.shutdown.is_requested() {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted: nothing was sent"));
        }
        if progress.get(&record.source).is_some_and(|progress| progress.is_done(record.offset)) {
            continue;
        }
        bar.inc(1);
        let (verdict, letter) = rules.judge(&record);
        match verdict {
            Verdict::Send(_) if plan.sends == rules.limit => continue,
            Verdict::Send(_) => plan.sends += 1,
            Verdict::NoTarget => plan.no_target += 1,
            Verdict::Filtered => {}
            Verdict::AtLimit => {
                plan.at_limit += 1;
                if plan.named.len() < NAMED {
                    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                    let (class, kind) = (text(&letter.class), text(&letter.kind));
                    plan.named.push(format!("{}: {class}, {kind}", place(&record)));
                }
            }
        }
        replay::tally(&mut plan.routes, &record.source.topic, &letter, &verdict);
    }
    bar.finish();
    plan.named.sort();
    Ok(plan)
}

/// Refuses a plan that names a topic that does not exist, or the letters' own.
pub async fn check_targets(admin: &Admin, routes: &[Route]) -> Result<()> {
    let known = admin.topics().await?;
    for route in routes {
        let Some(target) = &route.target else { continue };
        if *target == route.topic {
            return Err(Error::usage(format!("dead letters of {target:?} cannot be sent into it again"))
                .hint("--to-topic names another topic"));
        }
        if !known.iter().any(|topic| topic.topic == *target) {
            let names = known.iter().map(|topic| topic.topic.as_str());
            return Err(
                not_found("topic", target, names, "kylo topics list").hint("--to-topic names another one")
            );
        }
    }
    Ok(())
}

impl Plan {
    /// The error (exit 7) that names the letters at the limit, if there are any.
    pub fn refuse_limit(&self, rules: &Rules) -> Result<()> {
        if self.at_limit == 0 {
            return Ok(());
        }
        let (count, max) = (self.at_limit, rules.max_retries);
        let letters = counted(count, "dead letter was", "dead letters were");
        let mut error = Error::check(format!("{letters} sent back {max} times and stay"));
        for name in &self.named {
            error = error.cause(name);
        }
        if count > self.named.len() as u64 {
            error = error.cause(format!("and {} more", count - self.named.len() as u64));
        }
        Err(error
            .hint("kylo dlq show LETTER shows one whole")
            .hint(format!("--max-retries {} sends them once more", max.saturating_add(1))))
    }
}

/// The acting half.
struct Run<'a> {
    app: &'a App,
    admin: &'a Admin,
    producer: Arc<Producer>,
    token: WriteToken,
    rules: &'a Rules,
    group: String,
    /// What the group's offsets are, as far as we know.
    written: BTreeMap<TopicPartition, GroupOffset>,
}

/// Sends what `plan` counted, waits for the acknowledgements, commits; batch by batch. Returns how many were
/// sent, fewer than planned after a stop signal.
pub async fn carry_out(
    app: &App,
    admin: &Admin,
    token: WriteToken,
    rules: &Rules,
    places: &Places,
    plan: &Plan,
) -> Result<u64> {
    let (producer, group) = (app.producer().await?, app.replay_group());
    let run = Run { app, admin, producer, token, rules, group, written: places.committed.clone() };
    run.carry_out(places, plan.sends).await
}

impl Run<'_> {
    async fn carry_out(mut self, places: &Places, total: u64) -> Result<u64> {
        let mut progress = places.progress();
        // Committing first what is committed already proves, before anything is sent, that we may commit and
        // that nobody is in the group.
        self.commit(&progress, true).await?;
        let mut reader = Reader::open(self.app.kafka().await?, places.ranges(Some(&progress)))?;
        let bar = self.app.ui.progress("send back", Some(total));
        let mut batch: Vec<(TopicPartition, i64, OutgoingRecord)> = Vec::new();
        let (mut taken, mut sent) = (0, 0);
        while taken < self.rules.limit && !self.app.shutdown.is_requested() {
            let Some(record) = reader.next().await else {
                for (at, log) in &places.logs {
                    if let Some(progress) = progress.get_mut(at) {
                        progress.pass_all(log.end);
                    }
                }
                break;
            };
            let record = record?;
            let Some(progress_here) = progress.get_mut(&record.source) else { continue };
            progress_here.pass(record.offset);
            if progress_here.is_done(record.offset) {
                continue;
            }
            let (Verdict::Send(target), _) = self.rules.judge(&record) else { continue };
            let outgoing = self.rules.outgoing(&record, &target);
            batch.push((record.source, record.offset, outgoing));
            taken += 1;
            if batch.len() == BATCH {
                sent += self.send(&mut progress, &mut batch).await?;
                bar.set(sent);
            }
        }
        sent += self.send(&mut progress, &mut batch).await?;
        bar.finish();
        Ok(sent)
    }

    /// Sends one batch and commits what the broker acknowledged.
    async fn send(
        &mut self,
        progress: &mut BTreeMap<TopicPartition, Progress>,
        batch: &mut Vec<(TopicPartition, i64, OutgoingRecord)>,
    ) -> Result<u64> {
        self.check_room(progress, batch)?;
        self.check_unmoved().await?;
        let (spots, records): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|(at, offset, record)| ((at, offset), record)).unzip();
        if planted("replay-commits-first") {
            for (at, offset) in &spots {
                if let Some(progress) = progress.get_mut(at) {
                    progress.mark(*offset);
                }
            }
            self.commit(progress, false).await?;
        }
        let results = self.producer.send_all(&self.token, records.into_iter(), |_| {}).await;
        let (mut sent, mut refused) = (0, Vec::new());
        for ((at, offset), result) in spots.into_iter().zip(results) {
            match result {
                Ok(_) => {
                    if let Some(progress) = progress.get_mut(&at) {
                        progress.mark(offset);
                    }
                    sent += 1;
                }
                Err(error) => refused.push(format!("{at}@{offset}: {error}")),
            }
        }
        self.commit(progress, false).await?;
        if refused.is_empty() {
            return Ok(sent);
        }
        let mut error = Error::failed(format!("{} dead letters could not be sent back", refused.len()))
            .hint("they stay; run it again once the cause is mended");
        for line in refused.into_iter().take(NAMED) {
            error = error.cause(line);
        }
        Err(error)
    }

    /// Refuses a batch whose success could not be written down: it would be sent again by the next run.
    fn check_room(
        &self,
        progress: &BTreeMap<TopicPartition, Progress>,
        batch: &[(TopicPartition, i64, OutgoingRecord)],
    ) -> Result<()> {
        let mut after = progress.clone();
        for (at, offset, _) in batch {
            if let Some(progress) = after.get_mut(at) {
                progress.mark(*offset);
            }
        }
        match after.iter().find(|(_, progress)| progress.position().is_none()) {
            None => Ok(()),
            Some((at, _)) => Err(Error::failed(format!("progress in {at} no longer fits into a commit"))
                .cause("too many letters stay between those that were sent back")
                .hint("send the older ones first: fewer filters, or a higher --max-retries")),
        }
    }

    /// Refuses to go on when somebody else commits for the same group. This finds a second replay, it does not
    /// keep it out: both may send the batches they have in hand. Keeping it out takes a transactional id.
    async fn check_unmoved(&self) -> Result<()> {
        let partitions: Vec<TopicPartition> = self.written.keys().cloned().collect();
        let now = self.admin.committed(&self.group, Some(&partitions)).await?;
        match self.written.iter().find(|(at, position)| now.get(*at) != Some(*position)) {
            None => Ok(()),
            Some((at, _)) => {
                Err(Error::not_done(format!("somebody else moved group {:?} in {at}", self.group))
                    .cause("another replay is running")
                    .hint("let it finish, then run this one again"))
            }
        }
    }

    async fn commit(&mut self, progress: &BTreeMap<TopicPartition, Progress>, all: bool) -> Result<()> {
        let mut changed = Vec::new();
        for (at, progress) in progress {
            let position = progress.position().ok_or_else(|| {
                Error::failed(format!("progress in {at} no longer fits into a commit"))
                    .cause("the last batch may be sent again")
            })?;
            if all || self.written.get(at) != Some(&position) {
                changed.push((at.clone(), position));
            }
        }
        self.admin.commit(&self.token, &self.group, &changed).await?;
        self.written.extend(changed);
        Ok(())
    }
}
