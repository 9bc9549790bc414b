//! The verifier: the producer's log against the log of effects, commits, dead letters and tabs. It uses nothing
//! of kylo's runtime or handlers.

use crate::load::{HOT, Sent, now};
use crate::repeats::{self, Excuse};
use crate::report::{Promise, Report};
use crate::sql::{Row, Sql};
use crate::world::World;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

/// Longest time from the end of the last fault until everything is at rest.
pub const REST: Duration = Duration::from_secs(60);
/// Longest time a batch may wait outside of faults, in seconds.
const PROGRESS: f64 = 15.0;

/// A stretch of time in which something was broken, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub from: f64,
    /// When it was mended, or when nothing was left to mend: recovery is counted from here.
    pub mended: f64,
    /// Until when a batch may wait because of it.
    pub to: f64,
}

impl Fault {
    /// A fault since `from` that is mended now and gives `grace` seconds to come back.
    pub fn mended(from: f64, grace: f64) -> Fault {
        let mended = now();
        Fault { from, mended, to: mended + grace }
    }
    /// A fault of one moment, with `grace` seconds to come back.
    pub fn at(at: f64, grace: f64) -> Fault {
        Fault { from: at, mended: at, to: at + grace }
    }
}

/// Waits until every partition is committed to its end and nothing waits to be posted. An error names what is
/// still open.
pub fn rest(world: &World, limit: Duration) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    let broker = world.broker();
    let reader = broker.reader(&world.group());
    let mut control = Sql::new(&world.control);
    let mut databases: Vec<Sql> = world.databases().iter().map(|url| Sql::new(url)).collect();
    loop {
        let state = (|| -> Result<(), String> {
            let ends = broker.ends(&reader, &world.txns())?;
            let committed = broker.committed(&reader, &world.txns(), world.partitions())?;
            for (partition, (low, high)) in ends {
                let at = committed.get(&partition).copied().unwrap_or(low);
                if at != high {
                    return Err(format!("partition {partition} is committed to {at} of {high}"));
                }
            }
            let mut waiting = 0;
            for database in &mut databases {
                let rows = database.query(
                    "select count(*) from app.pending_txns where status = 'open' and posted_signature is null",
                )?;
                waiting += rows[0][0].parse::<i64>().unwrap_or(-1);
            }
            let posting =
                control.query("select count(*) from control.sheet_posts where state = 'posting'")?;
            if waiting > 0 || posting[0][0] != "0" {
                return Err(format!("{waiting} rows are not posted, {} posts are open", posting[0][0]));
            }
            Ok(())
        })();
        match state {
            Ok(()) => return Ok(()),
            Err(reason) if Instant::now() > deadline => return Err(reason),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// What the scenario did that the log of sends does not say.
pub struct Expected {
    /// Batches that belong into the dead letters.
    pub dead: HashSet<String>,
    /// Dead letters there must be.
    pub dead_letters: usize,
    /// What may be handled again.
    pub excuses: Vec<Excuse>,
    /// Companies whose batches came back from the dead letters.
    pub unordered: HashSet<String>,
}

/// Everything the promises say about `log`, added to `report`.
pub fn verify(world: &World, log: &[Sent], faults: &[Fault], expected: &Expected, report: &mut Report) {
    write_log(world, log);
    let maybe = log.iter().filter(|sent| sent.maybe).count();
    report.check(Promise::Harness, log.len() > maybe, || "nothing was acknowledged".into());
    let mut stored_at: HashMap<String, f64> = HashMap::new();
    for (place, database) in world.databases().into_iter().enumerate() {
        let mut sql = Sql::new(&database);
        let effects = sql.rows(
            "select company, source, batch, op, xid, cents, ruled, extract(epoch from at) from chaos.effects \
             where kind = 'txn' order by seq",
        );
        std::fs::write(
            world.folder.join(format!("effects-{place}.txt")),
            effects.iter().map(|row| row.join(" ") + "\n").collect::<String>(),
        )
        .expect("writing the evidence");
        effects_of(world, &database, log, &effects, expected, &mut stored_at, report);
        repeats::verify(&mut sql, world, &database, (log, &expected.dead), &expected.excuses, report);
        tabs_of(&mut sql, world, &database, report);
    }
    latencies(log, faults, &stored_at, report);
    let mut control = Sql::new(&world.control);
    let open = control.number("select count(*) from control.sheet_posts where state <> 'posted'");
    report.check(Promise::Rest, open == 0, || format!("{open} posts never ended"));
    let dead = world.broker().count(&world.dead_letters());
    report.check(Promise::Letters, dead == expected.dead_letters as i64, || {
        let letters = world.broker().fetch(&world.dead_letters());
        let reasons: Vec<String> =
            letters.iter().take(3).map(|letter| letter.header("__kylo.errors.message")).collect();
        format!("{dead} dead letters instead of {}: {}", expected.dead_letters, reasons.join(" | "))
    });
}

/// Every transaction once, the hot one never back, batches of a company in the order of their sends.
fn effects_of(
    world: &World,
    database: &str,
    log: &[Sent],
    effects: &[Row],
    expected: &Expected,
    stored_at: &mut HashMap<String, f64>,
    report: &mut Report,
) {
    let mut inserts: HashMap<(&str, &str), usize> = HashMap::new();
    let mut ruled: HashMap<(&str, &str), usize> = HashMap::new();
    let mut hot: HashMap<&str, i64> = HashMap::new();
    // By company: the transaction at work, the highest batch of those before it, the highest of its own.
    let mut order: HashMap<&str, (&str, i64, i64)> = HashMap::new();
    for row in effects {
        let [company, source, batch, op, xid, cents, is_ruled, at] = &row[..] else {
            unreachable!("eight columns")
        };
        let number: i64 = batch.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(-1);
        let at: f64 = at.parse().unwrap_or_default();
        if source == HOT {
            let cents: i64 = cents.parse().unwrap_or_default();
            let before = hot.insert(company, cents).unwrap_or(i64::MIN);
            if cents < before || (cents == before && op == "INSERT") {
                report.broke(
                    Promise::Order,
                    format!("older work overwrote newer: {company} {before} -> {cents}"),
                );
                report.twice += 1;
            }
        }
        if op == "INSERT" {
            *inserts.entry((company, source)).or_default() += 1;
            stored_at.entry(batch.clone()).or_insert(at);
            let entry = order.entry(company).or_insert((xid, 0, 0));
            if entry.0 != xid {
                *entry = (xid, entry.1.max(entry.2), 0);
            }
            // A transaction may hold several batches, in whatever order of rows.
            if number <= entry.1 && source != HOT && !expected.unordered.contains(company) {
                report.broke(Promise::Order, format!("{batch} was stored after {}-{}", company, entry.1));
            }
            entry.2 = entry.2.max(number);
        } else if source != HOT {
            let times = ruled.entry((company, source)).or_default();
            *times += 1;
            if is_ruled != "t" || *times > 1 {
                report.broke(
                    Promise::Twice,
                    format!("{company} {source} was changed by {batch}, which nobody asked for"),
                );
                report.twice += 1;
            }
        }
    }
    let mut known: HashSet<(&str, &str)> = HashSet::new();
    let mut last_hot: HashMap<&str, i64> = HashMap::new();
    for sent in log.iter().filter(|sent| world.companies[sent.company].direct == database) {
        let company = world.companies[sent.company].id.as_str();
        for (source, cents, _) in &sent.txns {
            let of = (company, source.as_str());
            let first = known.insert(of);
            if expected.dead.contains(&sent.batch) {
                continue;
            }
            let count = inserts.get(&of).copied().unwrap_or(0);
            if sent.ack.is_some() && count == 0 {
                report.lost += 1;
                if report.lost <= 5 {
                    report
                        .broke(Promise::Lost, format!("{company} {source} of {} {:?}", sent.batch, sent.ack));
                }
            }
            if first && count > 1 {
                report.twice += count - 1;
                report.broke(Promise::Twice, format!("{count} times: {company} {source}"));
            }
            if source == HOT && sent.ack.is_some() {
                last_hot.insert(company, *cents);
            }
        }
    }
    for (company, cents) in last_hot {
        let shown = hot.get(company).copied();
        report.check(Promise::Lost, shown.is_some_and(|shown| shown >= cents), || {
            format!("the newest word on {company}'s hot transaction is {cents}, stored is {shown:?}")
        });
    }
    for (company, source) in inserts.keys() {
        report.check(Promise::Twice, known.contains(&(*company, *source)), || {
            format!("nobody sent {company} {source}")
        });
    }
}

/// Each row of a Pending tab once, and each open row of the table in it.
fn tabs_of(sql: &mut Sql, world: &World, database: &str, report: &mut Report) {
    let open = sql.rows(
        "select company_id, description_norm, amount_cents from app.pending_txns where status = 'open'",
    );
    for company in world.companies.iter().filter(|company| company.direct == database) {
        let mut tab: BTreeMap<(String, i64), usize> = BTreeMap::new();
        for (description, cents) in world.tab(&company.id) {
            // The hot transaction's row shows what it was when it was posted.
            let cents = if description == HOT { 0 } else { cents };
            *tab.entry((description, cents)).or_default() += 1;
        }
        for ((description, cents), count) in &tab {
            if *count > 1 {
                report.twice += count - 1;
                report.broke(
                    Promise::Twice,
                    format!("{count} times in the tab of {}: {description} {cents}", company.id),
                );
            }
        }
        let mut missing = 0;
        for row in open.iter().filter(|row| row[0] == company.id) {
            let cents = if row[1] == HOT { 0 } else { row[2].parse().unwrap_or_default() };
            missing += usize::from(!tab.contains_key(&(row[1].clone(), cents)));
        }
        report.lost += missing;
        report.check(Promise::Lost, missing == 0, || {
            format!("{missing} open rows are not in the tab of {}", company.id)
        });
    }
    // What was stamped as posted stays so, under the same signature: else it would be posted again.
    let again = sql.rows(
        "select company, uid, before, posted from (select company, uid, posted, \
             lag(posted) over (partition by company, uid order by seq) as before \
             from chaos.effects where kind = 'pending') as stamps \
         where before is not null and posted is distinct from before",
    );
    for row in again {
        report.broke(Promise::Twice, format!("a row posted once is stamped anew: {}", row.join(" ")));
    }
}

/// How long what was sent around each fault took, and that nothing waited outside of faults.
fn latencies(log: &[Sent], faults: &[Fault], stored_at: &HashMap<String, f64>, report: &mut Report) {
    let mut slow: Option<(f64, String)> = None;
    let mut recovery: Vec<Option<f64>> = vec![None; faults.len()];
    for sent in log {
        let (Some(ack), Some(stored)) = (sent.ack, stored_at.get(&sent.batch)) else { continue };
        // Faults lie in the order of their beginnings; what two of them excuse counts once.
        let (mut excused, mut counted) = (0.0, ack.at);
        for fault in faults {
            let (from, to) = (fault.from.max(counted), fault.to.min(*stored));
            excused += (to - from).max(0.0);
            counted = counted.max(to);
        }
        // What two faults met came back from the later one.
        let met = |fault: &Fault| fault.from <= *stored && ack.at <= fault.to + 1.0;
        if let Some(last) = faults.iter().rposition(met) {
            let waited = (stored - ack.at.max(faults[last].mended)).max(0.0);
            recovery[last] = Some(recovery[last].unwrap_or(0.0).max(waited));
        }
        let waited = stored - ack.at - excused;
        if slow.as_ref().is_none_or(|(most, _)| waited > *most) {
            slow = Some((waited, sent.batch.clone()));
        }
    }
    // The start, which lasts from 0, is no fault.
    let began = faults.iter().take_while(|fault| fault.from == 0.0).count();
    report.recovery.extend(recovery.into_iter().skip(began).flatten());
    if let Some((waited, batch)) = slow {
        report.check(Promise::Progress, waited <= PROGRESS, || {
            format!("{batch} waited {waited:.1} s outside of any fault")
        });
    }
}

fn write_log(world: &World, log: &[Sent]) {
    let line = |sent: &Sent| {
        let ack = sent.ack.map_or_else(
            || if sent.maybe { "maybe".to_owned() } else { "-".to_owned() },
            |ack| format!("{}@{} {:.3}", ack.partition, ack.offset, ack.at),
        );
        format!("{} {ack} {}\n", sent.batch, sent.txns.len())
    };
    std::fs::write(world.folder.join("sent.txt"), log.iter().map(line).collect::<String>())
        .expect("writing the producer's log");
}
