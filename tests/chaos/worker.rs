//! A worker process: the real `kylo consume`, its output in a file, faults by signal.

use crate::report::{Promise, Report};
use crate::world::World;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running worker. Dropping it kills it.
pub struct Worker {
    child: Child,
    pub log: PathBuf,
}

impl Worker {
    /// Starts `kylo consume txns promote --live` in `world`.
    pub fn start(world: &World) -> Worker {
        Worker::with(world, &["txns", "promote", "--live"], &[])
    }
    /// Starts `kylo consume ARGS` with further variables.
    pub fn with(world: &World, args: &[&str], variables: &[(&str, &str)]) -> Worker {
        let log = world.next_log();
        let file = File::create(&log).expect("making a worker's log");
        let mut command = Command::new(crate::world::program());
        let session = format!("session.timeout.ms={}", world.session);
        command.arg("consume").args(args).args(&world.worker_args);
        command.args(["-X", &session, "-X", "heartbeat.interval.ms=500", "--verbose", "--log-level", "info"]);
        command.env_clear().envs(world.variables.iter().map(|(name, value)| (name, value)));
        command.envs(variables.iter().copied()).current_dir(&world.folder).stdin(Stdio::null());
        command.stdout(file.try_clone().expect("the log twice")).stderr(file);
        Worker { child: command.spawn().expect("starting a worker"), log }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("looking at a worker").is_none()
    }
    /// `kill -9`.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "sending {name} to a worker");
    }
    /// Waits for its end. Gives the exit code, `128 + signal` after a signal.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("waiting for a worker") {
                return Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
    /// `TERM`, then its exit code; `None` when it did not end in time.
    pub fn term(mut self, limit: Duration) -> Option<i32> {
        self.signal("TERM");
        self.wait(limit)
    }
    /// True when one of its connections has this local port.
    pub fn owns_port(&self, port: u16) -> bool {
        let folder = format!("/proc/{}", self.child.id());
        let table = std::fs::read_to_string(format!("{folder}/net/tcp")).unwrap_or_default();
        let local = format!(":{port:04X}");
        let inode = table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields.len() > 9 && fields[1].ends_with(&local)).then(|| format!("socket:[{}]", fields[9]))
        });
        let Some(inode) = inode else { return false };
        let Ok(files) = std::fs::read_dir(format!("{folder}/fd")) else { return false };
        files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|link| *link == *inode))
    }
    /// What it holds now.
    pub fn footprint(&self) -> Footprint {
        let folder = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kibibytes: f64 = resident.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
        let (mut descriptors, mut sockets) = (0, 0);
        for file in std::fs::read_dir(format!("{folder}/fd")).into_iter().flatten().flatten() {
            descriptors += 1;
            let target = std::fs::read_link(file.path()).unwrap_or_default();
            sockets += usize::from(target.to_string_lossy().starts_with("socket:"));
        }
        Footprint { mib: kibibytes / 1024.0, descriptors, sockets }
    }
    /// What it printed.
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    /// Resident memory in MiB.
    pub mib: f64,
    /// Open files of every kind.
    pub descriptors: usize,
    /// Those that are connections.
    pub sockets: usize,
}

impl Footprint {
    /// The most of each that one of `workers` holds.
    pub fn most<'a>(workers: impl Iterator<Item = &'a Worker>) -> Footprint {
        workers.map(Worker::footprint).fold(Footprint::default(), Footprint::max)
    }
    pub fn max(self, other: Footprint) -> Footprint {
        Footprint {
            mib: self.mib.max(other.mib),
            descriptors: self.descriptors.max(other.descriptors),
            sockets: self.sockets.max(other.sockets),
        }
    }
}

/// Ends all workers with TERM at once, and notes who ends badly.
pub fn term_all(workers: Vec<Worker>, report: &mut Report) {
    workers.iter().for_each(|worker| worker.signal("TERM"));
    for mut worker in workers {
        let code = worker.wait(Duration::from_secs(40));
        report.check(Promise::Ends, code == Some(0), || {
            format!("TERM ended a worker with {code:?}, see {}", worker.log.display())
        });
    }
}
