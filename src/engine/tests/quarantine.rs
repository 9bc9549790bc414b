//! Records that kill the process, and kills from outside.

use super::*;
use crate::model::record::TopicPartition;
use tokio::sync::mpsc;

/// A process that dies: the consumer is dropped as it stands, its marks stay.
async fn die(running: JoinHandle<Result<Summary, RunError>>, broker: &MemoryBroker) {
    running.abort();
    let _ = running.await;
    broker.lose("in", &[0]);
    sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_kills_the_process_is_dead_lettered_after_its_third_death_alone() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    // `sleep:3600000` stands for the record that kills: the process is ended while it runs.
    for n in 0..5 {
        bench.put("a", if n == 2 { "sleep:3600000" } else { "ok" });
        bench.put(&format!("b{n}"), "sleep:50");
    }
    let mut deaths = 0;
    while bench.broker.records("in.dlq").is_empty() {
        let (_trigger, running) = bench.start();
        sleep(Duration::from_secs(30)).await;
        if !bench.broker.records("in.dlq").is_empty() {
            running.abort();
            break;
        }
        die(running, &bench.broker).await;
        deaths += 1;
        assert!(deaths < 10);
    }
    // Once among others, once as a group, three times alone.
    assert_eq!(deaths, 5);
    let letters = bench.broker.records("in.dlq");
    assert_eq!((letters.len(), Envelope::of(&letters[0]).unwrap().origin.offset), (1, 4));
    assert_eq!(Envelope::of(&letters[0]).unwrap().error.unwrap().class, "crash");
    let ended: std::collections::BTreeSet<i64> = bench.script.done_of("a").into_iter().collect();
    assert_eq!(ended.into_iter().collect::<Vec<_>>(), [0, 2, 6, 8]);
}

#[tokio::test(start_paused = true)]
async fn kills_from_outside_condemn_nobody() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    for n in 0..400 {
        bench.put(&format!("k{}", n % 40), "sleep:40");
    }
    for round in 0..30 {
        let (_trigger, running) = bench.start();
        sleep(Duration::from_millis(130 + 37 * (round % 5))).await;
        die(running, &bench.broker).await;
    }
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(60)).await;
    trigger.advance();
    running.await.unwrap().unwrap();
    assert!(bench.broker.records("in.dlq").is_empty());
    assert_eq!(bench.committed(0), 400);
}

#[tokio::test(start_paused = true)]
async fn what_came_back_while_alone_does_not_share_the_blame_of_the_next() {
    let mut bench = Bench::new(2);
    bench.policy.exit_when_idle = false;
    // No commit saves the innocent one: what counts is the mark alone.
    bench.policy.commit_every = Duration::from_secs(86_400);
    bench.broker.produce("in", 0, Some("a"), "sleep:2000");
    bench.broker.produce("in", 1, Some("b"), "sleep:3600000");
    for seconds in [1, 30, 30, 30, 30] {
        let (_trigger, running) = bench.start();
        sleep(Duration::from_secs(seconds)).await;
        die(running, &bench.broker).await;
        bench.broker.lose("in", &[1]);
    }
    assert_eq!(
        bench.script.done_of("a").len(),
        4,
        "alone at first, and, never committed, in each probation of the other"
    );
    let letters = bench.broker.records("in.dlq");
    let keys: Vec<_> = letters.iter().map(|letter| letter.key.as_deref()).collect();
    assert_eq!(keys, [Some(b"b".as_slice())], "the one that runs at every death, and no other");
}

#[tokio::test(start_paused = true)]
async fn kills_that_always_hit_the_same_record_condemn_it_only_if_nothing_else_is_hit() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    // One slow key: whenever the process is killed, this is what runs.
    for _ in 0..5 {
        bench.put("a", "sleep:2500");
    }
    for _ in 0..20 {
        let (_trigger, running) = bench.start();
        sleep(Duration::from_millis(2000)).await;
        die(running, &bench.broker).await;
    }
    assert!(bench.broker.records("in.dlq").is_empty(), "killed in its probation, it is not to blame");
    let (trigger, running) = bench.start();
    sleep(Duration::from_secs(60)).await;
    trigger.advance();
    running.await.unwrap().unwrap();
    assert_eq!((bench.broker.records("in.dlq").len(), bench.committed(0)), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_gets_a_lost_partition_back_suspects_nothing_of_its_own() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    for n in 0..8 {
        bench.put(&format!("k{n}"), "sleep:1000");
    }
    let (trigger, running) = bench.start();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.script.at_once.lock().unwrap().0, 8, "all are out");
    bench.broker.lose("in", &[0]);
    sleep(Duration::from_millis(100)).await;
    bench.broker.assign("in", &[0]);
    sleep(Duration::from_millis(1500)).await;
    // One after the other they would take eight seconds.
    assert_eq!(bench.script.done().len(), 8);
    trigger.advance();
    running.await.unwrap().unwrap();
    assert_eq!(bench.committed(0), 8);
}

/// Writes down in which order marks go and the group is left.
#[derive(Clone, Default)]
struct Order(Arc<Mutex<Vec<&'static str>>>);

impl MarkStore for Order {
    fn read(&self, _: &TopicPartition) -> std::io::Result<Option<Vec<u8>>> {
        Ok(None)
    }
    fn write(&self, _: &TopicPartition, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn remove(&self, _: &TopicPartition) -> std::io::Result<()> {
        self.0.lock().unwrap().push("mark removed");
        Ok(())
    }
}

struct Tapped(Box<dyn Source>, Order);

impl Source for Tapped {
    fn start(
        self: Box<Self>,
        memory: MemoryGauge,
        events: mpsc::UnboundedSender<SourceEvent>,
        mut commands: mpsc::UnboundedReceiver<SourceCommand>,
    ) -> std::io::Result<()> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let order = self.1;
        tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                if matches!(command, SourceCommand::Leave) {
                    order.0.lock().unwrap().push("group left");
                }
                let _ = sender.send(command);
            }
        });
        self.0.start(memory, events, receiver)
    }
}

#[tokio::test(start_paused = true)]
async fn marks_go_before_the_group_is_left() {
    let bench = Bench::new(1);
    bench.put("a", "ok");
    let order = Order::default();
    let source = Box::new(Tapped(Box::new(bench.broker.source("in")), order.clone()));
    let consumer = Consumer { source, marks: Some(Arc::new(order.clone())), ..bench.consumer() };
    consumer.run(Shutdown::never()).await.unwrap();
    assert_eq!(*order.0.lock().unwrap(), ["mark removed", "group left"]);
}
