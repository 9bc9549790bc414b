//! The runtime against the bare client, in one run: handlers that do nothing, keyed lanes with sleeping handlers,
//! and the way of a record from produce to handler.
//!
//! `make bench`. Both sides read the same topics with the same client settings, in turns; BENCH_RECORDS sets the
//! number of records of 100 bytes (2,000,000). What counts is the ratio.

#[path = "support/figures.rs"]
mod figures;

use figures::{Figure, report};
use kylo::app::system_clock;
use kylo::engine::dead_letter::Sender;
use kylo::engine::{Consumer, Handler, HandlerFuture, Outcomes, Policy, Record, Silent};
use kylo::kafka::{Config, ConsumerSource, Producer as KyloProducer, SourceOptions};
use kylo::shutdown;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PARTITIONS: i32 = 6;
const KEYS: u64 = 1_000;
/// Rounds in turns; the best of each side counts, since the machine's noise only ever slows.
const ROUNDS: usize = 3;

fn main() {
    // Cargo's own question to every target of a test run.
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    let variable = |name: &str| std::env::var(name).ok();
    let brokers =
        variable("KYLO_TEST_BROKERS").expect("KYLO_TEST_BROKERS is not set\nhint: run `make bench`");
    let records: u64 = variable("BENCH_RECORDS").and_then(|text| text.parse().ok()).unwrap_or(2_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let bench = Bench {
        brokers,
        runtime,
        name: format!("kylo-bench-{}", std::process::id()),
        groups: AtomicU64::new(0),
    };

    let mut figures = Vec::new();
    for (figure, size, count) in
        [("noop_100b_vs_poll", 100, records), ("noop_1k_vs_poll", 1_024, records / 6)]
    {
        let topic = bench.topic(&format!("noop-{size}"));
        bench.fill(&topic, count, size);
        let mut best = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            best.0 = best.0.max(bench.noop(&topic, count));
            best.1 = best.1.max(bench.poll(&topic, count));
        }
        figures.push(Figure {
            name: figure,
            value: best.0,
            unit: "records/s",
            peer: "BaseConsumer::poll",
            ratio: best.0 / best.1,
        });
    }
    let topic = bench.topic("keyed");
    let sleeps = bench.fill_sleeps(&topic, 10_000);
    let (took, ideal) = (bench.keyed(&topic, 10_000), ideal(&sleeps, 16));
    figures.push(Figure {
        name: "keyed_1000_vs_ideal",
        value: took.as_secs_f64() * 1e3,
        unit: "ms",
        peer: "sum of the sleeps / 16",
        ratio: took.as_secs_f64() / ideal.as_secs_f64(),
    });
    let topic = bench.topic("latency");
    let p99 = bench.latency(&topic, 1_000, 10_000);
    figures.push(Figure { name: "produce_to_handler_p99_ms", value: p99, unit: "ms", peer: "-", ratio: 1.0 });
    report("runtime", &figures);
}

struct Bench {
    brokers: String,
    runtime: tokio::runtime::Runtime,
    name: String,
    groups: AtomicU64,
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

/// Sleeps on a thread for as many microseconds as the value says.
struct Sleeper;

impl Handler for Sleeper {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        let text = std::str::from_utf8(records[0].value().unwrap_or_default()).unwrap_or_default();
        let time = Duration::from_micros(text.parse().expect("a number"));
        Box::pin(async move {
            tokio::task::spawn_blocking(move || std::thread::sleep(time)).await.expect("a sleep");
            Ok(Outcomes::AllDone)
        })
    }
}

/// Notes how old each record is, in microseconds.
#[derive(Clone, Default)]
struct Clocked(Arc<Mutex<Vec<u64>>>);

impl Handler for Clocked {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        let now = micros();
        let mut ages = self.0.lock().expect("one lock");
        for record in records {
            let text = std::str::from_utf8(record.value().unwrap_or_default()).unwrap_or_default();
            ages.push(now.saturating_sub(text.parse().expect("a number")));
        }
        Box::pin(async { Ok(Outcomes::AllDone) })
    }
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

impl Bench {
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }
    fn topic(&self, name: &str) -> String {
        let topic = format!("{}-{name}", self.name);
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let new = NewTopic::new(&topic, PARTITIONS, TopicReplication::Fixed(1));
        self.runtime.block_on(admin.create_topics([&new], &AdminOptions::new())).expect("a topic");
        topic
    }
    fn producer(&self) -> ThreadedProducer<DefaultProducerContext> {
        self.client()
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("queue.buffering.max.messages", "500000")
            .set("partitioner", "murmur2_random")
            .create()
            .expect("a producer")
    }
    fn fill(&self, topic: &str, count: u64, size: usize) {
        // Like text: compresses about four times.
        let words: Vec<u8> = (0..size).map(|at| b"payload of an event; "[at * 7 % 21]).collect();
        self.send_all(topic, (0..count).map(|n| (n % KEYS, words.clone())));
    }
    fn fill_sleeps(&self, topic: &str, count: u64) -> Vec<Duration> {
        let sleeps: Vec<Duration> = (0..count)
            .map(|n| Duration::from_micros((n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % 5_000))
            .collect();
        self.send_all(
            topic,
            sleeps
                .iter()
                .enumerate()
                .map(|(n, time)| (n as u64 % KEYS, time.as_micros().to_string().into_bytes())),
        );
        sleeps
    }
    fn send_all(&self, topic: &str, records: impl Iterator<Item = (u64, Vec<u8>)>) {
        let producer = self.producer();
        for (key, value) in records {
            let key = format!("key-{key:04}");
            let mut record = BaseRecord::to(topic).key(&key).payload(&value);
            while let Err((_, again)) = producer.send(record) {
                record = again;
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        producer.flush(Duration::from_secs(60)).expect("all records are acknowledged");
    }
    fn group(&self) -> String {
        format!("{}-{}", self.name, self.groups.fetch_add(1, Ordering::Relaxed))
    }
    fn consumer(&self, topic: &str, handler: Arc<dyn Handler>, policy: Policy) -> Consumer {
        let config = Config {
            brokers: self.brokers.clone(),
            properties: Vec::new(),
            timeout: Duration::from_secs(10),
        };
        let group = self.group();
        let source = ConsumerSource::new(&config, &group, vec![topic.to_owned()], SourceOptions::default());
        Consumer {
            source: Box::new(source.expect("a source")),
            handler,
            publisher: Arc::new(KyloProducer::connect(&config).expect("a producer")),
            dead_letter_topic: format!("{topic}.dlq").into(),
            sender: Sender { cluster: "bench".into(), group: group.as_str().into() },
            policy,
            clock: system_clock(),
            reporter: Arc::new(Silent),
            drains: Vec::new(),
            marks: None,
        }
    }
    /// Records a second, from the first record on.
    fn noop(&self, topic: &str, count: u64) -> f64 {
        let handler = Arc::new(Noop::default());
        let consumer = self.consumer(topic, handler.clone(), Policy::default());
        let (trigger, shutdown) = shutdown::channel();
        let running = self.runtime.spawn(consumer.run(shutdown));
        let took = until(count, || handler.0.load(Ordering::Relaxed));
        trigger.advance();
        self.runtime.block_on(running).expect("a consumer").expect("a clean end");
        count as f64 / took.as_secs_f64()
    }
    /// The same with the bare client's own loop.
    fn poll(&self, topic: &str, count: u64) -> f64 {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", self.group())
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("check.crcs", "true")
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.queue.backoff.ms", "10")
            .create()
            .expect("a consumer");
        consumer.subscribe(&[topic]).expect("a subscription");
        let (mut seen, mut first, mut bytes) = (0, None, 0);
        while seen < count {
            if let Some(record) = consumer.poll(Duration::from_millis(100)) {
                bytes += record.expect("a record").payload().map_or(0, <[u8]>::len);
                first.get_or_insert_with(Instant::now);
                seen += 1;
            }
        }
        assert!(bytes > 0);
        count as f64 / first.map_or(1.0, |first: Instant| first.elapsed().as_secs_f64())
    }
    /// Time for sleeping handlers, 16 at once, from the first record's handling to the end of the last.
    fn keyed(&self, topic: &str, count: u64) -> Duration {
        let done = Arc::new(AtomicU64::new(0));
        let handler = Counted { inner: Sleeper, done: done.clone() };
        let policy = Policy { concurrency: 16, ..Policy::default() };
        let (trigger, shutdown) = shutdown::channel();
        let running = self.runtime.spawn(self.consumer(topic, Arc::new(handler), policy).run(shutdown));
        let took = until(count, || done.load(Ordering::Relaxed));
        trigger.advance();
        self.runtime.block_on(running).expect("a consumer").expect("a clean end");
        took
    }
    /// The 99th percentile from produce to handler, in milliseconds, at an open rate.
    fn latency(&self, topic: &str, rate: u64, count: u64) -> f64 {
        let handler = Clocked::default();
        let (trigger, shutdown) = shutdown::channel();
        let running = self
            .runtime
            .spawn(self.consumer(topic, Arc::new(handler.clone()), Policy::default()).run(shutdown));
        let producer = self.producer();
        let send = |n: u64| {
            let (key, value) = (format!("key-{:04}", n % KEYS), micros().to_string());
            producer.send(BaseRecord::to(topic).key(&key).payload(&value)).expect("room in the queue");
        };
        // The first second joins the group and is not counted.
        let began = Instant::now();
        for n in 0..count + rate {
            let due = began + Duration::from_micros(n * 1_000_000 / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            send(n);
        }
        until(count + rate, || handler.0.lock().expect("one lock").len() as u64);
        trigger.advance();
        self.runtime.block_on(running).expect("a consumer").expect("a clean end");
        let mut ages = handler.0.lock().expect("one lock").split_off(rate as usize);
        ages.sort_unstable();
        ages[ages.len() * 99 / 100] as f64 / 1e3
    }
}

struct Counted<H> {
    inner: H,
    done: Arc<AtomicU64>,
}

impl<H: Handler> Handler for Counted<H> {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        Box::pin(async move {
            let outcome = self.inner.handle(records).await;
            self.done.fetch_add(records.len() as u64, Ordering::Relaxed);
            outcome
        })
    }
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

/// The shortest time in which `workers` can sleep all of `sleeps`, order aside.
fn ideal(sleeps: &[Duration], workers: u32) -> Duration {
    sleeps.iter().sum::<Duration>() / workers
}
