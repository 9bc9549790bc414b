//! Which handler runs a fault excuses: every batch that is handled again must be one of them.

use crate::broker::Offsets;
use crate::load::{Sent, now};
use crate::report::{Promise, Report};
use crate::scenarios::Stage;
use crate::sql::Sql;
use crate::world::World;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Why some batches may be handled once more.
pub enum Excuse {
    /// A process died: what it had handled by then, which nobody had committed. Times in seconds since 1970.
    Died { committed: Offsets, at: f64 },
    /// A process lost its partitions while it went on, or could not know whether it had committed: what was sent by
    /// then and not committed.
    LostHold { committed: Offsets, sent: HashSet<String> },
    /// Connections of these companies were cut, at some moment between the two: the transaction that each had under
    /// way, which may be committed although nobody was told.
    Cut { companies: Vec<usize>, from: f64, to: f64 },
    /// This was sent once more by the scenario.
    SentAgain(String),
}

/// A handler run as the database keeps it.
struct Run {
    company: String,
    batch: String,
    /// When its transaction began, in seconds since 1970 and as the database writes it.
    begun: f64,
    transaction: String,
}

/// Compares the committed handler runs with `log`: each batch has one, and another for each excuse that it has.
/// Batches of `dead` need none.
pub fn verify(
    sql: &mut Sql,
    world: &World,
    database: &str,
    (log, dead): (&[Sent], &HashSet<String>),
    excuses: &[Excuse],
    report: &mut Report,
) {
    let rows = sql.rows(
        "select company_id, batch_id, extract(epoch from created_at), created_at from control.triage_metrics \
         where operation = 'triage' order by id",
    );
    let runs = rows.into_iter().map(|row| match <[String; 4]>::try_from(row) {
        Ok([company, batch, begun, transaction]) => {
            Run { company, batch, begun: begun.parse().expect("a time"), transaction }
        }
        Err(row) => unreachable!("four columns: {row:?}"),
    });
    let runs: Vec<Run> = runs.collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    runs.iter().for_each(|run| *counts.entry(&run.batch).or_default() += 1);
    let here: Vec<&Sent> =
        log.iter().filter(|sent| world.companies[sent.company].direct == database).collect();
    let mut allowed: HashMap<&str, usize> = HashMap::new();
    for excuse in excuses {
        for batch in excused(excuse, &here, &runs, world) {
            *allowed.entry(batch).or_default() += 1;
        }
    }
    for sent in here {
        let count = counts.get(&*sent.batch).copied().unwrap_or(0);
        let (again, may) = (count.saturating_sub(1), allowed.get(&*sent.batch).copied().unwrap_or_default());
        report.repeated += again;
        report.bound += may;
        report.check(Promise::Repeats, again <= may, || {
            format!("{} was handled {count} times, {} may be: {:?}", sent.batch, may + 1, sent.ack)
        });
        let missing = count == 0 && sent.ack.is_some() && !dead.contains(&sent.batch);
        report.check(Promise::Lost, !missing, || format!("{} was never handled to its end", sent.batch));
    }
}

/// The batches of `log` that may be handled once more.
fn excused<'a>(excuse: &'a Excuse, log: &[&'a Sent], runs: &'a [Run], world: &World) -> HashSet<&'a str> {
    let open = |committed: &Offsets, sent: &Sent| {
        let above = |low: &i64, offset| offset >= *low;
        // The broker may have what it never acknowledged.
        sent.ack.is_none_or(|ack| committed.get(&ack.partition).is_none_or(|low| above(low, ack.offset)))
    };
    match excuse {
        Excuse::Died { committed, at } => {
            let ran: HashSet<&str> =
                runs.iter().filter(|run| run.begun <= *at).map(|run| &*run.batch).collect();
            let mine = log.iter().filter(|sent| open(committed, sent) && ran.contains(&*sent.batch));
            mine.map(|sent| &*sent.batch).collect()
        }
        Excuse::LostHold { committed, sent: by_then } => {
            let mine = log.iter().filter(|sent| open(committed, sent) && by_then.contains(&sent.batch));
            mine.map(|sent| &*sent.batch).collect()
        }
        Excuse::Cut { companies, from, to } => {
            let mut all = HashSet::new();
            for company in companies.iter().map(|at| &world.companies[*at].id) {
                // A lane has one transaction at a time. The one at the cut is the last that began before it; or one
                // that began while the connections were cut, one after the other.
                let own = || runs.iter().filter(|run| run.company == *company);
                let before = own().filter(|run| run.begun <= *from);
                let last = before.max_by(|one, other| one.begun.total_cmp(&other.begun));
                let last = last.map(|run| &*run.transaction);
                let under_way =
                    own().filter(|run| last == Some(&*run.transaction) || (*from..=*to).contains(&run.begun));
                all.extend(under_way.map(|run| &*run.batch));
            }
            all
        }
        Excuse::SentAgain(batch) => HashSet::from([&**batch]),
    }
}

/// A process that is stopped has asked the broker for more. The broker answers after half a second (the client's
/// `fetch.wait.max.ms`) at the latest, and the process finds the answer when it wakes.
pub const ON_THE_WAY: Duration = Duration::from_millis(700);

/// A look at what is committed, just before a hard fault.
pub struct Window {
    handled: usize,
    committed: Offsets,
}

impl Window {
    /// Just before the fault.
    pub fn open(stage: &Stage) -> Window {
        let broker = stage.world.broker();
        let reader = broker.reader(&stage.world.group());
        let committed = broker
            .committed(&reader, &stage.world.txns(), stage.world.partitions())
            .expect("committed offsets");
        Window { handled: stage.handled_batches().len(), committed }
    }
    /// Just after a process died: what it had handled is excused. Says whether work was under way, and how much that
    /// was handled was not committed; the other workers' share is counted too.
    pub fn died(self, stage: &mut Stage) -> (bool, usize) {
        let at = now();
        let (log, done) = (stage.load.log(), stage.handled_batches());
        let above = |sent: &&Sent| {
            sent.ack.is_some_and(|ack| {
                self.committed.get(&ack.partition).is_none_or(|low| ack.offset >= *low)
                    && done.contains(&sent.batch)
            })
        };
        let uncommitted = log.iter().filter(above).count();
        let working = done.len() > self.handled && done.len() < log.len();
        stage.excuses.push(Excuse::Died { committed: self.committed, at });
        (working, uncommitted)
    }
    /// True when something was handled since it was opened, and something waits.
    pub fn in_work(&self, stage: &Stage) -> bool {
        let done = stage.handled_batches().len();
        done > self.handled && done < stage.load.log().len()
    }
    /// Just after processes may have lost hold of their partitions, or of what they commit: what was only begun is
    /// excused as well. Says whether work was under way. Of a process that is stopped: [`ON_THE_WAY`] later.
    pub fn lost_hold(self, stage: &mut Stage) -> bool {
        let working = self.in_work(stage);
        let sent = stage.load.log().into_iter().map(|sent| sent.batch).collect();
        stage.excuses.push(Excuse::LostHold { committed: self.committed, sent });
        working
    }
}
