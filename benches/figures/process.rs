//! What /proc says of processes: processor time and memory.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Clock ticks a second in /proc: a constant of Linux for every program that is not the kernel.
const TICKS: f64 = 100.0;

/// Fields of /proc/PID/stat from the third on, numbered as the manual does.
fn stat(pid: &str, fields: &[usize]) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("/proc/PID/stat");
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let all: Vec<&str> = after_name.split_whitespace().collect();
    fields.iter().filter_map(|field| all.get(field - 3)?.parse::<f64>().ok()).sum()
}

/// Processor seconds, user and system, of this process so far.
pub fn own_cpu() -> f64 {
    stat("self", &[14, 15]) / TICKS
}

/// Processor seconds of all children that ended so far.
pub fn ended_children_cpu() -> f64 {
    stat("self", &[16, 17]) / TICKS
}

/// Resident memory of a process in MiB.
pub fn resident_mib(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("/proc/PID/status");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kib = line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number of KiB");
    kib / 1024.0
}

/// A child that is killed when it is dropped.
pub struct Running(Child);

impl Running {
    pub fn start(mut command: Command) -> Running {
        let line = format!("{command:?}");
        Running(
            command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("starting {line}: {error}")),
        )
    }
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
    /// Panics when it has ended by itself.
    pub fn must_run(&mut self) {
        let ended = self.0.try_wait().expect("looking at a child");
        assert!(ended.is_none(), "a process that has to run ended: {ended:?}");
    }
    /// `kill -9`.
    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
    /// `TERM`, and waits for a clean end.
    pub fn term(mut self) {
        let status = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "sending TERM");
        for _ in 0..4_000 {
            if let Some(status) = self.0.try_wait().expect("waiting for a child") {
                assert!(status.success(), "a process ended with {status} after TERM");
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("a process did not end within 40 s of TERM");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command to its end and gives its standard output; fails with its output unless its exit code is 0.
pub fn run(mut command: Command) -> String {
    let line = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line}: {}\n{out}{err}", output.status);
    out.into_owned()
}
