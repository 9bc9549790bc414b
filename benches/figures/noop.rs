//! Handlers that do nothing, on keyed lanes, beside the bare client's own loop and beside parallel-consumer.

use crate::broker::{Broker, KEYS};
use crate::peers::ParallelConsumer;
use crate::process::own_cpu;
use crate::table::{Figure, Goal, Side};
use kylo::app::system_clock;
use kylo::engine::dead_letter::Sender;
use kylo::engine::{Consumer, Handler, HandlerFuture, Outcomes, Policy, Record, Silent};
use kylo::kafka::{Config, ConsumerSource, Producer, SourceOptions};
use kylo::shutdown;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Turns of kylo and the bare loop.
const ROUNDS: usize = 5;
/// Turns of parallel-consumer, and how long one may take: it needs most of a minute for the topic.
const PEER_ROUNDS: usize = 2;
const PEER_SECONDS: u64 = 25;
/// Its workers, where nothing has to be waited for: the fastest of 2, 16, 100, 300 and 1,000.
const PEER_WORKERS: u32 = 100;

/// What kylo's group members are set to, for the bare loop.
const MEMBER: [(&str, &str); 13] = [
    ("group.protocol", "classic"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("auto.offset.reset", "earliest"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
    ("isolation.level", "read_committed"),
    ("check.crcs", "true"),
    ("queued.max.messages.kbytes", "8192"),
    ("fetch.max.bytes", "2097152"),
    ("max.partition.fetch.bytes", "262144"),
    ("fetch.queue.backoff.ms", "5"),
    ("statistics.interval.ms", "5000"),
];

pub fn figures(broker: &Broker) -> Vec<Figure> {
    let records = crate::number("BENCH_RECORDS", 2_000_000) as u64;
    let mut figures = Vec::new();
    for (name, size, count, goal) in
        [("noop_100b_vs_poll", 100, records, 1.0), ("noop_1k_vs_poll", 1_024, records / 6, 0.9)]
    {
        let topic = broker.topic(&format!("noop-{size}"));
        let records = (0..count).map(|n| (format!("key-{:04}", n % KEYS), value(n, size)));
        let compressed = broker.fill_measured(&topic, records);
        crate::say(&format!("noop: {count} records of {size} bytes, compression {compressed:.2}:1"));
        let (mut ours, mut bare, mut peers) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            ours.push(kylo(broker, &topic, count));
            bare.push(poll(broker, &topic, count));
            if size == 100 && round < PEER_ROUNDS {
                peers.push(parallel_consumer(broker, &topic, count));
            }
        }
        let kylo = || Side::best("kylo", "records/s", &ours);
        let poll = Side::best("BaseConsumer::poll", "records/s", &bare);
        figures.push(Figure::ratio(name, Goal::AtLeast(goal), kylo(), poll));
        if !peers.is_empty() {
            let peer = Side::best("parallel-consumer", "records/s", &peers);
            figures.push(Figure::ratio("noop_vs_parallel_consumer", Goal::AtLeast(20.0), kylo(), peer));
        }
        broker.delete_topic(&topic);
    }
    figures
}

/// JSON of `size` bytes that lz4 makes about four times smaller: its numbers differ from record to record.
fn value(n: u64, size: usize) -> Vec<u8> {
    let (mut text, mut noise) = (String::with_capacity(size + 80), n);
    while text.len() < size {
        noise = noise.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (order, cents) = (noise >> 40, noise % 10_000);
        let _ = write!(
            text,
            r#"{{"order":"{order:06x}","amount":{cents},"currency":"USD","status":"confirmed"}}"#
        );
    }
    text.truncate(size);
    text.into_bytes()
}

/// Counts and does nothing else.
#[derive(Default)]
struct Noop(AtomicU64);

impl Handler for Noop {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        self.0.fetch_add(records.len() as u64, Ordering::Relaxed);
        Box::pin(async { Ok(Outcomes::AllDone) })
    }
}

/// A consumer of this process, in a new group.
pub fn consumer(broker: &Broker, topic: &str, handler: Arc<dyn Handler>, policy: Policy) -> Consumer {
    let config =
        Config { brokers: broker.address.clone(), properties: Vec::new(), timeout: Duration::from_secs(10) };
    let group = broker.group();
    let source = ConsumerSource::new(&config, &group, vec![topic.to_owned()], SourceOptions::default());
    Consumer {
        source: Box::new(source.expect("a source")),
        handler,
        publisher: Arc::new(Producer::connect(&config).expect("a producer")),
        dead_letter_topic: format!("{topic}.dlq").into(),
        sender: Sender { cluster: "bench".into(), group: group.as_str().into() },
        policy,
        clock: system_clock(),
        reporter: Arc::new(Silent),
        drains: Vec::new(),
        marks: None,
    }
}

/// Records a second from the first record on, and processor seconds for a million, start and end included.
fn kylo(broker: &Broker, topic: &str, count: u64) -> (f64, f64) {
    let cpu = own_cpu();
    let handler = Arc::new(Noop::default());
    let consumer = consumer(broker, topic, handler.clone(), Policy::default());
    let (trigger, shutdown) = shutdown::channel();
    let running = broker.runtime.spawn(consumer.run(shutdown));
    let took = until(count, || handler.0.load(Ordering::Relaxed));
    trigger.advance();
    broker.runtime.block_on(running).expect("a consumer").expect("a clean end");
    per_second(count, took, own_cpu() - cpu)
}

/// The same with the bare client's own loop.
fn poll(broker: &Broker, topic: &str, count: u64) -> (f64, f64) {
    let cpu = own_cpu();
    let mut config = broker.client();
    config.set("group.id", broker.group());
    for (name, value) in MEMBER {
        config.set(name, value);
    }
    let consumer: BaseConsumer = config.create().expect("a consumer");
    consumer.subscribe(&[topic]).expect("a subscription");
    let (mut seen, mut first, mut bytes) = (0, None, 0);
    while seen < count {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => {
                bytes += record.payload().map_or(0, <[u8]>::len);
                first.get_or_insert_with(Instant::now);
                seen += 1;
            }
            None | Some(Err(KafkaError::PartitionEOF(_))) => {}
            Some(Err(error)) => panic!("the bare loop: {error}"),
        }
    }
    let took = first.map_or(Duration::ZERO, |first: Instant| first.elapsed());
    assert!(bytes > 0, "the payloads were looked at");
    drop(consumer);
    per_second(count, took, own_cpu() - cpu)
}

/// The same with parallel-consumer, which may not come to the end of the topic.
fn parallel_consumer(broker: &Broker, topic: &str, count: u64) -> (f64, f64) {
    let group = broker.group();
    let seen =
        ParallelConsumer::run(&broker.address, topic, &group, count, PEER_SECONDS, "noop", PEER_WORKERS);
    (seen.records / seen.seconds, seen.cpu_seconds / seen.records * 1e6)
}

fn per_second(count: u64, took: Duration, cpu: f64) -> (f64, f64) {
    (count as f64 / took.as_secs_f64(), cpu / count as f64 * 1e6)
}

/// Time from the first of `seen` to `count` of them; a bench that stands still for a minute fails.
fn until(count: u64, seen: impl Fn() -> u64) -> Duration {
    let mut first = None;
    let mut last = (0, Instant::now());
    loop {
        let now = seen();
        if now > 0 {
            first.get_or_insert_with(Instant::now);
        }
        if now >= count {
            return first.map_or(Duration::ZERO, |first: Instant| first.elapsed());
        }
        if now != last.0 {
            last = (now, Instant::now());
        }
        assert!(last.1.elapsed() < Duration::from_secs(60), "nothing moved for a minute: {now} of {count}");
        std::thread::sleep(Duration::from_micros(500));
    }
}
