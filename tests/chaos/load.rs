//! The seeded load: batches of transactions for every company, and the producer's own log of what the broker
//! acknowledged.

use crate::world::World;
use fastrand::Rng;
use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The source id of the transaction of each company that changes with the batches.
pub const HOT: &str = "hot";

/// One batch of one company.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Which company, by its place in the world.
    pub company: usize,
    pub batch: String,
    /// Source id, cents and description of its transactions.
    pub txns: Vec<(String, i64, String)>,
    /// The broker's acknowledgement.
    pub ack: Option<Ack>,
    /// Nobody knows whether the broker has it.
    pub maybe: bool,
}

/// The broker has it.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    pub partition: i32,
    pub offset: i64,
    /// Seconds since 1970.
    pub at: f64,
}

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs_f64()
}

#[derive(Default)]
struct Acks(Mutex<Vec<Option<Result<Ack, String>>>>);

struct Listener(Arc<Acks>);
impl ClientContext for Listener {}
impl ProducerContext for Listener {
    type DeliveryOpaque = Box<usize>;
    fn delivery(&self, result: &DeliveryResult<'_>, index: Box<usize>) {
        let ended = match result {
            Ok(message) => Ok(Ack { partition: message.partition(), offset: message.offset(), at: now() }),
            Err((error, _)) => Err(error.to_string()),
        };
        let mut acks = locked(&self.0.0);
        if acks.len() <= *index {
            acks.resize_with(*index + 1, || None);
        }
        acks[*index] = Some(ended);
    }
}

struct State {
    rng: Rng,
    next: Vec<i64>,
    sent: Vec<Sent>,
    /// Companies that are left out for now.
    quiet: Vec<usize>,
}

struct Shared {
    producer: ThreadedProducer<Listener>,
    acks: Arc<Acks>,
    topic: String,
    ids: Vec<String>,
    state: Mutex<State>,
    rate: AtomicU32,
    stop: AtomicBool,
    dead: Mutex<HashSet<String>>,
    excused: Arc<Mutex<HashSet<String>>>,
}

/// A running load.
#[derive(Clone)]
pub struct Load {
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Load {
    /// Starts with `rate` batches a second.
    pub fn start(world: &World, seed: u64, rate: u32) -> Load {
        let acks = Arc::new(Acks::default());
        let producer = world
            .broker()
            .client()
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", "120000")
            .set("linger.ms", "2")
            .set("compression.type", world.compression)
            // Partitions may be added meanwhile.
            .set("topic.metadata.refresh.interval.ms", "1000")
            .create_with_context(Listener(acks.clone()))
            .expect("a producer");
        let shared = Arc::new(Shared {
            producer,
            acks,
            topic: world.txns(),
            ids: world.companies.iter().map(|company| company.id.clone()).collect(),
            state: Mutex::new(State {
                rng: Rng::with_seed(seed),
                next: vec![0; world.companies.len()],
                sent: Vec::new(),
                quiet: Vec::new(),
            }),
            rate: AtomicU32::new(rate),
            stop: AtomicBool::new(false),
            dead: Mutex::default(),
            excused: Arc::default(),
        });
        let runs = shared.clone();
        let thread = std::thread::spawn(move || {
            while !runs.stop.load(Ordering::Relaxed) {
                let rate = runs.rate.load(Ordering::Relaxed);
                if rate == 0 {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
                runs.send(None);
                std::thread::sleep(Duration::from_secs_f64(1.0 / f64::from(rate)));
            }
        });
        Load { shared, thread: Arc::new(Mutex::new(Some(thread))) }
    }

    /// Batches a second from now on.
    pub fn rate(&self, rate: u32) {
        self.shared.rate.store(rate, Ordering::Relaxed);
    }
    /// Sends `count` batches at once.
    pub fn burst(&self, count: usize) {
        (0..count).for_each(|_| self.shared.send(None));
    }
    /// Sends `count` batches of one company at once.
    pub fn burst_of(&self, company: usize, count: usize) {
        (0..count).for_each(|_| self.shared.send(Some(company)));
    }
    /// Batches that belong into the dead letters.
    pub fn dead(&self) -> HashSet<String> {
        locked(&self.shared.dead).clone()
    }
    /// Batches that may be committed although they have no effect.
    pub fn excused(&self) -> Arc<Mutex<HashSet<String>>> {
        self.shared.excused.clone()
    }
    /// Adds to those.
    pub fn excuse(&self, batches: &HashSet<String>) {
        locked(&self.shared.excused).extend(batches.iter().cloned());
    }
    /// They have to have their effect now.
    pub fn forgive(&self, batches: &HashSet<String>) {
        locked(&self.shared.excused).retain(|batch| !batches.contains(batch));
    }
    /// Sends `count` batches of one company that may be committed without an effect for now.
    pub fn burst_excused(&self, company: usize, count: usize) -> HashSet<String> {
        (0..count).map(|_| self.shared.send_kind(Some(company), Kind::Later)).collect()
    }
    /// How many those are.
    pub fn excused_count(&self) -> usize {
        locked(&self.shared.excused).len()
    }
    /// Waits for every answer of the broker.
    pub fn flush(&self) {
        self.shared.producer.flush(Duration::from_secs(60)).expect("every batch is answered");
    }
    /// Leaves companies out from now on.
    pub fn quiet(&self, companies: &[usize]) {
        locked(&self.shared.state).quiet = companies.to_vec();
    }
    /// What was sent so far, with what is known of it.
    pub fn log(&self) -> Vec<Sent> {
        let mut sent = locked(&self.shared.state).sent.clone();
        let acks = locked(&self.shared.acks.0);
        for (index, one) in sent.iter_mut().enumerate() {
            match acks.get(index).and_then(Option::as_ref) {
                Some(Ok(ack)) => (one.ack, one.maybe) = (Some(*ack), false),
                Some(Err(_)) | None => one.maybe = true,
            }
        }
        sent
    }
    /// How many batches the broker acknowledged.
    pub fn acknowledged(&self) -> usize {
        locked(&self.shared.acks.0).iter().filter(|ack| matches!(ack, Some(Ok(_)))).count()
    }
    /// Stops, waits for every answer of the broker and gives the log.
    pub fn finish(&self) -> Vec<Sent> {
        self.stop();
        self.flush();
        self.log()
    }
    /// Sends nothing more.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = locked(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

/// What a batch is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sound,
    /// The database refuses it, whenever it is asked.
    Unstorable,
    /// A trigger of the scenario holds it.
    Deadly,
    /// Nobody can read it.
    Hopeless,
    /// Nothing is wrong with it, but it has to come twice.
    Later,
    /// Sound, and so many bytes long.
    Padded(usize),
}

impl Load {
    /// Sends a batch that the database refuses, and gives its name.
    pub fn send_unstorable(&self, company: usize) -> String {
        self.shared.send_kind(Some(company), Kind::Unstorable)
    }
    /// Sends a batch of about `bytes` bytes, most of them in a field that nobody reads: JSON that compresses as JSON does.
    pub fn send_padded(&self, company: usize, bytes: usize) {
        self.shared.send_kind(Some(company), Kind::Padded(bytes));
    }
    /// Sends a batch with a transaction whose description is "deadly", and gives its name.
    pub fn send_deadly(&self, company: usize) -> String {
        self.shared.send_kind(Some(company), Kind::Deadly)
    }
    /// Sends `count` batches that are not JSON to the end.
    pub fn send_hopeless(&self, company: usize, count: usize) {
        (0..count).for_each(|_| drop(self.shared.send_kind(Some(company), Kind::Hopeless)));
    }
}

impl Shared {
    fn send(&self, company: Option<usize>) {
        self.send_kind(company, Kind::Sound);
    }

    fn send_kind(&self, company: Option<usize>, kind: Kind) -> String {
        // Held until the batch is handed over: the order of the log is the order of sends.
        let mut state = locked(&self.state);
        let company = company.unwrap_or_else(|| {
            loop {
                let company = state.rng.usize(..self.ids.len());
                if !state.quiet.contains(&company) {
                    break company;
                }
            }
        });
        state.next[company] += 1;
        let number = state.next[company];
        let id = &self.ids[company];
        let batch = format!("c{id}-{number}");
        let mut txns = Vec::new();
        for place in 0..state.rng.i64(1..=8) {
            let description = match kind {
                Kind::Deadly => "deadly".to_owned(),
                Kind::Unstorable => "unstorable".to_owned(),
                _ if state.rng.u8(..3) == 0 => "Coffee".to_owned(),
                _ => format!("shop {number} {place}"),
            };
            txns.push((format!("t{number}-{place}"), -(number * 100 + place), description));
        }
        if kind == Kind::Sound && state.rng.u8(..4) == 0 {
            txns.push((HOT.to_owned(), number, HOT.to_owned()));
        }
        let mut value = message(id, &batch, &txns);
        if kind == Kind::Hopeless {
            value.pop();
        }
        if let Kind::Padded(bytes) = kind {
            value.pop();
            pad(&mut state.rng, &mut value, bytes);
        }
        let sound = matches!(kind, Kind::Sound | Kind::Padded(_));
        if !sound {
            locked(&self.excused).insert(batch.clone());
        }
        if !sound && kind != Kind::Later {
            locked(&self.dead).insert(batch.clone());
        }
        let index = state.sent.len();
        state.sent.push(Sent { company, batch: batch.clone(), txns, ack: None, maybe: false });
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new(index));
        let mut waiting = Some(record.key(id.as_bytes()).payload(value.as_bytes()));
        while let Some(record) = waiting.take() {
            if let Err((error, back)) = self.producer.send(record) {
                assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "{error}");
                std::thread::sleep(Duration::from_millis(1));
                waiting = Some(back);
            }
        }
        batch
    }
}

/// Ends a message with a field of many lines: half of each is chance.
fn pad(rng: &mut Rng, value: &mut String, bytes: usize) {
    value.push_str(r#","lines":["#);
    while value.len() < bytes {
        let _ = write!(
            value,
            r#"{{"reference":"{:016x}","booked_at":"2026-01-05T10:00:00Z","currency":"EUR","amount_cents":{}}},"#,
            rng.u64(..),
            rng.u16(..)
        );
    }
    value.pop();
    value.push_str("]}");
}

/// A `TXNS_BATCH`.
pub fn message(company: &str, batch: &str, txns: &[(String, i64, String)]) -> String {
    let mut value = format!(
        r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"{batch}","company_id":"{company}","created_at":"2026-01-05T10:00:00Z","transactions":["#
    );
    for (at, (id, cents, description)) in txns.iter().enumerate() {
        let separator = if at == 0 { "" } else { "," };
        let _ = write!(
            value,
            r#"{separator}{{"id":"{id}","date":"2026-01-05","amount_cents":{cents},"description":"{description}"}}"#
        );
    }
    value.push_str("]}");
    value
}

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
