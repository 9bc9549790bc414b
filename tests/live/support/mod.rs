//! A world of its own for each test, and the program run in it.

mod broker;
mod database;
mod program;
mod servers;
mod sheets;

pub use broker::{Fetched, Outgoing};
pub use program::{Run, Running, one_second};
pub use servers::refused_port;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The three-transaction payload of the runbook: two transactions of 710, one of 711.
pub const THREE: &str = "examples/payloads/three-transactions.json";
/// Companies 710 and 711.
pub const COMPANIES: &str = "examples/companies.toml";

/// A test's own database, topics, groups and folder; all of it goes when this is dropped.
pub struct World {
    name: String,
    folder: tempfile::TempDir,
    servers: &'static servers::Servers,
    database: database::Database,
    variables: Vec<(String, String)>,
}

impl World {
    /// A fresh world: an empty database, no topics.
    pub fn new(test: &str) -> World {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kylo_test_{}_{number}_{test}", std::process::id());
        let servers = servers::servers();
        let database = database::Database::create(&servers.database_url, &name);
        let folder = tempfile::Builder::new().prefix("kylo-live.").tempdir().expect("a temporary folder");
        let own = |name: &str, value: String| (name.to_owned(), value);
        let variables = vec![
            own("HOME", folder.path().display().to_string()),
            own("KAFKA_BROKERS", servers.brokers.clone()),
            own("PG_DSN_RW", database.url.clone()),
            own("KAFKA_TOPIC_TXNS", format!("{name}.txns")),
            own("KAFKA_TOPIC_PROMOTE", format!("{name}.promote")),
            own("KAFKA_GROUP_TXNS", format!("{name}-txns")),
            own("KAFKA_GROUP_PROMOTE", format!("{name}-promote")),
            own("KAFKA_GROUP_REPLAY", format!("{name}-replay")),
            own("KYLO_SHEETS_BACKEND", "files".to_owned()),
            own("KYLO_SHEETS_FOLDER", folder.path().join("sheets").display().to_string()),
            own("PATH", std::env::var("PATH").unwrap_or_default()),
        ];
        World { name, folder, servers, database, variables }
    }

    /// A world with topics, schema and the two companies of the example.
    pub fn seeded(test: &str) -> World {
        let world = World::new(test);
        world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
        world.kylo(["db", "migrate", "--yes"]).ok();
        world.kylo(["seed", &example(COMPANIES), "--yes"]).ok();
        world
    }

    /// The folder the program runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
    /// Writes a file into the folder and gives its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("writing a file of the test");
        path.display().to_string()
    }
    /// The topic of the transactions.
    pub fn txns(&self) -> String {
        format!("{}.txns", self.name)
    }
    /// Its dead-letter topic.
    pub fn dead_letters(&self) -> String {
        format!("{}.txns.dlq", self.name)
    }
    /// The live group of `kylo consume txns`.
    pub fn group(&self) -> String {
        format!("{}-txns", self.name)
    }
    /// The world's database.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }
    /// The brokers.
    pub fn brokers(&self) -> &str {
        &self.servers.brokers
    }
    /// Sets a variable of the program's environment; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.remove_topics();
        self.database.remove();
    }
}

/// The path of a file of the repository.
pub fn example(path: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    assert!(path.exists(), "{} is missing", path.display());
    path.display().to_string()
}
