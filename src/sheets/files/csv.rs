//! Tabs as CSV text, and names as file names.

use crate::model::posting::Cell;
use std::fmt::Write as _;

/// Characters that make a spreadsheet program take a text for a formula, and the guard itself, so that taking
/// the guard away gives the text back.
const GUARDED: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// Rows as CSV lines, each ended by a newline.
pub(super) fn encode(rows: &[Vec<Cell>]) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(text))?;
    }
    writer.into_inner().map_err(|error| ::csv::Error::from(std::io::Error::other(error.to_string())))
}

/// A header as a CSV line.
pub(super) fn encode_header(header: &[&str]) -> Result<Vec<u8>, ::csv::Error> {
    encode(&[header.iter().map(|name| Cell::Text((*name).to_owned())).collect()])
}

/// Rows of CSV text, the header first; a person's editor may have added a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Vec<String>>, ::csv::Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    reader.records().map(|record| Ok(record?.iter().map(unguard).collect())).collect()
}

fn text(cell: &Cell) -> String {
    let shown = cell.shown();
    match cell {
        Cell::Text(text) if text.starts_with(GUARDED) => format!("'{shown}"),
        _ => shown,
    }
}

fn unguard(field: &str) -> String {
    match field.strip_prefix('\'') {
        Some(text) if text.starts_with(GUARDED) => text.to_owned(),
        _ => field.to_owned(),
    }
}

/// A name as a file name: percent-encoded but for ASCII letters, digits, `-`, `_` and inner dots. Never empty,
/// never `.` or `..`, never a path.
pub(super) fn file_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            b'.' if index > 0 => out.push('.'),
            // Writing to a String cannot fail.
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    if out.is_empty() { "%".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_cannot_leave_the_folder() {
        let table = [
            ("710 Pending", "710%20Pending"),
            ("..", "%2E."),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("", "%"),
            ("%", "%25"),
            ("a.b", "a.b"),
            ("é", "%C3%A9"),
        ];
        for (name, want) in table {
            assert_eq!(file_name(name), want);
        }
    }

    #[test]
    fn text_is_never_a_formula_and_amounts_stay_numbers() {
        let row = vec![Cell::Text("=1+1".to_owned()), Cell::Cents(-1234), Cell::Check(false)];
        assert_eq!(encode(&[row]).unwrap(), b"'=1+1,-12.34,FALSE\n");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_header() {
        assert_eq!(decode(b"\xef\xbb\xbfDate,Source\r\n").unwrap(), [["Date", "Source"]]);
    }

    proptest! {
        #[test]
        fn text_reads_back(rows in proptest::collection::vec(
            proptest::collection::vec("[=+'@\\-]?(?s:.){0,8}", 2..4), 1..5)
        ) {
            // A byte order mark at the very start is taken for one.
            prop_assume!(!rows[0][0].starts_with('\u{feff}'));
            let cells: Vec<Vec<Cell>> =
                rows.iter().map(|row| row.iter().cloned().map(Cell::Text).collect()).collect();
            prop_assert_eq!(decode(&encode(&cells).unwrap()).unwrap(), rows);
        }

        #[test]
        fn names_stay_apart(a in any::<String>(), b in any::<String>()) {
            prop_assert_eq!(a == b, file_name(&a) == file_name(&b));
        }
    }
}
