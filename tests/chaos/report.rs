//! What a scenario found out, and the table of them all.

use crate::scenarios::Scenario;
use crate::worker::Footprint;
use std::time::Duration;

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
    /// The most that may be.
    pub bound: usize,
    /// Seconds from each fault until what was sent around it was stored.
    pub recovery: Vec<f64>,
    /// What a worker held at the start and at rest after it all, the most of any.
    pub held: (Footprint, Footprint),
    /// Every broken promise, in words.
    pub problems: Vec<String>,
}

impl Report {
    /// Notes a broken promise unless `held`.
    pub fn check(&mut self, held: bool, otherwise: impl FnOnce() -> String) {
        if !held {
            self.problems.push(otherwise());
        }
    }
}

/// Broken promises of one scenario that are printed.
const TOLD: usize = 12;

/// A row of the table.
pub struct Line {
    name: &'static str,
    fault: &'static str,
    took: Duration,
    report: Report,
}

impl Line {
    pub fn new(scenario: &Scenario, mut report: Report, took: Duration) -> Line {
        let more = report.problems.len().saturating_sub(TOLD);
        report.problems.truncate(TOLD);
        if more > 0 {
            report.problems.push(format!("and {more} more"));
        }
        Line { name: scenario.name, fault: scenario.fault, took, report }
    }
    pub fn broken(scenario: &Scenario, why: &str, took: Duration) -> Line {
        let report = Report { problems: vec![why.to_owned()], bit: "-".into(), ..Report::default() };
        Line::new(scenario, report, took)
    }
    pub fn held(&self) -> bool {
        self.report.problems.is_empty()
    }
    pub fn problems(&self) -> impl Iterator<Item = String> + '_ {
        self.report.problems.iter().map(|problem| format!("{}: {problem}", self.name))
    }
    /// The line shown as soon as the scenario is over.
    pub fn progress(&self) -> String {
        let verdict = if self.held() {
            "held".to_owned()
        } else {
            format!("BROKEN: {}", self.report.problems.join("; "))
        };
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
