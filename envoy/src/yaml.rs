//! JSON as YAML that people like to read, and that every YAML reader takes for the same data.

use serde_json::Value;

/// `value` in block style, with a final newline.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Writes `value` so that it starts at the current place of the current line, and what follows is indented by `indent`.
fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (position, (key, value)) in entries.iter().enumerate() {
                if position > 0 {
                    pad(indent, out);
                }
                out.push_str(&scalar(key));
                out.push(':');
                below(value, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    pad(indent, out);
                }
                out.push_str("- ");
                block_or_scalar(item, indent + 2, out);
            }
        }
        _ => block_or_scalar(value, indent, out),
    }
}

/// The value of a key whose line is at `indent`.
fn below(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            out.push('\n');
            pad(indent + 2, out);
            block(value, indent + 2, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            pad(indent, out);
            block(value, indent, out);
        }
        Value::String(text) if is_literal(text) => literal(text, indent + 2, out),
        _ => {
            out.push(' ');
            block_or_scalar(value, indent, out);
        }
    }
}

fn block_or_scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(entries) if entries.is_empty() => out.push_str("{}\n"),
        Value::Array(items) if items.is_empty() => out.push_str("[]\n"),
        Value::Object(_) | Value::Array(_) => block(value, indent, out),
        Value::String(text) => line(&scalar(text), out),
        Value::Null | Value::Bool(_) | Value::Number(_) => line(&value.to_string(), out),
    }
}

fn line(text: &str, out: &mut String) {
    out.push_str(text);
    out.push('\n');
}

fn pad(width: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', width));
}

/// Whether `text` survives as a literal block: several lines, no odd characters, no indentation to be guessed wrong.
fn is_literal(text: &str) -> bool {
    let printable = |c: char| {
        c == '\n'
            || !c.is_control()
                && c != '\u{feff}'
                && c != '\u{2028}'
                && c != '\u{2029}'
                && c != '\u{85}'
    };
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && text.chars().all(printable)
        && text.trim_end_matches('\n').len() + 1 >= text.len()
}

fn literal(text: &str, indent: usize, out: &mut String) {
    out.push_str(if text.ends_with('\n') {
        " |\n"
    } else {
        " |-\n"
    });
    for row in text.lines() {
        if !row.is_empty() {
            pad(indent, out);
            out.push_str(row);
        }
        out.push('\n');
    }
}

/// Plain where no YAML reader could take it for something else, otherwise in JSON's quotes.
fn scalar(text: &str) -> String {
    let starts_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let all_plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    // What some YAML reader takes for a boolean or null. Envoy's does with yes, no, on, off, y and n.
    let word = [
        "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf",
    ];
    if starts_plain && all_plain && !word.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_like_a_hand_written_file() {
        let value = json!({
            "name": "kt/openai/5000ms",
            "@type": "type.googleapis.com/x.Y",
            "empty": {}, "none": [], "nothing": null,
            "ports": [80, 443],
            "nested": { "list": [{ "a": 1, "b": { "c": "0.5s" } }, [1, 2]] },
            "policy": "a: 1\n\n  b: 2\n",
            "cut": "a\nb",
            "odd": "  a\nb",
        });
        let expected = r#"name: kt/openai/5000ms
"@type": type.googleapis.com/x.Y
empty: {}
none: []
nothing: null
ports:
- 80
- 443
nested:
  list:
  - a: 1
    b:
      c: "0.5s"
  - - 1
    - 2
policy: |
  a: 1

    b: 2
cut: |-
  a
  b
odd: "  a\nb"
"#;
        assert_eq!(to_yaml(&value), expected);
    }

    #[test]
    fn quotes_what_could_be_read_as_something_else() {
        for text in [
            "yes",
            "NO",
            "y",
            "null",
            "1",
            "0x1f",
            "1e3",
            "",
            "-",
            "- a",
            "a: b",
            "a #b",
            "*",
            "&x",
            "12:30",
            "~",
            "a\tb",
            "2026-01-01",
        ] {
            assert_eq!(scalar(text), Value::from(text).to_string());
        }
        for text in [
            "kt/a.b/5ms",
            "envoy.x.v3",
            "Authorization",
            "x-api-key",
            "/usr/bin",
            "yesterday",
        ] {
            assert_eq!(scalar(text), text);
        }
    }
}
