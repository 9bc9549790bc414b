//! The runtime against a broker in memory, on paused time.
//!
//! Size: one scenario after the other on one small bench.

mod dispatch;
mod drains;
mod lost;
mod metrics;
mod mixed;
mod model;
mod quarantine;
mod shares;
mod stale;

use super::dead_letter::{Envelope, Sender, replayed};
use super::memory::MemoryBroker;
use super::*;
use crate::model::clock::FixedClock;
use crate::model::pipeline::WhenSpent;
use crate::shutdown::{self, Shutdown, Trigger};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// Does what the value says: `ok`, `bad`, `panic`, `sleep:<ms>`, `away:<dependency>` (while that is down), and
/// writes down what it ended.
#[derive(Clone, Default)]
struct Script {
    done: Arc<Mutex<Vec<(String, i64)>>>,
    runs: Arc<Mutex<HashMap<(i32, i64), u32>>>,
    down: Arc<Mutex<Vec<String>>>,
    at_once: Arc<Mutex<(usize, usize)>>,
    batch: usize,
}

impl Script {
    fn done(&self) -> Vec<(String, i64)> {
        self.done.lock().unwrap().clone()
    }
    fn done_of(&self, key: &str) -> Vec<i64> {
        self.done().into_iter().filter(|(found, _)| found == key).map(|(_, offset)| offset).collect()
    }
    fn runs(&self, offset: i64) -> u32 {
        self.runs.lock().unwrap().get(&(0, offset)).copied().unwrap_or(0)
    }
    fn set_down(&self, names: &[&str]) {
        *self.down.lock().unwrap() = names.iter().map(|name| (*name).to_owned()).collect();
    }
    async fn one(&self, record: &Record) -> Result<(), Failure> {
        *self.runs.lock().unwrap().entry((record.partition().partition, record.offset())).or_default() += 1;
        let value = std::str::from_utf8(record.value().unwrap_or_default()).unwrap_or_default();
        if value == "bad" {
            return Err(Failure::permanent("bad", "a bad record"));
        }
        assert_ne!(value, "panic", "as the record asks");
        if let Some(name) = value.strip_prefix("away:")
            && self.down.lock().unwrap().iter().any(|down| down == name)
        {
            return Err(Failure::transient("away", "not there").on(Dependency(name.into())));
        }
        if let Some(time) = value.strip_prefix("sleep:") {
            sleep(Duration::from_millis(time.parse().unwrap())).await;
        }
        Ok(())
    }
}

impl Handler for Script {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        Box::pin(async move {
            {
                let mut at_once = self.at_once.lock().unwrap();
                at_once.0 += 1;
                at_once.1 = at_once.1.max(at_once.0);
            }
            let mut result = Ok(());
            for record in records {
                result = self.one(record).await;
                if result.is_err() {
                    break;
                }
            }
            self.at_once.lock().unwrap().0 -= 1;
            result?;
            let mut done = self.done.lock().unwrap();
            for record in records {
                let key = String::from_utf8_lossy(record.key().unwrap_or_default()).into_owned();
                done.push((key, record.offset()));
            }
            Ok(Outcomes::AllDone)
        })
    }
    fn batch_limit(&self) -> usize {
        self.batch.max(1)
    }
}

#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Reporter for Events {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}
impl Events {
    fn any(&self, start: &str) -> bool {
        self.0.lock().unwrap().iter().any(|event| event.starts_with(start))
    }
}

struct Bench {
    broker: MemoryBroker,
    script: Script,
    events: Events,
    policy: Policy,
    marks: Arc<MemoryMarks>,
}

impl Bench {
    fn new(partitions: i32) -> Self {
        Bench {
            broker: MemoryBroker::with_topic("in", partitions),
            script: Script::default(),
            events: Events::default(),
            policy: Policy { workers: 2, exit_when_idle: true, ..Policy::default() },
            marks: Arc::default(),
        }
    }
    fn put(&self, key: &str, value: &str) -> i64 {
        self.broker.produce("in", 0, Some(key), value)
    }
    fn start(&self) -> (Trigger, JoinHandle<Result<Summary, RunError>>) {
        let (trigger, shutdown) = shutdown::channel();
        (trigger, tokio::spawn(self.consumer().run(shutdown)))
    }
    async fn run(&self) -> Result<Summary, RunError> {
        self.consumer().run(Shutdown::never()).await
    }
    fn consumer(&self) -> Consumer {
        Consumer {
            source: Box::new(self.broker.source("in")),
            handler: Arc::new(self.script.clone()),
            publisher: Arc::new(self.broker.clone()),
            dead_letter_topic: "in.dlq".into(),
            sender: Sender { cluster: "c".into(), group: "g".into() },
            policy: self.policy.clone(),
            clock: Arc::new(FixedClock(Timestamp::from_second(1_700_000_000).unwrap())),
            reporter: Arc::new(self.events.clone()),
            drains: Vec::new(),
            marks: Some(self.marks.clone()),
        }
    }
    fn committed(&self, partition: i32) -> i64 {
        self.broker.committed("in", partition).map_or(-1, |committed| committed.offset)
    }
}

#[tokio::test(start_paused = true)]
async fn all_is_handled_in_key_order_and_committed() {
    let bench = Bench::new(3);
    for n in 0..500 {
        bench.broker.produce("in", n % 3, Some(&format!("k{}", n % 7)), "ok");
    }
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.handled, summary.totals.taken), (500, 500));
    assert!(summary.abandoned.is_empty() && !summary.uncommitted);
    let mut by_lane: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for record in bench.broker.records("in") {
        let key = format!("{}/{}", record.source, String::from_utf8_lossy(record.key.as_ref().unwrap()));
        by_lane.entry(key).or_default().push(record.offset);
    }
    assert_eq!((0..3).map(|p| bench.committed(p)).sum::<i64>(), 500);
    for (partition, count) in [(0, 167), (1, 167), (2, 166)] {
        assert_eq!(bench.committed(partition), count);
    }
}

#[tokio::test(start_paused = true)]
async fn one_lane_never_runs_twice_at_once_and_keeps_its_order() {
    let bench = Bench::new(1);
    for n in 0..200 {
        bench.put(&format!("k{}", n % 3), &format!("sleep:{}", (n * 7) % 11));
    }
    bench.run().await.unwrap();
    for key in ["k0", "k1", "k2"] {
        let offsets = bench.script.done_of(key);
        assert!(offsets.is_sorted() && offsets.len() >= 66, "{key}: {offsets:?}");
    }
    assert_eq!(bench.script.at_once.lock().unwrap().1, 3, "three lanes at once, no more");
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_limited() {
    let mut bench = Bench::new(1);
    bench.policy.concurrency = 5;
    for n in 0..100 {
        bench.put(&format!("k{n}"), "sleep:10");
    }
    let began = Instant::now();
    bench.run().await.unwrap();
    assert_eq!(bench.script.at_once.lock().unwrap().1, 5);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn a_bad_record_is_dead_lettered_alone_with_its_bytes() {
    let mut bench = Bench::new(1);
    bench.script.batch = 10;
    for n in 0..10 {
        bench.put("k", if n == 4 { "bad" } else { "ok" });
    }
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.handled, summary.totals.dead_lettered), (9, 1));
    let letters = bench.broker.records("in.dlq");
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value.as_deref(), Some(&b"bad"[..]));
    let envelope = Envelope::of(&letters[0]).unwrap();
    assert_eq!((envelope.id.as_str(), envelope.origin.offset), ("c/g/in/0/4", 4));
    assert_eq!(envelope.error.unwrap().class, "permanent");
    assert_eq!(bench.committed(0), 10);
}

#[tokio::test(start_paused = true)]
async fn a_replayed_record_counts_on() {
    let bench = Bench::new(1);
    bench.put("k", "bad");
    bench.run().await.unwrap();
    for count in 1..=2 {
        let letter = bench.broker.records("in.dlq").pop().unwrap();
        let envelope = Envelope::of(&letter).unwrap();
        assert_eq!(envelope.replay_count, count - 1);
        bench.broker.append(replayed(&letter, &envelope, "in".into(), "test", Timestamp::UNIX_EPOCH));
        bench.run().await.unwrap();
    }
    let last = Envelope::of(&bench.broker.records("in.dlq")[2]).unwrap();
    assert_eq!((last.replay_count, last.origin.offset), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_poison() {
    let bench = Bench::new(1);
    bench.put("k", "panic");
    bench.put("k", "ok");
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.handled, summary.totals.dead_lettered), (1, 1));
    let envelope = Envelope::of(&bench.broker.records("in.dlq")[0]).unwrap();
    assert_eq!(envelope.error.unwrap().class, "poison");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_refused_holds_its_lane_and_nothing_else() {
    let bench = Bench::new(1);
    bench.broker.refuse_publishes(5);
    bench.put("a", "bad");
    bench.put("a", "ok");
    bench.put("b", "ok");
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.handled, summary.totals.dead_lettered), (2, 1));
    assert_eq!(bench.script.done(), [("b".to_owned(), 2), ("a".to_owned(), 1)]);
    assert_eq!(bench.broker.records("in.dlq").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_blocks_only_its_key_for_as_long_as_it_takes() {
    let bench = Bench::new(1);
    bench.script.set_down(&["db1"]);
    bench.put("a", "away:db1");
    bench.put("b", "away:db2");
    bench.put("a", "ok");
    bench.put("b", "ok");
    let (_trigger, running) = bench.start();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.script.done_of("b"), [1, 3]);
    assert!(bench.script.done_of("a").is_empty());
    assert_eq!(bench.committed(0), 0);
    bench.script.set_down(&[]);
    let summary = running.await.unwrap().unwrap();
    assert_eq!(bench.script.done_of("a"), [0, 2]);
    assert_eq!((summary.totals.handled, summary.totals.dead_lettered), (4, 0));
    assert_eq!((bench.script.runs(1), bench.committed(0)), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn an_outage_spends_no_tries_where_the_breaker_is_open() {
    let mut bench = Bench::new(1);
    // The first lanes fail once before the breaker opens: their next try would be the last.
    bench.policy.retry.when_spent = WhenSpent::DeadLetter { attempts: 2, wall_time: Duration::from_secs(60) };
    bench.script.set_down(&["db"]);
    for n in 0..20 {
        bench.put(&format!("k{n}"), "away:db");
    }
    bench.put("other", "ok");
    let (_trigger, running) = bench.start();
    sleep(Duration::from_secs(600)).await;
    assert!(bench.events.any("BreakerOpened"));
    assert_eq!(bench.script.done().len(), 1);
    bench.script.set_down(&[]);
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.totals.handled, summary.totals.dead_lettered), (21, 0));
    assert!(bench.events.any("BreakerClosed"));
}

#[tokio::test(start_paused = true)]
async fn one_lanes_own_trouble_spends_its_budget_and_is_dead_lettered() {
    let mut bench = Bench::new(1);
    bench.policy.retry.when_spent = WhenSpent::DeadLetter { attempts: 4, wall_time: Duration::MAX };
    bench.script.set_down(&["db"]);
    bench.put("k", "away:db");
    bench.put("k", "ok");
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.handled, summary.totals.dead_lettered), (1, 1));
    assert_eq!(bench.script.runs(0), 4);
    let error = Envelope::of(&bench.broker.records("in.dlq")[0]).unwrap().error.unwrap();
    assert_eq!((error.class.as_str(), error.attempts), ("transient", 4));
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_a_blocked_lane_repeats_nothing() {
    let bench = Bench::new(1);
    bench.script.set_down(&["db"]);
    bench.put("a", "away:db");
    for n in 0..50 {
        bench.put(&format!("k{n}"), "ok");
    }
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(5)).await;
    trigger.advance();
    let summary = running.await.unwrap().unwrap();
    assert!(summary.abandoned.is_empty() && !summary.uncommitted);
    assert_eq!(bench.committed(0), 0);
    bench.script.set_down(&[]);
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.handled, summary.totals.taken), (1, 1));
    assert!((1..=50).all(|offset| bench.script.runs(offset) == 1));
    assert_eq!(bench.committed(0), 51);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_handlers_and_names_those_it_cut() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    bench.put("a", "sleep:20000");
    bench.put("b", "sleep:60000");
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(1)).await;
    trigger.advance();
    let summary = running.await.unwrap().unwrap();
    assert_eq!(bench.script.done(), [("a".to_owned(), 0)]);
    assert_eq!(summary.abandoned.len(), 1);
    assert_eq!(summary.abandoned[0].to_string(), "in[0]@1..2");
    assert_eq!(bench.committed(0), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_returns_at_once() {
    let bench = Bench::new(1);
    bench.put("a", "sleep:20000");
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    trigger.advance();
    trigger.advance();
    running.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_partition_is_drained_committed_and_released() {
    let mut bench = Bench::new(2);
    bench.policy.exit_when_idle = false;
    for _ in 0..3 {
        bench.broker.produce("in", 0, Some("a"), "sleep:5000");
        bench.broker.produce("in", 1, Some("b"), "ok");
    }
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(6)).await;
    bench.broker.revoke("in", &[0]);
    sleep(Duration::from_secs(10)).await;
    assert!(bench.events.any("Revoked"));
    assert_eq!(bench.committed(0), 2, "the running one finished, the third was not begun");
    // Another member takes it over and goes on where it stood.
    bench.broker.assign("in", &[0]);
    sleep(Duration::from_secs(20)).await;
    trigger.advance();
    running.await.unwrap().unwrap();
    assert_eq!(bench.script.done_of("a"), [0, 1, 2]);
    assert_eq!(
        (0..3).map(|offset| bench.script.runs(offset)).collect::<Vec<_>>(),
        [1, 1, 1],
        "none ran twice"
    );
    assert_eq!((bench.committed(0), bench.committed(1)), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_commit_refused_before_a_revoke_is_sent_again() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    bench.policy.commit_every = Duration::from_secs(60);
    bench.put("a", "ok");
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(1)).await;
    bench.broker.refuse_commits(2);
    bench.broker.revoke("in", &[0]);
    sleep(Duration::from_secs(3)).await;
    assert!(bench.events.any("Revoked"));
    assert_eq!(bench.committed(0), 1, "the next owner goes on behind it");
    // One that goes on being refused holds the group up for the time of a final commit at most.
    bench.broker.assign("in", &[0]);
    bench.put("a", "ok");
    sleep(Duration::from_secs(1)).await;
    bench.broker.refuse_commits(1_000);
    bench.broker.revoke("in", &[0]);
    sleep(Duration::from_secs(7)).await;
    let revoked = bench.events.0.lock().unwrap().iter().filter(|event| event.starts_with("Revoked")).count();
    assert_eq!(revoked, 2);
    assert_eq!(bench.committed(0), 1);
    trigger.advance();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_partition_commits_nothing_more() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    bench.put("a", "sleep:5000");
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(1)).await;
    bench.broker.lose("in", &[0]);
    sleep(Duration::from_secs(30)).await;
    assert!(bench.script.done().is_empty(), "its handler was cancelled");
    assert!(bench.broker.commits().iter().all(|(_, offset)| *offset == 0));
    trigger.advance();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_commit_is_tried_again() {
    let bench = Bench::new(1);
    bench.put("a", "ok");
    bench.broker.refuse_commits(2);
    let summary = bench.run().await.unwrap();
    assert!(!summary.uncommitted);
    assert_eq!(bench.committed(0), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_dead_letters_stops_the_partition() {
    let mut bench = Bench::new(1);
    bench.policy.flood_run = 20;
    for n in 0..1000 {
        bench.put(&format!("k{n}"), "bad");
    }
    let error = bench.run().await.unwrap_err();
    assert!(matches!(error, RunError::Flooded(20)), "{error}");
    let letters = bench.broker.records("in.dlq").len();
    assert!((20..1000).contains(&letters), "{letters}");
    assert_eq!(bench.committed(0), letters as i64);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_lane_pauses_its_partition_and_no_other() {
    let mut bench = Bench::new(2);
    bench.policy.budget_records = 600;
    bench.script.set_down(&["db"]);
    for n in 0..2000 {
        bench.broker.produce("in", 0, Some("a"), if n == 0 { "away:db" } else { "ok" });
        bench.broker.produce("in", 1, Some("b"), "ok");
    }
    let (_trigger, running) = bench.start();
    sleep(Duration::from_secs(60)).await;
    assert!(bench.events.any("Paused"));
    assert_eq!(bench.script.done_of("b").len(), 2000);
    bench.script.set_down(&[]);
    let summary = running.await.unwrap().unwrap();
    assert_eq!(summary.totals.handled, 4000);
    assert!(bench.script.done_of("a").is_sorted());
}

#[tokio::test(start_paused = true)]
async fn idle_with_a_time_limit_names_the_blocked() {
    let mut bench = Bench::new(1);
    bench.policy.idle_timeout = Some(Duration::from_secs(30));
    bench.script.set_down(&["db"]);
    bench.put("a", "away:db");
    let error = bench.run().await.unwrap_err();
    let RunError::Stalled { blocked, .. } = error else { panic!("{error}") };
    assert_eq!((blocked.len(), blocked[0].offset), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_up_ends_it() {
    let bench = Bench::new(1);
    let mut bench = bench;
    bench.policy.exit_when_idle = false;
    let (_trigger, running) = bench.start();
    sleep(Duration::from_secs(1)).await;
    bench.broker.fail("fenced");
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the consumer cannot go on: fenced");
}

#[tokio::test(start_paused = true)]
async fn trailing_gaps_do_not_hold_up_the_end() {
    let bench = Bench::new(1);
    bench.put("a", "ok");
    bench.broker.skip("in", 0, 3);
    bench.run().await.unwrap();
    assert_eq!(bench.committed(0), 4);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_also_where_a_blocked_key_stands_in_every_batch() {
    let mut bench = Bench::new(1);
    bench.policy.budget_bytes = 200_000;
    bench.script.set_down(&["db"]);
    for n in 0..20_000 {
        // Every hundredth record is of the blocked key: few bytes, but one in every batch.
        let (key, value) = if n % 100 == 0 { ("a", "away:db") } else { ("b", "ok") };
        bench.put(key, value);
    }
    let (_trigger, running) = bench.start();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.script.done_of("b").len(), 19_800, "the blocked key held up nobody");
    bench.script.set_down(&[]);
    assert_eq!(running.await.unwrap().unwrap().totals.handled, 20_000);
}
