//! What a running consumer says about itself.

use super::*;

/// Keeps the snapshots.
#[derive(Clone, Default)]
pub(super) struct Snapshots(pub(super) Arc<Mutex<Vec<Snapshot>>>);

impl Reporter for Snapshots {
    fn event(&self, _event: Event) {}
    fn snapshot(&self, snapshot: &Snapshot) {
        self.0.lock().unwrap().push(snapshot.clone());
    }
}

#[tokio::test(start_paused = true)]
async fn ends_and_times_are_counted() {
    let mut bench = Bench::new(1);
    bench.policy.concurrency = 1;
    bench.script.batch = 4;
    for _ in 0..4 {
        bench.put("a", "sleep:20");
    }
    bench.put("b", "bad");
    let totals = bench.run().await.unwrap().totals;
    assert!(totals.assigned);
    assert_eq!((totals.handled, totals.dead_lettered), (4, 1));
    assert_eq!(totals.dead_letters, [((FailureClass::Permanent, "bad"), 1)].into());
    assert!(totals.commits > 0 && totals.failed_commits == 0, "{totals:?}");
    assert_eq!(totals.uncommitted_for, None);
    // One run a lane, of one call: 80 ms and nothing.
    assert_eq!((totals.handler_seconds.count(), totals.queue_seconds.count()), (2, 2));
    assert!((0.08..0.09).contains(&totals.handler_seconds.sum()), "{:?}", totals.handler_seconds);
    // The second lane waits for the first.
    assert!((0.08..0.1).contains(&totals.queue_seconds.sum()), "{:?}", totals.queue_seconds);
    assert_eq!(totals.lag(), 0);
}

#[tokio::test(start_paused = true)]
async fn lanes_that_wait_are_counted_by_reason_and_a_retry_is_no_queue_time() {
    let bench = Bench::new(1);
    bench.put("a", "away:db");
    bench.put("b", "ok");
    bench.script.set_down(&["db"]);
    let snapshots = Snapshots::default();
    let mut consumer = bench.consumer();
    consumer.reporter = Arc::new(snapshots.clone());
    let running = tokio::spawn(consumer.run(Shutdown::never()));
    sleep(Duration::from_secs(30)).await;
    let last = snapshots.0.lock().unwrap().last().cloned().unwrap();
    let partition = crate::model::record::TopicPartition::new("in", 0);
    assert_eq!(last.blocked, [Blocked { partition, kind: "away", lanes: 1 }]);
    assert_eq!((last.blocked_lanes, last.lag()), (1, 2));
    assert!(last.partitions[0].oldest.unwrap() >= Duration::from_secs(28));
    assert_eq!(last.unready(), None, "waiting is work");
    bench.script.set_down(&[]);
    let totals = running.await.unwrap().unwrap().totals;
    assert!(totals.handler_seconds.count() > 3);
    assert_eq!(totals.queue_seconds.count(), 2);
    assert!(totals.queue_seconds.sum() < 0.1, "{:?}", totals.queue_seconds);
    assert!(totals.blocked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn commits_that_fail_for_long_are_told() {
    let bench = Bench::new(1);
    bench.put("a", "ok");
    bench.broker.refuse_commits(25);
    let snapshots = Snapshots::default();
    let mut consumer = bench.consumer();
    consumer.policy.exit_when_idle = false;
    consumer.reporter = Arc::new(snapshots.clone());
    let (trigger, shutdown) = shutdown::channel();
    let running = tokio::spawn(consumer.run(shutdown));
    let last = || snapshots.0.lock().unwrap().last().cloned().unwrap();
    sleep(Duration::from_secs(15)).await;
    assert!(last().unready().unwrap().starts_with("commits have failed for 1"), "{:?}", last());
    assert!(last().failed_commits > 5);
    sleep(Duration::from_secs(30)).await;
    assert_eq!((last().unready(), last().failed_commits), (None, 25));
    trigger.advance();
    running.await.unwrap().unwrap();
}

/// Says after each assignment that the logs end far beyond what they hold.
struct Boasting(Box<dyn Source>);

impl Source for Boasting {
    fn start(
        self: Box<Self>,
        memory: MemoryGauge,
        events: tokio::sync::mpsc::UnboundedSender<SourceEvent>,
        commands: tokio::sync::mpsc::UnboundedReceiver<SourceCommand>,
    ) -> std::io::Result<()> {
        let (sender, mut inner) = tokio::sync::mpsc::unbounded_channel();
        self.0.start(memory, sender, commands)?;
        tokio::spawn(async move {
            while let Some(event) = inner.recv().await {
                let ends = match &event {
                    SourceEvent::Assigned(all) => {
                        all.iter().map(|one| (one.partition.clone(), one.epoch, 1_000)).collect()
                    }
                    _ => Vec::new(),
                };
                let stale =
                    ends.iter().map(|(partition, _, _)| (partition.clone(), Epoch(0), 5_000)).collect();
                let _ = events.send(event);
                let _ = events.send(SourceEvent::LogEnds(ends));
                let _ = events.send(SourceEvent::LogEnds(stale));
            }
        });
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_log_counts_for_the_lag_and_not_for_the_end_of_the_run() {
    let bench = Bench::new(1);
    bench.put("a", "ok");
    let mut consumer = bench.consumer();
    consumer.source = Box::new(Boasting(consumer.source));
    // It ends by itself, although the log is said to go on.
    let totals = consumer.run(Shutdown::never()).await.unwrap().totals;
    assert_eq!((totals.handled, totals.lag()), (1, 999));
}
