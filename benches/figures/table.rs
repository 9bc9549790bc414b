//! The figures of a run: one table on stdout, JSON in target/bench/figures.json.

use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where results and the peers' packages lie.
pub fn target() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_kylo"));
    binary.ancestors().nth(2).unwrap_or(Path::new("target")).join("bench")
}

/// What a figure has to reach.
#[derive(Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// It stands beside the others for comparison.
    None,
}

impl Goal {
    fn met(self, value: f64) -> Option<bool> {
        match self {
            Goal::AtLeast(goal) => Some(value >= goal),
            Goal::AtMost(goal) => Some(value <= goal),
            Goal::None => None,
        }
    }
    fn text(self) -> String {
        match self {
            Goal::AtLeast(goal) => format!(">= {goal}"),
            Goal::AtMost(goal) => format!("<= {goal}"),
            Goal::None => "-".into(),
        }
    }
}

/// What one side did: every run's value, in the order of the runs, and which of them counts.
pub struct Side {
    pub name: &'static str,
    pub unit: &'static str,
    pub value: f64,
    pub runs: Vec<f64>,
    /// Seconds of processor time, user and system, for a million records (transactions, in the ledger's rows).
    pub cpu: Option<f64>,
}

impl Side {
    /// One side whose best run counts: the machine's noise only ever slows. A run is its rate and its processor
    /// seconds for a million.
    pub fn best(name: &'static str, unit: &'static str, runs: &[(f64, f64)]) -> Side {
        let best = runs.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0)).expect("a run");
        let rates = runs.iter().map(|run| run.0).collect();
        Side { name, unit, value: best.0, runs: rates, cpu: Some(best.1) }
    }
    /// One side whose shortest run counts.
    pub fn shortest(name: &'static str, unit: &'static str, runs: Vec<f64>) -> Side {
        let value = runs.iter().copied().min_by(f64::total_cmp).expect("a run");
        Side { name, unit, value, runs, cpu: None }
    }
    /// A value that was not timed in turns.
    pub fn single(name: &'static str, unit: &'static str, value: f64) -> Side {
        Side { name, unit, value, runs: vec![value], cpu: None }
    }
    fn text(&self) -> String {
        format!("{} {}", thousands(self.value), self.unit)
    }
    fn json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "value": self.value, "runs": self.runs,
            "cpu_seconds_per_million": self.cpu,
        })
    }
}

/// One line of the table.
pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub goal: Goal,
    pub kylo: Side,
    pub peer: Option<Side>,
    /// What else the JSON says: samples, settings.
    pub detail: Value,
}

impl Figure {
    /// kylo's value divided by the peer's.
    pub fn ratio(name: &'static str, goal: Goal, kylo: Side, peer: Side) -> Figure {
        let value = kylo.value / peer.value;
        Figure { name, value, unit: "x", goal, kylo, peer: Some(peer), detail: Value::Null }
    }
}

/// Prints the figures and writes target/bench/figures.json.
pub fn report(figures: &[Figure], took: Duration) {
    let mut text = row(["FIGURE", "VALUE", "", "GOAL", "MET", "KYLO", "CPU", "PEER", "CPU", ""]);
    for figure in figures {
        let cpu = |side: Option<&Side>| {
            side.and_then(|side| side.cpu).map_or("-".to_owned(), |cpu| format!("{cpu:.2}"))
        };
        let met = figure.goal.met(figure.value).map_or("-", |met| if met { "yes" } else { "NO" });
        let peer = figure.peer.as_ref();
        text += &row([
            figure.name,
            &format!("{:.2}", figure.value),
            figure.unit,
            &figure.goal.text(),
            met,
            &figure.kylo.text(),
            &cpu(Some(&figure.kylo)),
            &peer.map_or("-".to_owned(), Side::text),
            &cpu(peer),
            peer.map_or("", |side| side.name),
        ]);
    }
    text += "CPU: seconds of processor time for a million records (ledger: transactions)\n";
    let items: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name, "value": figure.value, "unit": figure.unit, "goal": figure.goal.text(),
                "met": figure.goal.met(figure.value), "kylo": figure.kylo.json(),
                "peer": figure.peer.as_ref().map(Side::json), "detail": figure.detail,
            })
        })
        .collect();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let all = json!({ "cores": cores, "seconds": took.as_secs(), "figures": items });
    let path = target().join("figures.json");
    std::fs::create_dir_all(target()).expect("target/bench");
    let json = serde_json::to_string_pretty(&all).expect("figures are JSON");
    std::fs::write(&path, json + "\n").expect("writing the figures");
    let _ = std::io::stdout().write_all(text.as_bytes());
    crate::say(&format!("{} s; figures in {}", took.as_secs(), path.display()));
}

fn row(cells: [&str; 10]) -> String {
    let [name, value, unit, goal, met, kylo, kylo_cpu, peer, peer_cpu, who] = cells;
    let line = format!(
        "{name:<28} {value:>7} {unit:<3} {goal:<8} {met:<4} {kylo:>24} {kylo_cpu:>6} {peer:>24} {peer_cpu:>6}  {who}"
    );
    line.trim_end().to_owned() + "\n"
}

/// A value with its thousands apart; small ones with two places.
fn thousands(value: f64) -> String {
    if value < 1_000.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}
