//! `make bench`: every figure kylo is judged by, beside its peers, in one run and one table.
//!
//! A program of its own, not a harness: parts run in a fixed order, a peer takes turns with kylo, and what counts is
//! the ratio, since the absolute figures are the machine's. Arguments name the parts to run (`noop`, `keyed`,
//! `ledger`, `latency`, `memory`, `takeover`); docs/performance.md says how each figure is measured. Linux only:
//! processor time and memory are read from /proc.

mod broker;
mod keyed;
mod latency;
mod ledger;
mod memory;
mod noop;
mod peers;
mod process;
mod setting;
mod table;
mod takeover;

use broker::Broker;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;
use table::Figure;

/// What a part is called and what measures it.
type Part = (&'static str, fn(&Broker) -> Vec<Figure>);

const PARTS: [Part; 6] = [
    ("noop", noop::figures),
    ("keyed", keyed::figures),
    ("ledger", ledger::figures),
    ("latency", latency::figures),
    ("takeover", takeover::figures),
    ("memory", memory::figures),
];

fn main() -> ExitCode {
    // Cargo's own question to every target of a test run.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        say(&format!("no part {unknown:?}\nhint: the parts are {}", known.join(", ")));
        return ExitCode::from(2);
    }
    peers::prepare();
    let broker = Broker::from_environment();
    let (began, mut figures, mut failed) = (Instant::now(), Vec::new(), Vec::new());
    for (name, part) in PARTS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        say(&format!("{name}, {:.0} s after the start", began.elapsed().as_secs_f64()));
        // One part that breaks does not take the others' figures along.
        match catch_unwind(AssertUnwindSafe(|| part(&broker))) {
            Ok(part) => figures.extend(part),
            Err(_) => failed.push(name),
        }
    }
    table::report(&figures, began.elapsed());
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    say(&format!("failed: {}", failed.join(", ")));
    ExitCode::FAILURE
}

/// Says something on stderr.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "bench: {text}");
}

/// A number from the environment, for a shorter or longer run.
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A server's address, as `tests/servers/run.sh` gives it.
fn server(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set\nhint: run `make bench`"))
}
