//! Help, version, wrong use, output formats, the files to start from, the closed pipe.

use crate::room::Room;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

#[test]
fn version_names_commit_and_librdkafka() {
    let run = Room::new().kylo(&["--version"]);
    let words: Vec<&str> = run.stdout.split_whitespace().collect();
    let [name, version, "(commit", commit, "librdkafka", library] = words.as_slice() else {
        panic!("{}", run.stdout);
    };
    assert_eq!((*name, *version), ("kylo", env!("CARGO_PKG_VERSION")));
    let commit = commit.trim_end_matches(',');
    assert!(commit == "unknown" || (commit.len() >= 10 && commit.chars().all(|c| c.is_ascii_hexdigit())));
    assert!(library.starts_with("2.") && library.ends_with(')'), "{library}");
}

#[test]
fn help() {
    let room = Room::new();
    insta::assert_snapshot!(room.told(&[
        room.kylo(&["init", "--help"]),
        room.kylo(&["help", "exit-codes"]),
        room.kylo(&["help", "flags"]),
        room.kylo(&["topics", "--help"]),
        room.kylo(&["help", "topics", "creat"]),
    ]));
}

#[test]
fn without_a_command_the_help_is_wrong_use() {
    let run = Room::new().kylo(&[]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("Usage: kylo") && run.stderr.contains("completions"), "{}", run.stderr);
}

#[test]
fn wrong_use() {
    let room = Room::new();
    insta::assert_snapshot!(room.told(&[
        room.kylo(&["topcis", "list"]),
        room.kylo(&["topics", "lst"]),
        room.kylo(&["topics", "list", "--ouput", "json"]),
        room.kylo(&["topics", "list", "-o", "jsn"]),
        room.kylo(&["init", "--yes", "--dry-run"]),
        room.kylo(&["init", "--timeout", "soon"]),
        room.kylo(&["init", "-X", "client.id"]),
        room.kylo(&["init", "--log-level", "kylo=loud"]),
        room.kylo(&["init", "-X", "kafka.brokrs=h:1"]),
        room.kylo(&["consume", "--all", "--pipeline", "leger"]),
        room.kylo(&["topics", "create", "--pipeline", "leger"]),
        room.kylo(&["consume", "txns", "--pipeline", "ledger"]),
        room.kylo(&["consume", "txns", "--idle-timeout", "5s"]),
        room.kylo(&["dlq", "list", "--class", "permament"]),
        room.kylo(&["consume", "txns", "--live", "-X", "sheets.backend=goggle"]),
    ]));
}

#[test]
fn init_never_writes_over_a_file_without_consent() {
    let room = Room::new();
    let first = [room.kylo(&["init", "--dry-run"]), room.kylo(&["init"]), room.kylo(&["init", "-o", "json"])];
    assert!(room.folder().join("companies.toml").is_file());
    std::fs::write(room.folder().join("kylo.toml"), "# mine\n").unwrap();
    let second = [room.kylo(&["init"]), room.kylo(&["init", "--overwrite"])];
    assert_eq!(std::fs::read_to_string(room.folder().join("kylo.toml")).unwrap(), "# mine\n");
    let third = [room.kylo(&["init", "--overwrite", "--yes"])];
    assert_ne!(std::fs::read_to_string(room.folder().join("kylo.toml")).unwrap(), "# mine\n");
    insta::assert_snapshot!([room.told(&first), room.told(&second), room.told(&third)].join("\n"));
}

#[cfg(unix)]
#[test]
fn the_file_with_secrets_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    assert_eq!(room.kylo(&["init"]).code, Some(0));
    let mode = std::fs::metadata(room.folder().join(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_closed_pipe_is_silent() {
    let room = Room::new();
    // More than a pipe holds, so that the program must see that nobody reads.
    let args = ["completions", "bash"];
    assert!(room.kylo(&args).stdout.len() > 64 * 1024);
    let mut child =
        room.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starting kylo");
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_kept_completions_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let files = [("bash", "kylo.bash"), ("zsh", "_kylo"), ("fish", "kylo.fish"), ("powershell", "kylo.ps1")];
    for (shell, file) in files {
        let run = Room::new().kylo(&["completions", shell]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let path = folder.join(file);
        if std::env::var_os("KYLO_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &run.stdout).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let current = kept.replace("\r\n", "\n") == run.stdout;
        assert!(
            current,
            "completions/{file} is not what `kylo completions {shell}` prints: KYLO_BLESS=1 cargo test --test cli"
        );
    }
}
