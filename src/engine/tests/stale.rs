//! Assignments that are over: their records in one batch with others, and who waits for the next.

use super::*;
use crate::engine::quarantine::Suspects;
use crate::engine::rebalance::StartingPoint;
use crate::engine::scheduler::Scheduler;
use crate::model::record::TopicPartition;

#[test]
fn a_batch_with_stale_records_keeps_its_fresh_ones() {
    let mut scheduler = Scheduler::new(Policy::default());
    let partitions = [(TopicPartition::new("in", 0), Epoch(7)), (TopicPartition::new("in", 1), Epoch(8))];
    for (partition, epoch) in &partitions {
        let point = StartingPoint { start: 0, inherited: DoneMap::new(), gap: None };
        let (partition, epoch) = (partition.clone(), *epoch);
        let assigned = Assigned { partition, epoch, committed: None, log_start: 0, log_end: 9 };
        scheduler.partitions.insert(assigned, point, Suspects::default());
    }
    let mut builder = BatchBuilder::default();
    let stale = builder.slot(&partitions[0].0, Epoch(6));
    let fresh = builder.slot(&partitions[1].0, Epoch(8));
    for offset in 0..3 {
        for slot in [stale, fresh] {
            builder.push(slot, offset, None, Some(b"k"), Some(b"v"), std::iter::empty());
        }
    }
    assert_eq!(scheduler.intake(&builder.build(), Instant::now()), 3);
    let run = scheduler.next_run(64).expect("the fresh records are ready");
    let offsets: Vec<_> =
        run.items.records().iter().map(|record| (record.partition().partition, record.offset())).collect();
    assert_eq!(offsets, [(1, 0), (1, 1), (1, 2)]);
    assert!(scheduler.next_run(64).is_none());
    // Neither is the current assignment of the other partition taken further by them.
    let id = scheduler.partitions.find(&partitions[0].0, Epoch(7)).expect("it is held");
    assert_eq!(scheduler.partitions.get(id).tracker.end(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_lost_its_partitions_is_not_idle() {
    let bench = Bench::new(1);
    bench.put("a", "sleep:5000");
    let (_trigger, running) = bench.start();
    sleep(Duration::from_secs(1)).await;
    bench.broker.lose("in", &[0]);
    sleep(Duration::from_secs(10)).await;
    bench.broker.assign("in", &[0]);
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.totals.handled, bench.committed(0)), (1, 1));
}
