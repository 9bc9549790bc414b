//! Writing records: idempotent, acknowledged by every replica, byte for byte.

use super::context;
use super::error::{client_error, describe};
use super::raw::{Refused, produce};
use super::{Config, config::Role};
use crate::consent::WriteToken;
use crate::engine::{PublishError, PublishFuture, Publisher};
use crate::error::Result;
use crate::model::record::{Delivery, OutgoingRecord, TopicPartition};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};

/// How one record ended.
pub type SendResult = std::result::Result<Delivery, PublishError>;

/// The reports thread looks this often whether it should end; reports themselves wake it.
const REPORTS_TICK: Duration = Duration::from_millis(20);
/// Records queued in a row before other tasks of the runtime get their turn.
const BURST: usize = 512;

/// A connected producer with a thread of its own for delivery reports. Share it by `Arc`; dropping it gives up
/// what was not awaited.
///
/// An idempotent client that meets what it cannot explain (a broker that lost what it had acknowledged) refuses
/// everything from then on. It is replaced, so that whoever tries again gets through.
pub struct Producer {
    config: Config,
    client: Mutex<Arc<Client>>,
}

/// A client and its thread.
struct Client {
    client: Arc<BaseProducer<Reports>>,
    stop: Arc<AtomicBool>,
    reports: Option<JoinHandle<()>>,
}

/// Waits for the delivery report of one record.
struct Ticket {
    topic: Arc<str>,
    reply: Reply,
}

enum Reply {
    One(oneshot::Sender<SendResult>),
    Many { index: usize, results: mpsc::UnboundedSender<(usize, SendResult)> },
}

/// Brings delivery reports to their tickets.
struct Reports {
    /// Woken after every report, for those who wait for room in the queue.
    room: Notify,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(level, facility, message);
    }
    fn stats_raw(&self, _statistics: &[u8]) {}
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, report: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let Ticket { topic, reply } = *ticket;
        let result = match report {
            Ok(message) => Ok(Delivery {
                target: TopicPartition::new(topic, message.partition()),
                offset: message.offset(),
            }),
            Err((error, _)) => Err(refusal(&topic, error.rdkafka_error_code())),
        };
        // Who gave up waiting does not want the result.
        match reply {
            Reply::One(sender) => drop(sender.send(result)),
            Reply::Many { index, results } => drop(results.send((index, result))),
        }
        self.room.notify_waiters();
    }
}

fn refusal(topic: &str, code: Option<RDKafkaErrorCode>) -> PublishError {
    let too_large = matches!(
        code,
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::MessageBatchTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
        )
    );
    let reason = code.map_or_else(|| "the client gave no reason".into(), describe);
    PublishError { topic: topic.to_owned(), reason, too_large }
}

impl Producer {
    /// Makes the client and its thread. Nothing is dialled before the first record: ask
    /// [`preflight`](super::preflight) first when somebody waits for the answer.
    ///
    /// Errors: settings the client cannot use.
    pub fn connect(config: &Config) -> Result<Producer> {
        let client = Mutex::new(Arc::new(Client::connect(config)?));
        Ok(Producer { config: config.clone(), client })
    }

    fn client(&self) -> Arc<Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces `used`, which refused a record, if it refuses everything by now.
    fn replace_if_fatal(&self, used: &Arc<Client>) {
        let Some((_, reason)) = used.client.client().fatal_error() else { return };
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&client, used) {
            tracing::warn!(%reason, "the producer gave up; another takes its place");
            match Client::connect(&self.config) {
                Ok(new) => *client = Arc::new(new),
                Err(error) => tracing::warn!(%error, "making another producer"),
            }
        }
    }

    async fn send_one(&self, record: &OutgoingRecord) -> SendResult {
        let client = self.client();
        let result = client.send_one(record).await;
        if result.is_err() {
            self.replace_if_fatal(&client);
        }
        result
    }

    /// Writes one record and waits for the broker's acknowledgement.
    pub async fn send(&self, _token: &WriteToken, record: &OutgoingRecord) -> SendResult {
        self.send_one(record).await
    }

    /// Writes all records, many on the way at once, and returns one result each, in their order. `progress` is
    /// told how many have ended so far.
    pub async fn send_all(
        &self,
        _token: &WriteToken,
        records: impl Iterator<Item = OutgoingRecord>,
        mut progress: impl FnMut(usize),
    ) -> Vec<SendResult> {
        let client = self.client();
        let (sender, mut ended) = mpsc::unbounded_channel();
        let mut results: Vec<Option<SendResult>> = Vec::with_capacity(records.size_hint().0);
        let mut done = 0;
        for (index, record) in records.enumerate() {
            results.push(None);
            let reply = Reply::Many { index, results: sender.clone() };
            let ticket = Box::new(Ticket { topic: record.topic.clone(), reply });
            if let Err(error) = client.enqueue(&record, ticket).await {
                results[index] = Some(Err(error));
                done += 1;
            }
            if index % BURST == BURST - 1 {
                tokio::task::yield_now().await;
                while let Ok((index, result)) = ended.try_recv() {
                    results[index] = Some(result);
                    done += 1;
                }
                progress(done);
            }
        }
        drop(sender);
        // The channel closes when the last ticket has been answered or dropped.
        let mut batch = Vec::new();
        while ended.recv_many(&mut batch, BURST).await > 0 {
            done += batch.len();
            for (index, result) in batch.drain(..) {
                results[index] = Some(result);
            }
            progress(done);
        }
        progress(done);
        if results.iter().flatten().any(SendResult::is_err) {
            self.replace_if_fatal(&client);
        }
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(abandoned("")))).collect()
    }
}

impl Client {
    fn connect(config: &Config) -> Result<Client> {
        let context = Reports { room: Notify::new() };
        let client: BaseProducer<Reports> = config
            .client(Role::Producer)?
            .create_with_context(context)
            .map_err(|error| client_error("making a kafka producer", &error))?;
        let client = Arc::new(client);
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("kylo-reports".into());
        let reports = thread.spawn({
            let (client, stop) = (client.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::Acquire) {
                    client.poll(REPORTS_TICK);
                }
            }
        })?;
        Ok(Client { client, stop, reports: Some(reports) })
    }

    async fn send_one(&self, record: &OutgoingRecord) -> SendResult {
        let (sender, report) = oneshot::channel();
        let ticket = Box::new(Ticket { topic: record.topic.clone(), reply: Reply::One(sender) });
        self.enqueue(record, ticket).await?;
        report.await.unwrap_or_else(|_| Err(abandoned(&record.topic)))
    }

    /// Queues a record; while the queue is full, waits for an earlier delivery.
    async fn enqueue(
        &self,
        record: &OutgoingRecord,
        mut ticket: Box<Ticket>,
    ) -> std::result::Result<(), PublishError> {
        let refused = |refused| match refused {
            Refused::Full(back) => Ok(back),
            Refused::Unfit(reason) => {
                let (topic, reason) = (record.topic.to_string(), reason.to_owned());
                Err(PublishError { topic, reason, too_large: false })
            }
            Refused::Code(code) => Err(refusal(&record.topic, Some(code))),
        };
        // Once without asking for a wake-up: nearly always there is room.
        match produce(&self.client, record, ticket) {
            Ok(()) => return Ok(()),
            Err(reason) => ticket = refused(reason)?,
        }
        loop {
            // Registered before the attempt, so that a report in between is not missed.
            let room = self.client.context().room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            match produce(&self.client, record, ticket) {
                Ok(()) => return Ok(()),
                Err(reason) => ticket = refused(reason)?,
            }
            room.await;
        }
    }
}

fn abandoned(topic: &str) -> PublishError {
    PublishError {
        topic: topic.to_owned(),
        reason: "the producer was closed before the broker answered".into(),
        too_large: false,
    }
}

impl Publisher for Producer {
    fn publish<'a>(&'a self, record: &'a OutgoingRecord) -> PublishFuture<'a> {
        Box::pin(self.send_one(record))
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Producer")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(reports) = self.reports.take() {
            // The thread ends within one tick. A panic there has been reported already.
            let _ = reports.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MockBroker;
    use super::*;
    use crate::kafka::raw::give_up;
    use crate::model::record::Header;
    use crate::model::topic::TopicSpec;
    use bytes::Bytes;
    use std::collections::BTreeMap;

    fn broker(topic: &str, partitions: i32) -> MockBroker {
        let spec = TopicSpec { name: topic.into(), partitions, replicas: None, configs: BTreeMap::new() };
        MockBroker::start(&[spec]).unwrap()
    }

    fn connect(broker: &MockBroker, properties: &[(&str, &str)]) -> Producer {
        let config = Config {
            brokers: broker.bootstrap_servers().into(),
            properties: properties.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            timeout: Duration::from_secs(10),
        };
        Producer::connect(&config).unwrap()
    }

    fn record(topic: &str, key: &str) -> OutgoingRecord {
        OutgoingRecord {
            topic: topic.into(),
            partition: None,
            key: Some(Bytes::from(key.to_owned())),
            value: Some(Bytes::from_static(b"v")),
            headers: Vec::new(),
            timestamp_ms: None,
        }
    }

    #[tokio::test]
    async fn a_key_goes_where_murmur2_puts_it() {
        let broker = broker("t", 6);
        let producer = connect(&broker, &[]);
        let token = WriteToken::by_command("test");
        // From Java's `Utils.toPositive(Utils.murmur2(key)) % 6`, as published in the client's own test vectors:
        // murmur2("21") = -973932308, murmur2("foobar") = -790332482.
        for (key, hash) in [("21", -973_932_308_i32), ("foobar", -790_332_482)] {
            let delivery = producer.send(&token, &record("t", key)).await.unwrap();
            assert_eq!(delivery.target.partition, (hash & 0x7fff_ffff) % 6, "{key}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_waits_for_deliveries() {
        let broker = broker("t", 2);
        let producer = connect(&broker, &[("queue.buffering.max.messages", "10")]);
        let token = WriteToken::by_command("test");
        let mut last = 0;
        let records = (0..1000).map(|number| record("t", &number.to_string()));
        let results = producer.send_all(&token, records, |done| last = done).await;
        assert_eq!((results.len(), last), (1000, 1000));
        let mut next = BTreeMap::new();
        for delivery in results.into_iter().map(SendResult::unwrap) {
            let expected = next.entry(delivery.target.partition).or_insert(0);
            assert_eq!(delivery.offset, *expected);
            *expected += 1;
        }
    }

    #[tokio::test]
    async fn what_the_client_would_change_is_refused() {
        let broker = broker("t", 1);
        let producer = connect(&broker, &[]);
        let token = WriteToken::by_command("test");
        let mut at_zero = record("t", "k");
        at_zero.timestamp_ms = Some(0);
        let mut odd_header = record("t", "k");
        odd_header.headers = vec![Header { name: Bytes::from_static(b"a\0b"), value: None }];
        for (refused, word) in [(at_zero, "timestamp 0"), (odd_header, "header name")] {
            let error = producer.send(&token, &refused).await.unwrap_err();
            assert!(error.reason.contains(word) && !error.too_large, "{error}");
        }
        let results =
            producer.send_all(&token, [record("t\0", "k"), record("t", "k")].into_iter(), |_| ()).await;
        assert_eq!(results.iter().map(SendResult::is_ok).collect::<Vec<_>>(), [false, true]);
    }

    #[tokio::test]
    async fn a_client_that_gave_up_is_replaced() {
        let broker = broker("t", 1);
        let producer = connect(&broker, &[]);
        assert_eq!(producer.publish(&record("t", "k")).await.unwrap().offset, 0);
        give_up(producer.client().client.client());
        let error = producer.publish(&record("t", "k")).await.unwrap_err();
        assert!(!error.too_large, "{error}");
        assert_eq!(producer.publish(&record("t", "k")).await.unwrap().offset, 1);
    }

    #[tokio::test]
    async fn a_record_over_the_limit_is_told_as_too_large() {
        let broker = broker("t", 1);
        let producer = connect(&broker, &[("message.max.bytes", "1000")]);
        let mut large = record("t", "k");
        large.value = Some(Bytes::from(vec![0; 2000]));
        let error = producer.publish(&large).await.unwrap_err();
        assert!(error.too_large, "{error}");
        assert_eq!(error.topic, "t");
    }
}
