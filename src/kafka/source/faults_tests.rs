//! The whole runtime on the mock broker, which answers with errors, slowly, or not at all. Whatever it was:
//! every record is handled, nothing is committed above one that is not, and a dead letter is written once.

use super::harness::*;
use super::*;
use crate::engine::dead_letter::Sender;
use crate::engine::{
    Backoff, Consumer, Event, Failure, Handler, HandlerFuture, Outcomes, Policy, Record, Reporter, RunError,
    Summary,
};
use crate::kafka::{MockBroker, Producer};
use crate::model::clock::FixedClock;
use crate::model::topic::TopicSpec;
use crate::shutdown::Shutdown;
use jiff::Timestamp;
use rdkafka::consumer::Consumer as _;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Code};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use tokio::sync::watch;

/// Records a partition.
const EACH: usize = 12;
/// The record whose handler waits until the test lets it go on; then it is a bad one.
const GATED: (i32, i64) = (0, 5);
/// Another bad one, which waits for nothing.
const BAD: (i32, i64) = (1, 3);

enum Fault {
    /// The next requests of this kind are answered with these errors.
    Answers(Api, &'static [Code]),
    /// Every answer takes this long.
    Slow(Duration),
    /// The broker is gone until the client says so.
    Away,
}

struct Case {
    name: &'static str,
    fault: Fault,
    /// It begins while the gated record runs and all else is committed; otherwise before the start.
    midway: bool,
    /// The start of an event that tells that it bit; empty where the client deals with it unheard.
    told: &'static str,
}

const fn case(name: &'static str, fault: Fault, midway: bool, told: &'static str) -> Case {
    Case { name, fault, midway, told }
}

static CASES: &[Case] = {
    use Code::*;
    use Fault::*;
    &[
        case(
            "the coordinator loads",
            Answers(Api::OffsetCommit, &[RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS; 2]),
            false,
            "",
        ),
        case(
            "the coordinator moved",
            Answers(Api::OffsetCommit, &[RD_KAFKA_RESP_ERR_NOT_COORDINATOR]),
            false,
            "",
        ),
        case(
            "a commit during a rebalance",
            Answers(Api::OffsetCommit, &[RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS]),
            false,
            "",
        ),
        case(
            "a commit of an old generation",
            Answers(Api::OffsetCommit, &[RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION]),
            false,
            "",
        ),
        case(
            "the leader moved",
            Answers(Api::Fetch, &[RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION; 2]),
            false,
            "",
        ),
        case(
            "put out of the group",
            Answers(Api::Heartbeat, &[RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]),
            true,
            "Revoked",
        ),
        case(
            "too few replicas for a dead letter",
            Answers(Api::Produce, &[RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 2]),
            false,
            "",
        ),
        case(
            "a dead letter that is too large",
            Answers(Api::Produce, &[RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]),
            false,
            "",
        ),
        case(
            "a dead letter that is not allowed",
            Answers(Api::Produce, &[RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 2]),
            false,
            "Retrying",
        ),
        case("slow answers", Slow(Duration::from_millis(200)), false, ""),
        case("the broker goes and comes", Away, true, "Trouble"),
    ]
};

struct Work {
    handled: Mutex<Vec<(i32, i64)>>,
    gate: watch::Receiver<bool>,
}

impl Handler for Work {
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        Box::pin(async move {
            let place = (records[0].partition().partition, records[0].offset());
            if place == GATED {
                self.gate.clone().wait_for(|open| *open).await.unwrap();
            }
            self.handled.lock().unwrap().push(place);
            match [GATED, BAD].contains(&place) {
                true => Err(Failure::permanent("bad", "a bad record")),
                false => Ok(Outcomes::AllDone),
            }
        })
    }
}

#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Reporter for Events {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

/// A topic, its records, its dead letters, and a consumer of them.
struct Bench {
    name: &'static str,
    broker: MockBroker,
    work: Arc<Work>,
    open: watch::Sender<bool>,
    events: Events,
}

impl Bench {
    async fn new(name: &'static str) -> Bench {
        let broker = broker(2);
        let letters =
            TopicSpec { name: "t.dlq".into(), partitions: 1, replicas: None, configs: BTreeMap::new() };
        broker.create_topic(&letters).unwrap();
        let mut records = [numbered(0, 0..EACH), numbered(1, 0..EACH)].concat();
        for record in &mut records {
            // Each is a lane of its own.
            record.key.clone_from(&record.value);
        }
        produce(&broker, records).await;
        let (open, gate) = watch::channel(false);
        let work = Arc::new(Work { handled: Mutex::default(), gate });
        Bench { name, broker, work, open, events: Events::default() }
    }

    fn start(&self) -> tokio::task::JoinHandle<std::result::Result<Summary, RunError>> {
        let config = config(&self.broker, &QUICK);
        let options = SourceOptions::default();
        let source = ConsumerSource::new(&config, "faults", vec!["t".into()], options).unwrap();
        let mut policy = Policy { workers: 1, exit_when_idle: true, ..Policy::default() };
        policy.commit_every = Duration::from_millis(50);
        policy.retry.backoff = Backoff { first: Duration::from_millis(20), most: Duration::from_millis(200) };
        let consumer = Consumer {
            source: Box::new(source),
            handler: self.work.clone(),
            publisher: Arc::new(Producer::connect(&config).unwrap()),
            dead_letter_topic: "t.dlq".into(),
            sender: Sender { cluster: "c".into(), group: "faults".into() },
            policy,
            clock: Arc::new(FixedClock(Timestamp::UNIX_EPOCH)),
            reporter: Arc::new(self.events.clone()),
            drains: Vec::new(),
            marks: None,
        };
        tokio::spawn(consumer.run(Shutdown::never()))
    }

    fn committed(&self, partition: i32) -> i64 {
        tokio::task::block_in_place(|| committed(&self.broker, "faults", partition).0)
    }
    fn letters(&self) -> i64 {
        tokio::task::block_in_place(|| {
            let mut settings = config(&self.broker, &[]).client(Role::Admin).unwrap();
            let asker: BaseConsumer = settings.set("group.id", "asker").create().unwrap();
            asker.fetch_watermarks("t.dlq", 0, Duration::from_secs(10)).unwrap().1
        })
    }
    fn seen(&self) -> BTreeSet<(i32, i64)> {
        self.work.handled.lock().unwrap().iter().copied().collect()
    }
    fn told(&self, start: &str) -> bool {
        self.events.0.lock().unwrap().iter().any(|event| event.starts_with(start))
    }
    async fn until(&self, what: &str, done: impl Fn() -> bool) {
        let deadline = tokio::time::Instant::now() + LIMIT * 2;
        while !done() {
            let late = tokio::time::Instant::now() >= deadline;
            assert!(!late, "{}: waiting for {what}: {:?} {:?}", self.name, self.seen(), self.events.0);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn strike(&self, fault: &Fault) {
        match fault {
            Fault::Answers(api, errors) => self.broker.fail_next(*api, errors),
            Fault::Slow(time) => self.broker.answer_after(*time),
            Fault::Away => self.broker.set_down(true),
        }
    }

    /// Letters that may be written twice: an assignment was lost before the first one's record was committed.
    fn again(&self, case: &Case) -> i64 {
        i64::from(!case.midway && self.told("Revoked"))
    }
    /// Everything was handled, committed, and dead-lettered once.
    fn is_whole(&self, again: i64) {
        let all = (0..EACH as i64).flat_map(|offset| [(0, offset), (1, offset)]).collect::<BTreeSet<_>>();
        assert_eq!(self.seen(), all, "{}: {:?}", self.name, self.events.0);
        for partition in [0, 1] {
            assert_eq!(self.committed(partition), EACH as i64, "{}: {:?}", self.name, self.events.0);
        }
        assert!((2..=2 + again).contains(&self.letters()), "{}: {:?}", self.name, self.events.0);
    }
}

async fn play(case: &'static Case) {
    let bench = Bench::new(case.name).await;
    if !case.midway {
        bench.strike(&case.fault);
    }
    let running = bench.start();
    bench.until("all but the gated record", || bench.seen().len() == 2 * EACH - 1).await;
    bench.until("the other partition's commit", || bench.committed(1) == EACH as i64).await;
    if case.midway {
        bench.strike(&case.fault);
    }
    bench.until(case.told, || bench.told(case.told) || case.told.is_empty()).await;
    if matches!(case.fault, Fault::Away) {
        bench.broker.set_down(false);
    }
    // The gated record has no end: nothing is committed above it, and no letter of it is written, also by a run
    // whose assignment was lost.
    assert!(bench.committed(0) <= GATED.1, "{}", case.name);
    let again = bench.again(case);
    assert!((1..=1 + again).contains(&bench.letters()), "{}", case.name);
    bench.open.send(true).unwrap();
    let summary = tokio::time::timeout(LIMIT * 2, running).await.expect(case.name).unwrap().unwrap();
    assert!(!summary.uncommitted && summary.abandoned.is_empty(), "{}: {summary:?}", case.name);
    bench.is_whole(bench.again(case));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_broker_answers_nothing_is_lost() {
    let mut cases = tokio::task::JoinSet::new();
    for case in CASES {
        cases.spawn(play(case));
    }
    while let Some(ended) = cases.join_next().await {
        if let Err(failed) = ended {
            std::panic::resume_unwind(failed.into_panic());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_waits_for_its_leader_is_waited_for() {
    let bench = Bench::new("a leader is away").await;
    bench.broker.set_leader("t", 1, false);
    bench.open.send(true).unwrap();
    let running = bench.start();
    bench.until("the partition that is led", || bench.committed(0) == EACH as i64).await;
    // Idle it is, and must not end for it: the consumer's own look for idleness comes ten times a second.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!running.is_finished());
    bench.broker.set_leader("t", 1, true);
    tokio::time::timeout(LIMIT * 2, running).await.unwrap().unwrap().unwrap();
    bench.is_whole(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_that_is_said_to_be_out_of_range_stops_it_and_loses_nothing() {
    let bench = Bench::new("out of range").await;
    bench.strike(&Fault::Answers(Api::Fetch, &[Code::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE]));
    bench.open.send(true).unwrap();
    let error = tokio::time::timeout(LIMIT * 2, bench.start()).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, RunError::Source(_)), "{error}");
    tokio::time::timeout(LIMIT * 2, bench.start()).await.unwrap().unwrap().unwrap();
    bench.is_whole(0);
}
