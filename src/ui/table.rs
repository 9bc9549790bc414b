//! Items as a table, JSON, JSON lines, YAML or CSV.

use super::UiOptions;
use crate::error::{Error, Result};
use serde::Serialize;

/// Shape of data on stdout (`--output`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// Aligned columns.
    #[default]
    Table,
    /// Aligned columns, all of them.
    Wide,
    /// One document.
    Json,
    /// One object a line.
    Jsonl,
    /// One document.
    Yaml,
    /// Comma-separated, with a heading line.
    Csv,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// UPPER-CASE, without spaces.
    pub heading: &'static str,
    /// Numbers are aligned to the right.
    pub right: bool,
    /// Shown with `--output wide` only.
    pub wide: bool,
}

impl Column {
    /// Text, aligned left.
    pub const fn text(heading: &'static str) -> Self {
        Column { heading, right: false, wide: false }
    }
    /// A number, aligned right.
    pub const fn number(heading: &'static str) -> Self {
        Column { heading, right: true, wide: false }
    }
    /// Shown with `--output wide` only.
    #[must_use]
    pub const fn only_wide(mut self) -> Self {
        self.wide = true;
        self
    }
}

/// An item that can stand in a table. The JSON form is its `Serialize`.
pub trait Row: Serialize {
    /// The columns, the same for all items.
    const COLUMNS: &'static [Column];
    /// One cell a column; an absent value is `-`.
    fn cells(&self) -> Vec<String>;
}

pub(super) fn render<T: Row>(kind: &str, items: &[T], options: &UiOptions) -> Result<String> {
    match options.format {
        OutputFormat::Json => {
            let document = serde_json::json!({"kind": format!("kylo.{kind}"), "version": 1, "items": items});
            Ok(format!("{document}\n"))
        }
        _ => table(items, options).map_err(|error| Error::failed("writing a table").source(&error)),
    }
}

fn table<T: Row>(items: &[T], options: &UiOptions) -> std::result::Result<String, std::fmt::Error> {
    use std::fmt::Write;
    let mut text = String::new();
    if !options.no_headers {
        let headings: Vec<&str> = T::COLUMNS.iter().map(|column| column.heading).collect();
        writeln!(text, "{}", headings.join("  "))?;
    }
    for item in items {
        writeln!(text, "{}", item.cells().join("  "))?;
    }
    Ok(text)
}
