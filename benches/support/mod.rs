//! What benches share: a database and topics of their own, the program, the peers, and the report.

pub mod figures;

pub use figures::{Figure, report};

use figures::target;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// A bench's own database, topic and groups on the servers of `tests/servers/run.sh`.
pub struct Setting {
    pub brokers: String,
    pub database_url: String,
    pub topic: String,
    pub runtime: tokio::runtime::Runtime,
    pub client: tokio_postgres::Client,
    name: String,
    folder: tempfile::TempDir,
}

impl Setting {
    pub fn new(bench: &str) -> Setting {
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set\nhint: run `make bench`"))
        };
        let (brokers, admin_url) = (variable("KYLO_TEST_BROKERS"), variable("KYLO_TEST_DATABASE_URL"));
        let name = format!("kylo_bench_{bench}_{}", std::process::id());
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
        let server = admin_url.rfind('/').map_or(admin_url.as_str(), |slash| &admin_url[..slash]);
        let database_url = format!("{server}/{name}");
        let client = connect(&database_url);
        let folder = tempfile::tempdir().expect("a temporary folder");
        Setting { brokers, database_url, topic: format!("{name}.txns"), runtime, client, name, folder }
    }

    /// Says something on stderr.
    pub fn say(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "bench: {text}");
    }
    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("writing a file");
        path.display().to_string()
    }
    /// Runs `kylo ARGS`, built as cargo builds for benches, to its end; fails with its output unless that is 0.
    pub fn kylo<'a>(&self, args: impl IntoIterator<Item = &'a str>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kylo"));
        command.args(args).arg("--quiet").env_clear().current_dir(self.folder.path());
        command
            .env("HOME", self.folder.path())
            .env("KAFKA_BROKERS", &self.brokers)
            .env("PG_DSN_RW", &self.database_url);
        command
            .env("KAFKA_TOPIC_TXNS", &self.topic)
            .env("KAFKA_TOPIC_PROMOTE", format!("{}.promote", self.name));
        command.env("KAFKA_GROUP_TXNS", format!("{}-txns", self.name));
        command.env("KAFKA_GROUP_PROMOTE", format!("{}-promote", self.name));
        run(command);
    }
    /// Runs a script of benches/peers; [`need_python`] comes first, so that installing is not measured.
    pub fn peer(&self, script: &str) {
        let mut command = Command::new(python());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(script));
        command.args([&self.brokers, &self.database_url, &self.topic, &format!("{}-python", self.name)]);
        run(command);
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
}

impl Drop for Setting {
    fn drop(&mut self) {
        // The servers end with the bench; somebody's own keep topics only.
        let drop = async {
            let server = self.database_url.rfind('/').map_or("", |slash| &self.database_url[..slash]);
            let (client, connection) =
                tokio_postgres::connect(&format!("{server}/postgres"), NoTls).await.ok()?;
            tokio::spawn(connection);
            client.batch_execute(&format!("drop database {} with (force)", self.name)).await.ok()
        };
        let _ = self.runtime.block_on(drop);
    }
}

/// The Python of an environment of our own.
fn python() -> PathBuf {
    target().join("venv/bin/python")
}

/// Makes the Python environment with `packages`, once.
pub fn need_python(packages: &[&str]) {
    let venv = target().join("venv");
    let stamp = venv.join("packages");
    let wanted = packages.join(" ");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return;
    }
    let mut command = Command::new("python3");
    command.args(["-m", "venv"]).arg(&venv);
    run(command);
    let mut command = Command::new(python());
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    run(command);
    std::fs::write(stamp, wanted).expect("remembering what is installed");
}

fn run(mut command: Command) {
    let line = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(
        output.status.success(),
        "{line}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
