//! Topics that change while they are read.

use super::{Context, Stage};
use crate::broker::partition_of;
use crate::load::now;
use crate::report::{Promise, Report};
use crate::verify::Fault;
use crate::world::{PARTITIONS, World};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Partitions are added under load. Keys move: what was sent before lies in another partition than what comes after,
/// so a moved company's batches may be stored in another order. Newer work wins all the same.
pub fn grown(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut world = World::simple(context, 12);
    // The client looks for new partitions every five minutes otherwise.
    world.worker_args = ["-X", "topic.metadata.refresh.interval.ms=1000"].map(str::to_owned).into();
    let mut stage = Stage::new(context, world, 2, 40);
    let (mut before, mut moved) = (PARTITIONS, 0);
    for count in [24, 40] {
        stage.load.burst(rng.usize(200..400));
        let from = now();
        stage.world.broker().grow(&stage.world.txns(), count);
        stage.world.partitions.store(count, Ordering::Relaxed);
        for (at, company) in stage.world.companies.iter().enumerate() {
            if partition_of(&company.id, before) != partition_of(&company.id, count) {
                stage.unordered.insert(at);
                moved += 1;
            }
        }
        stage.wait("a batch lies in a new partition", |stage| {
            stage.load.log().iter().any(|sent| sent.ack.is_some_and(|ack| ack.partition >= before))
        });
        stage.load.burst(rng.usize(200..400));
        stage.faults.push(Fault::mended(from, 5.0));
        stage.report.times += 1;
        stage.settle_all();
        before = count;
    }
    let added = stage
        .load
        .log()
        .iter()
        .filter(|sent| sent.ack.is_some_and(|ack| ack.partition >= PARTITIONS))
        .count();
    stage.report.bit = format!("{moved} moves of keys, {added} batches in new partitions");
    stage.report.check(Promise::Bit, moved > 0 && added > 0, || "no key moved".into());
    stage.finish()
}

/// The topic is deleted and made again while workers read it: what the new one says is newer, whatever the offsets.
pub fn made_again(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut world = World::simple(context, 8);
    world.worker_args = ["-X", "topic.metadata.refresh.interval.ms=1000"].map(str::to_owned).into();
    let mut stage = Stage::new(context, world, 2, 40);
    stage.load.burst(rng.usize(200..400));
    stage.load.rate(0);
    stage.settle_all();
    let (broker, topic) = (stage.world.broker(), stage.world.txns());
    let before = broker.count(&topic);
    let from = now();
    stage.forget_commits();
    broker.remove(&topic);
    stage.wait("the topic is gone", |_| !broker.has(&topic));
    std::thread::sleep(Duration::from_millis(rng.u64(500..3_000)));
    stage.world.kylo(&["topics", "create", "--pipeline", "ledger", "--yes"]);
    stage.load.rate(40);
    stage.load.burst(rng.usize(100..200));
    stage.report.times = 1;
    stage.settle_all();
    stage.faults.push(Fault::mended(from, 5.0));
    stage.report.bit = format!("{before} records gone with it, {} in the new one", broker.count(&topic));
    stage.finish()
}
