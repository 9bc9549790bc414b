//! JSON text as Python's `json.dumps` writes it by default: everything outside printable ASCII escaped.
//!
//! Signatures of the contract are hashes of such text, so every byte counts.

/// Appends `text` as a JSON string, quotes included.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(char),
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_as_python() {
        let mut out = String::new();
        push_string(&mut out, "caffè \u{1F600}\"\\\n\u{7f}\u{1}");
        assert_eq!(out, r#""caff\u00e8 \ud83d\ude00\"\\\n\u007f\u0001""#);
    }
}
