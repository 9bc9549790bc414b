//! Watches while the faults go on: commits never go back, and never stand above what is done.

use crate::broker::{Broker, Offsets};
use crate::load::{Load, locked};
use crate::report::{Problem, Promise};
use crate::sql::Sql;
use crate::world::World;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(400);

/// A watch that is on.
pub struct Monitor {
    stop: Arc<AtomicBool>,
    forget: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
}

/// What the watch saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Looks at commits and effects together.
    pub looks: usize,
    pub problems: Vec<Problem>,
}

impl Monitor {
    pub fn start(world: &World, load: &Load) -> Monitor {
        let stop = Arc::new(AtomicBool::new(false));
        let mut watch = Watch {
            broker: world.broker(),
            topic: world.txns(),
            group: world.group(),
            load: load.clone(),
            databases: world
                .databases()
                .iter()
                .map(|url| {
                    let here = |at: &usize| world.companies[*at].direct == *url;
                    (Sql::new(url), (0..world.companies.len()).filter(here).collect())
                })
                .collect(),
            excused: load.excused(),
            partitions: world.partitions.clone(),
            before: Offsets::new(),
            handled: HashSet::new(),
            seen: Seen::default(),
        };
        let (stopped, forget) = (stop.clone(), Arc::new(AtomicBool::new(false)));
        let forgotten = forget.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if forgotten.swap(false, Ordering::Relaxed) {
                    watch.begin_anew();
                }
                watch.look();
                std::thread::sleep(EVERY);
            }
            watch.look();
            watch.seen
        });
        Monitor { stop, forget, thread: Some(thread) }
    }
    /// The topic is about to be made again: what was sent and committed so far is over.
    pub fn forget(&self) {
        self.forget.store(true, Ordering::Relaxed);
        while self.forget.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    /// Looks once more and ends.
    pub fn finish(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ends once");
        thread.join().unwrap_or_else(|_| Seen {
            looks: 0,
            problems: vec![Problem { promise: Promise::Harness, how: "the monitor panicked".into() }],
        })
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Watch {
    broker: Broker,
    topic: String,
    group: String,
    load: Load,
    /// Each with the companies it holds.
    databases: Vec<(Sql, HashSet<usize>)>,
    excused: Arc<Mutex<HashSet<String>>>,
    partitions: Arc<AtomicI32>,
    before: Offsets,
    /// Batches known to be handled.
    handled: HashSet<String>,
    seen: Seen,
}

impl Watch {
    fn look(&mut self) {
        // First the commits, then the effects: what was done in between can only excuse, never accuse.
        let reader = self.broker.reader(&self.group);
        let Ok(committed) =
            self.broker.committed(&reader, &self.topic, self.partitions.load(Ordering::Relaxed))
        else {
            return;
        };
        for (partition, offset) in &committed {
            let before = self.before.get(partition).copied().unwrap_or(0);
            if *offset < before {
                self.note(format!("the commit of partition {partition} went back from {before} to {offset}"));
            }
        }
        self.before = committed.clone();
        // By company, the batches that are committed and not known to be handled.
        let mut below: HashMap<usize, BTreeMap<String, (i32, i64)>> = HashMap::new();
        let excused = locked(&self.excused).clone();
        for sent in self.load.log() {
            let Some(ack) = sent.ack else { continue };
            let done = committed.get(&ack.partition).is_some_and(|committed| ack.offset < *committed);
            if done && !self.handled.contains(&sent.batch) && !excused.contains(&sent.batch) {
                below.entry(sent.company).or_default().insert(sent.batch, (ack.partition, ack.offset));
            }
        }
        let mut notes = Vec::new();
        for (database, companies) in &mut self.databases {
            let here = companies.iter().filter_map(|company| below.get(company)).flatten();
            let here: BTreeMap<&String, &(i32, i64)> = here.collect();
            if here.is_empty() {
                continue;
            }
            let list: Vec<String> = here.keys().map(|batch| format!("'{batch}'")).collect();
            let list = list.join(",");
            // Nothing can be said about a database that is away.
            let ask =
                format!("select distinct batch_id from control.triage_metrics where batch_id in ({list})");
            let Ok(rows) = database.query(&ask) else { continue };
            let found: HashSet<String> = rows.into_iter().map(|mut row| row.swap_remove(0)).collect();
            for (batch, (partition, offset)) in here {
                if !found.contains(batch) {
                    let at = committed.get(partition).copied().unwrap_or_default();
                    notes.push(format!("{batch} at {partition}@{offset} is not done, and {at} is committed"));
                }
            }
            self.handled.extend(found);
        }
        notes.into_iter().for_each(|note| self.note(note));
        self.seen.looks += 1;
    }

    fn begin_anew(&mut self) {
        self.before.clear();
        self.handled.extend(self.load.log().into_iter().map(|sent| sent.batch));
    }

    fn note(&mut self, how: String) {
        let problem = Problem { promise: Promise::Commits, how };
        if self.seen.problems.len() < 10 && !self.seen.problems.contains(&problem) {
            self.seen.problems.push(problem);
        }
    }
}
