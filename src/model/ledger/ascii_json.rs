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
    use proptest::prelude::*;

    #[test]
    fn json_is_escaped_as_python_does() {
        // Each right side is what json.dumps(text) prints.
        let table = [
            ("plain ~ text/", r#""plain ~ text/""#),
            ("q\"b\\", r#""q\"b\\""#),
            ("\n\r\t\u{8}\u{c}\u{1}\u{7f}", r#""\n\r\t\b\f\u0001\u007f""#),
            ("café", r#""caf\u00e9""#),
            ("日本", r#""\u65e5\u672c""#),
            ("😀", r#""\ud83d\ude00""#),
        ];
        for (text, want) in table {
            let mut out = String::new();
            push_string(&mut out, text);
            assert_eq!(out, want);
        }
    }

    proptest! {
        #[test]
        fn escaped_json_reads_back(text in any::<String>()) {
            let mut out = String::new();
            push_string(&mut out, &text);
            prop_assert!(out.is_ascii());
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
