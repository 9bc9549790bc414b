//! Servers that a scenario may break: a PostgreSQL and a Kafka of its own, on loopback, in its folder.
//!
//! They stay in this program's process group, which `tests/servers/run.sh` ends whatever happens to us.

use crate::load::locked;
use crate::proxy::Proxy;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const START_LIMIT: Duration = Duration::from_secs(60);

/// A port nobody listens on now, and that is given out once. Below those that the system gives to connections: while a
/// server is down, somebody's connection would take its port, even one that asks for the server itself.
fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut given = locked(&GIVEN);
    loop {
        let port = fastrand::u16(20_000..32_000);
        if !given.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            given.push(port);
            return port;
        }
    }
}

/// A new folder, which goes with the shared servers whatever becomes of this program.
fn new_folder() -> tempfile::TempDir {
    let parent = std::env::var_os("KYLO_TEST_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::Builder::new().prefix("chaos.").tempdir_in(parent).expect("a temporary folder")
}

/// A PostgreSQL that can be stopped at once and started again.
pub struct Postgres {
    /// Outside the evidence: another user owns it.
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
    log: PathBuf,
    child: Option<Child>,
}

impl Postgres {
    /// A new, running server; its log goes to `evidence`.
    pub fn start(evidence: &Path) -> Postgres {
        std::fs::create_dir_all(evidence).expect("making the scenario's folder");
        let folder = new_folder();
        std::fs::create_dir(folder.path().join("data")).expect("making the data folder");
        if is_root() {
            // PostgreSQL refuses to run as root.
            shell(&format!("chmod 755 '{0}' && chown postgres '{0}/data'", folder.path().display()));
        }
        let log = evidence.join("postgres.log");
        let mut server = Postgres { bin: binaries(), port: free_port(), log, folder, child: None };
        let mut initdb = server
            .command("initdb", &["-U", "kylo", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync"]);
        let done = initdb.status().expect("running initdb");
        assert!(done.success(), "initdb failed, see {}", server.log.display());
        server.resume();
        server
    }
    pub fn url(&self) -> String {
        format!("postgres://kylo:kylo@127.0.0.1:{}/postgres", self.port)
    }
    /// Immediate shutdown: no checkpoint, connections cut, commits in doubt.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        shell(&format!("kill -QUIT {}", child.id()));
        let _ = child.wait();
    }
    /// Starts again and waits until it answers; recovery included.
    pub fn resume(&mut self) {
        let port = self.port.to_string();
        let arguments =
            ["-p", &port, "-h", "127.0.0.1", "-k", "", "-c", "max_connections=200", "-c", "fsync=off"];
        self.child = Some(self.command("postgres", &arguments).spawn().expect("starting postgres"));
        let deadline = Instant::now() + START_LIMIT;
        while crate::sql::Sql::new(&self.url()).query("select 1").is_err() {
            assert!(Instant::now() < deadline, "postgres does not answer, see {}", self.log.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(&self.log).expect("the server's log");
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(arguments)
            .current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("the log twice")).stderr(log);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A Kafka of one node that can be killed and started again.
pub struct Kafka {
    folder: tempfile::TempDir,
    log: PathBuf,
    port: u16,
    /// The way in through a bad network, with a listener of its own, since clients dial what a broker advertises.
    pub proxy: Proxy,
    child: Option<Child>,
}

impl Kafka {
    /// A new, running broker; its log goes to `evidence`.
    pub fn start(evidence: &Path) -> Kafka {
        std::fs::create_dir_all(evidence).expect("making the scenario's folder");
        let folder = new_folder();
        let (data, port, behind, controller) =
            (folder.path().join("data"), free_port(), free_port(), free_port());
        let proxy = Proxy::start(&format!("127.0.0.1:{behind}"));
        let log = evidence.join("kafka.log");
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             controller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:{port},BEHIND://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port},BEHIND://{}\nlog.dirs={}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             auto.create.topics.enable=false\n\
             authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             allow.everyone.if.no.acl.found=true\n\
             group.initial.rebalance.delay.ms=0\ngroup.min.session.timeout.ms=500\n\
             offsets.topic.num.partitions=4\noffsets.topic.replication.factor=1\n\
             transaction.state.log.num.partitions=4\ntransaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\nshare.coordinator.state.topic.num.partitions=1\n\
             share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n",
            proxy.address,
            data.display()
        );
        let mut kafka = Kafka { folder, log, port, proxy, child: None };
        std::fs::write(kafka.properties(), properties).expect("writing the broker's settings");
        let file = kafka.properties().display().to_string();
        let format = ["kafka.tools.StorageTool", "format", "-t", "a2FvcyBjaGFvcyBrYW9zIQ", "-c", &file];
        let done = kafka.java(&[], &format).status().expect("running java");
        assert!(done.success(), "formatting the broker's folder failed, see {}", kafka.log.display());
        kafka.resume();
        kafka
    }
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    /// `kill -9`.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = child.kill();
        let _ = child.wait();
    }
    /// Starts again and waits until it answers.
    pub fn resume(&mut self) {
        let file = self.properties().display().to_string();
        self.child = Some(self.java(&["-Xmx512m"], &["kafka.Kafka", &file]).spawn().expect("starting java"));
        let deadline = Instant::now() + START_LIMIT;
        let broker = crate::broker::Broker::new(&self.address());
        loop {
            let listens = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            if listens && broker.answers() {
                return;
            }
            assert!(Instant::now() < deadline, "the broker does not answer, see {}", self.log.display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn properties(&self) -> PathBuf {
        self.folder.path().join("kafka.properties")
    }
    fn java(&self, options: &[&str], arguments: &[&str]) -> Command {
        let jars = std::env::var("KYLO_TEST_KAFKA_JARS")
            .expect("KYLO_TEST_KAFKA_JARS is not set; hint: run `make chaos`");
        assert!(Path::new(&jars).is_dir(), "{jars} is missing; hint: run `make chaos`");
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(&self.log).expect("the broker's log");
        let mut command = Command::new("java");
        // What its libraries unpack goes with the folder.
        let unpacked = format!("-Djava.io.tmpdir={}", self.folder.path().display());
        command.args(options).args(["-XX:-UsePerfData", &unpacked]);
        command.arg("-cp").arg(format!("{jars}/*")).args(arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("the log twice")).stderr(log);
        command
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_root() -> bool {
    shell_output("id -u").trim() == "0"
}

/// The folder of initdb and postgres, found as `tests/servers/prerequisites.sh` finds it.
fn binaries() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/prerequisites.sh");
    let found = Command::new("bash")
        .arg("-c")
        .arg(format!(". '{}' && postgres_bin", script.display()))
        .output()
        .expect("running bash");
    PathBuf::from(String::from_utf8_lossy(&found.stdout).trim())
}

/// Runs a line of shell that must succeed.
pub fn shell(line: &str) {
    let status = Command::new("sh").arg("-c").arg(line).status().expect("running sh");
    assert!(status.success(), "{line}");
}

fn shell_output(line: &str) -> String {
    let output = Command::new("sh").arg("-c").arg(line).output().expect("running sh");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
