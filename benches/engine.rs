//! The engine without a client: batches from memory, keyed lanes, a handler that does nothing. What it costs per
//! record is what the engine adds to the client's own work.
//!
//! `cargo bench --bench engine`, no server needed; BENCH_RECORDS sets how many records of 100 bytes are handled
//! (4,000,000), BENCH_BYTES their size.

use kylo::app::system_clock;
use kylo::engine::dead_letter::Sender;
use kylo::engine::{
    Assigned, BatchBuilder, CommitReport, Consumer, Epoch, Handler, HandlerFuture, MemoryGauge, Outcomes,
    Policy, PublishError, PublishFuture, Publisher, Record, Silent, Source, SourceCommand, SourceEvent,
};
use kylo::model::record::{OutgoingRecord, TopicPartition};
use kylo::shutdown;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const PARTITIONS: i32 = 6;
const KEYS: u64 = 1_000;
/// Records of a batch, and bytes, as the client's source cuts them.
const BATCH: u64 = 2_048;
const BATCH_BYTES: u64 = 224 << 10;

fn main() {
    // Cargo's own question to every target of a test run.
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (count, size) = (number("BENCH_RECORDS", 4_000_000), number("BENCH_BYTES", 100) as usize);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let handler = Arc::new(Noop::default());
    let consumer = Consumer {
        source: Box::new(Flood { count, size }),
        handler: handler.clone(),
        publisher: Arc::new(Nowhere),
        dead_letter_topic: "dead".into(),
        sender: Sender { cluster: "bench".into(), group: "bench".into() },
        policy: Policy::default(),
        clock: system_clock(),
        reporter: Arc::new(Silent),
        drains: Vec::new(),
        marks: None,
    };
    let (trigger, shutdown) = shutdown::channel();
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let running = runtime.spawn(consumer.run(shutdown));
    while handler.0.load(Ordering::Relaxed) < count {
        assert!(began.elapsed() < Duration::from_secs(120), "{:?} of {count}", handler.0);
        std::thread::sleep(Duration::from_millis(1));
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    trigger.advance();
    runtime.block_on(running).expect("a consumer").expect("a clean end");
    let _ = writeln!(
        std::io::stdout(),
        "engine alone, {size} B: {:.0} records/s, {:.3} CPU s per million",
        count as f64 / took,
        cpu / count as f64 * 1e6
    );
}

/// User and system time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    // Ticks are hundredths of a second on every Linux of today.
    (ticks(11) + ticks(12)) / 100.0
}

#[derive(Default)]
struct Noop(AtomicU64);

impl Handler for Noop {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        self.0.fetch_add(records.len() as u64, Ordering::Relaxed);
        Box::pin(async { Ok(Outcomes::AllDone) })
    }
}

struct Nowhere;

impl Publisher for Nowhere {
    fn publish<'a>(&'a self, _: &'a OutgoingRecord) -> PublishFuture<'a> {
        Box::pin(async {
            Err(PublishError {
                topic: "dead".into(),
                reason: "nothing is published here".into(),
                too_large: false,
            })
        })
    }
}

/// Gives `count` records as fast as memory allows.
struct Flood {
    count: u64,
    size: usize,
}

impl Source for Flood {
    fn start(
        self: Box<Self>,
        memory: MemoryGauge,
        events: mpsc::UnboundedSender<SourceEvent>,
        mut commands: mpsc::UnboundedReceiver<SourceCommand>,
    ) -> std::io::Result<()> {
        std::thread::spawn(move || {
            let partitions: Vec<TopicPartition> =
                (0..PARTITIONS).map(|number| TopicPartition::new("flood", number)).collect();
            let assigned = partitions.iter().map(|partition| Assigned {
                partition: partition.clone(),
                epoch: Epoch(1),
                committed: None,
                log_start: 0,
                log_end: i64::MAX,
            });
            let _ = events.send(SourceEvent::Assigned(assigned.collect()));
            let value = vec![b'v'; self.size];
            let batch = BATCH.min(BATCH_BYTES / (self.size as u64 + 4)).max(1);
            let (mut sent, mut offset, mut started) = (0, 0, false);
            loop {
                while let Ok(command) = commands.try_recv() {
                    match command {
                        SourceCommand::Start(_) => started = true,
                        SourceCommand::Commit { id, positions } => {
                            let results = positions.into_iter().map(|position| (position, Ok(()))).collect();
                            let _ = events.send(SourceEvent::Committed(CommitReport { id, results }));
                        }
                        SourceCommand::Leave => {
                            let _ = events.send(SourceEvent::Left);
                            return;
                        }
                        _ => {}
                    }
                }
                if !started || !memory.may_read() || sent >= self.count {
                    std::thread::sleep(Duration::from_micros(100));
                    continue;
                }
                // As a client gives them: one partition after the other, each with the keys that are its own.
                let partition = (sent / batch) % PARTITIONS as u64;
                let many = batch.min(self.count - sent);
                let mut builder = BatchBuilder::reusing(&memory);
                let slot = builder.slot(&partitions[partition as usize], Epoch(1));
                for n in 0..many {
                    let key = (n * PARTITIONS as u64 + partition) % KEYS;
                    let key = [
                        b'k',
                        b'0' + (key / 100) as u8,
                        b'0' + (key / 10 % 10) as u8,
                        b'0' + (key % 10) as u8,
                    ];
                    let at = offset + n as i64;
                    builder.push(slot, at, Some(1), Some(&key), Some(&value), std::iter::empty());
                }
                if partition == PARTITIONS as u64 - 1 {
                    offset += batch as i64;
                }
                sent += many;
                let _ = events.send(SourceEvent::Batch(builder.build_counted(&memory)));
            }
        });
        Ok(())
    }
}
