//! Items as a table, JSON, JSON lines, YAML or CSV.

use super::{UiOptions, yaml};
use crate::error::{Error, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

/// Shape of data on stdout (`--output`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
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
    /// One cell a column; what is absent is empty ([`cell`]), and a table shows it as `-`.
    fn cells(&self) -> Vec<String>;
}

/// The cell of a value that may be absent.
pub fn cell<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(String::new, T::to_string)
}

/// The document of a list.
#[derive(Serialize)]
struct Document<'a, T> {
    kind: String,
    version: u32,
    items: &'a [T],
}

/// Items in a format that can hold lists; `None` for one that has columns.
pub(super) fn nested<T: Serialize>(kind: &str, items: &[T], format: OutputFormat) -> Result<Option<String>> {
    let document = || Document { kind: format!("kylo.{kind}"), version: 1, items };
    let failed = |error: serde_json::Error| Error::failed(format!("writing {kind}")).source(&error);
    let text = match format {
        OutputFormat::Json => serde_json::to_string(&document()).map_err(failed)? + "\n",
        OutputFormat::Yaml => yaml::document(&serde_json::to_value(document()).map_err(failed)?),
        OutputFormat::Jsonl => {
            let mut text = String::new();
            for item in items {
                text.push_str(&serde_json::to_string(item).map_err(failed)?);
                text.push('\n');
            }
            text
        }
        OutputFormat::Csv | OutputFormat::Table | OutputFormat::Wide => return Ok(None),
    };
    Ok(Some(text))
}

pub(super) fn render<T: Row>(kind: &str, items: &[T], options: &UiOptions) -> Result<String> {
    if let Some(text) = nested(kind, items, options.format)? {
        return Ok(text);
    }
    match options.format {
        OutputFormat::Csv => {
            csv(items, options).map_err(|error| Error::failed(format!("writing {kind}")).cause(error))
        }
        _ => Ok(table(items, options)),
    }
}

fn table<T: Row>(items: &[T], options: &UiOptions) -> String {
    if items.is_empty() {
        return String::new();
    }
    let wide = options.format == OutputFormat::Wide;
    let shown: Vec<usize> = (0..T::COLUMNS.len()).filter(|at| wide || !T::COLUMNS[*at].wide).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !options.no_headers {
        table.set_header(shown.iter().map(|at| T::COLUMNS[*at].heading));
    }
    for item in items {
        let cells = item.cells();
        table.add_row(shown.iter().map(|at| tidy(cells.get(*at).map_or("", String::as_str))));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if T::COLUMNS[shown[at]].right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for (at, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let heading = at == 0 && !options.no_headers;
        match heading && options.color_data {
            true => text.push_str(&format!("\x1b[1m{line}\x1b[0m\n")),
            false => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// A cell fit for a line: absent is `-`, and control characters, which could move a terminal's cursor, are escaped.
pub(super) fn tidy(cell: &str) -> String {
    if cell.is_empty() {
        return "-".to_owned();
    }
    let mut text = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter.is_control() {
            true => text.extend(letter.escape_default()),
            false => text.push(letter),
        }
    }
    text
}

fn csv<T: Row>(items: &[T], options: &UiOptions) -> std::result::Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if !options.no_headers {
        writer
            .write_record(T::COLUMNS.iter().map(|column| column.heading))
            .map_err(|error| error.to_string())?;
    }
    for item in items {
        writer.write_record(item.cells()).map_err(|error| error.to_string())?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Topic {
        name: &'static str,
        partitions: u32,
        note: Option<&'static str>,
    }

    impl Row for Topic {
        const COLUMNS: &'static [Column] =
            &[Column::text("NAME"), Column::number("PARTITIONS"), Column::text("NOTE").only_wide()];
        fn cells(&self) -> Vec<String> {
            vec![self.name.to_owned(), self.partitions.to_string(), self.note.unwrap_or_default().to_owned()]
        }
    }

    const TOPICS: [Topic; 2] = [
        Topic { name: "txns", partitions: 16, note: Some("a,b") },
        Topic { name: "rules.promote\u{1b}[2J", partitions: 8, note: None },
    ];

    fn rendered(format: OutputFormat, no_headers: bool) -> String {
        render("topics.list", &TOPICS, &UiOptions { format, no_headers, ..UiOptions::default() }).unwrap()
    }

    #[test]
    fn every_format() {
        let table = [
            (
                OutputFormat::Table,
                "NAME                    PARTITIONS\ntxns                            16\nrules.promote\\u{1b}[2J           8\n",
            ),
            (
                OutputFormat::Json,
                "{\"kind\":\"kylo.topics.list\",\"version\":1,\"items\":[{\"name\":\"txns\",\"partitions\":16,\"note\":\"a,b\"},{\"name\":\"rules.promote\\u001b[2J\",\"partitions\":8,\"note\":null}]}\n",
            ),
            (
                OutputFormat::Jsonl,
                "{\"name\":\"txns\",\"partitions\":16,\"note\":\"a,b\"}\n{\"name\":\"rules.promote\\u001b[2J\",\"partitions\":8,\"note\":null}\n",
            ),
            (OutputFormat::Csv, "NAME,PARTITIONS,NOTE\ntxns,16,\"a,b\"\nrules.promote\u{1b}[2J,8,\n"),
        ];
        for (format, expected) in table {
            assert_eq!(rendered(format, false), expected, "{format:?}");
        }
        assert!(rendered(OutputFormat::Wide, false).lines().nth(2).unwrap().ends_with(" -"));
        assert!(rendered(OutputFormat::Yaml, false).starts_with("items:\n  -\n    name: txns\n"));
    }

    #[test]
    fn no_headings_and_no_items() {
        assert!(rendered(OutputFormat::Table, true).starts_with("txns"));
        let none: &[Topic] = &[];
        let render =
            |format| render("topics.list", none, &UiOptions { format, ..UiOptions::default() }).unwrap();
        assert_eq!(render(OutputFormat::Table), "");
        assert_eq!(
            render(OutputFormat::Json),
            "{\"kind\":\"kylo.topics.list\",\"version\":1,\"items\":[]}\n"
        );
        assert_eq!(render(OutputFormat::Csv), "NAME,PARTITIONS,NOTE\n");
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_cut_and_every_item_is_one_line(name in "[ -~]{1,200}") {
            let shown = tidy(&name);
            proptest::prop_assert_eq!(shown.lines().count(), 1);
            proptest::prop_assert!(shown.contains(&name));
        }
    }
}
