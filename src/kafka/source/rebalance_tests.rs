//! Partitions that come and go, on the mock broker.

use super::harness::*;
use super::*;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_second_member_takes_over_and_nothing_is_lost_at_the_ends() {
    let broker = broker(4);
    let mut sent = Vec::new();
    for partition in 0..4 {
        sent.extend(numbered(partition, 0..100));
    }
    produce(&broker, sent).await;
    let mut a = Member::join(&broker, "shared", &QUICK);
    a.until("all ends", |member| member.ends.len() == 4).await;
    let positions = (0..4).map(|partition| a.position(partition, 100, "")).collect();
    a.commit(1, positions).await;

    let mut b = Member::join(&broker, "shared", &QUICK);
    until_both(&mut a, &mut b, |a, b| a.epochs.len() == 2 && b.epochs.len() == 2).await;
    let of = |member: &Member| member.epochs.keys().cloned().collect::<BTreeSet<_>>();
    assert!(of(&a).is_disjoint(&of(&b)));
    assert_eq!(a.revoked.len(), 2);
    assert!(b.assigned.iter().all(|one| one.committed.as_ref().is_some_and(|at| at.offset == 100)));

    // What stayed with A stood at its end while the group was rebalanced; not one record may be skipped there.
    let mut sent = Vec::new();
    for partition in 0..4 {
        sent.extend(numbered(partition, 100..200));
    }
    produce(&broker, sent).await;
    until_both(&mut a, &mut b, |a, b| a.read.len() + b.read.len() >= 800).await;
    let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    for partition in 0..4 {
        let all = [values(&a, partition), values(&b, partition)].concat();
        assert_eq!(all, expected, "partition {partition}");
    }
    a.leave().await;
    b.leave().await;
}

#[tokio::test]
async fn a_partition_without_a_leader_keeps_no_other_waiting() {
    let broker = broker(4);
    for partition in 0..4 {
        produce(&broker, numbered(partition, 0..10)).await;
    }
    broker.set_leader("t", 3, false);
    let mut a = Member::join(&broker, "leaders", &QUICK);
    a.until("three ends", |member| member.ends.len() == 3 && member.unread == 1).await;
    assert_eq!((a.read.len(), a.epochs.len()), (30, 3));
    let positions = (0..3).map(|partition| a.position(partition, 10, "")).collect();
    a.commit(1, positions).await;

    // The group shares anew, and whoever gets the partition waits for it alone.
    let mut b = Member::join(&broker, "leaders", &QUICK);
    until_both(&mut a, &mut b, |a, b| {
        a.epochs.len() + a.unread == 2 && b.epochs.len() + b.unread == 2 && a.unread + b.unread == 1
    })
    .await;
    for partition in 0..3 {
        produce(&broker, numbered(partition, 10..20)).await;
    }
    until_both(&mut a, &mut b, |a, b| a.read.len() + b.read.len() == 60).await;

    broker.set_leader("t", 3, true);
    until_both(&mut a, &mut b, |a, b| a.unread + b.unread == 0 && a.read.len() + b.read.len() == 70).await;
    assert_eq!(a.epochs.len() + b.epochs.len(), 4);
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for partition in 0..3 {
        assert_eq!([values(&a, partition), values(&b, partition)].concat(), expected);
    }
    assert_eq!([values(&a, 3), values(&b, 3)].concat(), expected[..10]);

    // What came late is given back like the rest.
    b.leave().await;
    a.until("all partitions", |member| member.epochs.len() == 4).await;
    a.leave().await;
}

#[tokio::test]
async fn a_member_that_waits_for_a_leader_hears_that_it_was_put_out() {
    let broker = broker(1);
    produce(&broker, numbered(0, 0..10)).await;
    broker.set_leader("t", 0, false);
    let mut member = Member::join(&broker, "put-out", &QUICK);
    member.until("the partition", |member| member.unread == 1).await;
    broker.fail_next(RDKafkaApiKey::Heartbeat, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]);
    member.until("the loss", |member| member.put_out == 1).await;
    broker.set_leader("t", 0, true);
    member.until("the records", |member| member.read.len() == 10 && member.unread == 0).await;
    member.leave().await;
}

#[tokio::test]
async fn a_lost_assignment_ends_its_epochs() {
    let broker = broker(2);
    produce(&broker, numbered(0, 0..10)).await;
    let mut member = Member::join(&broker, "lost", &QUICK);
    member.until("both ends", |member| member.ends.len() == 2).await;
    let late = member.position(0, 10, "");
    broker.fail_next(RDKafkaApiKey::Heartbeat, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]);
    member.until("the loss", |member| member.lost.len() == 2).await;
    assert_eq!(member.commit(1, vec![late]).await, Vec::new(), "a lost epoch commits nothing");
    assert_eq!(committed(&broker, "lost", 0).0, -1001);
    member.leave().await;
}

#[tokio::test]
async fn a_skip_is_not_taken_for_the_answer_to_a_revoke() {
    let broker = broker(2);
    produce(&broker, [numbered(0, 0..10), numbered(1, 0..10)].concat()).await;
    let mut a = Member::join(&broker, "skips", &QUICK);
    a.until("both ends", |member| member.ends.len() == 2).await;
    let mut b = Member::join(&broker, "skips", &QUICK);
    let revoked = loop {
        match a.events.recv().await.unwrap() {
            SourceEvent::Revoked { partitions } => break partitions,
            other => a.hear(other),
        }
    };
    let gone = &revoked[0].0;
    let (stays, epoch) = a.epochs.clone().into_iter().find(|(partition, _)| partition != gone).unwrap();
    a.say(SourceCommand::Skip(stays.clone(), epoch, 10));
    // Longer than a rebalance takes here: as long as A has not released it, nobody else gets it.
    let early = b.until("an assignment", |member| !member.epochs.is_empty());
    assert!(tokio::time::timeout(Duration::from_secs(9), early).await.is_err());

    a.hear(SourceEvent::Revoked { partitions: revoked.clone() });
    until_both(&mut a, &mut b, |_, b| b.epochs.contains_key(gone)).await;
    produce(&broker, [numbered(0, 10..20), numbered(1, 10..20)].concat()).await;
    let expected: Vec<String> = (10..20).map(|number| number.to_string()).collect();
    until_both(&mut a, &mut b, |a, _| values(a, stays.partition).len() == 20).await;
    assert_eq!(values(&a, stays.partition)[10..], expected);
    a.leave().await;
    b.leave().await;
}

#[tokio::test]
async fn the_newer_group_protocol_shares_a_topic_too() {
    let broker = broker(4);
    let newer = [("group.protocol", "consumer")];
    let mut a = Member::join(&broker, "newer", &newer);
    a.until("all ends", |member| member.ends.len() == 4).await;
    let mut b = Member::join(&broker, "newer", &newer);
    until_both(&mut a, &mut b, |a, b| a.epochs.len() == 2 && b.epochs.len() == 2).await;
    let mut sent = Vec::new();
    for partition in 0..4 {
        sent.extend(numbered(partition, 0..50));
    }
    produce(&broker, sent).await;
    until_both(&mut a, &mut b, |a, b| a.read.len() + b.read.len() >= 200).await;
    let expected: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    for partition in 0..4 {
        assert_eq!([values(&a, partition), values(&b, partition)].concat(), expected);
    }
    a.leave().await;
    b.leave().await;
}
