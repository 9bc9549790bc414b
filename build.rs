//! Tells the binary which commit it was built from. A missing git, or a source archive without one, is no error.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=KYLO_COMMIT");
    println!("cargo:rerun-if-changed=build.rs");
    let commit = std::env::var("KYLO_COMMIT")
        .ok()
        .filter(|value| !value.is_empty())
        .or_else(from_git)
        .or_else(from_crate_archive)
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=KYLO_COMMIT={commit}");
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn from_git() -> Option<String> {
    // Only a repository of our own counts: unpacked inside somebody else's, its commit would be a lie.
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != Path::new(".").canonicalize().ok()? {
        return None;
    }
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo:rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=10", "HEAD"])
}

/// `cargo package` leaves the commit in `.cargo_vcs_info.json`.
fn from_crate_archive() -> Option<String> {
    let text = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let after = text.split("\"sha1\"").nth(1)?;
    let commit: String =
        after.chars().skip_while(|c| !c.is_ascii_hexdigit()).take_while(char::is_ascii_hexdigit).collect();
    (commit.len() >= 10).then(|| commit.chars().take(10).collect())
}
