//! Sheets that refuse, and two processes that both want to post.

use super::{Context, Stage};
use crate::load::now;
use crate::repeats::{ON_THE_WAY, Window};
use crate::report::{Promise, Report};
use crate::sql::Sql;
use crate::verify::Fault;
use crate::worker::Worker;
use crate::world::World;
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
        most_lag = most_lag.max(stage.lag_older_than(4.0, |_| true));
        let waiting = sql.number(
            "select count(*) from app.pending_txns where status = 'open' and posted_signature is null",
        );
        most_waiting = most_waiting.max(waiting);
    }
    let said: usize = stage.workers.iter().map(|worker| worker.output().matches("posting of").count()).sum();
    stage.report.bit = format!("{most_waiting} rows waited, {said} refusals told, lag {most_lag}");
    stage.report.check(Promise::Bit, most_waiting > 0 && said > 0, || "nothing was refused".into());
    stage.report.check(Promise::Neighbours, most_lag == 0, || {
        format!("{most_lag} batches were not committed within 4 s")
    });
    std::fs::remove_file(&sheets).expect("removing the file");
    std::fs::rename(&aside, &sheets).expect("the folder back in its place");
    stage.faults.push(Fault::mended(from, 0.0));
    stage.finish()
}

/// Two live processes; the one that holds a claim is killed while it is open, and the other settles it.
pub fn claim(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut stage = Stage::new(context, World::simple(context, 6).short_sessions(), 2, 30);
    let mut sql = Sql::new(&stage.world.control);
    let mut open = 0;
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(rng.u64(1_500..2_500)));
        let window = Window::open(&stage);
        stage.load.burst(rng.usize(300..500));
        let deadline = Instant::now() + Duration::from_secs(10);
        let held = loop {
            let found = holder(&stage, &mut sql, "true");
            if found.is_some() || Instant::now() > deadline {
                break found;
            }
        };
        let Some((_, owner)) = held else { continue };
        let at = now();
        let killed = std::mem::replace(&mut stage.workers[owner], Worker::start(&stage.world));
        killed.kill();
        window.died(&mut stage);
        open += usize::from(sql.number(OPEN_CLAIMS) > 0);
        stage.faults.push(Fault { from: at, mended: at, to: now() + 4.0 });
        stage.report.times += 1;
    }
    stage
        .wait("the open claims are settled", |stage| Sql::new(&stage.world.control).number(OPEN_CLAIMS) == 0);
    let settled = stage.world.told("settling a post");
    stage.report.bit = format!("{open} claims open at the kill, {settled} settled by who was left");
    stage.report.check(Promise::Bit, open > 0, || "no kill hit an open claim".into());
    stage.report.check(Promise::Bit, settled > 0, || "no open claim was settled by another process".into());
    stage.finish()
}

const OPEN_CLAIMS: &str = "select count(*) from control.sheet_posts where state = 'posting'";

/// An open claim for which `condition` holds and the worker that leads its company: the port of the connection that
/// holds the lock names the process.
fn holder(stage: &Stage, sql: &mut Sql, condition: &str) -> Option<(String, usize)> {
    let rows = sql.rows(&format!(
        "select p.id, a.client_port from control.sheet_posts p \
         join pg_locks l on (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('kylo.posting|' || p.company_id, 0) \
         join pg_stat_activity a using (pid) where p.state = 'posting' and l.locktype = 'advisory' and l.granted \
         and {condition}"
    ));
    rows.iter().find_map(|row| {
        let port = row[1].parse().ok()?;
        let owner = stage.workers.iter().position(|worker| worker.owns_port(port))?;
        Some((row[0].clone(), owner))
    })
}

/// Two live processes; the one that holds a claim is stopped between the claim and the post, the other settles it,
/// and the first goes on as if nothing had been.
pub fn claim_zombie(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut stage = Stage::new(context, World::simple(context, 6).short_sessions(), 2, 30);
    let mut sql = Sql::new(&stage.world.control);
    let (mut open, mut settled) = (0, 0);
    for company in 0..2 {
        std::thread::sleep(Duration::from_millis(rng.u64(500..1_500)));
        let id = stage.world.companies[company].id.clone();
        // Whoever posts takes this lock. While we have it, a claim stays open.
        let book = stage.world.folder.join("sheets").join(format!("ledger-{id}")).join(".lock");
        stage.wait("its first post", |_| book.exists());
        let window = Window::open(&stage);
        let lock = std::fs::File::options().write(true).open(book).expect("the lock of a workbook");
        lock.lock().expect("locking a workbook");
        stage.load.burst_of(company, rng.usize(20..50));
        let deadline = Instant::now() + Duration::from_secs(10);
        let held = loop {
            let found = holder(&stage, &mut sql, &format!("p.company_id = '{id}'"));
            if found.is_some() || Instant::now() > deadline {
                break found;
            }
        };
        let Some((claim, owner)) = held else { continue };
        stage.workers[owner].signal("STOP");
        let at = now();
        // What was on its way to the server is done there.
        std::thread::sleep(ON_THE_WAY);
        drop(lock);
        window.lost_hold(&mut stage);
        open += 1;
        let left = format!("{OPEN_CLAIMS} and id = '{claim}'");
        let deadline = Instant::now() + Duration::from_secs(45);
        while sql.number(&left) > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
        }
        settled += usize::from(sql.number(&left) == 0);
        stage.workers[owner].signal("CONT");
        stage.load.burst(50);
        stage.faults.push(Fault { from: at, mended: at, to: now() + 4.0 });
        stage.report.times += 1;
        stage.settle_all();
    }
    stage.report.bit = format!("{open} stopped with an open claim, {settled} settled by the other meanwhile");
    stage.report.check(Promise::Bit, open > 0, || "nobody was stopped between claim and post".into());
    stage.report.check(Promise::Progress, settled == open, || {
        format!("{} claims waited for who had stopped", open - settled)
    });
    stage.finish()
}
