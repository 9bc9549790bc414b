//! Every interleaving of a small world: two processes, two partitions, four records, and faults at any point.
//!
//! The processes are the real runtime (`process.rs`); the model supplies the world around them (`world.rs`). A
//! step is one thing that happens: a record is read, a run comes back, a commit is answered, a member is put out.
//! In every world that can come about the promises are checked; and without further faults every way on must end
//! with all effects there and everything committed.

mod process;
mod world;

use hashbrown::HashMap;
use process::Log;
use std::collections::VecDeque;
use world::{Kind, Packed, Rules, Source, Step};

/// What was found.
#[derive(Debug, Default)]
struct Found {
    worlds: usize,
    steps: usize,
    process_states: usize,
    played: usize,
    broken: Option<String>,
}

/// Visits every world that can follow from the start with at most `faults` disturbances.
fn explore(log: Log, concurrency: usize, source: Source, faults: u8, failing: bool) -> Found {
    let mut rules = Rules::new(log, concurrency, source, faults > 0, failing);
    let start = rules.start(faults);
    let start = rules.pack(&start);
    let mut numbers: HashMap<Packed, u32> = HashMap::from([(start, 0)]);
    let mut worlds = vec![start];
    // How each world was first come to, and where it can go without a fault.
    let mut from: Vec<(u32, usize, Step)> = vec![(0, 0, Step::CommitDue)];
    let mut calm: Vec<Vec<u32>> = Vec::new();
    let mut found = Found::default();
    while calm.len() < worlds.len() && found.broken.is_none() {
        let at = calm.len() as u32;
        let packed = worlds[at as usize];
        let world = rules.unpack(packed);
        let mut ways_on = Vec::new();
        'members: for who in 0..2 {
            for (step, kind) in rules.steps(&world, who) {
                let next = match rules.follow(&world, who, step, kind) {
                    Ok(next) => rules.pack(&next),
                    Err(promise) => {
                        let way = way(&rules, &from, &worlds, at);
                        found.broken = Some(format!("{promise}\n{way}\n{who} {step:?}"));
                        break 'members;
                    }
                };
                if next == packed {
                    continue;
                }
                found.steps += 1;
                let number = *numbers.entry(next).or_insert_with(|| {
                    worlds.push(next);
                    from.push((at, who, step));
                    worlds.len() as u32 - 1
                });
                if kind == Kind::Calm {
                    ways_on.push(number);
                }
            }
        }
        calm.push(ways_on);
    }
    if found.broken.is_none() {
        let over: Vec<bool> = worlds.iter().map(|world| rules.is_over(&rules.unpack(*world))).collect();
        found.broken = never_over(&over, &calm)
            .map(|(reason, world)| format!("{reason}\n{}", way(&rules, &from, &worlds, world)));
    }
    (found.worlds, found.process_states, found.played) =
        (worlds.len(), rules.machine.len(), rules.machine.played);
    found
}

/// The steps that lead to a world, as told in a failure: each with the world it happened in, since members change
/// places.
fn way(rules: &Rules, from: &[(u32, usize, Step)], worlds: &[Packed], mut world: u32) -> String {
    let mut steps = vec![format!("{:?}", rules.unpack(worlds[world as usize]))];
    while world != 0 {
        let (before, who, step) = from[world as usize];
        steps.push(format!("{:?}\n  member {who}: {step:?}", rules.unpack(worlds[before as usize])));
        world = before;
    }
    steps.reverse();
    steps.join("\n")
}

/// A world from which some way without faults never ends, or ends with something undone.
fn never_over(over: &[bool], calm: &[Vec<u32>]) -> Option<(&'static str, u32)> {
    let mut open: Vec<usize> = calm.iter().map(Vec::len).collect();
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); calm.len()];
    for (at, next) in calm.iter().enumerate() {
        for next in next {
            before[*next as usize].push(at as u32);
        }
    }
    let mut ended: VecDeque<u32> = (0..calm.len() as u32).filter(|at| open[*at as usize] == 0).collect();
    if let Some(stuck) = ended.iter().find(|at| !over[**at as usize]) {
        return Some(("nothing can happen, and something is undone", *stuck));
    }
    while let Some(at) = ended.pop_front() {
        for before in &before[at as usize] {
            open[*before as usize] -= 1;
            if open[*before as usize] == 0 {
                ended.push_back(*before);
            }
        }
    }
    open.iter().position(|open| *open > 0).map(|at| ("it goes on for ever", at as u32))
}

fn log(records: &[(u8, i64, Option<&'static str>)], ends: [i64; 2]) -> Log {
    Log { records: records.to_vec(), ends }
}
/// Two keys a partition, a gap within one and behind the other.
fn apart() -> Log {
    log(&[(0, 0, Some("a")), (0, 2, Some("b")), (1, 0, Some("a")), (1, 1, Some("b"))], [3, 4])
}
/// One lane a partition: by key, and without keys.
fn together() -> Log {
    log(&[(0, 0, Some("a")), (0, 1, Some("a")), (1, 0, None), (1, 1, None)], [2, 2])
}
/// Three keys in one partition: done-maps with holes.
fn three() -> Log {
    log(&[(0, 0, Some("a")), (0, 1, Some("b")), (0, 2, Some("c")), (1, 0, None)], [3, 1])
}
/// Fewer records, where more happens to them.
fn few() -> Log {
    log(&[(0, 0, Some("a")), (0, 2, Some("b")), (1, 0, None)], [3, 1])
}
fn two() -> Log {
    log(&[(0, 0, Some("a")), (0, 1, Some("b"))], [2, 0])
}

/// More disturbances than by default, for a long run: `KYLO_MODEL_FAULTS=1`.
fn more() -> u8 {
    std::env::var("KYLO_MODEL_FAULTS").map_or(0, |more| more.parse().expect("a small number"))
}

/// Handlers at once that are more than there are lanes.
const ENOUGH: usize = 16;

fn holds(name: &str, log: Log, concurrency: usize, faults: u8, failing: bool, at_least: usize) {
    let found = explore(log, concurrency, Source::Right, faults + more(), failing);
    let Found { worlds, steps, process_states, played, broken } = found;
    eprintln!(
        "model: {name}, {faults} faults: {worlds} worlds, {steps} steps; a process has {process_states} states, \
         {played} of its steps were played"
    );
    if let Some(broken) = broken {
        panic!("{broken}");
    }
    assert!(worlds >= at_least, "{worlds} worlds are fewer than there were: what is not tried any more?");
}

#[test]
fn every_order_of_four_records_ends_well() {
    holds("two keys a partition", apart(), ENOUGH, 0, true, 5000);
    holds("three keys and one record", three(), ENOUGH, 0, true, 2000);
}

#[test]
fn four_records_in_two_lanes_survive_any_fault() {
    holds("one lane a partition", together(), ENOUGH, 1, false, 390_000);
}

#[test]
fn lanes_side_by_side_survive_any_fault() {
    holds("two keys and one record", few(), ENOUGH, 1, false, 130_000);
}

#[test]
fn a_lane_that_fails_survives_any_fault() {
    holds("two keys", two(), ENOUGH, 1, true, 30_000);
}

/// No lane fails here: those that wake together come in the order of their jitter, and one hand shows it.
#[test]
fn runs_that_wait_for_a_hand_survive_any_fault() {
    holds("two keys a partition, one handler", apart(), 1, 0, false, 1_400);
    holds("two keys and one record, one handler", few(), 1, 1, false, 52_000);
    holds("two keys, one handler", two(), 1, 1, false, 6_500);
}

/// The model is awake: without a rule of the source a promise breaks.
#[test]
fn a_source_that_is_wrong_is_caught() {
    for (source, faults) in [(Source::CommitsAnyEpoch, 1), (Source::ReleasesAtOnce, 2)] {
        let broken = explore(two(), ENOUGH, source, faults, false).broken.expect("it breaks a promise");
        assert!(broken.starts_with("a commit went back"), "{source:?}: {broken}");
    }
}
