//! The reader, and offsets without a group, on the mock cluster.

use super::*;
use crate::consent::WriteToken;
use crate::kafka::{MockBroker, Producer};
use crate::model::offsets::GroupOffset;
use crate::model::record::OutgoingRecord;
use crate::model::topic::TopicSpec;
use std::collections::BTreeMap;

fn mock(partitions: i32) -> (MockBroker, Config) {
    let topic = TopicSpec { name: "t".into(), partitions, replicas: None, configs: BTreeMap::new() };
    let broker = MockBroker::start(&[topic]).unwrap();
    let config = Config {
        brokers: broker.bootstrap_servers().to_owned(),
        properties: Vec::new(),
        timeout: Duration::from_secs(10),
    };
    (broker, config)
}

fn record(partition: i32, value: Option<&'static [u8]>, headers: Vec<Header>) -> OutgoingRecord {
    OutgoingRecord {
        topic: "t".into(),
        partition: Some(partition),
        key: Some(Bytes::from_static(b"")),
        value: value.map(Bytes::from_static),
        headers,
        timestamp_ms: Some(1_700_000_000_000),
    }
}

#[tokio::test]
async fn ranges_come_back_byte_for_byte_and_end() {
    let (_broker, config) = mock(2);
    let token = WriteToken::by_command("test");
    let producer = Producer::connect(&config).unwrap();
    let odd = vec![
        Header { name: Bytes::from_static(b"a"), value: None },
        Header { name: Bytes::from_static(b"\xff\xfe"), value: Some(Bytes::new()) },
        Header { name: Bytes::from_static(b"a"), value: Some(Bytes::from_static(b"\x00\x01")) },
    ];
    for n in 0..5 {
        let headers = if n == 2 { odd.clone() } else { Vec::new() };
        producer.send(&token, &record(0, Some(b"v"), headers)).await.unwrap();
    }
    producer.send(&token, &record(1, None, Vec::new())).await.unwrap();

    let admin = Admin::connect(&config).await.unwrap();
    let mut ranges = whole_topics(&admin, &["t".to_owned()]).await.unwrap();
    assert_eq!(ranges.iter().map(|r| (r.from, r.to)).collect::<Vec<_>>(), [(0, 5), (0, 1)]);
    ranges[0].from = 1;
    ranges[0].to = 4;
    let records = Reader::open(&config, ranges).unwrap().collect().await.unwrap();
    let of = |number| -> Vec<&StoredRecord> {
        records.iter().filter(|record| record.source.partition == number).collect()
    };
    assert_eq!(of(0).iter().map(|record| record.offset).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(of(0)[1].headers, odd);
    assert_eq!(of(0)[1].key, Some(Bytes::new()));
    assert_eq!(of(0)[1].timestamp_ms, Some(1_700_000_000_000));
    assert_eq!((of(1).len(), &of(1)[0].value), (1, &None));

    let missing = whole_topics(&admin, &["nowhere".to_owned()]).await.unwrap_err();
    assert_eq!(missing.message(), "topic \"nowhere\" does not exist");
}

#[tokio::test]
async fn an_empty_range_reads_nothing() {
    let (_broker, config) = mock(1);
    let range = ReadRange { partition: TopicPartition::new("t", 0), from: 3, to: 3 };
    assert_eq!(Reader::open(&config, vec![range]).unwrap().collect().await.unwrap(), []);
}

#[tokio::test]
async fn a_group_without_members_keeps_offset_and_metadata() {
    let (_broker, config) = mock(2);
    let admin = Admin::connect(&config).await.unwrap();
    let partitions = [TopicPartition::new("t", 0), TopicPartition::new("t", 1)];
    assert!(admin.committed("g", Some(&partitions)).await.unwrap().is_empty());
    let token = WriteToken::by_command("test");
    let first = GroupOffset { offset: 7, metadata: "k1:7:AgM".into() };
    let second = GroupOffset { offset: 0, metadata: String::new() };
    let commits = [(partitions[0].clone(), first.clone()), (partitions[1].clone(), second.clone())];
    admin.commit(&token, "g", &commits).await.unwrap();
    let found = admin.committed("g", Some(&partitions)).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), commits);
}
