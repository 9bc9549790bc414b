//! The figures of a bench: a table on stdout, JSON in target/bench.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where results and the peers' packages lie.
pub fn target() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_kylo"));
    binary.ancestors().nth(2).unwrap_or(Path::new("target")).join("bench")
}

/// One line of the report.
pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub peer: &'static str,
    /// kylo's value divided by this one.
    pub ratio: f64,
}

/// Prints the figures and writes them to target/bench/NAME.json.
pub fn report(name: &str, figures: &[Figure]) {
    let mut text = format!("{:<40} {:>12}  {:<15} {:>12}\n", "WHAT", "VALUE", "UNIT", "KYLO/THIS");
    let mut items = Vec::new();
    for figure in figures {
        text += &format!(
            "{:<40} {:>12.0}  {:<15} {:>12.2}\n",
            figure.name, figure.value, figure.unit, figure.ratio
        );
        items.push(serde_json::json!({
            "name": figure.name, "value": figure.value, "unit": figure.unit, "peer": figure.peer, "ratio": figure.ratio,
        }));
    }
    let path = target().join(format!("{name}.json"));
    std::fs::create_dir_all(target()).expect("target/bench");
    let json = serde_json::to_string_pretty(&items).expect("figures are JSON");
    std::fs::write(&path, json + "\n").expect("writing the figures");
    let _ = std::io::stdout().write_all(text.as_bytes());
    let _ = writeln!(std::io::stderr(), "bench: figures in {}", path.display());
}
