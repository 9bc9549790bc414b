//! Records that cannot be handled: one that kills its process, many in a row, and dead letters that are refused.

use super::{Context, Stage};
use crate::load::now;
use crate::repeats::Window;
use crate::report::{Promise, Report};
use crate::servers::Kafka;
use crate::sql::Sql;
use crate::verify::Fault;
use crate::wire;
use crate::worker::{Worker, term_all};
use crate::world::{PARTITIONS, Plan, World};
use std::time::{Duration, Instant};

/// One record kills whoever handles it: a trigger holds its transaction, and the process behind that connection
/// is killed. After the third death alone it is dead-lettered; nothing else ever is.
pub fn crash(context: &Context) -> Report {
    let mut stage = Stage::new(context, World::simple(context, 6).short_sessions(), 2, 20);
    let mut sql = Sql::new(&stage.world.control);
    sql.rows(
        "create function chaos.deadly() returns trigger language plpgsql as $$ begin
             if new.description = 'deadly' then perform pg_sleep(600); end if; return new; end $$;
         create trigger deadly before insert on app.transactions for each row execute function chaos.deadly()",
    );
    let batch = stage.load.send_deadly(2);
    let from = now();
    let deadline = Instant::now() + Duration::from_secs(100);
    let mut letters = 0;
    while letters == 0 && Instant::now() < deadline {
        let rows = sql.rows("select client_port from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()");
        for row in rows {
            let port = row[0].parse().unwrap_or(0);
            if let Some(victim) = stage.workers.iter().position(|worker| worker.owns_port(port)) {
                let window = Window::open(&stage);
                let killed = std::mem::replace(&mut stage.workers[victim], Worker::start(&stage.world));
                killed.kill();
                window.died(&mut stage);
                stage.report.times += 1;
                // Nobody else is to be killed for the same transaction.
                sql.rows(
                    "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
                );
            }
        }
        std::thread::sleep(Duration::from_millis(100));
        if stage.report.times >= 3 {
            letters = stage.world.broker().fetch(&stage.world.dead_letters()).len();
        }
    }
    stage.faults.push(Fault::mended(from, 5.0));
    let dead = stage.world.broker().fetch(&stage.world.dead_letters());
    let classes: Vec<String> = dead.iter().map(|letter| letter.header("__kylo.errors.class")).collect();
    stage
        .report
        .check(Promise::Letters, classes == ["crash"], || format!("dead letters of the classes {classes:?}"));
    let right = dead.iter().all(|letter| {
        letter
            .value
            .as_deref()
            .is_some_and(|value| String::from_utf8_lossy(value).contains(&format!("\"{batch}\"")))
    });
    stage.report.check(Promise::Letters, right, || "another record than the deadly one was given up".into());
    let times = stage.report.times;
    stage.report.check(Promise::Letters, times >= 3, || format!("given up after {times} deaths"));
    stage.report.bit = format!("{times} deaths, {} given up", dead.len());
    stage.finish()
}

/// A run of hopeless records in one partition stops that partition and nothing else, and is told.
pub fn flood(context: &Context) -> Report {
    let mut stage = Stage::new(context, World::simple(context, 6), 2, 20);
    const HOPELESS: usize = 180;
    stage.load.quiet(&[0]);
    stage.load.send_hopeless(0, HOPELESS);
    stage.report.times = 1;
    let from = now();
    std::thread::sleep(Duration::from_secs(8));
    let told: usize =
        stage.workers.iter().map(|worker| worker.output().matches("dead letters in a row").count()).sum();
    let letters = stage.world.broker().fetch(&stage.world.dead_letters()).len();
    stage.report.check(Promise::Told, told > 0, || "nobody said that a partition stopped".into());
    stage.report.check(Promise::Letters, (100..HOPELESS).contains(&letters), || {
        format!("{letters} dead letters before it stopped")
    });
    // The others go on.
    stage.settle();
    stage.report.bit = format!("stopped after {letters} of {HOPELESS}");
    term_all(std::mem::take(&mut stage.workers), &mut stage.report);
    stage.workers.push(Worker::with(&stage.world, &["txns", "promote", "--live", "--no-flood-stop"], &[]));
    stage.settle();
    stage.faults.push(Fault::mended(from, 0.0));
    stage.finish()
}

/// The dead-letter topic refuses, first the size and then the writer: the lane is held, nothing is skipped, and all of
/// it arrives once it takes them.
pub fn refused(context: &Context) -> Report {
    let kafka = Kafka::start(&context.folder);
    let control = context.database("control");
    let plan =
        Plan { brokers: kafka.address(), control: (control.clone(), control), companies: vec![None; 6] };
    let mut stage = Stage::new(context, World::new(context, plan), 2, 20);
    let (broker, topic) = (stage.world.broker(), stage.world.dead_letters());
    let mut refusals = Vec::new();
    for (company, by) in ["size", "rights"].into_iter().enumerate() {
        match by {
            "size" => broker.alter(&topic, "max.message.bytes", "64"),
            _ => wire::deny_writes(&stage.world.brokers, &topic),
        }
        stage.load.quiet(&[company]);
        let (before, dead) = (stage.world.told("was not accepted"), stage.load.dead());
        stage.load.send_hopeless(company, 5);
        stage.load.burst_of(company, 20);
        let from = now();
        stage.report.times += 1;
        std::thread::sleep(Duration::from_secs(8));
        let told = stage.world.told("was not accepted") - before;
        stage.report.check(Promise::Bit, told > 0, || format!("no dead letter was refused by {by}"));
        refusals.push(format!("{told} by {by}"));
        // Neighbours in the same run may be done, but no commit passes the first that was not accepted.
        let new = &stage.load.dead() - &dead;
        let log = stage.load.log();
        let first = log.iter().filter(|sent| new.contains(&sent.batch)).filter_map(|sent| sent.ack).next();
        let first = first.expect("the hopeless batches are acknowledged");
        let reader = broker.reader(&stage.world.group());
        let committed =
            broker.committed(&reader, &stage.world.txns(), PARTITIONS).expect("committed offsets");
        let at = committed.get(&first.partition).copied().unwrap_or(0);
        stage.report.check(Promise::Commits, at <= first.offset, || {
            format!("{at} is committed past a dead letter that was not accepted by {by}, at {}", first.offset)
        });
        match by {
            "size" => broker.alter(&topic, "max.message.bytes", "1048588"),
            _ => wire::allow_all(&stage.world.brokers, &topic),
        }
        stage.faults.push(Fault::mended(from, 12.0));
    }
    stage.report.bit = format!("refused {}", refusals.join(", "));
    stage.finish()
}
