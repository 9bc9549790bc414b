//! Runs on their way to the workers: who takes them, who waits, and which come back.

use super::*;
use crate::engine::rebalance::starting_point;
use crate::engine::run_queue::RunQueue;
use crate::engine::runner::{Run, RunEnd, Shared, work};
use crate::engine::scheduler::Scheduler;
use crate::model::record::TopicPartition;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::{Context, Wake, Waker};
use tokio::sync::{Barrier, mpsc, watch};

/// Two partitions, four handlers at once, and four of partition 1 that hang; more of partition 0 wait behind them.
/// `fast`: handlers before them ended at once, so that many runs are handed out ahead.
async fn hung(fast: bool) -> (Bench, Trigger, JoinHandle<Result<Summary, RunError>>) {
    let mut bench = Bench::new(2);
    bench.policy.exit_when_idle = false;
    bench.policy.concurrency = 4;
    let (trigger, running) = bench.start();
    bench.put("first", if fast { "ok" } else { "sleep:1" });
    sleep(Duration::from_secs(1)).await;
    for n in 0..4 {
        bench.broker.produce("in", 1, Some(&format!("h{n}")), "sleep:20000");
    }
    sleep(Duration::from_secs(1)).await;
    for n in 0..40 {
        bench.put(&format!("k{n}"), "ok");
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!((bench.script.at_once.lock().unwrap().0, bench.script.done().len()), (4, 1));
    (bench, trigger, running)
}

#[tokio::test(start_paused = true)]
async fn a_partition_of_which_nothing_has_begun_is_given_back_at_once() {
    for fast in [true, false] {
        let (bench, trigger, running) = hung(fast).await;
        bench.broker.revoke("in", &[0]);
        sleep(Duration::from_secs(1)).await;
        assert!(bench.events.any("Revoked"), "fast: {fast}");
        assert_eq!(bench.committed(0), 1);
        bench.broker.assign("in", &[0]);
        sleep(Duration::from_secs(30)).await;
        assert_eq!((bench.committed(0), bench.committed(1)), (41, 4));
        assert!((0..41).all(|offset| bench.script.runs(offset) == 1), "each ran once, fast: {fast}");
        trigger.advance();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_partition_takes_what_has_not_begun_along() {
    for fast in [true, false] {
        let (bench, trigger, running) = hung(fast).await;
        bench.broker.lose("in", &[0]);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(bench.script.done().len(), 5, "fast: {fast}");
        bench.broker.assign("in", &[0]);
        sleep(Duration::from_secs(1)).await;
        assert!((1..41).all(|offset| bench.script.runs(offset) == 1), "fast: {fast}");
        trigger.advance();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_begins_nothing_more() {
    for fast in [true, false] {
        let (bench, trigger, running) = hung(fast).await;
        trigger.advance();
        let summary = running.await.unwrap().unwrap();
        assert!(summary.abandoned.is_empty());
        assert_eq!((bench.script.done().len(), bench.committed(0), bench.committed(1)), (5, 1, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_behind_a_hung_handler_while_a_hand_is_free() {
    for fast in [true, false] {
        let mut bench = Bench::new(1);
        bench.policy.exit_when_idle = false;
        bench.policy.concurrency = 4;
        let (trigger, running) = bench.start();
        bench.put("first", if fast { "ok" } else { "sleep:1" });
        sleep(Duration::from_secs(1)).await;
        for n in 0..40 {
            bench.put(&format!("k{n}"), if [0, 2, 4].contains(&n) { "sleep:20000" } else { "ok" });
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(bench.script.done().len(), 38, "fast: {fast}");
        trigger.advance();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn lanes_take_turns_where_they_wait_for_a_hand() {
    for (batch, rounds) in [(1, 3), (3, 1)] {
        let mut bench = Bench::new(1);
        bench.policy.concurrency = 2;
        bench.script.batch = batch;
        for n in 0..30 {
            bench.put(&format!("k{}", n % 10), "sleep:100");
        }
        bench.run().await.unwrap();
        let done = bench.script.done();
        let second = done.iter().position(|(_, offset)| *offset >= 10);
        // All but the few that are left at the end come before the second record of any.
        assert!((second >= Some(10)) == (rounds > 1), "batch {batch}: {done:?}");
    }
}

/// A run for each value, each of a lane of its own.
fn runs(values: &[&str]) -> Vec<Run> {
    let mut scheduler = Scheduler::new(Policy::default());
    let name = TopicPartition::new("in", 0);
    let log_end = values.len() as i64;
    let assigned =
        Assigned { partition: name.clone(), epoch: Epoch(1), committed: None, log_start: 0, log_end };
    let point = starting_point(&assigned);
    scheduler.partitions.insert(assigned, point, Default::default());
    let mut batch = BatchBuilder::default();
    let slot = batch.slot(&name, Epoch(1));
    for (value, offset) in values.iter().zip(0..) {
        let key = format!("k{offset}");
        let key = Some(key.as_bytes());
        batch.push(slot, offset, None, key, Some(value.as_bytes()), std::iter::empty());
    }
    scheduler.intake(&batch.build(), Instant::now());
    std::iter::from_fn(|| scheduler.next_run(1)).collect()
}

struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn as_many_workers_wake_as_can_begin_a_run() {
    let queue = RunQueue::new(2, 3);
    let wakes: Vec<_> = (0..3).map(|_| Arc::new(Wakes(AtomicUsize::new(0)))).collect();
    let wakers: Vec<_> = wakes.iter().map(|wakes| Waker::from(wakes.clone())).collect();
    let woken = || wakes.iter().map(|wakes| wakes.0.load(Ordering::SeqCst)).collect::<Vec<_>>();
    let poll = |future: std::pin::Pin<&mut dyn Future<Output = ()>>, who: usize| {
        future.poll(&mut Context::from_waker(&wakers[who])).is_ready()
    };
    let mut chunks = [(); 3].map(|()| VecDeque::new());
    let mut freed = [0; 3];
    let [first, second, third] = &mut chunks;
    let [none, no, zero] = &mut freed;
    {
        let mut first = Box::pin(queue.next(none, false, first));
        let mut second = pin!(queue.next(no, false, second));
        let mut third = pin!(queue.next(zero, false, third));
        assert!(!poll(first.as_mut(), 0) && !poll(second.as_mut(), 1) && !poll(third.as_mut(), 2));
        queue.put(runs(&["ok"]));
        assert_eq!(woken(), [1, 0, 0], "one run, one worker");
        drop(first);
        assert_eq!(woken(), [1, 1, 0], "what it left for something else goes to another");
        assert!(poll(second.as_mut(), 1));
        queue.put(runs(&["ok", "ok"]));
        assert_eq!(woken(), [1, 1, 1], "two runs, but one slot");
        assert!(poll(third.as_mut(), 2));
    }
    {
        let mut first = pin!(queue.next(none, false, first));
        assert!(!poll(first.as_mut(), 0), "no slot is left");
        queue.put(runs(&["ok"]));
        assert_eq!(woken(), [1, 1, 1]);
        // Whoever frees two slots takes one run, and wakes another worker for the second.
        let mut chunk = VecDeque::new();
        assert!(queue.take(2, false, &mut chunk) && chunk.len() == 1);
        assert_eq!(woken(), [2, 1, 1]);
        assert!(poll(first.as_mut(), 0));
    }
    assert!(!queue.take(1, false, &mut VecDeque::new()), "the queue is empty");
}

#[test]
fn what_was_taken_and_cannot_begin_goes_back_in_its_place_unless_it_ends() {
    let queue = RunQueue::new(2, 1);
    let lanes = |chunk: &VecDeque<Run>| chunk.iter().map(|run| run.lane).collect::<Vec<_>>();
    let mut chunk = VecDeque::new();
    queue.put(runs(&["ok"; 5]));
    assert!(queue.take(0, true, &mut chunk));
    let all = lanes(&chunk);
    assert_eq!(all.len(), 5);
    chunk.truncate(3);
    assert!(queue.put_back(&mut chunk).is_empty());
    assert!(queue.take(0, true, &mut chunk));
    assert_eq!(lanes(&chunk), all[..3]);
    chunk[0].cancel.wind_down();
    assert_eq!(queue.put_back(&mut chunk).len(), 3, "all are of one assignment");
    assert!(!queue.take(1, true, &mut chunk));
}

/// Ends at once, in a while, on a thread of its own, or with another; for `block` it holds its worker's thread until
/// told.
struct Mixed {
    release: Mutex<Receiver<()>>,
    two: Barrier,
    at_once: AtomicUsize,
    most: AtomicUsize,
}

impl Handler for Mixed {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        Box::pin(async move {
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            match records[0].value().unwrap_or_default() {
                b"block" => {
                    let released = self.release.lock().unwrap().recv_timeout(Duration::from_secs(60));
                    assert_ne!(released, Err(RecvTimeoutError::Timeout));
                }
                b"yield" => tokio::task::yield_now().await,
                b"thread" => tokio::task::spawn_blocking(|| {}).await.unwrap(),
                b"meet" => {
                    self.two.wait().await;
                }
                _ => {}
            }
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Ok(Outcomes::AllDone)
        })
    }
}

/// Workers, each on a thread of its own, so that one that is held up holds up no other by chance.
struct Workers {
    queue: Arc<RunQueue>,
    handler: Arc<Mixed>,
    ends: mpsc::UnboundedReceiver<Vec<RunEnd>>,
    release: std::sync::mpsc::Sender<()>,
    _stop: watch::Sender<()>,
}

impl Workers {
    fn start(slots: usize, count: usize) -> Self {
        let (release, held) = std::sync::mpsc::channel();
        let (at_once, most) = Default::default();
        let handler = Arc::new(Mixed { release: Mutex::new(held), two: Barrier::new(2), at_once, most });
        let shared = Arc::new(Shared {
            handler: handler.clone(),
            publisher: Arc::new(MemoryBroker::with_topic("in", 1)),
            dead_letter_topic: "in.dlq".into(),
            sender: Sender { cluster: "c".into(), group: "g".into() },
            clock: Arc::new(FixedClock(Timestamp::UNIX_EPOCH)),
            policy: Policy::default(),
        });
        let queue = Arc::new(RunQueue::new(slots, count));
        let (sender, ends) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(());
        for _ in 0..count {
            let worker = work(shared.clone(), queue.clone(), sender.clone());
            let mut stopped = stopped.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    tokio::select! { () = worker => {}, _ = stopped.changed() => {} }
                });
            });
        }
        Workers { queue, handler, ends, release, _stop: stop }
    }
    /// Waits until so many runs have ended.
    async fn ended(&mut self, many: usize) {
        let mut left = many;
        while left > 0 {
            let next = tokio::time::timeout(Duration::from_secs(30), self.ends.recv());
            let ends = next.await.unwrap_or_else(|_| panic!("{left} of {many} runs wait for ever"));
            left -= ends.expect("the workers go on").len();
        }
    }
}

#[tokio::test]
async fn a_handler_that_holds_its_thread_holds_up_no_run_behind_it() {
    let mut workers = Workers::start(2, 2);
    let mut values = vec!["ok"; 50];
    values[0] = "block";
    workers.queue.put(runs(&values));
    workers.ended(49).await;
    workers.release.send(()).unwrap();
    workers.ended(1).await;
}

#[tokio::test]
async fn no_run_is_forgotten_and_no_more_begin_than_may() {
    let mut workers = Workers::start(2, 3);
    let kinds = ["ok", "yield", "thread"];
    for round in 0..3000_u64 {
        // Now one by one, now many: workers fall asleep between them at all places.
        let mut random = fastrand::Rng::with_seed(round);
        let many = if random.bool() { 1 } else { random.usize(2..20) };
        let values: Vec<&str> = (0..many).map(|_| kinds[random.usize(..3)]).collect();
        let mut rest = runs(&values);
        while !rest.is_empty() {
            let part = rest.split_off(rest.len() - random.usize(1..=rest.len()));
            workers.queue.put(part);
        }
        workers.ended(many).await;
    }
    // No slot was lost on the way.
    workers.queue.put(runs(&["meet", "meet"]));
    workers.ended(2).await;
    assert_eq!(workers.handler.most.load(Ordering::SeqCst), 2);
}
