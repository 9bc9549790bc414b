//! A part's own database, topics and groups, and the program on them.

use crate::process::{Running, run};
use std::cell::Cell;
use std::fmt::Write;
use std::fs::File;
use std::process::Command;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Sources of the rules of a company.
pub const RULES: usize = 50;
/// Id of the first company.
pub const FIRST_COMPANY: usize = 700;

/// A database, a topic and groups on the servers of `tests/servers/run.sh`. The database is dropped with it.
pub struct Setting {
    pub brokers: String,
    pub database_url: String,
    pub topic: String,
    pub runtime: tokio::runtime::Runtime,
    pub client: tokio_postgres::Client,
    name: String,
    folder: tempfile::TempDir,
    group: Cell<usize>,
}

impl Setting {
    /// Topics, schema, `companies` companies and their rules in force.
    pub fn ledger(part: &str, companies: usize) -> Setting {
        let (brokers, admin_url) =
            (crate::server("KYLO_TEST_BROKERS"), crate::server("KYLO_TEST_DATABASE_URL"));
        let name = format!("kylo_bench_{part}_{}", std::process::id());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let connect = |url: &str| {
            let (client, connection) =
                runtime.block_on(tokio_postgres::connect(url, NoTls)).expect("connecting to PostgreSQL");
            runtime.spawn(connection);
            client
        };
        let admin = connect(&admin_url);
        runtime.block_on(admin.batch_execute(&format!("create database {name}"))).expect("a database");
        let database_url = format!("{}/{name}", server_of(&admin_url));
        let client = connect(&database_url);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let topic = format!("{name}.txns");
        let setting =
            Setting { brokers, database_url, topic, runtime, client, name, folder, group: Cell::new(0) };
        setting.seed(companies);
        setting
    }

    fn seed(&self, companies: usize) {
        self.kylo(&["topics", "create", "--pipeline", "ledger", "--yes"]);
        self.kylo(&["db", "migrate", "--yes"]);
        let mut file = String::new();
        let mut rules = String::from("company_id,source,target_sheet,target_header,notes\n");
        for id in FIRST_COMPANY..FIRST_COMPANY + companies {
            let _ = write!(
                file,
                "[[company]]\ncompany_id = \"{id}\"\ndb_dsn_rw = \"${{PG_DSN_RW}}\"\ndb_schema = \"app_{id}\"\n\
                 spreadsheet_id = \"ledger-{id}\"\ntab_pending = \"{id} Pending\"\ntab_active = \"{id} Active\"\n\n"
            );
            for rule in 0..RULES {
                let _ = writeln!(rules, "{id},POS PURCHASE #{rule} MERCHANT,EXPENSES,Header {rule},");
            }
        }
        self.kylo(&["seed", &self.file("companies.toml", &file), "--yes"]);
        self.kylo(&["rules", "import", &self.file("rules.csv", &rules), "--yes"]);
        self.kylo(&["send", "promote"]);
        self.kylo(&["consume", "promote", "--shadow", "--exit-when-idle"]);
        let active = self.select("select count(*) from app.rules_active");
        assert_eq!(active[0], (companies * RULES).to_string(), "rules in force");
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("writing a file");
        path.display().to_string()
    }
    /// From now on consumers read from the start of their topics, in groups nobody used before.
    pub fn new_group(&self) {
        self.group.set(self.group.get() + 1);
    }
    fn group_name(&self, consumer: &str) -> String {
        format!("{}-{}-{consumer}", self.name, self.group.get())
    }
    /// The group of `kylo consume txns --shadow`.
    pub fn group(&self) -> String {
        self.group_name("txns") + "-shadow"
    }
    fn command(&self, arguments: &[&str], database_url: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kylo"));
        command.args(arguments).env_clear().current_dir(self.folder.path()).envs([
            ("HOME", self.folder.path().display().to_string()),
            ("KAFKA_BROKERS", self.brokers.clone()),
            ("PG_DSN_RW", database_url.to_owned()),
            ("KAFKA_TOPIC_TXNS", self.topic.clone()),
            ("KAFKA_TOPIC_PROMOTE", format!("{}.promote", self.name)),
            ("KAFKA_GROUP_TXNS", self.group_name("txns")),
            ("KAFKA_GROUP_PROMOTE", self.group_name("promote")),
        ]);
        command
    }
    /// Runs `kylo ARGUMENTS`, built as cargo builds for benches, to its end.
    pub fn kylo(&self, arguments: &[&str]) {
        let mut command = self.command(arguments, &self.database_url);
        command.arg("--quiet");
        run(command);
    }
    /// Starts `kylo consume txns --shadow` with further arguments; its output is kept in a file, for a panic's sake.
    pub fn consume(&self, arguments: &[&str], database_url: &str) -> Running {
        let mut command = self.command(&["consume", "txns", "--shadow"], database_url);
        let log = File::create(self.folder.path().join("consume.log")).expect("a log");
        command.args(arguments).stdout(log.try_clone().expect("the log twice")).stderr(log);
        Running::start(command)
    }
    /// Runs `text`; the first row as text.
    pub fn select(&self, text: &str) -> Vec<String> {
        let messages = self.runtime.block_on(self.client.simple_query(text));
        let messages = messages.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        row.map_or_else(Vec::new, |row| {
            (0..row.len()).map(|at| row.get(at).unwrap_or("-").to_owned()).collect()
        })
    }
    /// Every side starts with nothing left to write from the one before.
    pub fn checkpoint(&self) {
        self.select("checkpoint");
    }
    /// The address of the database's server, `host:port`.
    pub fn database_address(&self) -> &str {
        let server = server_of(&self.database_url);
        server.rsplit_once('@').or(server.split_once("//")).map_or(server, |(_, address)| address)
    }
    /// A connection of one's own, on this part's runtime.
    pub fn connect(&self) -> tokio_postgres::Client {
        let (client, connection) = self
            .runtime
            .block_on(tokio_postgres::connect(&self.database_url, NoTls))
            .expect("connecting to PostgreSQL");
        self.runtime.spawn(connection);
        client
    }
}

fn server_of(url: &str) -> &str {
    url.rfind('/').map_or(url, |slash| &url[..slash])
}

impl Drop for Setting {
    fn drop(&mut self) {
        // The servers end with the bench; somebody's own keep topics only.
        let drop = async {
            let url = format!("{}/postgres", server_of(&self.database_url));
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.ok()?;
            tokio::spawn(connection);
            client.batch_execute(&format!("drop database {} with (force)", self.name)).await.ok()
        };
        let _ = self.runtime.block_on(drop);
    }
}

/// A batch as the ledger reads it: key and value. `transactions` is the inside of its array.
pub fn batch(company: usize, id: &str, transactions: &str) -> (String, Vec<u8>) {
    let value = format!(
        r#"{{"event_type":"TXNS_BATCH","version":2,"batch_id":"{id}","company_id":"{company}","created_at":"2026-01-05T10:00:00Z","transactions":[{transactions}]}}"#
    );
    (company.to_string(), value.into_bytes())
}
