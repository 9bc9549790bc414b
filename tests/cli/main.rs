//! The surface as whole text: what is typed, stdout, stderr and exit code, in a closed environment.
//!
//! `INSTA_UPDATE=always cargo test --test cli` writes the snapshots anew, `KYLO_BLESS=1` the completions; read the
//! difference before you commit it.

mod demo;
mod exit_codes;
mod room;
mod settings;
mod shell;
