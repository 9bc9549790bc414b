//! `kylo demo --transactions N`: generated transactions of ten companies, sent while they are consumed.

use super::play::{Play, token};
use super::{interrupted, show, steps};
use crate::app::Mode;
use crate::engine::Policy;
use crate::error::{Error, Result};
use crate::model::ledger::identity::txn_uid;
use crate::model::ledger::transaction::{CompanyTxns, Txn};
use crate::model::offsets::GroupOffset;
use crate::model::pipeline::TXNS;
use crate::model::posting::TabKind;
use crate::model::record::{Delivery, OutgoingRecord, TopicPartition};
use crate::postgres::census;
use crate::shutdown;
use jiff::civil::date;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const COMPANIES: u64 = 10;
const FIRST_COMPANY: u64 = 801;
/// Transactions of one message.
const PER_MESSAGE: u64 = 500;
/// Messages sent before the broker's acknowledgements are read.
const WINDOW: usize = 40;
/// The demo's broker keeps 5 MiB a partition and then drops the oldest: never more than this is unread there.
const UNREAD: usize = 4 << 20;
/// Where every transaction but three in ten belongs.
const MERCHANTS: [&str; 7] =
    ["STARBUCKS", "OFFICE DEPOT", "CITY POWER", "RENT", "PAYROLL", "FUEL STATION", "CLOUD HOSTING"];
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Nothing moved for so long: something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Transaction number `number` (from 0) of any company. Three in ten have a description of their own, which no
/// rule matches.
fn txn(number: u64) -> Txn<'static> {
    let description = match is_open(number) {
        true => own_description(number),
        false => MERCHANTS[(number % 7) as usize].to_owned(),
    };
    let day = date(2025, 1, 1).checked_add(jiff::Span::new().days((number % 365) as i64));
    Txn {
        id: id(number).into(),
        date: day.unwrap_or(date(2025, 1, 1)),
        cents: -100 - (number * 37 % 99_900) as i64,
        currency: "USD".into(),
        description: description.into(),
        counterparty: None,
        memo: None,
        category: None,
    }
}

fn is_open(number: u64) -> bool {
    number % 10 < 3
}

fn id(number: u64) -> String {
    format!("load-{number}")
}

/// In the normal form already, as the tab shows it.
fn own_description(number: u64) -> String {
    format!("corner shop {number:07}")
}

/// How many of `count` transactions the company at `index` gets.
fn share(count: u64, index: u64) -> u64 {
    count / COMPANIES + u64::from(index < count % COMPANIES)
}

fn company_id(index: u64) -> String {
    (FIRST_COMPANY + index).to_string()
}

fn companies_file() -> String {
    let table = |id: String| {
        format!(
            "[[company]]\ncompany_id = \"{id}\"\ndb_dsn_rw = \"${{PG_DSN_RW}}\"\ndb_schema = \"app_{id}\"\n\
             spreadsheet_id = \"ledger-{id}\"\ntab_pending = \"{id} Pending\"\ntab_active = \"{id} Active\"\n"
        )
    };
    (0..COMPANIES).map(company_id).map(table).collect()
}

fn rules_file() -> String {
    let mut text = "company_id,source,target_sheet,target_header\n".to_owned();
    for id in (0..COMPANIES).map(company_id) {
        for merchant in MERCHANTS {
            text.push_str(&format!("{id},{merchant},EXPENSES,{merchant}\n"));
        }
    }
    text
}

/// Plays it and checks that every transaction is stored once and every open one stands on its tab once.
pub async fn run(play: &mut Play<'_>, count: u64) -> Result<()> {
    let app = play.app;
    let seeded = steps::seed(app, &token(), &companies_file()).await?;
    play.told("kylo seed ten-companies.toml --yes", &format!("{} companies inserted", seeded.len()))?;
    let rules = steps::import(app, &token(), &play.companies().await?, &rules_file()).await?;
    play.told("kylo rules import ten-companies.csv --yes", &format!("{rules} rules approved"))?;
    let asked = steps::send(app, &token(), steps::promotions(app, &seeded)?).await?.len();
    play.told("kylo send promote", &format!("{asked} requests"))?;
    let ran = steps::consume(app, "promote", true).await?;
    play.told(
        "kylo consume promote --live --exit-when-idle",
        &format!("rules in force, {} Active tabs posted", ran.posts()),
    )?;

    let took = through(play, count).await?;
    let rate = count as f64 / took.as_secs_f64();
    play.told(
        "kylo consume txns --live & kylo send txns generated.json",
        &format!(
            "{} transactions in {:.1} s, {} a second",
            grouped(count),
            took.as_secs_f64(),
            grouped(rate as u64)
        ),
    )?;
    checks(play, count).await
}

/// Sends everything while a live consumer runs; the time until the last row is on its tab.
async fn through(play: &Play<'_>, count: u64) -> Result<Duration> {
    let app = play.app;
    let policy = Policy { commit_every: Duration::from_millis(100), ..Policy::default() };
    let listener = Arc::new(steps::Listener::new(app.ui.clone()));
    let consumer = app.consumer(steps::order("txns", Mode::Live, policy, listener)?).await?;
    let (trigger, stop) = shutdown::channel();
    let began = Instant::now();
    let mut running = tokio::spawn(consumer.run(stop));
    let worked = tokio::select! {
        worked = send_and_wait(play, count) => worked,
        ended = &mut running => {
            let reason = match ended {
                Ok(Ok(_)) => "it stopped by itself".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            return Err(Error::failed("the consumer ended before its work was done").cause(reason));
        }
    };
    let took = began.elapsed();
    trigger.advance();
    let ended = running.await.map_err(|error| Error::failed("the consumer broke").source(&error))?;
    worked?;
    ended.map_err(|error| Error::failed(format!("txns: {error}")))?;
    Ok(took)
}

async fn send_and_wait(play: &Play<'_>, count: u64) -> Result<()> {
    let app = play.app;
    let bar = app.ui.progress("transactions", Some(count));
    let mut unread = Unread::default();
    let mut left: Vec<(u64, u64)> = (0..COMPANIES).map(|index| (0, share(count, index))).collect();
    let mut sent = 0;
    let mut window = Vec::new();
    while left.iter().any(|(next, end)| next < end) {
        for (index, (next, end)) in (0..).zip(&mut left) {
            let upto = (*next + PER_MESSAGE).min(*end);
            if *next == upto {
                continue;
            }
            let transactions = (*next..upto).map(txn).collect();
            let company = CompanyTxns { company_id: company_id(index), transactions };
            window.extend(steps::batches(app, &[company])?);
            sent += upto - *next;
            *next = upto;
        }
        if window.len() >= WINDOW {
            unread.send(play, std::mem::take(&mut window)).await?;
            bar.set(sent);
        }
    }
    unread.send(play, window).await?;
    bar.set(sent);
    let mut watch = Watch::new();
    loop {
        let waiting = play.lag().await?;
        let unposted: i64 =
            census::counts(&mut play.lease().await?).await?.values().map(|counts| counts.unposted).sum();
        if waiting == 0 && unposted == 0 {
            return Ok(());
        }
        watch.look(play, (waiting, unposted)).await?;
    }
}

/// Waits between two looks; an end to it after a signal, or when nothing moves.
struct Watch {
    seen: Option<(i64, i64)>,
    since: Instant,
}

impl Watch {
    fn new() -> Self {
        Watch { seen: None, since: Instant::now() }
    }
    async fn look(&mut self, play: &Play<'_>, now: (i64, i64)) -> Result<()> {
        if play.app.shutdown.is_requested() {
            return Err(interrupted());
        }
        if self.seen != Some(now) {
            *self = Watch { seen: Some(now), since: Instant::now() };
        }
        if self.since.elapsed() > PATIENCE {
            let waited = PATIENCE.as_secs();
            return Err(Error::failed(format!(
                "nothing moved for {waited} s: {} messages and {} rows wait",
                now.0, now.1
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }
}

/// What lies in the partitions and is not committed yet.
#[derive(Default)]
struct Unread(BTreeMap<TopicPartition, VecDeque<(i64, usize)>>);

impl Unread {
    /// Sends; first waits until every partition has room.
    async fn send(&mut self, play: &Play<'_>, records: Vec<OutgoingRecord>) -> Result<()> {
        if play.app.shutdown.is_requested() {
            return Err(interrupted());
        }
        let mut watch = Watch::new();
        while self.fullest() > UNREAD {
            let group = play.app.settings.name(TXNS.group);
            let partitions: Vec<TopicPartition> = self.0.keys().cloned().collect();
            self.forget(&play.app.admin().await?.committed(&group, Some(&partitions)).await?);
            if self.fullest() > UNREAD {
                watch.look(play, (self.fullest() as i64, 0)).await?;
            }
        }
        let sizes: Vec<usize> =
            records.iter().map(|r| r.value.as_ref().map_or(0, bytes::Bytes::len)).collect();
        let sent = steps::send(play.app, &token(), records).await?;
        self.note(sent.into_iter().zip(sizes));
        Ok(())
    }
    fn note(&mut self, sent: impl Iterator<Item = (Delivery, usize)>) {
        for (delivery, size) in sent {
            self.0.entry(delivery.target).or_default().push_back((delivery.offset, size));
        }
    }
    fn forget(&mut self, committed: &BTreeMap<TopicPartition, GroupOffset>) {
        for (at, records) in &mut self.0 {
            let read = committed.get(at).map_or(0, |position| position.offset);
            while records.front().is_some_and(|(offset, _)| *offset < read) {
                records.pop_front();
            }
        }
    }
    /// Bytes in the fullest partition.
    fn fullest(&self) -> usize {
        self.0.values().map(|records| records.iter().map(|(_, size)| size).sum()).max().unwrap_or(0)
    }
}

async fn checks(play: &mut Play<'_>, count: u64) -> Result<()> {
    let configs = play.companies().await?;
    let (mut stored, mut posted) = (Once::default(), Once::default());
    for index in 0..COMPANIES {
        let (company, share) = (company_id(index), share(count, index));
        let uids = census::txn_uids(&mut play.lease().await?, &company).await?;
        stored.add(uids, (0..share).map(|number| txn_uid(&company, &id(number))).collect());
        let Some(config) = configs.iter().find(|config| config.company_id == company) else { continue };
        let rows = show::tab(play.app, config, TabKind::Pending).await?.unwrap_or_default();
        let sources: Vec<String> = rows.into_iter().filter_map(|row| row.into_iter().nth(1)).collect();
        posted.add(sources, (0..share).filter(|number| is_open(*number)).map(own_description).collect());
    }
    play.check("load: transactions, each stored once", stored.expected(), stored.seen());
    play.check("load: open ones, each on its tab once", posted.expected(), posted.seen());
    Ok(())
}

/// Counts what was seen against what had to be seen, each exactly once.
#[derive(Debug, Default, PartialEq, Eq)]
struct Once {
    wanted: usize,
    right: usize,
    missing: usize,
    surplus: usize,
}

impl Once {
    fn add<T: std::hash::Hash + Eq>(&mut self, seen: Vec<T>, mut wanted: HashSet<T>) {
        self.wanted += wanted.len();
        for one in seen {
            match wanted.remove(&one) {
                true => self.right += 1,
                false => self.surplus += 1,
            }
        }
        self.missing += wanted.len();
    }
    fn expected(&self) -> String {
        grouped(self.wanted as u64)
    }
    fn seen(&self) -> String {
        let mut text = grouped(self.right as u64);
        if self.missing > 0 {
            text.push_str(&format!(", {} missing", self.missing));
        }
        if self.surplus > 0 {
            text.push_str(&format!(", {} too many", self.surplus));
        }
        text
    }
}

/// `12,345`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::normalise::normalise;
    use crate::model::ledger::rules_csv;

    #[test]
    fn shares_add_up() {
        for count in [1, 9, 10, 11, 50_000, 50_007] {
            assert_eq!((0..COMPANIES).map(|index| share(count, index)).sum::<u64>(), count);
        }
    }

    #[test]
    fn what_is_open_matches_no_rule_and_the_rest_does() {
        let rules = rules_csv::parse(rules_file().as_bytes()).unwrap();
        assert_eq!(rules.len() as u64, COMPANIES * MERCHANTS.len() as u64);
        for number in 0..1000 {
            let txn = txn(number);
            let norm = normalise(&txn.description);
            let matched = rules.iter().any(|rule| rule.rule.source_norm == norm);
            assert_eq!(matched, !is_open(number), "{norm}");
            assert!(!is_open(number) || norm == own_description(number));
        }
    }

    #[test]
    fn what_is_missing_and_what_is_doubled_is_seen() {
        let mut once = Once::default();
        once.add(vec![1, 2, 2, 9], HashSet::from([1, 2, 3]));
        assert_eq!(once, Once { wanted: 3, right: 2, missing: 1, surplus: 2 });
        assert_eq!((once.expected(), once.seen()), ("3".to_owned(), "2, 1 missing, 2 too many".to_owned()));
    }

    #[test]
    fn a_partition_is_as_full_as_what_is_not_committed() {
        let at = TopicPartition::new("t", 3);
        let mut unread = Unread::default();
        let delivery = |offset| Delivery { target: at.clone(), offset };
        unread.note([(delivery(0), 10), (delivery(1), 20), (delivery(2), 30)].into_iter());
        assert_eq!(unread.fullest(), 60);
        unread.forget(&BTreeMap::new());
        assert_eq!(unread.fullest(), 60);
        let position = GroupOffset { offset: 2, metadata: String::new() };
        unread.forget(&BTreeMap::from([(at, position)]));
        assert_eq!(unread.fullest(), 30);
    }

    #[test]
    fn numbers_are_grouped() {
        let table = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        for (number, text) in table {
            assert_eq!(grouped(number), text);
        }
    }
}
