//! `make chaos`: the promises, proven under faults on a real Kafka and PostgreSQL with real worker processes.
//!
//! A program of its own, not a test harness: scenarios run in a fixed order from one seed, and a table is the
//! result. `CHAOS_SEED` replays a run, `HOURS` goes on with new seeds, arguments name the scenarios to run.
//! docs/chaos.md says what is proven and how.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the product; nobody pipes it")]

mod broker;
mod load;
mod monitor;
mod proxy;
mod repeats;
mod report;
mod scenarios;
mod servers;
mod sql;
mod verify;
mod wire;
mod worker;
mod world;

use load::locked;
use report::{Line, Promise, Report};
use scenarios::{Context, SCENARIOS, Scenario};
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The gate's limit.
const GATE: Duration = Duration::from_secs(12 * 60);
/// Scenarios that run side by side. Each has topics, groups, databases and a folder of its own, and breaks no server
/// that it shares; mostly they wait. More would slow each other on two cores and measure that.
const LANES: usize = 2;

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    if std::env::args().any(|argument| argument == "--list") {
        SCENARIOS.iter().for_each(|scenario| println!("{:<24} {}", scenario.name, scenario.fault));
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = names.iter().find(|name| SCENARIOS.iter().all(|known| known.name != **name)) {
        eprintln!("chaos: no scenario {unknown:?}\nhint: the scenarios are listed by ARGS=--list");
        return ExitCode::from(2);
    }
    let chosen: Vec<&'static Scenario> = SCENARIOS
        .iter()
        .filter(|known| names.is_empty() || names.iter().any(|name| name == known.name))
        .collect();
    let given = std::env::var("HOURS").ok().filter(|hours| !hours.is_empty());
    let Ok(hours) = given.map_or(Ok(0.0), |hours| hours.parse::<f64>()) else {
        eprintln!("chaos: HOURS is not a number\nhint: HOURS=4 make chaos");
        return ExitCode::from(2);
    };
    let until = Instant::now() + Duration::from_secs_f64(hours * 3600.0);
    let mut seed = first_seed();
    if hours == 0.0 && names.is_empty() {
        // Also what hangs ends. The workers and servers go with this process.
        std::thread::spawn(|| {
            std::thread::sleep(GATE);
            eprintln!("chaos: {} s, longer than the gate may take", GATE.as_secs());
            std::process::exit(1);
        });
    }
    loop {
        if !round(seed, &chosen, hours > 0.0) {
            return ExitCode::FAILURE;
        }
        if Instant::now() >= until {
            return ExitCode::SUCCESS;
        }
        seed = seed.wrapping_add(1);
    }
}

fn first_seed() -> u64 {
    let given = std::env::var("CHAOS_SEED").ok().filter(|seed| !seed.is_empty());
    given.map_or_else(
        || fastrand::u64(1..1_000_000_000),
        |seed| seed.parse().unwrap_or_else(|_| panic!("CHAOS_SEED is not a number: {seed:?}")),
    )
}

/// Plays the scenarios with `seed`; true when every promise held. A run that `goes_on` keeps no evidence of that.
fn round(seed: u64, chosen: &[&'static Scenario], goes_on: bool) -> bool {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = std::path::absolute(target.join("chaos").join(seed.to_string())).expect("an absolute path");
    // Evidence of an earlier run with this seed is not this run's.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("making the evidence folder");
    println!("chaos: seed {seed}, evidence in {}", folder.display());
    let waiting: Mutex<VecDeque<(usize, &'static Scenario)>> =
        Mutex::new(chosen.iter().copied().enumerate().collect());
    let ended: Mutex<Vec<(usize, Line)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let Some((place, scenario)) = locked(&waiting).pop_front() else { return };
                    let line = play(seed, &folder, scenario);
                    println!("{}", line.progress());
                    if let Some(verdict) = line.verdict() {
                        println!("{verdict}");
                    }
                    if !line.held() {
                        // What has begun ends; nothing else begins.
                        locked(&waiting).clear();
                    }
                    locked(&ended).push((place, line));
                }
            });
        }
    });
    let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ended.sort_by_key(|(place, _)| *place);
    let lines: Vec<Line> = ended.into_iter().map(|(_, line)| line).collect();
    println!("\n{}", report::table(&lines));
    let held = lines.iter().all(Line::held) && lines.len() == chosen.len();
    if held {
        println!("chaos: every promise held; seed {seed}");
        // What went well needs no evidence, but who plays one scenario once wants to see it.
        if goes_on || chosen.len() == SCENARIOS.len() {
            let _ = std::fs::remove_dir_all(&folder);
        }
    } else {
        for problem in lines.iter().flat_map(Line::problems) {
            println!("chaos: {problem}");
        }
        println!("chaos: FAILED with seed {seed}; evidence is kept in {}", folder.display());
        println!("hint: CHAOS_SEED={seed} make chaos");
    }
    held
}

fn play(seed: u64, folder: &Path, scenario: &'static Scenario) -> Line {
    let began = Instant::now();
    let context = Context::new(seed ^ hash(scenario.name), folder.join(scenario.name));
    let mut report = catch_unwind(AssertUnwindSafe(|| (scenario.run)(&context))).unwrap_or_else(given_up);
    // What broke is looked at where it lies.
    if report.problems.is_empty()
        && let Err(left) = context.clear()
    {
        report.broke(Promise::Harness, left);
    }
    Line::new(scenario, report, began.elapsed())
}

/// The report of a scenario that ended early; a panic is the harness's own failure.
fn given_up(panic: Box<dyn Any + Send>) -> Report {
    let panic = match panic.downcast::<Report>() {
        Ok(report) => return *report,
        Err(panic) => panic,
    };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let how = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    let mut report = Report::default();
    report.broke(Promise::Harness, how.to_owned());
    report
}

/// FNV-1a, so that a scenario's share of the seed depends on its name alone.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
