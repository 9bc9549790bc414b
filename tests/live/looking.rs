//! Looking without touching: records behind transaction markers, and groups of the newer protocol.

use crate::support::{Outgoing, World};
use kylo::kafka::{Admin, Config, Reader, whole_topics};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(world: &World) -> Config {
    Config { brokers: world.brokers().to_owned(), properties: Vec::new(), timeout: Duration::from_secs(10) }
}

#[test]
fn a_reader_ends_behind_transaction_markers() {
    let world = World::new("markers");
    let topic = world.dead_letters();
    world.create_topic(&topic, 1);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", world.brokers())
        .set("transactional.id", &topic)
        .create()
        .expect("a producer");
    producer.init_transactions(PATIENCE).expect("transactions");
    for commit in [true, false, true, false] {
        producer.begin_transaction().expect("a transaction");
        for _ in 0..3 {
            let value = if commit { "kept" } else { "dropped" };
            producer.send(BaseRecord::<(), str>::to(&topic).payload(value)).expect("queued");
        }
        producer.flush(PATIENCE).expect("acknowledged");
        let ended =
            if commit { producer.commit_transaction(PATIENCE) } else { producer.abort_transaction(PATIENCE) };
        ended.expect("the transaction's end");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let records = runtime.block_on(async {
        let config = config(&world);
        let admin = Admin::connect(&config).await.expect("an admin client");
        let ranges = whole_topics(&admin, std::slice::from_ref(&topic)).await.expect("its ranges");
        // Twelve records and four markers: the last record that is delivered stands far before the end.
        assert_eq!((ranges[0].from, ranges[0].to), (0, 16));
        let started = Instant::now();
        let records = Reader::open(&config, ranges).expect("a reader").collect().await.expect("records");
        assert!(started.elapsed() < Duration::from_secs(10), "it waited for what never comes");
        records
    });
    let offsets: Vec<i64> = records.iter().map(|record| record.offset).collect();
    assert_eq!(offsets, [0, 1, 2, 8, 9, 10]);
    assert!(records.iter().all(|record| record.value.as_deref() == Some(b"kept")));
}

#[test]
fn a_group_of_the_newer_protocol_is_alive_with_its_members() {
    let world = World::new("newer");
    let (topic, group) = (world.txns(), world.group());
    world.create_topic(&topic, 2);
    world.produce(&topic, (0..4).map(|_| Outgoing { key: Some(b"k"), value: b"v", headers: &[] }));
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", world.brokers())
        .set("group.id", &group)
        .set("group.protocol", "consumer")
        .set("client.id", "newer-member")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[&topic]).expect("subscribed");
    let deadline = Instant::now() + PATIENCE;
    while consumer.assignment().expect("its assignment").count() < 2 {
        assert!(Instant::now() < deadline, "nothing was assigned");
        let _ = consumer.poll(Duration::from_millis(50));
    }
    world.kylo(["groups", "list"]).ok().says("consumer");
    let described = world.kylo(["groups", "describe", &group, "--output", "json"]).ok().json();
    let report = &described["items"][0];
    assert_eq!(report["state"], "stable", "{report}");
    assert_eq!(report["protocol"], "consumer", "{report}");
    assert_eq!((report["members"].as_i64(), report["lag"].as_i64()), (Some(1), Some(4)), "{report}");
    let places = report["partitions"].as_array().expect("partitions");
    assert_eq!(places.len(), 2, "{report}");
    assert!(places.iter().all(|place| place["client_id"] == "newer-member"), "{report}");
}
