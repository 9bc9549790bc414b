//! YAML, written from JSON values: block style, texts quoted wherever a reader could take them for something else.

use serde_json::Value;

/// `value` as a YAML document.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    node(value, 0, &mut text);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Writes a value after its key or dash: a scalar on the same line, a collection on the lines below.
fn node(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, inner) in map {
                indent(depth, text);
                text.push_str(&scalar(name));
                text.push(':');
                below(inner, depth, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for inner in items {
                indent(depth, text);
                text.push('-');
                below(inner, depth, text);
            }
        }
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        Value::String(value) => text.push_str(&scalar(value)),
        other => text.push_str(&other.to_string()),
    }
}

fn below(value: &Value, depth: usize, text: &mut String) {
    let collection = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    text.push(if collection { '\n' } else { ' ' });
    node(value, depth + 1, text);
    if !collection {
        text.push('\n');
    }
}

fn indent(depth: usize, text: &mut String) {
    text.push_str(&"  ".repeat(depth));
}

/// A JSON string is a YAML string, so quoting is always right; plain words stay plain.
fn scalar(value: &str) -> String {
    let plain = value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !matches!(
            value.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
        );
    if plain { value.to_owned() } else { Value::String(value.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let value = serde_json::json!({
            "items": [{"name": "txns", "partitions": 16, "configs": {"retention.ms": "604800000"}}, {"name": "no"}],
            "empty": [], "none": {}, "absent": null, "text": "a: b\n",
        });
        let expected = "absent: null\nempty: []\nitems:\n  -\n    configs:\n      retention.ms: \"604800000\"\n    name: txns\n    partitions: 16\n  -\n    name: \"no\"\nnone: {}\ntext: \"a: b\\n\"\n";
        assert_eq!(document(&value), expected);
    }
}
