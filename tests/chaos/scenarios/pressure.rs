//! Too much at once: a key that is slow, a backlog behind a database that does not answer.

use super::network::behind_proxy;
use super::{Context, RECONNECT, Stage};
use crate::broker::partition_of;
use crate::load::now;
use crate::proxy::Mode;
use crate::report::{Promise, Report};
use crate::sql::Sql;
use crate::verify::Fault;
use crate::wire;
use crate::worker::{Footprint, Worker};
use crate::world::{PARTITIONS, Plan, World};
use std::time::{Duration, Instant};

/// Every transaction of one company takes two seconds: it waits for itself alone.
pub fn slow_key(context: &Context) -> Report {
    let world = World::simple(context, 8);
    let ids: Vec<String> = world.companies.iter().map(|company| company.id.clone()).collect();
    Sql::new(&world.control).rows(&format!(
        "create function chaos.slow() returns trigger language plpgsql as $$ begin
             if new.company_id = '{}' and current_setting('chaos.slept', true) is distinct from txid_current()::text then
                 perform set_config('chaos.slept', txid_current()::text, true);
                 perform pg_sleep(2); end if;
             return new; end $$;
         create trigger slow before insert on app.transactions for each row execute function chaos.slow()",
        ids[0]
    ));
    let mut stage = Stage::new(context, world, 2, 40);
    let from = now();
    let (mut slow, mut others, mut lag): (f64, f64, usize) = (0.0, 0.0, 0);
    let home = partition_of(&ids[0], PARTITIONS);
    for _ in 0..10 {
        stage.load.burst_of(0, 30);
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(400));
            slow = slow.max(stage.oldest(|sent| sent.company == 0));
            others = others.max(stage.oldest(|sent| sent.company != 0));
            lag = lag.max(stage.lag_older_than(4.0, |ack| ack.partition != home));
        }
    }
    stage.report.times = 1;
    stage.faults.push(Fault::mended(from, RECONNECT));
    stage.report.bit = format!("its oldest {slow:.1} s; of the others {others:.1} s, lag elsewhere {lag}");
    stage
        .report
        .check(Promise::Bit, slow > 2.0, || format!("the slow key never waited longer than {slow:.1} s"));
    stage.report.check(Promise::Neighbours, others < 4.0, || format!("another key waited {others:.1} s"));
    stage.report.check(Promise::Neighbours, lag == 0, || {
        format!("{lag} batches of other partitions were not committed within 4 s")
    });
    stage.finish()
}

/// What a worker may hold beyond its base while nothing can be stored, in MiB: the budget of the consumer that is held
/// up, and 64 more.
const BOUND: f64 = 64.0 + 64.0;
/// The gate's backlog; the bench has one of 2 GiB.
const BACKLOG_MIB: usize = 256;

/// The companies' database stops answering and a backlog many times the budget lies behind it: memory stays flat.
pub fn backlog(context: &Context) -> Report {
    let control = context.database("control");
    let (proxy, behind) = behind_proxy(&context.database("behind"));
    let plan = Plan {
        brokers: context.brokers(),
        control: (control.clone(), control),
        companies: vec![Some(behind); 8],
    };
    let mut stage = Stage::new(context, World::new(context, plan), 1, 10);
    stage.settle_all();
    let base = stage.workers[0].footprint().mib;
    let from = now();
    proxy.set(Mode::Frozen);
    stage.load.rate(0);
    let size = 192 << 10;
    let mut curve = Vec::new();
    let mut look = |stage: &Stage| curve.push(stage.workers[0].footprint().mib);
    for turn in 0..(BACKLOG_MIB << 20) / size {
        stage.load.send_padded(turn % 8, size);
        if turn % 50 == 0 {
            look(&stage);
        }
    }
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        look(&stage);
        std::thread::sleep(Duration::from_millis(200));
    }
    stage.load.flush();
    let stored = wire::stored_bytes(&stage.world.brokers, &stage.world.txns());
    let ratio = (BACKLOG_MIB << 20) as f64 / stored.max(1) as f64;
    proxy.set(Mode::Pass);
    stage.report.times = 1;
    stage.faults.push(Fault::mended(from, 30.0));
    stage.settle_all();
    look(&stage);
    let most = curve.iter().copied().fold(0.0, f64::max);
    let text: Vec<String> = curve.iter().map(|mib| format!("{mib:.0}")).collect();
    std::fs::write(stage.world.folder.join("memory.txt"), text.join("\n")).expect("writing the evidence");
    stage.report.bit = format!(
        "{BACKLOG_MIB} MiB waited, compressed {ratio:.1} times; base {base:.0} MiB, at most {most:.0} MiB"
    );
    stage
        .report
        .check(Promise::Bit, most - base > 30.0, || format!("only {:.0} MiB of it came in", most - base));
    stage.report.check(Promise::Growth, most - base < BOUND, || {
        format!("{:.0} MiB over the base, {BOUND} may be", most - base)
    });
    stage.finish()
}

/// One worker lives through the same faults again and again: what it holds at rest does not grow.
pub fn rounds(context: &Context) -> Report {
    let mut stage = Stage::new(context, World::simple(context, 6), 1, 20);
    let name = stage.world.control.rsplit('/').next().expect("a name").to_owned();
    let mut sql = Sql::new(&stage.world.control);
    let mut held: Vec<Footprint> = Vec::new();
    for _ in 0..7 {
        stage.load.burst(150);
        let from = now();
        sql.rows(&format!(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where datname = '{name}' and pid <> pg_backend_pid()"
        ));
        stage.cut((0..6).collect(), from);
        let guest = Worker::start(&stage.world);
        stage.load.burst(150);
        stage.settle_all();
        let code = guest.term(Duration::from_secs(40));
        stage.report.check(Promise::Ends, code == Some(0), || format!("TERM ended a worker with {code:?}"));
        stage.load.burst(150);
        stage.faults.push(Fault::mended(from, RECONNECT));
        stage.report.times += 1;
        stage.settle_all();
        held.push(stage.workers[0].footprint());
    }
    // By the third round every pool has seen its most.
    let (base, last) = (held[..3].iter().copied().fold(Footprint::default(), Footprint::max), held[6]);
    let files = |of: &Footprint| of.descriptors - of.sockets;
    stage.report.bit = format!(
        "{:.0} -> {:.0} MiB, {} -> {} connections, {} -> {} other descriptors",
        base.mib,
        last.mib,
        base.sockets,
        last.sockets,
        files(&base),
        files(&last)
    );
    stage.report.check(Promise::Growth, last.mib < base.mib + 8.0, || "memory grows".into());
    stage.report.check(Promise::Growth, last.sockets <= base.sockets + 4, || "connections grow".into());
    stage.report.check(Promise::Growth, files(&last) <= files(&base) + 4, || "descriptors grow".into());
    stage.finish()
}
