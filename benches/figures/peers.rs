//! The peers that are programs of their own: made ready once, so that fetching and installing are not measured.

use crate::process::run;
use crate::table::target;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the Python peer needs.
const PACKAGES: [&str; 2] = ["aiokafka[lz4]==0.14.0", "psycopg2-binary==2.9.13"];

/// The peers' sources.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

/// Fetches what the peers need into target/bench; afterwards it takes no time.
pub fn prepare() {
    once("venv", &PACKAGES.join(" "), |venv| {
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(venv);
        run(command);
        let mut command = Command::new(venv.join("bin/python"));
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
        run(command);
    });
    let pom = folder().join("pom.xml");
    let wanted = std::fs::read_to_string(&pom).expect("the peers' pom.xml");
    once("jars", &wanted, |jars| {
        let mut command = Command::new("mvn");
        command.args(["-q", "-B", "dependency:copy-dependencies"]).arg("-f").arg(&pom);
        command.arg(format!("-DoutputDirectory={}", jars.display()));
        run(command);
    });
}

/// Makes the folder `name` by `make`, unless it was made for the same `wanted` before.
fn once(name: &str, wanted: &str, make: impl FnOnce(&Path)) {
    let (folder, stamp) = (target().join(name), target().join(format!("{name}.stamp")));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return;
    }
    // What another version left would be found beside ours.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for a peer");
    make(&folder);
    std::fs::write(stamp, wanted).expect("remembering what is installed");
}

/// Runs the Python consumer with these arguments to its end.
pub fn python(arguments: &[&str]) {
    let mut command = Command::new(target().join("venv/bin/python"));
    command.arg(folder().join("ledger.py")).args(arguments);
    run(command);
}

/// What a run of parallel-consumer says.
#[derive(serde::Deserialize)]
pub struct ParallelConsumer {
    pub records: f64,
    /// From the first call of its function to the end of the last.
    pub seconds: f64,
    pub cpu_seconds: f64,
}

impl ParallelConsumer {
    /// Reads `count` records of `topic`, for at most `seconds`, with this many workers. `work` is `noop` or `sleep`.
    pub fn run(
        brokers: &str,
        topic: &str,
        group: &str,
        count: u64,
        seconds: u64,
        work: &str,
        workers: u32,
    ) -> Self {
        let mut command = Command::new("java");
        command
            .arg("-Xmx1g")
            .arg("-cp")
            .arg(target().join("jars/*"))
            .arg(folder().join("ParallelConsumer.java"));
        command.args([brokers, topic, group, &count.to_string(), &seconds.to_string(), work]);
        command.arg(workers.to_string());
        let said = run(command);
        serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("parallel-consumer: {error}: {said}"))
    }
}
