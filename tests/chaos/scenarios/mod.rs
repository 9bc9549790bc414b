//! The faults, each a story of its own: set the world up, load it, break something, mend it, verify.

mod brokers;
mod databases;
mod kills;
mod network;
mod poison;
mod pressure;
mod refusals;
mod tabs;
mod topics;

use crate::broker::Broker;
use crate::load::{Ack, Load, Sent, now};
use crate::monitor::Monitor;
use crate::repeats::Excuse;
use crate::report::{Promise, Report};
use crate::sql::Sql;
use crate::verify::{self, Fault};
use crate::worker::{Footprint, Worker, term_all};
use crate::world::{World, create_database};
use std::cell::RefCell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// One fault and how it is done.
pub struct Scenario {
    pub name: &'static str,
    pub fault: &'static str,
    pub run: fn(&Context) -> Report,
}

/// Every scenario, in the order of the gate: the long ones first, so that none is left alone at the end.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "outage",
        fault: "half of the companies' database away for 60 s",
        run: databases::outage,
    },
    Scenario {
        name: "claim-zombie",
        fault: "SIGSTOP between claim and post, then CONT",
        run: tabs::claim_zombie,
    },
    Scenario {
        name: "half-open",
        fault: "connections to PostgreSQL that swallow all",
        run: network::database_half_open,
    },
    Scenario { name: "sheets", fault: "sheets refuse for 60 s", run: tabs::refused },
    Scenario { name: "broker", fault: "kill -9 of the broker, TERM while it is down", run: brokers::killed },
    Scenario {
        name: "broker-proxy",
        fault: "latency, reset, half-open, freeze, no coordinator",
        run: network::broker,
    },
    Scenario { name: "kill", fault: "kill -9 of one of three workers under load", run: kills::kill_loop },
    Scenario { name: "zombie", fault: "SIGSTOP past the session, then CONT", run: kills::zombie },
    Scenario {
        name: "proxy",
        fault: "reset, freeze, latency, refusal before PostgreSQL",
        run: network::database,
    },
    Scenario {
        name: "refusals",
        fault: "40001, 40P01, 53100, 53300, 25006 from PostgreSQL",
        run: refusals::sqlstates,
    },
    Scenario {
        name: "dlq-refuses",
        fault: "the dead-letter topic refuses the size, then the writer",
        run: poison::refused,
    },
    Scenario { name: "slow-key", fault: "one key takes 2 s a transaction", run: pressure::slow_key },
    Scenario { name: "backlog", fault: "256 MiB behind a database that is silent", run: pressure::backlog },
    Scenario { name: "rounds", fault: "the same faults seven times over one worker", run: pressure::rounds },
    Scenario { name: "claim", fault: "kill -9 of the process that holds a claim", run: tabs::claim },
    Scenario { name: "storm", fault: "members come and go, rebalance upon rebalance", run: kills::storm },
    Scenario { name: "crash", fault: "a record that kills whoever handles it", run: poison::crash },
    Scenario { name: "term", fault: "rolling TERM of three workers under load", run: kills::rolling_term },
    Scenario {
        name: "term-blocked",
        fault: "the same beside a company whose database is away",
        run: kills::blocked_term,
    },
    Scenario {
        name: "database-stop",
        fault: "PostgreSQL stopped at once, also while committing",
        run: databases::immediate_stop,
    },
    Scenario {
        name: "replay",
        fault: "kill -9 of a replay of 1,600 dead letters",
        run: brokers::replay_killed,
    },
    Scenario { name: "flood", fault: "180 hopeless records in a row", run: poison::flood },
    Scenario { name: "grown", fault: "16 partitions become 24, then 40", run: topics::grown },
    Scenario {
        name: "made-again",
        fault: "the topic deleted and made again under its readers",
        run: topics::made_again,
    },
    Scenario { name: "deleted", fault: "records deleted before they were read", run: brokers::deleted },
    Scenario {
        name: "bytes",
        fault: "records no client would write, to the dead letters and back",
        run: brokers::bytes,
    },
];

/// Seconds until everybody is connected again after a server came back: the longest back-off and a margin.
const RECONNECT: f64 = 12.0;

/// What a scenario is given.
pub struct Context {
    pub seed: u64,
    /// Its evidence.
    pub folder: PathBuf,
    /// What undoes what it made in the shared database server, in this order.
    undo: RefCell<Vec<String>>,
}

impl Context {
    pub fn new(seed: u64, folder: PathBuf) -> Context {
        Context { seed, folder, undo: RefCell::default() }
    }
    pub fn rng(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }
    /// A name nobody else uses: several runs, and the rounds of a long one, share the servers.
    pub fn name(&self) -> String {
        let mut parts = self.folder.iter().rev().map(|part| part.to_string_lossy().replace('-', "_"));
        let (scenario, seed) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("chaos_{}_{seed}_{scenario}", std::process::id())
    }
    pub fn brokers(&self) -> String {
        variable("KYLO_TEST_BROKERS")
    }
    /// A new database on the servers of this run.
    pub fn database(&self, suffix: &str) -> String {
        let name = format!("{}_{suffix}", self.name());
        self.undo.borrow_mut().push(format!("drop database \"{name}\" with (force)"));
        create_database(&variable("KYLO_TEST_DATABASE_URL"), &name)
    }
    /// A new role that may log in with the password `chaos`.
    pub fn role(&self, suffix: &str) -> String {
        let name = format!("{}_{suffix}", self.name());
        self.undo.borrow_mut().push(format!("drop role \"{name}\""));
        Sql::new(&variable("KYLO_TEST_DATABASE_URL"))
            .rows(&format!("create role \"{name}\" login password 'chaos'"));
        name
    }
    /// Takes back what the scenario made on the shared servers. An error names what is left.
    pub fn clear(&self) -> Result<(), String> {
        let mut admin = Sql::new(&variable("KYLO_TEST_DATABASE_URL"));
        for line in self.undo.take() {
            admin.query(&line).map_err(|error| format!("{line}: {error}"))?;
        }
        Broker::new(&self.brokers()).clear(&self.name())
    }
}

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: chaos needs servers; hint: run `make chaos`"))
}

/// A world under load, with its workers and its monitor.
pub struct Stage {
    pub world: World,
    pub load: Load,
    pub workers: Vec<Worker>,
    pub faults: Vec<Fault>,
    /// What may be handled again.
    pub excuses: Vec<Excuse>,
    pub report: Report,
    /// Batches that were deleted from the log.
    pub gone: HashSet<String>,
    /// Companies whose batches came back from the dead letters, out of order.
    pub unordered: HashSet<usize>,
    /// How many dead letters there must be, where that is not the number of hopeless batches.
    pub dead_letters: Option<usize>,
    /// What its workers held when they had begun.
    base: Footprint,
    monitor: Option<Monitor>,
}

impl Stage {
    /// Starts `workers` workers and a load of `rate` batches a second, and waits for the first effects.
    pub fn new(context: &Context, world: World, workers: usize, rate: u32) -> Stage {
        Stage::with_quiet(context, world, workers, rate, &[])
    }
    /// The same with companies that the steady load leaves out.
    pub fn with_quiet(context: &Context, world: World, workers: usize, rate: u32, quiet: &[usize]) -> Stage {
        let workers: Vec<Worker> = (0..workers).map(|_| Worker::start(&world)).collect();
        let load = Load::start(&world, context.seed, 0);
        load.quiet(quiet);
        load.rate(rate);
        let monitor = Some(Monitor::start(&world, &load));
        let mut stage = Stage {
            world,
            load,
            workers,
            faults: Vec::new(),
            excuses: Vec::new(),
            report: Report::default(),
            gone: HashSet::new(),
            unordered: HashSet::new(),
            dead_letters: None,
            base: Footprint::default(),
            monitor,
        };
        stage.settle();
        stage.base = Footprint::most(stage.workers.iter());
        // Starting is not what is measured.
        stage.faults.push(Fault::mended(0.0, 0.0));
        stage
    }

    /// The connections of those companies were cut, at some time from `from` until now.
    pub fn cut(&mut self, companies: Vec<usize>, from: f64) {
        self.excuses.push(Excuse::Cut { companies, from, to: now() });
    }
    /// Commits begin anew, and those of before say nothing: the topic is made again.
    pub fn forget_commits(&self) {
        if let Some(monitor) = &self.monitor {
            monitor.forget();
        }
    }
    /// Waits until something sent from now on was handled: the path is whole (again).
    pub fn settle(&mut self) {
        let wanted = self.load.acknowledged() - self.load.excused_count() + 1;
        self.wait("something is handled", |stage| stage.handled() >= wanted);
    }
    /// Waits until every worker has partitions.
    pub fn wait_for_shares(&mut self) {
        let reads = format!("{}[", self.world.txns());
        self.wait("every worker has partitions", |stage| {
            stage.workers.iter().all(|worker| worker.output().contains(&reads))
        });
    }
    /// Waits until all that was sent is handled.
    pub fn settle_all(&mut self) {
        self.load.flush();
        let wanted = self.load.acknowledged();
        self.wait("everything is handled", |stage| stage.handled() >= wanted);
    }
    /// Batches that have their effect, in the databases that answer.
    pub fn handled(&self) -> usize {
        let count = |url: &String| {
            Sql::new(url)
                .query(
                    "select count(distinct batch_id) from control.triage_metrics where operation = 'triage'",
                )
                .ok()
                .and_then(|rows| rows[0][0].parse::<usize>().ok())
                .unwrap_or(0)
        };
        self.world.databases().iter().map(count).sum()
    }
    /// Seconds that the oldest acknowledged and unhandled batch of those has waited.
    pub fn oldest(&self, of: impl Fn(&Sent) -> bool) -> f64 {
        // First the log, then the effects: what comes in between is not blamed.
        let (asked, log) = (now(), self.load.log());
        let done = self.handled_batches();
        let waiting = log.iter().filter(|sent| of(sent) && !done.contains(&sent.batch));
        waiting.filter_map(|sent| sent.ack.map(|ack| asked - ack.at)).fold(0.0, f64::max)
    }
    /// Batches of those partitions, acknowledged more than `seconds` ago, that are not committed.
    pub fn lag_older_than(&self, seconds: f64, of: impl Fn(&Ack) -> bool) -> usize {
        let asked = now();
        let broker = self.world.broker();
        let reader = broker.reader(&self.world.group());
        let ask = || broker.committed(&reader, &self.world.txns(), self.world.partitions());
        let committed =
            ask().or_else(|_| ask()).or_else(|_| ask()).expect("the broker tells what is committed");
        let log = self.load.log();
        let old = log.iter().filter_map(|sent| sent.ack).filter(|ack| of(ack) && ack.at < asked - seconds);
        old.filter(|ack| committed.get(&ack.partition).is_none_or(|committed| ack.offset >= *committed))
            .count()
    }
    /// The batches that have their effect, in the databases that answer.
    pub fn handled_batches(&self) -> HashSet<String> {
        handled_in(&self.world.databases())
    }
    /// Waits for `condition`, not for ever.
    pub fn wait(&mut self, what: &str, condition: impl Fn(&Stage) -> bool) {
        let deadline = Instant::now() + verify::REST;
        while !condition(self) {
            if Instant::now() > deadline {
                self.report.broke(Promise::Rest, format!("{what}: not within {:?}", verify::REST));
                self.report.give_up();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the load, waits for rest, ends the workers and verifies.
    pub fn finish(mut self) -> Report {
        let log = self.load.finish();
        if let Err(open) = verify::rest(&self.world, verify::REST) {
            self.report.broke(Promise::Rest, format!("it never came to rest: {open}"));
        }
        self.report.held = (self.base, Footprint::most(self.workers.iter()));
        term_all(std::mem::take(&mut self.workers), &mut self.report);
        if let Some(monitor) = self.monitor.take() {
            let seen = monitor.finish();
            self.report.check(Promise::Harness, seen.looks > 0, || "the monitor never had a look".into());
            self.report.problems.extend(seen.problems);
        }
        let log: Vec<_> = log.into_iter().filter(|sent| !self.gone.contains(&sent.batch)).collect();
        let dead = self.load.dead();
        let expected = verify::Expected {
            dead_letters: self.dead_letters.unwrap_or(dead.len()),
            dead,
            excuses: std::mem::take(&mut self.excuses),
            unordered: self.unordered.iter().map(|at| self.world.companies[*at].id.clone()).collect(),
        };
        verify::verify(&self.world, &log, &self.faults, &expected, &mut self.report);
        std::mem::take(&mut self.report)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nothing is sent once the world is gone.
        self.load.stop();
    }
}

/// The batches handled in those databases that answer.
fn handled_in(databases: &[String]) -> HashSet<String> {
    let mut all = HashSet::new();
    for database in databases {
        let rows = Sql::new(database).query("select distinct batch_id from control.triage_metrics");
        all.extend(rows.unwrap_or_default().into_iter().map(|mut row| row.swap_remove(0)));
    }
    all
}
