//! A scenario's own databases, topics, groups and folder.

use crate::broker::Broker;
use crate::scenarios::Context;
use crate::sql::{Sql, with_database};
use std::cell::Cell;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// Partitions of the topic that is under load, as long as nobody adds some; the default of the ledger.
pub const PARTITIONS: i32 = 16;

/// A company and where its rows are.
#[derive(Clone)]
pub struct Company {
    pub id: String,
    /// The database as workers reach it.
    pub dsn: String,
    /// The same database by the direct door, for the verifier.
    pub direct: String,
}

/// What a world is made of.
pub struct Plan {
    pub brokers: String,
    /// The control database as workers reach it, and directly.
    pub control: (String, String),
    /// For each company: as workers reach it, and directly; the control database where it is `None`.
    pub companies: Vec<Option<(String, String)>>,
}

pub struct World {
    pub name: String,
    pub folder: PathBuf,
    pub brokers: String,
    pub control: String,
    pub companies: Vec<Company>,
    pub variables: Vec<(String, String)>,
    /// Further arguments of every worker.
    pub worker_args: Vec<String>,
    /// How long a member may be silent, in milliseconds.
    pub session: u32,
    /// How the load is compressed.
    pub compression: &'static str,
    /// How many partitions the topic under load has now.
    pub partitions: Arc<AtomicI32>,
    logs: Cell<usize>,
}

/// The log of effects that no primary key can hide: every row written, in order, by a trigger.
const EFFECTS: &str = "create schema chaos;
create table chaos.effects (seq bigserial primary key, kind text, op text, company text, uid uuid, source text,
    batch text, cents bigint, ruled bool, posted text, xid bigint default txid_current(),
    at timestamptz default clock_timestamp());
create function chaos.txn() returns trigger language plpgsql security definer as $$ begin
    insert into chaos.effects (kind, op, company, source, batch, cents, ruled)
    values ('txn', tg_op, new.company_id, new.source_id, new.last_batch, new.amount_cents, new.rule_id is not null);
    return null; end $$;
create function chaos.pending() returns trigger language plpgsql security definer as $$ begin
    insert into chaos.effects (kind, op, company, uid, posted)
    values ('pending', tg_op, new.company_id, new.txn_uid, new.posted_signature);
    return null; end $$;
create trigger chaos after insert or update on app.transactions for each row execute function chaos.txn();
create trigger chaos after insert or update on app.pending_txns for each row execute function chaos.pending();";

impl World {
    /// A world on the given servers with `companies` companies in one database.
    pub fn simple(context: &Context, companies: usize) -> World {
        let control = context.database("control");
        World::new(
            context,
            Plan {
                brokers: context.brokers(),
                control: (control.clone(), control),
                companies: vec![None; companies],
            },
        )
    }

    pub fn new(context: &Context, plan: Plan) -> World {
        let name = context.name();
        let folder = context.folder.clone();
        std::fs::create_dir_all(&folder).expect("making the scenario's folder");
        let own = |name: &str, value: String| (name.to_owned(), value);
        let variables = vec![
            own("HOME", folder.display().to_string()),
            own("KAFKA_BROKERS", plan.brokers.clone()),
            own("PG_DSN_RW", plan.control.0.clone()),
            own("KAFKA_TOPIC_TXNS", format!("{name}.txns")),
            own("KAFKA_TOPIC_PROMOTE", format!("{name}.promote")),
            own("KAFKA_GROUP_TXNS", format!("{name}-txns")),
            own("KAFKA_GROUP_PROMOTE", format!("{name}-promote")),
            own("KAFKA_GROUP_REPLAY", format!("{name}-replay")),
            own("KYLO_SHEETS_BACKEND", "files".to_owned()),
            own("KYLO_SHEETS_FOLDER", folder.join("sheets").display().to_string()),
            own("PATH", std::env::var("PATH").unwrap_or_default()),
        ];
        let mutant = std::env::var("KYLO_MUTANT").map(|mutant| own("KYLO_MUTANT", mutant));
        let variables: Vec<(String, String)> = variables.into_iter().chain(mutant).collect();
        let companies: Vec<Company> = plan
            .companies
            .iter()
            .enumerate()
            .map(|(at, database)| {
                let (dsn, direct) = database.clone().unwrap_or_else(|| plan.control.clone());
                Company { id: (700 + at).to_string(), dsn, direct }
            })
            .collect();
        let world = World {
            name,
            folder,
            brokers: plan.brokers,
            control: plan.control.1,
            companies,
            variables,
            worker_args: Vec::new(),
            session: 6_000,
            compression: "lz4",
            partitions: Arc::new(AtomicI32::new(PARTITIONS)),
            logs: Cell::new(0),
        };
        world.prepare();
        world
    }

    fn prepare(&self) {
        self.kylo(&["topics", "create", "--pipeline", "ledger", "--yes"]);
        self.kylo(&["db", "migrate", "--yes"]);
        let mut text = String::new();
        for Company { id, dsn, .. } in &self.companies {
            let _ = write!(
                text,
                "[[company]]\ncompany_id = \"{id}\"\ndb_dsn_rw = \"{dsn}\"\ndb_schema = \"app_{id}\"\n\
                 spreadsheet_id = \"ledger-{id}\"\ntab_pending = \"{id} Pending\"\ntab_active = \"{id} Active\"\n\n"
            );
        }
        std::fs::write(self.folder.join("companies.toml"), text).expect("writing the companies");
        self.kylo(&["seed", "companies.toml", "--yes"]);
        let mut rules = String::from("company_id,source,target_sheet,target_header,notes\n");
        for company in &self.companies {
            let _ = writeln!(rules, "{},Coffee,EXPENSES,Coffee,", company.id);
        }
        std::fs::write(self.folder.join("rules.csv"), rules).expect("writing the rules");
        self.kylo(&["rules", "import", "rules.csv", "--yes"]);
        // Promoted by the workers, as they start.
        self.kylo(&["send", "promote"]);
        for database in self.databases() {
            Sql::new(&database).rows(EFFECTS);
        }
    }

    /// Sessions as short as a gate of minutes needs where processes die: the others take over soon. Elsewhere nobody may
    /// lose a session only because the machine is busy.
    pub fn short_sessions(mut self) -> World {
        self.session = 2_000;
        self
    }
    /// Workers see this variable from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }
    /// How many partitions the topic under load has now.
    pub fn partitions(&self) -> i32 {
        self.partitions.load(Ordering::Relaxed)
    }
    /// The companies' databases, each once, by the direct door.
    pub fn databases(&self) -> Vec<String> {
        let mut all: Vec<String> = self.companies.iter().map(|company| company.direct.clone()).collect();
        all.sort();
        all.dedup();
        all
    }
    pub fn txns(&self) -> String {
        format!("{}.txns", self.name)
    }
    pub fn dead_letters(&self) -> String {
        format!("{}.txns.dlq", self.name)
    }
    pub fn group(&self) -> String {
        format!("{}-txns", self.name)
    }
    pub fn broker(&self) -> Broker {
        Broker::new(&self.brokers)
    }
    /// The file of the next worker's output.
    pub fn next_log(&self) -> PathBuf {
        self.logs.set(self.logs.get() + 1);
        self.folder.join(format!("worker-{:02}.log", self.logs.get()))
    }

    /// How often all workers so far, dead ones too, said `text`.
    pub fn told(&self, text: &str) -> usize {
        let files = std::fs::read_dir(&self.folder).expect("the scenario's folder").flatten();
        let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("worker-"));
        logs.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default().matches(text).count()).sum()
    }

    /// Runs `kylo ARGS` to its end, which must be good.
    pub fn kylo(&self, args: &[&str]) -> String {
        let (code, output) = self.kylo_ends(args);
        assert!(code == Some(0), "kylo {} ended with {code:?}: {output}", args.join(" "));
        output
    }
    /// Runs `kylo ARGS` to its end.
    pub fn kylo_ends(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.command(args).output().expect("starting kylo");
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), text)
    }
    /// `kylo ARGS`, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Where a company's Pending tab is.
    pub fn tab_file(&self, company: &str) -> PathBuf {
        self.folder.join("sheets").join(format!("ledger-{company}")).join(format!("{company}%20Pending.csv"))
    }
    /// The rows of a company's Pending tab: description and cents.
    pub fn tab(&self, company: &str) -> Vec<(String, i64)> {
        let path = self.tab_file(company);
        if !path.exists() {
            return Vec::new();
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(&path).expect("the tab is CSV");
        reader
            .records()
            .map(|row| {
                let row = row.expect("a row of the tab");
                let amount: f64 = row[3].parse().unwrap_or_else(|_| panic!("{}: {row:?}", path.display()));
                (row[1].to_owned(), (amount * 100.0).round() as i64)
            })
            .collect()
    }
}

/// Creates the database `name` on the server of `admin` and gives its URL.
pub fn create_database(admin: &str, name: &str) -> String {
    Sql::new(admin).rows(&format!("create database \"{name}\""));
    with_database(admin, name)
}

/// The program under test; `KYLO_CHAOS_PROGRAM` names another build of it.
pub fn program() -> std::ffi::OsString {
    std::env::var_os("KYLO_CHAOS_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_kylo").into())
}
