//! `kylo demo`, whole: every check is ok, and nothing is left behind, however it ends.
#![cfg(unix)]

use crate::room::{Room, Run};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A room whose temporary folder holds everything a demo makes. The private database runs as another user when we
/// are root, so that others must be able to pass through.
fn room() -> (Room, PathBuf) {
    let room = Room::new();
    let temporary = room.folder().join("tmp");
    std::fs::create_dir(&temporary).expect("making a folder");
    for folder in [room.folder(), &temporary] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("opening a folder");
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let room = room.env("PATH", &path).env("TMPDIR", &temporary.display().to_string());
    (room, temporary)
}

/// What is in the temporary folder, and the processes that were started for it.
fn left(temporary: &Path) -> Vec<String> {
    let files = std::fs::read_dir(temporary).expect("reading the temporary folder");
    let mut found: Vec<String> =
        files.map(|file| file.expect("a file").path().display().to_string()).collect();
    let listed = Command::new("ps").args(["-eww", "-o", "args="]).output().expect("running ps");
    let processes = String::from_utf8_lossy(&listed.stdout).into_owned();
    let ours = processes.lines().filter(|line| line.contains(&temporary.display().to_string()));
    found.extend(ours.map(str::to_owned));
    found
}

/// Nothing is left, at the latest when the processes that were told to end have ended.
#[track_caller]
fn assert_nothing_left(temporary: &Path, told: &str) {
    let limit = Instant::now() + Duration::from_secs(10);
    while !left(temporary).is_empty() && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(left(temporary), Vec::<String>::new(), "{told}");
}

#[track_caller]
fn assert_every_check_is_ok(run: &Run, at_least: usize) {
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let document: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON on stdout");
    assert_eq!(document["kind"], "kylo.demo");
    let checks = document["items"].as_array().expect("items");
    assert!(checks.len() >= at_least, "{checks:?}");
    for check in checks {
        assert_eq!(check["ok"], true, "{check}");
        assert_eq!(check["expected"], check["seen"], "{check}");
    }
}

#[test]
fn every_check_is_ok_also_under_load() {
    let (room, temporary) = room();
    let run = room.kylo(&["demo", "--transactions", "3000", "-o", "json"]);
    assert_every_check_is_ok(&run, 20);
    let load = ["load: transactions, each stored once", "load: open ones, each on its tab once"];
    for (what, count) in load.into_iter().zip(["3,000", "900"]) {
        assert!(
            run.stdout.contains(&format!("\"what\":\"{what}\",\"expected\":\"{count}\"")),
            "{}",
            run.stdout
        );
    }
    assert_nothing_left(&temporary, &run.stderr);
}

#[test]
fn in_a_pipe_it_is_plain_and_every_row_is_ok() {
    let (room, temporary) = room();
    // What is set around it is not used: nobody listens there.
    let room =
        room.env("KAFKA_BROKERS", "127.0.0.1:1").env("PG_DSN_RW", "postgres://nobody@127.0.0.1:1/none");
    let run = room.kylo(&["demo"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "colour in a pipe");
    let table = run.stdout.split_once("CHECK ").expect("the table of checks").1;
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert!(rows.len() >= 18 && rows.iter().all(|row| row.ends_with("  ok")), "{table}");
    let steps: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("$ ")).collect();
    assert!(steps.len() >= 16 && steps.iter().all(|step| step.contains("kylo ")), "{steps:?}");
    assert!(run.stderr.contains("What to do next\n  kylo demo --transactions"), "{}", run.stderr);
    assert_nothing_left(&temporary, &run.stderr);
}

/// Sends the signal that Ctrl-C sends, and gives what was printed since, and the exit code.
fn interrupt(mut child: Child, stderr: impl BufRead) -> (String, Option<i32>) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("running kill");
    assert!(sent.success());
    let rest: Vec<String> = stderr.lines().map(|line| line.expect("a line")).collect();
    (rest.join("\n"), child.wait().expect("its end").code())
}

#[test]
fn after_ctrl_c_nothing_is_left() {
    // While the database starts, and in the middle of the play.
    for step in ["", "$ kylo db migrate", "$ kylo consume txns --live"] {
        let (room, temporary) = room();
        let mut child = room
            .command(&["demo", "--transactions", "100000"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting kylo");
        let mut stderr = BufReader::new(child.stderr.take().expect("its stderr"));
        let mut line = String::new();
        if step.is_empty() {
            let limit = Instant::now() + Duration::from_secs(20);
            while left(&temporary).is_empty() {
                assert!(Instant::now() < limit, "no folder was made");
            }
        } else {
            while !line.starts_with(step) {
                line.clear();
                assert!(stderr.read_line(&mut line).expect("a line") > 0, "{step} was not told");
            }
        }
        let (told, code) = interrupt(child, stderr);
        assert_eq!(code, Some(130), "{step}: {told}");
        assert!(told.contains("interrupted"), "{step}: {told}");
        assert_nothing_left(&temporary, &told);
    }
}

#[test]
fn what_was_kept_is_looked_at_and_removed_as_it_says() {
    let (room, temporary) = room();
    let run = room.kylo(&["demo", "--keep", "-o", "json"]);
    assert_every_check_is_ok(&run, 18);
    let typed = |what: &str| -> Vec<String> {
        let lines = run.stderr.lines().filter_map(|line| line.trim_start().strip_prefix(what));
        lines.map(|line| line.trim().to_owned()).collect()
    };
    let shell = |line: &str| {
        let output = Command::new("sh").args(["-c", line]).current_dir("/").output().expect("running sh");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let tabs = shell(&typed("the tabs")[0]);
    assert!(tabs.contains("710%20Pending.csv") && tabs.contains("710%20Active.csv"), "{tabs}");
    let start = &typed("start the database")[0];
    shell(&format!("{start} >/dev/null 2>&1"));
    // The same connection string, for a program that is surely here.
    let look = typed("look at it")[0].clone();
    let url = look.trim_start_matches("psql ").trim_matches('\'').to_owned();
    let status = room.kylo(&["db", "status", "--database-url", &url]);
    for line in typed("be rid of it") {
        shell(&format!("{line} >/dev/null 2>&1"));
    }
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert_nothing_left(&temporary, &run.stderr);
}

#[test]
fn a_dry_run_says_what_would_be_used() {
    let (room, temporary) = room();
    let dry = room.kylo(&["demo", "--dry-run", "--brokers", "127.0.0.1:1"]);
    assert_eq!(dry.code, Some(0));
    assert!(
        dry.stderr.contains("kafka 127.0.0.1:1") && dry.stderr.contains("private PostgreSQL"),
        "{}",
        dry.stderr
    );
    let refused = room.kylo(&["demo", "--brokers", "127.0.0.1:1"]);
    assert_eq!(refused.code, Some(5), "{}", refused.stderr);
    let room = room.env("KYLO_READ_ONLY", "true");
    let refused = room.kylo(&["demo", "--brokers", "127.0.0.1:1"]);
    assert_eq!(refused.code, Some(6), "{}", refused.stderr);
    assert_nothing_left(&temporary, &refused.stderr);
}
