//! A closed room: the real binary with nothing around it but a temporary folder.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A folder that is home and working folder at once, and the variables the program sees.
pub struct Room {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// One run of the program: its whole surface.
pub struct Run {
    /// What was typed.
    pub line: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// From start to end.
    pub took: Duration,
}

impl Room {
    pub fn new() -> Self {
        Room { folder: tempfile::tempdir().expect("a temporary folder"), variables: Vec::new() }
    }
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
    /// Adds a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
    /// Adds a file.
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("making a folder");
        std::fs::write(path, text).expect("writing a file");
        self
    }
    /// The program, ready to start.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kylo"));
        command.args(args).env_clear().current_dir(self.folder());
        command.env("HOME", self.folder()).env("XDG_CONFIG_HOME", self.folder().join("config"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
    /// Runs `kylo ARGS` without input to its end.
    pub fn kylo(&self, args: &[&str]) -> Run {
        self.kylo_reading(args, "")
    }
    /// Runs `kylo ARGS` with `input` to its end.
    pub fn kylo_reading(&self, args: &[&str], input: &str) -> Run {
        let began = Instant::now();
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting kylo");
        // A program that does not read its input may be gone already.
        let _ = child.stdin.take().expect("an input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("waiting for kylo");
        Run {
            line: format!("kylo {}", args.join(" ")),
            stdout: String::from_utf8(output.stdout).expect("text on stdout"),
            stderr: String::from_utf8(output.stderr).expect("text on stderr"),
            code: output.status.code(),
            took: began.elapsed(),
        }
    }
    /// Runs as one text, what differs from machine to machine replaced.
    pub fn told(&self, runs: &[Run]) -> String {
        let text: Vec<String> = runs.iter().map(Run::text).collect();
        // What the system calls the folder may be longer than what we call it (macOS).
        let real: PathBuf = self.folder().canonicalize().expect("the folder's real name");
        text.join("\n")
            .replace(&real.display().to_string(), "[folder]")
            .replace(&self.folder().display().to_string(), "[folder]")
    }
}

impl Run {
    fn text(&self) -> String {
        let mut text = format!("$ {}\n", self.line);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{stream}"));
                if !stream.ends_with('\n') {
                    text.push_str("(no line end)\n");
                }
            }
        }
        let code = self.code.map_or_else(|| "ended by a signal".to_owned(), |code| code.to_string());
        text + &format!("--- exit {code}\n")
    }
}

/// A loopback port that nobody listens on.
pub fn refused_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
