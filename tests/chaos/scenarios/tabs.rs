//! Sheets that refuse, and two processes that both want to post.

use super::kills::Window;
use super::{Context, Stage};
use crate::load::now;
use crate::report::Report;
use crate::sql::Sql;
use crate::verify::Fault;
use crate::worker::Worker;
use crate::world::{PARTITIONS, World};
use std::time::{Duration, Instant};

/// The gate's time without sheets.
const REFUSAL: Duration = Duration::from_secs(60);

/// The sheets cannot be written for a minute: nothing lags, rows wait in the table, all are posted once after.
pub fn refused(context: &Context) -> Report {
    let mut stage = Stage::new(context, World::simple(context, 6), 2, 20);
    let sheets = stage.world.folder.join("sheets");
    let aside = stage.world.folder.join("sheets-aside");
    let from = now();
    // Root may write anywhere, so the folder is replaced by a file.
    while std::fs::rename(&sheets, &aside).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let replaced = std::fs::write(&sheets, "not a folder");
    replaced.expect("the file in the folder's place");
    stage.report.times = 1;
    let until = Instant::now() + REFUSAL;
    let (mut most_lag, mut most_waiting) = (0, 0);
    let mut sql = Sql::new(&stage.world.control);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(700));
        most_lag = most_lag.max(lag_older_than(&stage, 4.0));
        let waiting = sql.number(
            "select count(*) from app.pending_txns where status = 'open' and posted_signature is null",
        );
        most_waiting = most_waiting.max(waiting);
    }
    let said: usize = stage.workers.iter().map(|worker| worker.output().matches("posting of").count()).sum();
    stage.report.bit = format!("{most_waiting} rows waited, {said} refusals told, lag {most_lag}");
    stage.report.check(most_waiting > 0 && said > 0, || "nothing was refused".into());
    stage.report.check(most_lag == 0, || format!("{most_lag} batches were not committed within 4 s"));
    std::fs::remove_file(&sheets).expect("removing the file");
    std::fs::rename(&aside, &sheets).expect("the folder back in its place");
    stage.faults.push(Fault { from, to: now() });
    stage.finish()
}

/// Batches acknowledged more than `seconds` ago that are not committed.
fn lag_older_than(stage: &Stage, seconds: f64) -> usize {
    let asked = now();
    let broker = stage.world.broker();
    let reader = broker.reader(&stage.world.group());
    let Ok(committed) = broker.committed(&reader, &stage.world.txns(), PARTITIONS) else { return 0 };
    let log = stage.load.log();
    let behind = log.iter().filter_map(|sent| sent.ack).filter(|ack| {
        ack.at < asked - seconds
            && committed.get(&ack.partition).is_none_or(|committed| ack.offset >= *committed)
    });
    behind.count()
}

/// Two live processes; the one that holds a claim is killed while it is open, and the other settles it.
pub fn claim(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut stage = Stage::new(context, World::simple(context, 6), 2, 30);
    let mut sql = Sql::new(&stage.world.control);
    let mut open = 0;
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(rng.u64(1_500..2_500)));
        let window = Window::open(&stage);
        stage.load.burst(rng.usize(300..500));
        let deadline = Instant::now() + Duration::from_secs(10);
        let held = loop {
            // Who holds the lock of a company with an open claim: its connection's port names the process.
            let rows = sql.rows(
                "select p.id, a.client_port from control.sheet_posts p, pg_locks l join pg_stat_activity a using (pid) \
                 where p.state = 'posting' and l.locktype = 'advisory' and l.granted",
            );
            let found = rows.iter().find_map(|row| {
                let port = row[1].parse().ok()?;
                let owner = stage.workers.iter().position(|worker| worker.owns_port(port))?;
                Some((row[0].clone(), owner))
            });
            if found.is_some() || Instant::now() > deadline {
                break found;
            }
        };
        let Some((_, owner)) = held else { continue };
        let at = now();
        let killed = std::mem::replace(&mut stage.workers[owner], Worker::start(&stage.world));
        killed.kill();
        window.close(&mut stage);
        open +=
            usize::from(sql.number("select count(*) from control.sheet_posts where state = 'posting'") > 0);
        stage.faults.push(Fault { from: at, to: now() + 4.0 });
        stage.report.times += 1;
    }
    stage.wait("the open claims are settled", |stage| {
        Sql::new(&stage.world.control)
            .number("select count(*) from control.sheet_posts where state = 'posting'")
            == 0
    });
    let settled = stage.world.told("settling a post");
    stage.report.bit = format!("{open} claims open at the kill, {settled} settled by who was left");
    stage.report.check(open > 0, || "no kill hit an open claim".into());
    stage.report.check(settled > 0, || "no open claim was settled by another process".into());
    stage.finish()
}
