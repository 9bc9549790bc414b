//! A table of checks: what was expected, what was seen, and whether that is right.

use super::table::{Column, OutputFormat, Row, tidy};
use super::{Ui, table};
use crate::error::Result;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Columns of a command in a story, so that what came of it stands in one line below the other.
const COMMAND_WIDTH: usize = 60;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is checked.
    pub what: String,
    /// What had to be seen.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// Whether that is right.
    pub ok: bool,
}

impl Check {
    /// A check that is right when `seen` reads the same as `expected`.
    pub fn equal(what: impl Into<String>, expected: impl ToString, seen: impl ToString) -> Self {
        let (expected, seen) = (expected.to_string(), seen.to_string());
        Check { what: what.into(), ok: expected == seen, expected, seen }
    }
    fn word(&self) -> &'static str {
        if self.ok { "ok" } else { "FAILED" }
    }
}

impl Row for Check {
    const COLUMNS: &'static [Column] =
        &[Column::text("CHECK"), Column::text("EXPECTED"), Column::text("SEEN"), Column::text("OK")];
    fn cells(&self) -> Vec<String> {
        vec![self.what.clone(), self.expected.clone(), self.seen.clone(), self.word().to_owned()]
    }
}

impl Ui {
    /// Prints checks: framed and coloured on a terminal, like any list elsewhere. Meaning is never by colour alone.
    pub fn checks(&self, kind: &'static str, checks: &[Check]) -> Result<()> {
        let options = self.options();
        if options.format != OutputFormat::Table || !options.terminal_data || checks.is_empty() {
            return self.data(table::render(kind, checks, options)?.as_bytes());
        }
        let rows: Vec<Vec<String>> = checks.iter().map(Row::cells).collect();
        let headings: Vec<&str> = Check::COLUMNS.iter().map(|column| column.heading).collect();
        let mut lines = framed(&headings, &rows, options.width);
        if options.color_data {
            for line in &mut lines {
                // A check may take several lines; its word ends the first.
                let end = line.trim_end_matches(['│', ' ']).len();
                for (word, color) in [("ok", 32), ("FAILED", 31)] {
                    if line[..end].ends_with(&format!(" {word}")) {
                        line.replace_range(end - word.len()..end, &format!("\x1b[1;{color}m{word}\x1b[0m"));
                    }
                }
            }
        }
        self.data((lines.join("\n") + "\n").as_bytes())
    }

    /// One step of a story that is told while it happens, on stderr: what one would type, and what came of it.
    /// In two lines where one would not fit. Hidden by `-q`.
    pub fn step(&self, command: &str, outcome: &str) {
        if self.options().quiet {
            return;
        }
        let typed = self.paint(&format!("$ {command}"), "1");
        let one_line = 2 + COMMAND_WIDTH + 2 + outcome.chars().count();
        if command.chars().count() > COMMAND_WIDTH
            || self.options().width.is_some_and(|width| width < one_line)
        {
            self.talk(&format!("{typed}\n    {outcome}"));
            return;
        }
        let gap = " ".repeat(COMMAND_WIDTH - command.chars().count());
        self.talk(&format!("{typed}{gap}  {outcome}"));
    }

    /// Prints rows under headings, framed on a terminal, aligned elsewhere; for a tab as it would look in a sheet.
    pub fn frame(&self, headings: &[&str], rows: &[Vec<String>]) -> Result<()> {
        let mut table = Table::new();
        if self.options().terminal_data {
            return self.data((framed(headings, rows, self.options().width).join("\n") + "\n").as_bytes());
        }
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings);
        table.add_rows(rows.iter().map(|row| row.iter().map(|cell| tidy(cell))));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        self.data((lines.join("\n") + "\n").as_bytes())
    }
}

/// Cells are folded where a terminal of `width` columns could not show the table else.
fn framed(headings: &[&str], rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(headings);
    table.add_rows(rows.iter().map(|row| row.iter().map(|cell| tidy(cell))));
    table.lines().collect()
}

#[cfg(test)]
mod tests {
    use super::super::UiOptions;
    use super::*;
    use std::sync::{Arc, Mutex};

    fn shown(options: UiOptions) -> String {
        let (out, err) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let checks = [Check::equal("rows of 710", 2, 2), Check::equal("rows of 711", 1, 0)];
        Ui::captured(options, out.clone(), err).checks("demo", &checks).unwrap();
        let bytes = out.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn in_a_pipe_it_is_a_plain_table() {
        let expected = "CHECK        EXPECTED  SEEN  OK\nrows of 710  2         2     ok\nrows of 711  1         0     FAILED\n";
        assert_eq!(shown(UiOptions::default()), expected);
    }

    #[test]
    fn a_step_is_one_line_unless_the_terminal_is_narrow() {
        let told = |width: Option<usize>| {
            let (out, err) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
            let options = UiOptions { width, ..UiOptions::default() };
            Ui::captured(options, out, err.clone()).step("kylo db migrate", "8 migrations");
            let bytes = err.lock().unwrap().clone();
            String::from_utf8(bytes).unwrap()
        };
        let wide = format!("$ kylo db migrate{}  8 migrations\n", " ".repeat(COMMAND_WIDTH - 15));
        assert_eq!(told(None), wide);
        assert_eq!(told(Some(76)), wide);
        assert_eq!(told(Some(75)), "$ kylo db migrate\n    8 migrations\n");
    }

    #[test]
    fn on_a_terminal_it_has_a_frame_and_colour() {
        let options = UiOptions { terminal_data: true, color_data: true, ..UiOptions::default() };
        let text = shown(options);
        assert!(text.starts_with('┌'), "{text}");
        assert!(text.contains("\x1b[1;32mok\x1b[0m") && text.contains("\x1b[1;31mFAILED\x1b[0m"), "{text}");
        assert_eq!(text.matches('\x1b').count(), 4, "{text}");
        let narrow = UiOptions { width: Some(36), ..options };
        let folded = shown(narrow);
        assert!(folded.lines().count() > text.lines().count(), "{folded}");
        assert_eq!(folded.matches('\x1b').count(), 4, "{folded}");
    }
}
