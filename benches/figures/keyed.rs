//! The same list of sleeps, keyed, with sixteen workers: beside the sum of the sleeps and parallel-consumer.

use crate::broker::{Broker, KEYS};
use crate::noop::consumer;
use crate::peers::ParallelConsumer;
use crate::table::{Figure, Goal, Side};
use kylo::engine::{Handler, HandlerFuture, Outcomes, Policy, Record};
use kylo::shutdown;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

const RECORDS: u64 = 10_000;
const WORKERS: u32 = 16;
const ROUNDS: usize = 3;

pub fn figures(broker: &Broker) -> Vec<Figure> {
    let topic = broker.topic("keyed");
    // 0 to 5 ms, spread by a multiplicative hash: the same list in every run.
    let sleeps: Vec<u64> =
        (0..RECORDS).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % 5_000).collect();
    let records = sleeps.iter().zip(0..);
    broker
        .fill(&topic, records.map(|(micros, n)| (format!("key-{:04}", n % KEYS), micros.to_string().into())));
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(kylo(broker, &topic));
        let seen =
            ParallelConsumer::run(&broker.address, &topic, &broker.group(), RECORDS, 60, "sleep", WORKERS);
        assert_eq!(seen.records, RECORDS as f64, "parallel-consumer handled every record");
        peers.push(seen.seconds * 1e3);
    }
    // No order of work is shorter than this.
    let ideal = sleeps.iter().sum::<u64>() as f64 / f64::from(WORKERS) / 1e3;
    let kylo = || Side::shortest("kylo", "ms", ours.clone());
    let peer = Side::shortest("parallel-consumer", "ms", peers);
    let ideal = Side::single("sum of the sleeps / 16", "ms", ideal);
    vec![
        Figure::ratio("keyed_1000_vs_ideal", Goal::AtMost(1.05), kylo(), ideal),
        Figure::ratio("keyed_1000_vs_parallel_consumer", Goal::None, kylo(), peer),
    ]
}

/// Sleeps on a thread for as many microseconds as the value says.
#[derive(Default)]
struct Sleeper {
    first: OnceLock<Instant>,
    ended: Mutex<(u64, Option<Instant>)>,
    all: Notify,
}

impl Handler for Sleeper {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        self.first.get_or_init(Instant::now);
        let text = std::str::from_utf8(records[0].value().unwrap_or_default()).unwrap_or_default();
        let time = Duration::from_micros(text.parse().expect("a number"));
        Box::pin(async move {
            tokio::task::spawn_blocking(move || std::thread::sleep(time)).await.expect("a sleep");
            let mut ended = self.ended.lock().expect("one lock");
            ended.0 += 1;
            if ended.0 == RECORDS {
                ended.1 = Some(Instant::now());
                self.all.notify_one();
            }
            Ok(Outcomes::AllDone)
        })
    }
}

/// Milliseconds from the start of the first handler to the end of the last.
fn kylo(broker: &Broker, topic: &str) -> f64 {
    let handler = Arc::new(Sleeper::default());
    let policy = Policy { concurrency: WORKERS as usize, ..Policy::default() };
    let (trigger, shutdown) = shutdown::channel();
    let running = broker.runtime.spawn(consumer(broker, topic, handler.clone(), policy).run(shutdown));
    let limit = Duration::from_secs(60);
    let ended = broker.runtime.block_on(async { tokio::time::timeout(limit, handler.all.notified()).await });
    ended.expect("all sleeps end within a minute");
    trigger.advance();
    broker.runtime.block_on(running).expect("a consumer").expect("a clean end");
    let first = *handler.first.get().expect("a first record");
    let last = handler.ended.lock().expect("one lock").1.expect("a last record");
    (last - first).as_secs_f64() * 1e3
}
