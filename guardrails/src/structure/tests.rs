#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

/// Tokens of `text` in a string literal: depth, kind and text.
fn found(text: &str) -> Vec<(usize, TokenKind, String)> {
    let literal = serde_json::to_string(text).unwrap();
    let inside = &literal[1..literal.len() - 1];
    let tokens = tokens(inside, &Layers::all_of(inside));
    assert!(tokens.is_sorted_by(|a, b| a.span.end <= b.span.start));
    tokens
        .into_iter()
        .map(|token| (token.depth, token.kind, inside[token.span].to_owned()))
        .collect()
}

#[test]
fn numbers_and_keys_are_found_in_json_inside_of_json() {
    use TokenKind::{Key, Number};
    let key = |depth, text: &str| (depth, Key, text.to_owned());
    let number = |depth, text: &str| (depth, Number, text.to_owned());
    assert_eq!(
        found("[12, -3.5e1]"),
        [number(1, "12"), number(1, "-3.5e1")]
    );
    assert_eq!(found(r#" {"a":1} "#), [key(1, "a"), number(1, "1")]);
    let inner = json!({"c\n": 2}).to_string();
    let text = json!({"a": 1, "b": inner, "d": [3]}).to_string();
    assert_eq!(
        found(&text),
        [
            key(1, "a"),
            number(1, "1"),
            key(1, "b"),
            key(2, r"c\\\\n"),
            number(2, "2"),
            key(1, "d"),
            number(1, "3"),
        ]
    );
    let deepest = (0..3).fold(json!([7]).to_string(), |text, _| json!([text]).to_string());
    assert_eq!(found(&deepest), [number(4, "7")]);
}

#[test]
fn what_is_no_json_has_none() {
    for text in [
        "12",
        "\"a\"",
        "{",
        "[1,]",
        "see [1]",
        "{\"a\":1} and more",
        "",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
    // Inside of JSON.
    assert_eq!(found(r#"["[1,"]"#), []);
    let deep = (0..9).fold(json!([7]).to_string(), |text, _| json!([text]).to_string());
    assert_eq!(found(&deep), []);
}
