//! A document as a JSON value, for readers of other configurations than ours.

use serde_json::{Map, Number, Value as Json};

use super::{Node, Scalar, Value, parse};

/// Reads one document of YAML 1.2 or JSON, within the bounds of policies.
///
/// # Errors
/// `line:column: what is wrong`.
pub fn to_json(text: &str) -> Result<Json, String> {
    let document = parse(text);
    if let Some(error) = document.errors.first() {
        return Err(format!(
            "{}:{}: {}",
            error.at.line, error.at.column, error.message
        ));
    }
    Ok(document.root.as_ref().map_or(Json::Null, value))
}

fn value(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(text) => scalar(text),
        Value::Sequence(items) => items.iter().map(value).collect(),
        Value::Mapping(entries) => {
            let entries = entries.iter();
            let members = entries.map(|entry| (entry.key.to_string(), value(&entry.value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}

fn scalar(scalar: &Scalar) -> Json {
    if scalar.is_null() {
        return Json::Null;
    }
    let number = || {
        let integer = scalar.as_integer().map(Number::from);
        integer.or_else(|| Number::from_f64(scalar.as_float()?))
    };
    scalar
        .as_bool()
        .map(Json::Bool)
        .or_else(|| number().map(Json::Number))
        .unwrap_or_else(|| Json::String(scalar.text.to_string()))
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_their_types_and_anchors_are_followed() {
        let text = "a: &x {n: 1, f: 0.5, t: yes, b: true, s: '1'}\nlist: [*x, ~]\n<<: *x\n";
        let x = json!({"n": 1, "f": 0.5, "t": "yes", "b": true, "s": "1"});
        let mut expected = json!({"a": x, "list": [x, null]});
        for (name, value) in x.as_object().unwrap() {
            expected[name] = value.clone();
        }
        assert_eq!(to_json(text), Ok(expected));
        assert_eq!(to_json(""), Ok(Json::Null));
        let error = to_json("a: 1\na: 2\n").unwrap_err();
        assert!(error.starts_with("2:1: "), "{error}");
    }
}
