//! Databases that stop and stay away.

use super::{Context, RECONNECT, Stage};
use crate::load::now;
use crate::report::{Promise, Report};
use crate::servers::Postgres;
use crate::verify::Fault;
use crate::worker::Worker;
use crate::world::{Plan, World, create_database};
use std::time::{Duration, Instant};

/// Immediate shutdowns of the only database in the middle of bursts: sessions cut, commits in doubt.
pub fn immediate_stop(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut server = Postgres::start(&context.folder);
    let url = create_database(&server.url(), "ledger");
    let plan = Plan { brokers: context.brokers(), control: (url.clone(), url), companies: vec![None; 8] };
    let mut stage = Stage::new(context, World::new(context, plan), 2, 40);
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(rng.u64(500..1_500)));
        stage.load.burst(rng.usize(300..600));
        std::thread::sleep(Duration::from_millis(rng.u64(20..250)));
        let from = now();
        server.stop();
        stage.cut((0..8).collect(), from);
        std::thread::sleep(Duration::from_millis(rng.u64(200..1_500)));
        server.resume();
        stage.faults.push(Fault::mended(from, RECONNECT));
        stage.report.times += 1;
        // Each stop has to meet work: the lanes must be at it again.
        stage.settle();
    }
    let said = |text: &str| -> usize {
        stage.workers.iter().map(|worker| worker.output().matches(text).count()).sum()
    };
    let (storing, committing) = (said("storing transactions"), said("committing"));
    stage.report.bit = format!("{storing} lanes cut while storing, {committing} while committing");
    stage.report.check(Promise::Bit, storing + committing > 0, || "no stop met a transaction".into());
    stage.finish()
}

/// Half of the companies lose their database for a minute; the others must not notice.
pub fn outage(context: &Context) -> Report {
    let mut server = Postgres::start(&context.folder);
    let away = create_database(&server.url(), "ledger");
    let control = context.database("control");
    // Two workers share the partitions by halves or in turns; either way each has lanes enough that its breaker opens
    // (three, in `engine/breaker.rs`).
    let companies = (0..24).map(|at| (at % 2 == 1).then(|| (away.clone(), away.clone()))).collect();
    let plan = Plan { brokers: context.brokers(), control: (control.clone(), control), companies };
    let world = World::new(context, plan);
    crate::sql::Sql::new(&away).rows(
        "create function chaos.refuse() returns trigger language plpgsql as $$ begin
             if new.description = 'unstorable' then raise exception 'no' using errcode = '22000'; end if;
             return new; end $$;
         create trigger refuse before insert on app.transactions for each row execute function chaos.refuse()",
    );
    let mut stage = Stage::new(context, world, 2, 40);
    stage.wait_for_shares();
    let odd: Vec<usize> = (1..24).step_by(2).collect();
    stage.load.quiet(&odd);
    stage.settle_all();
    let from = now();
    server.stop();
    // Cannot be stored for a reason of its own, found out only by trying: the tries of the outage must not be
    // counted against it. One in each lane that waits, and the first there: whoever stands behind is not tried at all.
    odd.iter().for_each(|company| drop(stage.load.send_unstorable(*company)));
    stage.load.quiet(&[]);
    stage.report.times = 1;
    let mut worst: f64 = 0.0;
    let until = Instant::now() + OUTAGE;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(500));
        worst = worst.max(stage.oldest(|sent| sent.company % 2 == 0));
    }
    let waiting = stage.load.log().iter().filter(|sent| sent.company % 2 == 1).count();
    let opened = |worker: &&Worker| worker.output().contains("txns: postgres:ledger on ");
    let opened = stage.workers.iter().filter(opened).count();
    stage
        .report
        .check(Promise::Bit, opened == 2, || format!("{opened} of 2 workers had lanes enough for a breaker"));
    let early = stage.world.broker().fetch(&stage.world.dead_letters()).len();
    stage
        .report
        .check(Promise::Letters, early == 0, || format!("{early} records were given up during the outage"));
    server.resume();
    stage.faults.push(Fault::mended(from, RECONNECT));
    stage.report.bit = format!(
        "{} s away, {waiting} batches meant for it; oldest of the others {worst:.1} s",
        OUTAGE.as_secs()
    );
    stage.report.check(Promise::Neighbours, worst < 5.0, || {
        format!("a company with a sound database waited {worst:.1} s")
    });
    let broker = stage.world.broker();
    let topic = stage.world.dead_letters();
    let mut report = stage.finish();
    for letter in broker.fetch(&topic) {
        let attempts = letter.header("__kylo.retry.attempt");
        report.check(Promise::Letters, attempts == "1", || {
            format!("tries of the outage were counted: {attempts}")
        });
    }
    report
}

/// The gate's outage; it stands for one of ten minutes.
const OUTAGE: Duration = Duration::from_secs(60);
