//! Workers that are killed and workers that are asked to end.

use super::{Context, Stage, handled_in};
use crate::broker::partition_of;
use crate::load::now;
use crate::repeats::{ON_THE_WAY, Window};
use crate::report::{Promise, Report};
use crate::sql::Sql;
use crate::verify::Fault;
use crate::worker::Worker;
use crate::world::{PARTITIONS, Plan, World};
use std::time::Duration;

/// The session time-out, the take-over after it and a margin for a busy machine.
const TAKE_OVER: f64 = 4.0;

/// Kills a random worker again and again, in the middle of a burst.
pub fn kill_loop(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut stage = Stage::new(context, World::simple(context, 8).short_sessions(), 3, 40);
    let (mut in_work, mut uncommitted) = (0, 0);
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(rng.u64(2_500..4_000)));
        let window = Window::open(&stage);
        stage.load.burst(rng.usize(150..400));
        std::thread::sleep(Duration::from_millis(rng.u64(5..120)));
        let victim = rng.usize(..stage.workers.len());
        let at = now();
        let mut killed = std::mem::replace(&mut stage.workers[victim], Worker::start(&stage.world));
        stage.report.check(Promise::Ends, killed.is_running(), || {
            format!("a worker ended by itself: {}", killed.log.display())
        });
        killed.kill();
        stage.faults.push(Fault::at(at, TAKE_OVER));
        stage.report.times += 1;
        let (working, done) = window.died(&mut stage);
        uncommitted += usize::from(done > 0);
        in_work += usize::from(working);
    }
    stage.report.bit = format!("{in_work} in unfinished work, {uncommitted} before a commit");
    stage.report.check(Promise::Bit, in_work > 0, || "no kill hit unfinished work".into());
    stage
        .report
        .check(Promise::Bit, uncommitted > 0, || "no kill hit between an effect and its commit".into());
    stage.finish()
}

/// Asks each worker in turn to end, in the middle of bursts: nothing runs again.
pub fn rolling_term(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut stage = Stage::new(context, World::simple(context, 8), 3, 40);
    let in_work = roll(&mut stage, &mut rng, 6);
    stage.report.bit = format!("{in_work} in unfinished work");
    stage.report.check(Promise::Bit, in_work > 0, || "no TERM hit unfinished work".into());
    stage.finish()
}

/// The same while one company's database is away: its lane waits, and what its neighbours finished above it must
/// not run again.
pub fn blocked_term(context: &Context) -> Report {
    let mut rng = context.rng();
    let ids: Vec<String> = (700..712).map(|id: i32| id.to_string()).collect();
    let partition = |at: usize| partition_of(&ids[at], PARTITIONS);
    let shares = |at: &usize| (0..ids.len()).any(|other| other != *at && partition(other) == partition(*at));
    let blocked = (0..ids.len()).find(shares).expect("two companies share a partition");
    let control = context.database("control");
    let apart = context.database("apart");
    let mut companies = vec![None; ids.len()];
    companies[blocked] = Some((apart.clone(), apart.clone()));
    let plan = Plan { brokers: context.brokers(), control: (control.clone(), control.clone()), companies };
    let mut stage = Stage::new(context, World::new(context, plan), 3, 40);
    let name = apart.rsplit('/').next().expect("a name").to_owned();
    let from = now();
    let mut sql = Sql::new(&control);
    sql.rows(&format!("alter database \"{name}\" with allow_connections false"));
    sql.rows(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"));
    stage.load.burst_of(blocked, 5);
    roll(&mut stage, &mut rng, 6);
    // The proof: neighbours were handled above a record that waits.
    let log = stage.load.log();
    let done = handled_in(&[control]);
    let held =
        log.iter().filter(|sent| sent.company == blocked).filter_map(|sent| sent.ack).collect::<Vec<_>>();
    let lowest = held.iter().filter(|ack| ack.at > from).map(|ack| ack.offset).min().unwrap_or(i64::MAX);
    let above = log.iter().filter(|sent| {
        let here = sent.ack.is_some_and(|ack| ack.partition == partition(blocked) && ack.offset > lowest);
        here && done.contains(&sent.batch)
    });
    let above = above.count();
    stage.report.bit = format!("{above} done above the waiting record");
    stage.report.check(Promise::Bit, above > 0, || "nothing was done above the waiting record".into());
    sql.rows(&format!("alter database \"{name}\" with allow_connections true"));
    stage.faults.push(Fault::mended(from, 10.0));
    stage.finish()
}

/// TERM and replacement of one worker after the other. Gives how often work was under way.
fn roll(stage: &mut Stage, rng: &mut fastrand::Rng, times: usize) -> usize {
    let mut in_work = 0;
    for turn in 0..times {
        std::thread::sleep(Duration::from_millis(rng.u64(1_000..2_000)));
        let before = stage.handled_batches().len();
        stage.load.burst(rng.usize(150..400));
        std::thread::sleep(Duration::from_millis(rng.u64(5..120)));
        let place = turn % stage.workers.len();
        let at = now();
        let old = std::mem::replace(&mut stage.workers[place], Worker::start(&stage.world));
        let log = old.log.clone();
        let done = stage.handled_batches().len();
        in_work += usize::from(done > before && done < stage.load.acknowledged());
        let code = old.term(Duration::from_secs(40));
        stage.report.check(Promise::Ends, code == Some(0), || {
            format!("TERM ended a worker with {code:?}: {}", log.display())
        });
        stage.faults.push(Fault { from: at, mended: at, to: now() + 1.0 });
        stage.report.times += 1;
    }
    in_work
}

/// Members join and leave faster than the group comes to rest.
pub fn storm(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut stage = Stage::new(context, World::simple(context, 8), 2, 60);
    let from = now();
    let mut guests: Vec<Worker> = Vec::new();
    for _ in 0..14 {
        stage.load.burst(rng.usize(20..100));
        if guests.len() < 3 && (guests.is_empty() || rng.bool()) {
            guests.push(Worker::start(&stage.world));
        } else {
            let guest = guests.swap_remove(rng.usize(..guests.len()));
            let log = guest.log.clone();
            let code = guest.term(Duration::from_secs(40));
            stage.report.check(Promise::Ends, code == Some(0), || {
                format!("TERM ended a worker with {code:?}: {}", log.display())
            });
        }
        stage.report.times += 1;
        std::thread::sleep(Duration::from_millis(rng.u64(200..1_500)));
    }
    stage.faults.push(Fault::mended(from, 2.0));
    stage.workers.extend(guests);
    let generation =
        stage.workers.iter().map(|worker| worker.output().matches("went to another member").count());
    let moved: usize = generation.sum();
    stage.report.bit = format!("{moved} partitions moved");
    stage.report.check(Promise::Bit, moved > 0, || "no partition ever moved".into());
    stage.finish()
}

/// Stops a worker for longer than its session, in the middle of a burst, and lets it go on: what it still holds
/// is no longer its own.
pub fn zombie(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut stage = Stage::new(context, World::simple(context, 8).short_sessions(), 3, 40);
    let (mut in_work, mut taken_over) = (0, 0);
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(rng.u64(1_000..2_000)));
        let window = Window::open(&stage);
        stage.load.burst(rng.usize(200..400));
        std::thread::sleep(Duration::from_millis(rng.u64(5..120)));
        let victim = rng.usize(..stage.workers.len());
        let at = now();
        stage.workers[victim].signal("STOP");
        in_work += usize::from(window.in_work(&stage));
        std::thread::sleep(ON_THE_WAY);
        window.lost_hold(&mut stage);
        std::thread::sleep(Duration::from_millis(rng.u64(3_500..6_000)));
        stage.load.burst(rng.usize(50..100));
        stage.workers[victim].signal("CONT");
        // A stopped process may hold a company's lock until its database gives it up.
        stage.faults.push(Fault { from: at, mended: at, to: now() + 12.0 });
        std::thread::sleep(Duration::from_millis(1_500));
        let output = stage.workers[victim].output();
        taken_over += output.matches("went to another member").count();
        stage.report.times += 1;
    }
    stage.report.bit = format!("{in_work} in unfinished work, {taken_over} partitions lost");
    stage.report.check(Promise::Bit, in_work > 0, || "no stop hit unfinished work".into());
    stage.report.check(Promise::Bit, taken_over > 0, || "no stopped worker lost its partitions".into());
    stage.finish()
}
