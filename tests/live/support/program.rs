//! The program, run in a world: closed environment, its own folder, all output kept.

use super::World;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

/// The longest any single run may take.
const LIMIT: Duration = Duration::from_secs(120);

/// One second, the loose limit of what must be reported at once (the promise is 100 ms).
pub fn one_second() -> Duration {
    Duration::from_secs(1)
}

/// A run that has ended.
#[derive(Debug)]
pub struct Run {
    pub line: String,
    /// Exit code; `128 + signal` after a signal.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Run {
    /// Fails with everything it printed unless it ended with 0.
    #[track_caller]
    pub fn ok(self) -> Run {
        self.ends(0)
    }
    /// Fails with everything it printed unless it ended with `code`.
    #[track_caller]
    pub fn ends(self, code: i32) -> Run {
        assert!(self.code == code, "expected exit code {code}\n{self}");
        self
    }
    /// Fails unless stdout or stderr contains `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Run {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "{text:?} is missing\n{self}");
        self
    }
    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ {}   ({} ms, exit {})", self.line, self.took.as_millis(), self.code)?;
        writeln!(f, "-- stdout\n{}-- stderr\n{}", self.stdout, self.stderr)
    }
}

impl World {
    /// Runs `kylo ARGS` to its end.
    #[track_caller]
    pub fn kylo<A: AsRef<str>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        self.kylo_reading("", args)
    }
    /// Runs `kylo ARGS` to its end with `input` on standard input.
    #[track_caller]
    pub fn kylo_reading<A: AsRef<str>>(
        &self,
        input: impl AsRef<[u8]>,
        args: impl IntoIterator<Item = A>,
    ) -> Run {
        let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let line = format!("kylo {}", args.join(" "));
        let mut command = Command::new(env!("CARGO_BIN_EXE_kylo"));
        command.args(&args);
        self.run(command, line, input.as_ref())
    }
    /// Runs a POSIX shell script of the repository with `kylo` first on its PATH.
    #[track_caller]
    pub fn script(&self, path: &str) -> Run {
        let mut command = Command::new("sh");
        command.arg(path);
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_kylo"));
        let folder = binary.parent().expect("the folder of the binary").display();
        command.env("PATH", format!("{folder}:{}", std::env::var("PATH").unwrap_or_default()));
        self.run(command, format!("sh {path}"), b"")
    }

    #[track_caller]
    fn run(&self, command: Command, line: String, input: &[u8]) -> Run {
        let began = Instant::now();
        let mut child = self.prepare(command).stdin(Stdio::piped()).spawn().expect("starting the program");
        let mut stdin = child.stdin.take().expect("its standard input");
        let stdout = drain(child.stdout.take().expect("its standard output"));
        let stderr = drain(child.stderr.take().expect("its standard error"));
        // A program that does not read its input may be gone already.
        let _ = stdin.write_all(input);
        drop(stdin);
        let status = loop {
            match child.try_wait().expect("waiting for the program") {
                Some(status) => break status,
                None if began.elapsed() > LIMIT => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let (out, err) = (stdout.recv().unwrap_or_default(), stderr.recv().unwrap_or_default());
                    panic!("{line}: still running after {LIMIT:?}\n-- stdout\n{out}-- stderr\n{err}");
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        Run {
            line,
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            took: began.elapsed(),
            stdout: stdout.recv().unwrap_or_default(),
            stderr: stderr.recv().unwrap_or_default(),
        }
    }

    /// Starts `kylo ARGS` and leaves it running.
    pub fn start<A: AsRef<str>>(&self, args: impl IntoIterator<Item = A>) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kylo"));
        command.args(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        let mut child = self.prepare(command).stdin(Stdio::null()).spawn().expect("starting the program");
        let stdout = drain(child.stdout.take().expect("its standard output"));
        let stderr = Lines::of(child.stderr.take().expect("its standard error"));
        Running { child, stdout, stderr }
    }

    fn prepare(&self, mut command: Command) -> Command {
        let path =
            command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value.map(Into::into));
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(path) = path {
            let path: std::ffi::OsString = path;
            command.env("PATH", path);
        }
        command.current_dir(self.folder()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Reads everything on a thread of its own, so that a full pipe never stops the program.
fn drain(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut reader = BufReader::new(stream);
        while reader.read_until(b'\n', &mut text).is_ok_and(|read| read > 0) {}
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    receiver
}

/// A program that runs until it is ended. Dropping it kills it.
pub struct Running {
    child: Child,
    stdout: mpsc::Receiver<String>,
    stderr: Lines,
}

impl Running {
    /// Waits until a line on stderr holds `text`, and gives that line.
    #[track_caller]
    pub fn wait_for_line(&self, text: &str, limit: Duration) -> String {
        self.stderr.wait_for(text, limit)
    }
    /// Ctrl-C. Gives the exit code (`128 + signal` after a signal) and what it had printed.
    #[track_caller]
    pub fn interrupt(mut self) -> (i32, String) {
        let told = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(told.expect("running kill").success());
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("waiting for the program") {
                break status;
            }
            assert!(began.elapsed() < LIMIT, "still running after {LIMIT:?}\n{}", self.stderr.all());
            std::thread::sleep(Duration::from_millis(2));
        };
        let out = self.stdout.recv().unwrap_or_default();
        (status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)), out + &self.stderr.all())
    }
    /// `kill -9`. Gives what it had printed, and whether it was still running.
    pub fn kill(mut self) -> (bool, String) {
        let alive = self.child.try_wait().expect("looking at the program").is_none();
        let _ = self.child.kill();
        let _ = self.child.wait();
        let out = self.stdout.recv().unwrap_or_default();
        (alive, out + &self.stderr.all())
    }
}

/// Lines as they come.
struct Lines {
    seen: Mutex<Vec<String>>,
    more: mpsc::Receiver<String>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Lines {
        let (sender, more) = mpsc::channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                // Read to the end also when nobody listens, so that a full pipe never stops the program.
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        Lines { seen: Mutex::default(), more }
    }
    #[track_caller]
    fn wait_for(&self, text: &str, limit: Duration) -> String {
        let deadline = Instant::now() + limit;
        let mut seen = self.seen.lock().expect("one reader");
        if let Some(line) = seen.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        loop {
            match self.more.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => seen.push(line),
                Err(_) => panic!("{text:?} was not said\n{}", seen.concat()),
            }
            if let Some(line) = seen.last().filter(|line| line.contains(text)) {
                return line.clone();
            }
        }
    }
    /// Everything, once the stream has ended.
    fn all(&self) -> String {
        let mut seen = self.seen.lock().expect("one reader");
        while let Ok(line) = self.more.recv_timeout(Duration::from_secs(1)) {
            seen.push(line);
        }
        seen.concat()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
