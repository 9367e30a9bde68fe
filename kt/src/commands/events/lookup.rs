//! Fields of an event by the names that filters and columns use.

use serde_json::Value;

/// The value at `path`, as `tokens.total`. Of lists: the member of every element.
pub(crate) fn lookup(event: &Value, path: &str) -> Value {
    let Some((first, rest)) = path.split_once('.') else {
        return match event {
            Value::Array(items) => items.iter().map(|item| lookup(item, path)).collect(),
            _ => event.get(path).cloned().unwrap_or(Value::Null),
        };
    };
    match event {
        Value::Array(items) => items.iter().map(|item| lookup(item, path)).collect(),
        _ => event
            .get(first)
            .map_or(Value::Null, |found| lookup(found, rest)),
    }
}

/// A value in one cell: texts as they are, nothing for null, elements of lists with `; ` between them.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join("; "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_of_objects_and_of_the_elements_of_lists() {
        let event = json!({
            "model": "m", "tokens": { "total": 3 }, "tag": null,
            "attempts": [{ "provider": "a", "reason": "upstream_5xx" }, { "provider": "b", "reason": null }],
        });
        for (path, expected) in [
            ("model", "m"),
            ("tokens.total", "3"),
            ("tag", ""),
            ("tag.x", ""),
            ("none", ""),
            ("attempts.provider", "a; b"),
            ("attempts.reason", "upstream_5xx; "),
            ("tokens", r#"{"total":3}"#),
        ] {
            assert_eq!(cell(&lookup(&event, path)), expected, "{path}");
        }
    }
}
