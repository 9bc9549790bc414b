//! What a scenario found out, and the table of them all.

use crate::scenarios::Scenario;
use crate::worker::Footprint;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// What a scenario can find broken, each by one word that stays: `mutants.sh` and docs/chaos.md name promises by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Nothing is lost.
    Lost,
    /// Nothing happens twice, and nothing that nobody asked for.
    Twice,
    /// The order of a key; newer work is never overwritten by older.
    Order,
    /// A commit never goes back and never stands above what is done.
    Commits,
    /// No more handler runs again than the faults excuse.
    Repeats,
    /// What is hopeless, and only that, is in the dead letters, whole.
    Letters,
    /// Others do not notice.
    Neighbours,
    /// Outside of faults nothing waits.
    Progress,
    /// It comes to rest, all done and committed.
    Rest,
    /// Nothing piles up.
    Growth,
    /// A process ends when it is asked to, with the right code, and at no other time.
    Ends,
    /// The operator is told.
    Told,
    /// No promise of kylo's: the fault met nothing, so nothing was proven.
    Bit,
    /// No promise of kylo's: the proof itself failed.
    Harness,
}

impl fmt::Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Promise::Lost => "lost",
            Promise::Twice => "twice",
            Promise::Order => "order",
            Promise::Commits => "commits",
            Promise::Repeats => "repeats",
            Promise::Letters => "letters",
            Promise::Neighbours => "neighbours",
            Promise::Progress => "progress",
            Promise::Rest => "rest",
            Promise::Growth => "growth",
            Promise::Ends => "ends",
            Promise::Told => "told",
            Promise::Bit => "bit",
            Promise::Harness => "harness",
        })
    }
}

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub promise: Promise,
    pub how: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.promise, self.how)
    }
}

/// What a scenario found out.
#[derive(Debug, Default)]
pub struct Report {
    /// How often the fault was done.
    pub times: usize,
    /// The proof that it bit, for the table.
    pub bit: String,
    /// Acknowledged transactions without an effect.
    pub lost: usize,
    /// Effects beyond the first.
    pub twice: usize,
    /// Handler runs committed again.
    pub repeated: usize,
    /// The most that may be: every batch counts once for each excuse it has.
    pub bound: usize,
    /// Seconds from each fault until what was sent around it was stored.
    pub recovery: Vec<f64>,
    /// What a worker held at the start and at rest after it all, the most of any.
    pub held: (Footprint, Footprint),
    /// Every broken promise.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Notes a broken promise unless `held`.
    pub fn check(&mut self, promise: Promise, held: bool, otherwise: impl FnOnce() -> String) {
        if !held {
            self.broke(promise, otherwise());
        }
    }
    /// Notes a broken promise.
    pub fn broke(&mut self, promise: Promise, how: String) {
        self.problems.push(Problem { promise, how });
    }
    /// Ends the scenario here with what was found so far. No panic, which would be the harness's own failure.
    pub fn give_up(&mut self) -> ! {
        std::panic::resume_unwind(Box::new(std::mem::take(self)))
    }
}

/// Ways in which one promise was broken that are printed.
const TOLD: usize = 6;

/// A row of the table.
pub struct Line {
    name: &'static str,
    fault: &'static str,
    took: Duration,
    report: Report,
}

impl Line {
    pub fn new(scenario: &Scenario, report: Report, took: Duration) -> Line {
        Line { name: scenario.name, fault: scenario.fault, took, report }
    }
    pub fn held(&self) -> bool {
        self.report.problems.is_empty()
    }
    /// The broken promises, the first few of each.
    fn told(&self) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        for promise in self.words() {
            let of: Vec<_> =
                self.report.problems.iter().filter(|problem| problem.promise == promise).collect();
            told.extend(of.iter().take(TOLD).map(|problem| problem.to_string()));
            if of.len() > TOLD {
                told.push(format!("{promise}: and {} more", of.len() - TOLD));
            }
        }
        told
    }
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.told().into_iter().map(|problem| format!("{}: {problem}", self.name))
    }
    /// Which promises were broken, each once.
    fn words(&self) -> BTreeSet<Promise> {
        self.report.problems.iter().map(|problem| problem.promise).collect()
    }
    /// The line for whoever wants to know which promises were broken; nothing when all held.
    pub fn verdict(&self) -> Option<String> {
        let words: Vec<String> = self.words().iter().map(Promise::to_string).collect();
        (!words.is_empty()).then(|| format!("chaos: {} broke {}", self.name, words.join(" ")))
    }
    /// The line shown as soon as the scenario is over.
    pub fn progress(&self) -> String {
        let verdict =
            if self.held() { "held".to_owned() } else { format!("BROKEN: {}", self.told().join("; ")) };
        let (base, rest) = &self.report.held;
        format!(
            "chaos: {:<13} {:>4} s  {:>3.0} -> {:>3.0} MiB, {:>2} -> {:>2} connections, {:>2} -> {:>2} other descriptors  {verdict}",
            self.name,
            self.took.as_secs(),
            base.mib,
            rest.mib,
            base.sockets,
            rest.sockets,
            base.descriptors - base.sockets,
            rest.descriptors - rest.sockets,
        )
    }
}

const HEADER: [&str; 9] =
    ["FAULT", "WHAT", "TIMES", "IT BIT", "LOST", "TWICE", "REPEATED", "RECOVERY P99", "HELD"];

/// All rows, aligned.
pub fn table(lines: &[Line]) -> String {
    let mut rows: Vec<Vec<String>> = vec![HEADER.iter().map(|&name| name.to_owned()).collect()];
    for line in lines {
        let report = &line.report;
        rows.push(vec![
            line.name.to_owned(),
            line.fault.to_owned(),
            report.times.to_string(),
            report.bit.clone(),
            report.lost.to_string(),
            report.twice.to_string(),
            format!("{} of {}", report.repeated, report.bound),
            percentile(&report.recovery, 0.99).map_or("-".into(), |seconds| format!("{seconds:.1} s")),
            if line.held() { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    let widths: Vec<usize> = (0..HEADER.len())
        .map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The smallest value that at least `share` of `values` do not exceed.
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied()
}
