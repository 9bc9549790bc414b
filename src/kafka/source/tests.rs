//! The source on the mock broker.

use super::harness::*;
use super::*;
use crate::engine::{BatchBuilder, Committed, Epoch, Record};
use crate::model::record::{Header, LogId, OutgoingRecord, TopicPartition};
use bytes::Bytes;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::collections::BTreeSet;
use std::time::Instant;

#[tokio::test]
async fn records_arrive_byte_for_byte() {
    let broker = broker(2);
    let headers = vec![
        Header { name: Bytes::from_static(b"a"), value: Some(Bytes::from_static(b"1")) },
        Header { name: Bytes::from_static(b"\xff\xfe"), value: None },
        Header { name: Bytes::from_static(b"a"), value: Some(Bytes::new()) },
        Header { name: Bytes::new(), value: Some(Bytes::from_static(b"\0")) },
    ];
    let odd = |key: Option<&'static [u8]>, value: Option<&'static [u8]>, headers| OutgoingRecord {
        topic: "t".into(),
        partition: Some(1),
        key: key.map(Bytes::from_static),
        value: value.map(Bytes::from_static),
        headers,
        timestamp_ms: Some(1_622_505_600_000),
    };
    let sent = vec![
        odd(None, Some(b""), headers),
        odd(Some(b""), None, Vec::new()),
        odd(Some(b"\xc3\x28"), Some(b"\0\xff"), Vec::new()),
    ];
    produce(&broker, sent.clone()).await;
    let mut member = Member::join(&broker, "bytes", &[]);
    member.until("both ends", |member| member.ends.len() == 2).await;
    assert_eq!(member.ends[&TopicPartition::new("t", 0)], 0, "an empty partition has an end too");
    assert_eq!(member.ends[&TopicPartition::new("t", 1)], 3);
    let read: Vec<_> = member.read.iter().map(Record::to_stored).collect();
    assert_eq!(read.len(), sent.len());
    let logs: BTreeSet<LogId> = member.read.iter().map(Record::log).collect();
    assert!(logs.len() == 1 && !logs.contains(&LogId::UNKNOWN), "all stand in one log: {logs:?}");
    for (read, sent) in read.iter().zip(&sent) {
        assert_eq!((&read.key, &read.value, &read.headers), (&sent.key, &sent.value, &sent.headers));
        assert_eq!(read.timestamp_ms, sent.timestamp_ms);
    }
    member.leave().await;
}

#[tokio::test]
async fn a_commit_carries_metadata_also_when_only_that_changed() {
    let broker = broker(2);
    produce(&broker, [numbered(0, 0..10), numbered(1, 0..10)].concat()).await;
    let mut member = Member::join(&broker, "commits", &[]);
    member.until("both ends", |member| member.ends.len() == 2).await;

    let both = vec![member.position(0, 4, "5-6"), member.position(1, 10, "")];
    let results = member.commit(1, both).await;
    assert!(results.len() == 2 && results.iter().all(|(_, result)| result.is_ok()), "{results:?}");
    assert_eq!(committed(&broker, "commits", 0), (4, "5-6".into()));
    assert_eq!(committed(&broker, "commits", 1), (10, String::new()));

    // The low-water stays, the done-map grows; the other partition goes on as usual, back is refused nowhere.
    let grown = vec![member.position(0, 4, "5-9")];
    let results = member.commit(2, grown).await;
    assert!(results.len() == 1 && results[0].1.is_ok(), "{results:?}");
    assert_eq!(committed(&broker, "commits", 0), (4, "5-9".into()));

    let mixed = vec![member.position(0, 10, "done"), member.position(1, 10, "same offset")];
    let results = member.commit(3, mixed).await;
    assert!(results.len() == 2 && results.iter().all(|(_, result)| result.is_ok()), "{results:?}");
    assert_eq!(committed(&broker, "commits", 0), (10, "done".into()));
    assert_eq!(committed(&broker, "commits", 1), (10, "same offset".into()));
    member.leave().await;
}

#[tokio::test]
async fn a_stale_epoch_is_not_committed() {
    let broker = broker(1);
    produce(&broker, numbered(0, 0..10)).await;
    let mut member = Member::join(&broker, "stale", &[]);
    member.until("the end", |member| member.ends.len() == 1).await;
    let mut stale = member.position(0, 7, "");
    stale.epoch = Epoch(stale.epoch.0 - 1);
    assert_eq!(member.commit(1, vec![stale]).await, Vec::new());
    assert_eq!(committed(&broker, "stale", 0).0, -1001);
    member.leave().await;
}

#[tokio::test]
async fn a_new_member_continues_at_the_commit() {
    let broker = broker(1);
    produce(&broker, numbered(0, 0..10)).await;
    // The mock broker frees a classic group only after its session time-out.
    let newer = [("group.protocol", "consumer")];
    let mut first = Member::join(&broker, "continues", &newer);
    first.until("the end", |member| member.ends.len() == 1).await;
    let position = first.position(0, 6, "7-8");
    first.commit(1, vec![position]).await;
    first.leave().await;

    let mut second = Member::join(&broker, "continues", &newer);
    second.until("the end", |member| member.ends.len() == 1).await;
    let assigned = &second.assigned[0];
    assert_eq!(assigned.committed, Some(Committed { offset: 6, metadata: "7-8".into() }));
    assert_eq!((assigned.log_start, assigned.log_end), (0, 10));
    assert!(assigned.epoch > first.assigned[0].epoch);
    assert_eq!(values(&second, 0), ["6", "7", "8", "9"]);
    second.leave().await;
}

#[tokio::test]
async fn a_pause_at_the_end_skips_and_repeats_nothing() {
    let broker = broker(2);
    produce(&broker, [numbered(0, 0..10), numbered(1, 0..10)].concat()).await;
    let mut member = Member::join(&broker, "pauses", &[]);
    member.until("both ends", |member| member.ends.len() == 2).await;
    let paused = TopicPartition::new("t", 0);
    let epoch = member.epochs[&paused];
    member.say(SourceCommand::Pause(paused.clone(), epoch));
    produce(&broker, [numbered(0, 10..20), numbered(1, 10..20)].concat()).await;
    let other = TopicPartition::new("t", 1);
    member.until("the other partition", |member| member.ends[&other] == 20).await;
    assert_eq!(values(&member, 0).len(), 10, "a paused partition is not read");
    member.say(SourceCommand::Resume(paused.clone(), epoch));
    member.until("the paused partition", |member| member.ends[&paused] == 20).await;
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(values(&member, 0), expected);
    assert_eq!(values(&member, 1), expected);
    member.leave().await;
}

#[tokio::test]
async fn full_stops_the_data_but_not_the_rest() {
    let broker = broker(1);
    produce(&broker, numbered(0, 0..10)).await;
    let mut member = Member::join(&broker, "full", &[]);
    let mut filler = BatchBuilder::default();
    let slot = filler.slot(&TopicPartition::new("elsewhere", 0), Epoch(0));
    filler.push(slot, 0, None, None, Some(&vec![0; MEMORY]), std::iter::empty());
    let filler = filler.build_counted(&member.memory);
    member.until("the assignment", |member| !member.assigned.is_empty()).await;
    // A commit goes the whole way to the broker and back while the data waits.
    let position = member.position(0, 0, "waiting");
    let results = member.commit(1, vec![position]).await;
    assert!(results[0].1.is_ok(), "{results:?}");
    assert!(member.read.is_empty());
    // What comes meanwhile is not read, but known to be there.
    produce(&broker, numbered(0, 10..15)).await;
    let partition = TopicPartition::new("t", 0);
    member.until("the end of the log", |member| member.log_ends.get(&partition) == Some(&15)).await;
    assert!(member.read.is_empty());
    drop(filler);
    member.until("the end", |member| member.ends.get(&partition) == Some(&15)).await;
    assert_eq!(member.read.len(), 15);
    member.leave().await;
}

#[tokio::test]
async fn a_log_start_that_overtakes_a_paused_reader_is_said_and_can_be_skipped_to() {
    let broker = broker(1);
    produce(&broker, numbered(0, 0..10)).await;
    let mut member = Member::join(&broker, "overtaken", &[]);
    let partition = TopicPartition::new("t", 0);
    member.until("the end", |member| member.ends.get(&partition) == Some(&10)).await;
    let epoch = member.epochs[&partition];
    member.say(SourceCommand::Pause(partition.clone(), epoch));
    // The mock broker keeps the last 5 MiB of a partition.
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let large: Vec<OutgoingRecord> = (0..90)
        .map(|_| {
            let value: Vec<u8> = (0..100_000).map(|_| noise()).collect();
            OutgoingRecord { value: Some(Bytes::from(value)), ..record(0, "") }
        })
        .collect();
    produce(&broker, large.clone()).await;
    member.say(SourceCommand::Resume(partition.clone(), epoch));
    member.until("the new start", |member| !member.overtaken.is_empty()).await;
    member.until("the new end", |member| member.ends.get(&partition) == Some(&100)).await;
    let [lost] = &member.overtaken[..] else { panic!("{:?}", member.overtaken) };
    assert!(lost.start == 10 && lost.end > 30, "{lost:?}");
    let offsets: Vec<i64> = member.read[10..].iter().map(Record::offset).collect();
    assert_eq!(offsets, (lost.end..100).collect::<Vec<_>>());
    // What is read from there on is committed like everything else.
    let position = member.position(0, 100, "");
    assert!(member.commit(1, vec![position]).await[0].1.is_ok());
    assert_eq!(committed(&broker, "overtaken", 0), (100, String::new()));
    member.leave().await;
}

#[tokio::test]
async fn an_offset_out_of_range_is_fatal_and_named() {
    let broker = broker(1);
    produce(&broker, numbered(0, 0..10)).await;
    let mut member = Member::join(&broker, "range", &[]);
    loop {
        match tokio::time::timeout(LIMIT, member.events.recv()).await.unwrap().unwrap() {
            SourceEvent::Assigned(assigned) => {
                let beyond = assigned.iter().map(|one| (one.partition.clone(), one.epoch, 5_000)).collect();
                member.say(SourceCommand::Start(beyond));
            }
            SourceEvent::Fatal(reason) => {
                for word in ["t[0]", "5000", "starts at 0", "ends at 10"] {
                    assert!(reason.contains(word), "{reason}");
                }
                break;
            }
            other => drop(other),
        }
    }
    member.leave().await;
}

#[tokio::test]
async fn leaving_has_a_limit_also_when_the_broker_is_gone() {
    let broker = broker(1);
    let mut member = Member::join(&broker, "gone", &[]);
    member.until("the end", |member| member.ends.len() == 1).await;
    drop(broker);
    let begun = Instant::now();
    member.leave().await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_dropped_engine_ends_the_source() {
    let broker = broker(1);
    let mut member = Member::join(&broker, "dropped", &[]);
    member.until("the end", |member| member.ends.len() == 1).await;
    let (commands, _) = mpsc::unbounded_channel();
    member.commands = commands;
    let deadline = tokio::time::Instant::now() + LIMIT;
    while tokio::time::timeout_at(deadline, member.events.recv()).await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_refused_commit_is_told_and_the_next_one_passes() {
    let broker = broker(1);
    produce(&broker, numbered(0, 0..10)).await;
    let mut member = Member::join(&broker, "refused", &[]);
    member.until("the end", |member| member.ends.len() == 1).await;
    broker.fail_next(
        RDKafkaApiKey::OffsetCommit,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED],
    );
    let position = member.position(0, 5, "");
    let results = member.commit(1, vec![position.clone()]).await;
    assert_eq!(results, [(position.clone(), Err("group authorization failed".into()))]);
    assert_eq!(committed(&broker, "refused", 0).0, -1001);
    assert_eq!(member.commit(2, vec![position.clone()]).await, [(position, Ok(()))]);
    assert_eq!(committed(&broker, "refused", 0).0, 5);
    member.leave().await;
}
