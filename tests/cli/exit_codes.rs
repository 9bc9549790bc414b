//! The table of exit codes, row by row, as far as no server is needed; the others are in tests/live/.

use crate::room::{Room, refused_port};
use std::time::Duration;

#[test]
fn zero_is_done() {
    assert_eq!(Room::new().kylo(&["-X", "dump"]).code, Some(0));
}

#[test]
fn one_is_failed() {
    let room = Room::new().file("taken", "a file where a folder should be");
    let run = room.kylo(&["init", "taken"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
}

#[test]
fn two_is_wrong_use_or_settings() {
    for args in [&["no-such-command"][..], &["init", "--yes", "--dry-run"], &["init", "-C", "nobody"]] {
        let run = Room::new().kylo(args);
        assert_eq!(run.code, Some(2), "{}: {}", run.line, run.stderr);
    }
    let run = Room::new().kylo(&["db", "status"]);
    assert_eq!(run.code, Some(2), "no database is set: {}", run.stderr);
    assert!(run.stderr.contains("KYLO_DATABASE_URL"), "{}", run.stderr);
}

#[test]
fn two_comes_before_anything_is_dialled() {
    let nobody = format!("127.0.0.1:{}", refused_port());
    let room =
        Room::new().env("KAFKA_BROKERS", &nobody).env("PG_DSN_RW", &format!("postgres://k@{nobody}/k"));
    for dry in [&[][..], &["--dry-run"]] {
        let run = room.kylo(&[&["consume", "txns", "--live"], dry].concat());
        assert_eq!(run.code, Some(2), "{}: {}", run.line, run.stderr);
        assert!(run.stderr.contains("sheets.backend"), "{}", run.stderr);
    }
    let run = room.kylo(&["consume", "orders"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("txns, promote") && !run.stderr.contains("topics consume"), "{}", run.stderr);
}

#[test]
fn five_is_a_refused_broker_at_once() {
    let port = refused_port();
    let run = Room::new().kylo(&["topics", "list", "-b", &format!("127.0.0.1:{port}")]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("127.0.0.1:{port}")), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    // The promise is 100 ms; the rest is for a machine that is busy with other tests.
    assert!(run.took < Duration::from_secs(2), "{:?}", run.took);
}

#[test]
fn five_is_a_port_that_is_no_brokers() {
    // The connection stands in the queue and is never answered, as on a port that waits for a TLS greeting.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let lines = [("plaintext", "-X security.protocol=SSL"), ("ssl", "does not speak ssl")];
    for (protocol, hint) in lines {
        let protocol = format!("security.protocol={protocol}");
        let run = Room::new().kylo(&["topics", "list", "-b", &address, "--timeout", "1s", "-X", &protocol]);
        assert_eq!(run.code, Some(5), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("{address} accepts connections")), "{}", run.stderr);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
}

#[test]
fn five_is_a_refused_database_at_once() {
    let url = format!("postgres://kylo:hidden@127.0.0.1:{}/kylo", refused_port());
    let run = Room::new().env("KYLO_DATABASE_URL", &url).kylo(&["db", "status"]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    assert!(!run.stderr.contains("hidden"), "{}", run.stderr);
    assert!(run.took < Duration::from_secs(2), "{:?}", run.took);
}

#[test]
fn six_is_not_done() {
    let room = Room::new().file("kylo.toml", "# mine\n");
    let run = room.kylo(&["init", "--overwrite"]);
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert!(run.stderr.contains("--yes"), "{}", run.stderr);
    let read_only = room.env("KYLO_READ_ONLY", "1").kylo(&["init", "--overwrite", "--yes"]);
    assert_eq!(read_only.code, Some(6), "{}", read_only.stderr);
}

/// A database that takes the connection and says nothing: the command waits until a signal ends it.
#[cfg(unix)]
#[test]
fn a_signal_ends_a_short_command_with_130() {
    use std::process::Stdio;
    use std::time::Instant;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("postgres://kylo@{}/kylo?sslmode=disable", listener.local_addr().unwrap());
    let mut child = Room::new()
        .env("KYLO_DATABASE_URL", &url)
        .command(&["db", "status"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let connection = loop {
        if let Ok(connection) = listener.accept() {
            break connection;
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none() && began.elapsed() < Duration::from_secs(30), "it never dialled: {ended:?}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let interrupt =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    drop(connection);
}
